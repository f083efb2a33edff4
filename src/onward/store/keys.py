"""Statements on keys for HTTP, and on answers that may be asked for again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from onward.model.key import Key
from onward.model.limits import Limits
from onward.store import rows
from onward.store.dialects import Dialect
from onward.store.tables import api_keys

_COLUMNS = "key_id, name, start, role, created_by, created_at, expires_at, used_at, revoked_at, limits"


def _key(row: Any) -> Key:
    limits = Limits.of(orjson.loads(row[9] or "{}"))
    expires, used, revoked = (rows.moment(value) for value in row[6:9])
    return Key(row[0], row[1], row[2], row[3], row[4], rows.at(row[5]), expires, used, revoked, limits)


def insert_key(conn: Connection, dialect: Dialect, key: Key, hashed: str) -> None:
    """Keep a new key's hash."""
    columns = ("key_id", "name", "start", "role", "created_by", "created_at", "expires_at", "hash", "limits")
    expires = dialect.time(key.expires_at) if key.expires_at is not None else None
    limits = orjson.dumps(key.limits.plain).decode() if key.limits else None
    made = dialect.time(key.created_at)
    values = (key.id, key.name, key.start, key.role, key.created_by, made, expires, hashed, limits)
    dialect.insert_many(conn, api_keys, columns, [values])


def find_key(conn: Connection, dialect: Dialect, hashed: str) -> tuple[Key, str] | None:
    """The key of this hash, with the hash as it is kept."""
    found = dialect.query(conn, f"SELECT {_COLUMNS}, hash FROM api_keys WHERE hash = ?", [hashed])
    return (_key(found[0]), found[0][10]) if found else None


def get_key(conn: Connection, dialect: Dialect, key_id: str) -> Key | None:
    """The key of this id."""
    found = dialect.query(conn, f"SELECT {_COLUMNS} FROM api_keys WHERE key_id = ?", [key_id])
    return _key(found[0]) if found else None


def list_keys(conn: Connection, dialect: Dialect) -> list[Key]:
    """All keys, newest first."""
    return [_key(row) for row in dialect.query(conn, f"SELECT {_COLUMNS} FROM api_keys ORDER BY key_id DESC", [])]


def any_key(conn: Connection, dialect: Dialect, now: datetime) -> bool:
    """Whether a key is good now."""
    sql = "SELECT 1 FROM api_keys WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?) LIMIT 1"
    return bool(dialect.query(conn, sql, [dialect.time(now)]))


def touch_key(conn: Connection, dialect: Dialect, key_id: str, now: datetime) -> None:
    """A key was used."""
    dialect.execute(conn, "UPDATE api_keys SET used_at = ? WHERE key_id = ?", [dialect.time(now), key_id])


def revoke_key(conn: Connection, dialect: Dialect, key_id: str, now: datetime) -> bool:
    """A key is good no more; whether there is one that was."""
    sql = "UPDATE api_keys SET revoked_at = ? WHERE key_id = ? AND revoked_at IS NULL"
    return dialect.execute(conn, sql, [dialect.time(now), key_id]) == 1


# ---- answers ----------------------------------------------------------------------------------------------------


def begin_answer(conn: Connection, dialect: Dialect, owner: str, key: str, digest: str, now: datetime) -> bool:
    """Begin to answer; False where somebody has."""
    sql = "INSERT INTO http_answers (owner, key, digest, at) VALUES (?, ?, ?, ?) ON CONFLICT (owner, key) DO NOTHING"
    return dialect.execute(conn, sql, [owner, key, digest, dialect.time(now)]) == 1


def get_answer(conn: Connection, dialect: Dialect, owner: str, key: str) -> tuple[Any, ...] | None:
    """Digest, status, headers, body and time of an answer."""
    sql = "SELECT digest, status, headers, body, at FROM http_answers WHERE owner = ? AND key = ?"
    found = dialect.query(conn, sql, [owner, key])
    return (*found[0][:4], rows.at(found[0][4])) if found else None


def keep_answer(conn: Connection, dialect: Dialect, owner: str, key: str, status: int, headers: str, body: str) -> None:
    """What was answered."""
    sql = "UPDATE http_answers SET status = ?, headers = ?, body = ? WHERE owner = ? AND key = ?"
    dialect.execute(conn, sql, [status, headers, body, owner, key])


def take_answer(conn: Connection, dialect: Dialect, owner: str, key: str, since: datetime) -> str | None:
    """The body of an answer that was begun since then, for whoever is first to take it away."""
    found = get_answer(conn, dialect, owner, key)
    sql = "DELETE FROM http_answers WHERE owner = ? AND key = ?"
    is_first = dialect.execute(conn, sql, [owner, key]) == 1
    return str(found[3]) if found is not None and is_first and found[4] >= since else None


def drop_answer(conn: Connection, dialect: Dialect, owner: str, key: str) -> None:
    """Nothing was answered: it may be tried again."""
    dialect.execute(conn, "DELETE FROM http_answers WHERE owner = ? AND key = ?", [owner, key])


def forget_answers(conn: Connection, dialect: Dialect, before: datetime) -> int:
    """Answers of before this time are not given again."""
    return dialect.execute(conn, "DELETE FROM http_answers WHERE at < ?", [dialect.time(before)])
