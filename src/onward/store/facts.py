"""Statements on facts: single values that the database keeps of itself, each under a key."""

from __future__ import annotations

from sqlalchemy import Connection

from onward.store.dialects import Dialect

META = "onward_meta"
"""The table of facts."""


def set_fact(conn: Connection, dialect: Dialect, key: str, value: str) -> None:
    """Write a fact."""
    sql = f"INSERT INTO {META} (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    dialect.execute(conn, sql, [key, value])


def claim_fact(conn: Connection, dialect: Dialect, key: str, value: str) -> bool:
    """Write a fact that is not there yet; whether it was not, so that of several who try, one does."""
    sql = f"INSERT INTO {META} (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING"
    return dialect.execute(conn, sql, [key, value]) == 1


def drop_fact(conn: Connection, dialect: Dialect, key: str) -> None:
    """Forget a fact."""
    dialect.execute(conn, f"DELETE FROM {META} WHERE key = ?", [key])


def get_fact(conn: Connection, dialect: Dialect, key: str) -> str | None:
    """A fact, or None."""
    found = dialect.query(conn, f"SELECT value FROM {META} WHERE key = ?", [key])
    return found[0][0] if found else None
