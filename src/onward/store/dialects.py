"""All that SQLite and PostgreSQL do differently, each under a sentence that says why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import BigInteger, Boolean, Column, Connection, Float, Integer, Table

from onward.store.tables import UtcTime, time_text

Row = Sequence[Any]


class Dialect(Protocol):
    """What the statements need to know of a database."""

    name: str
    lock: str
    """Appended to a SELECT to keep the rows from others until the transaction ends."""

    def time(self, value: datetime) -> Any:
        """A time as the driver takes it in a statement of our own text."""

    def insert_many(self, conn: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert many rows in one statement."""

    def update_many(
        self, conn: Connection, table: Table, keys: Sequence[str], sets: Sequence[str], rows: Sequence[Row]
    ) -> int:
        """Set columns of many rows, each found by its keys; a row is keys then values. Returns how many changed."""

    def query(self, conn: Connection, sql: str, params: Sequence[Any]) -> list[Any]:
        """Rows of a statement of our own text with ``?`` for its parameters."""

    def execute(self, conn: Connection, sql: str, params: Sequence[Any]) -> int:
        """Run such a statement; the number of rows that it changed."""

    def among(self, column: str, values: Iterable[str]) -> tuple[str, list[Any]]:
        """A condition that the column is one of many texts, and its parameters."""


class SqliteDialect:
    """SQLite: a row at a time costs about a microsecond, so ``executemany`` is the fastest way."""

    name = "sqlite"
    # A writing transaction has the whole file for itself.
    lock = ""

    def time(self, value: datetime) -> Any:
        return time_text(value)

    def insert_many(self, conn: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join("?" * len(columns))
        _cursor(conn).executemany(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', rows)

    def update_many(
        self, conn: Connection, table: Table, keys: Sequence[str], sets: Sequence[str], rows: Sequence[Row]
    ) -> int:
        # ?1, ?2 … are the keys, what follows the values: the same order of values as on PostgreSQL.
        values = ", ".join(f'"{name}" = ?{len(keys) + i}' for i, name in enumerate(sets, 1))
        where = " AND ".join(f'"{name}" = ?{i}' for i, name in enumerate(keys, 1))
        cursor = _cursor(conn)
        cursor.executemany(f'UPDATE "{table.name}" SET {values} WHERE {where}', rows)
        return int(cursor.rowcount)

    def query(self, conn: Connection, sql: str, params: Sequence[Any]) -> list[Any]:
        return list(_cursor(conn).execute(sql, params).fetchall())

    def execute(self, conn: Connection, sql: str, params: Sequence[Any]) -> int:
        return int(_cursor(conn).execute(sql, params).rowcount)

    def among(self, column: str, values: Iterable[str]) -> tuple[str, list[Any]]:
        found = list(values)
        return f"{column} IN ({', '.join('?' * len(found))})", found


class PostgresDialect:
    """PostgreSQL: every statement costs a round trip and a plan, so many rows travel as arrays in one."""

    name = "postgresql"
    lock = " FOR UPDATE"

    def time(self, value: datetime) -> Any:
        return value

    def insert_many(self, conn: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        arrays = ", ".join(f"%s::{_array_type(table.c[name])}[]" for name in columns)
        _cursor(conn).execute(
            f"INSERT INTO {_qualified(table)} ({names}) SELECT * FROM unnest({arrays})", _columns(rows)
        )

    def update_many(
        self, conn: Connection, table: Table, keys: Sequence[str], sets: Sequence[str], rows: Sequence[Row]
    ) -> int:
        names = [*keys, *sets]
        arrays = ", ".join(f"%s::{_array_type(table.c[name])}[]" for name in names)
        values = ", ".join(f'"{name}" = v."{name}"' for name in sets)
        where = " AND ".join(f't."{name}" = v."{name}"' for name in keys)
        listed = ", ".join(f'"{name}"' for name in names)
        cursor = _cursor(conn)
        cursor.execute(
            f"UPDATE {_qualified(table)} AS t SET {values} FROM unnest({arrays}) AS v({listed}) WHERE {where}",
            _columns(rows),
        )
        return int(cursor.rowcount)

    def query(self, conn: Connection, sql: str, params: Sequence[Any]) -> list[Any]:
        return list(_cursor(conn).execute(sql.replace("?", "%s"), params).fetchall())

    def execute(self, conn: Connection, sql: str, params: Sequence[Any]) -> int:
        return int(_cursor(conn).execute(sql.replace("?", "%s"), params).rowcount)

    def among(self, column: str, values: Iterable[str]) -> tuple[str, list[Any]]:
        return f"{column} = ANY(?)", [list(values)]


def _cursor(conn: Connection) -> Any:
    """The driver's own cursor: on the hot path SQLAlchemy's work per statement would be the larger part."""
    return conn.connection.cursor()


def _columns(rows: Sequence[Row]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _qualified(table: Table) -> str:
    return f'"{table.schema}"."{table.name}"' if table.schema else f'"{table.name}"'


def _array_type(column: Column[Any]) -> str:
    kind = column.type
    if isinstance(kind, UtcTime):
        return "timestamptz"
    if isinstance(kind, Boolean):
        return "boolean"
    if isinstance(kind, Float):
        return "double precision"
    if isinstance(kind, BigInteger):
        return "bigint"
    return "integer" if isinstance(kind, Integer) else "text"
