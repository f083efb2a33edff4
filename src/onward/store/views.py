"""Statements on saved views."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from onward.store import rows
from onward.store.dialects import Dialect
from onward.store.tables import views

_NAMES = ("view_id", "name", "page", "query", "owner", "created_at")


def insert_view(conn: Connection, dialect: Dialect, values: tuple[Any, ...]) -> None:
    """Keep a view; ``values`` in the order of its columns."""
    dialect.insert_many(conn, views, _NAMES, [values])


def list_views(conn: Connection, dialect: Dialect, owner: str) -> list[dict[str, Any]]:
    """Somebody's views and everybody's, by name."""
    sql = f"SELECT {', '.join(_NAMES)} FROM saved_views WHERE owner = ? OR owner IS NULL ORDER BY name, view_id"
    found = [dict(zip(_NAMES, row, strict=True)) for row in dialect.query(conn, sql, [owner])]
    return [view | {"created_at": rows.at(view["created_at"])} for view in found]


def delete_view(conn: Connection, dialect: Dialect, view_id: str, owner: str | None) -> bool:
    """Delete a view of somebody's, or (None) of anybody; whether there was one."""
    mine, params = ("", []) if owner is None else (" AND owner = ?", [owner])
    return dialect.execute(conn, f"DELETE FROM saved_views WHERE view_id = ?{mine}", [view_id, *params]) == 1
