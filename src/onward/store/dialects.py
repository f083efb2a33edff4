"""All that SQLite and PostgreSQL do differently, each under a sentence that says why.

It is one file, so that each difference is read beside its twin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Protocol

import orjson
from sqlalchemy import BigInteger, Boolean, Column, Connection, Float, Integer, Table

from onward.store.tables import UtcTime, time_text

Row = Sequence[Any]
OnTold = Callable[[Connection, Sequence[Row]], None]


class Dialect(Protocol):
    """What the statements need to know of a database."""

    name: str
    lock: str
    """Appended to a SELECT to keep the rows from others until the transaction ends."""
    lock_free: str
    """The same, passing over the rows that somebody else keeps."""
    on_told: OnTold | None
    """Called with events in the transaction that writes them: the application's own, the same on any database."""

    def time(self, value: datetime) -> Any:
        """A time as the driver takes it in a statement of our own text."""

    def insert_many(self, conn: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert many rows in one statement."""

    def update_many(
        self, conn: Connection, table: Table, keys: Sequence[str], sets: Sequence[str], rows: Sequence[Row]
    ) -> int:
        """Set columns of many rows, each found by its keys; a row is keys then values. Returns how many changed."""

    def delete_many(self, conn: Connection, table: Table, keys: Sequence[str], rows: Sequence[Row]) -> int:
        """Delete many rows, each found by its keys, which are never empty. Returns how many there were."""

    def query(self, conn: Connection, sql: str, params: Sequence[Any]) -> list[Any]:
        """Rows of a statement of our own text with ``?`` for its parameters."""

    def query_many(self, conn: Connection, columns: str, rest: str, params: Sequence[Any]) -> list[Any]:
        """Many rows of ``SELECT columns rest``, on the hot path; columns are plain names."""

    def execute(self, conn: Connection, sql: str, params: Sequence[Any]) -> int:
        """Run such a statement; the number of rows that it changed."""

    def stream(self, conn: Connection, sql: str, size: int) -> Iterator[list[Any]]:
        """Rows of a statement, so many at a time and no more than that in memory; within a transaction."""

    def load_many(self, conn: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Put whole rows in as fast as may be: for filling tables, away from the hot path."""

    def last_number(self, conn: Connection, table: Table, column: str) -> int:
        """The highest number that a rising column has ever given."""

    def raise_number(self, conn: Connection, table: Table, column: str, number: int) -> None:
        """Have a rising column go on above this number."""

    def seconds_between(self, start: str, end: str) -> str:
        """The seconds from one column's time to another's."""

    def json_text(self, column: str) -> str:
        """A value of a JSON object as text; its place is a parameter, as ``json_key`` gives it."""

    def json_key(self, name: str) -> str:
        """The place of a key in a JSON object."""

    def use_index(self, name: str) -> str:
        """Appended to a table's name where the planner must be told which index to use."""

    def pattern(self, column: str, value: str) -> tuple[str, list[Any]]:
        """A condition for a text in which ``*`` stands for anything; large and small letters differ."""

    def among(self, column: str, values: Iterable[str]) -> tuple[str, list[Any]]:
        """A condition that the column is one of many texts, and its parameters."""


class SqliteDialect:
    """SQLite: a statement takes many rows in one step, with few values to bind.

    The driver gives the interpreter to other threads at every step, which in a busy process costs milliseconds, so
    ``executemany`` with a step a row is out; and it binds None slower than anything else, so what is the same in all
    rows is bound once, and NULL is written out.
    """

    name = "sqlite"
    # A writing transaction has the whole file for itself.
    lock = ""
    lock_free = ""
    on_told: OnTold | None = None

    def __init__(self) -> None:
        self._texts: dict[tuple[Any, ...], str] = {}

    def time(self, value: datetime) -> Any:
        return time_text(value)

    def insert_many(self, conn: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        cursor = _cursor(conn)
        if len(rows) == 1:
            self._insert_one(cursor, table, columns, rows[0])
            return
        for group in _groups(rows):
            parts = _Parts.of(columns, group, always=1)
            size = parts.size
            key = ("insert", table.name, parts.varying, parts.shared, size)
            sql = self._texts.get(key)
            if sql is None:
                names = ", ".join(f'"{name}"' for name in (*parts.varying, *parts.shared))
                taken = [f"column{n}" for n in range(1, len(parts.varying) + 1)] + ["?"] * len(parts.shared)
                # Every table's first column is a key that is never empty: empty ones only fill up.
                sql = self._texts[key] = (
                    f'INSERT INTO "{table.name}" ({names}) SELECT {", ".join(taken)} '
                    f"FROM (VALUES {_values(len(parts.varying), size)}) WHERE column1 <> ''"
                )
            cursor.execute(sql, parts.shared_values + parts.values)

    def _insert_one(self, cursor: Any, table: Table, columns: Sequence[str], row: Row) -> None:
        given = tuple(name for name, value in zip(columns, row, strict=True) if value is not None)
        key = ("one", table.name, given)
        sql = self._texts.get(key)
        if sql is None:
            names = ", ".join(f'"{name}"' for name in given)
            sql = self._texts[key] = f'INSERT INTO "{table.name}" ({names}) VALUES {_values(len(given), 1)}'
        cursor.execute(sql, [value for value in row if value is not None])

    def update_many(
        self, conn: Connection, table: Table, keys: Sequence[str], sets: Sequence[str], rows: Sequence[Row]
    ) -> int:
        cursor, changed = _cursor(conn), 0
        for group in _groups(rows):
            parts = _Parts.of((*keys, *sets), group, always=len(keys))
            size = parts.size
            key = ("update", table.name, len(keys), parts.varying, parts.shared, parts.nulls, size)
            sql = self._texts.get(key)
            if sql is None:
                # The columns of VALUES are called column1, column2 …: first the keys, then what differs.
                values = [f'"{name}" = ?' for name in parts.shared] + [f'"{name}" = NULL' for name in parts.nulls]
                values += [
                    f'"{name}" = v.column{n}' for n, name in enumerate(parts.varying[len(keys) :], len(keys) + 1)
                ]
                where = " AND ".join(f't."{name}" = v.column{n}' for n, name in enumerate(keys, 1))
                sql = self._texts[key] = (
                    f'UPDATE "{table.name}" AS t SET {", ".join(values)} '
                    f"FROM (VALUES {_values(len(parts.varying), size)}) AS v WHERE {where}"
                )
            cursor.execute(sql, parts.shared_values + parts.values)
            changed += cursor.rowcount
        return int(changed)

    def delete_many(self, conn: Connection, table: Table, keys: Sequence[str], rows: Sequence[Row]) -> int:
        cursor, deleted = _cursor(conn), 0
        names = ", ".join(f'"{name}"' for name in keys)
        for group in _groups(rows):
            # As JSON: one text for any number of rows.
            taken = ", ".join(f"json_extract(value, '$[{n}]')" for n in range(len(keys)))
            sql = f'DELETE FROM "{table.name}" WHERE ({names}) IN (SELECT {taken} FROM json_each(?))'
            cursor.execute(sql, [orjson.dumps([list(row) for row in group]).decode()])
            deleted += cursor.rowcount
        return int(deleted)

    def query(self, conn: Connection, sql: str, params: Sequence[Any]) -> list[Any]:
        return list(_cursor(conn).execute(sql, params).fetchall())

    def query_many(self, conn: Connection, columns: str, rest: str, params: Sequence[Any]) -> list[Any]:
        # All rows in one, for the same reason.
        sql = f"SELECT json_group_array(json_array({columns})) FROM (SELECT {columns} {rest})"
        found: list[Any] = orjson.loads(_cursor(conn).execute(sql, params).fetchone()[0])
        return found

    def execute(self, conn: Connection, sql: str, params: Sequence[Any]) -> int:
        return int(_cursor(conn).execute(sql, params).rowcount)

    def stream(self, conn: Connection, sql: str, size: int) -> Iterator[list[Any]]:
        cursor = _cursor(conn).execute(sql)
        while found := cursor.fetchmany(size):
            yield found

    def load_many(self, conn: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        sql = f'INSERT INTO "{table.name}" ({names}) VALUES {_values(len(columns), 1)}'
        _cursor(conn).executemany(sql, rows)

    def last_number(self, conn: Connection, table: Table, column: str) -> int:  # noqa: ARG002 - SQLite has one a table
        found = self.query(conn, "SELECT seq FROM sqlite_sequence WHERE name = ?", [table.name])
        return int(found[0][0]) if found else 0

    def raise_number(self, conn: Connection, table: Table, column: str, number: int) -> None:
        if number > self.last_number(conn, table, column):
            # Rows that were put in have made the entry, but where there were none.
            self.execute(conn, "DELETE FROM sqlite_sequence WHERE name = ?", [table.name])
            self.execute(conn, "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [table.name, number])

    def seconds_between(self, start: str, end: str) -> str:
        return f"((julianday({end}) - julianday({start})) * 86400.0)"

    def json_text(self, column: str) -> str:
        # A truth is a number here, and a word everywhere else.
        value = "CASE type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(atom AS TEXT) END"
        return f"(SELECT {value} FROM json_each({column}) WHERE key = ?)"

    def json_key(self, name: str) -> str:
        return name

    def use_index(self, name: str) -> str:
        return f" INDEXED BY {name}"

    def pattern(self, column: str, value: str) -> tuple[str, list[Any]]:
        return f"{column} GLOB ?", [value.replace("[", "[[]").replace("?", "[?]")]

    def among(self, column: str, values: Iterable[str]) -> tuple[str, list[Any]]:
        # One text for any number of values, so that the driver keeps the statement prepared.
        return f"{column} IN (SELECT value FROM json_each(?))", [orjson.dumps(list(values)).decode()]


_SIZES = (1, 4, 16, 64, 256, 1024)
"""Rows in one statement: few different sizes, so that the driver keeps all of them prepared."""


def _groups(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    most = _SIZES[-1]
    for start in range(0, len(rows), most):
        yield rows[start : start + most]


@dataclass(slots=True)
class _Parts:
    """Rows, taken apart into what differs, what is the same in all of them, and what is NULL in all of them."""

    varying: tuple[str, ...]
    columns: list[list[Any]]
    shared: tuple[str, ...]
    shared_values: list[Any]
    nulls: tuple[str, ...]
    size: int

    @property
    def values(self) -> list[Any]:
        """What differs, row by row, filled up to ``size`` rows with empty texts."""
        flat = list(chain.from_iterable(zip(*self.columns, strict=True)))
        flat += [""] * (self.size * len(self.varying) - len(flat))
        return flat

    @classmethod
    def of(cls, columns: Sequence[str], rows: Sequence[Row], always: int) -> _Parts:
        """``always``: so many first columns count as different; they are keys."""
        varying: list[str] = []
        taken: list[list[Any]] = []
        shared: list[str] = []
        shared_values: list[Any] = []
        nulls: list[str] = []
        for n, column in enumerate(zip(*rows, strict=True)):
            name, first = columns[n], column[0]
            if n < always or column.count(first) != len(column):
                varying.append(name)
                taken.append(list(column))
            elif first is None:
                nulls.append(name)
            else:
                shared.append(name)
                shared_values.append(first)
        size = next((size for size in _SIZES if size >= len(rows)), len(rows))
        return cls(tuple(varying), taken, tuple(shared), shared_values, tuple(nulls), size)


def _values(width: int, count: int) -> str:
    one = f"({', '.join('?' * width)})"
    return ", ".join([one] * count)


class PostgresDialect:
    """PostgreSQL: every statement costs a round trip and a plan, so many rows travel as arrays in one."""

    name = "postgresql"
    lock = " FOR UPDATE"
    lock_free = " FOR UPDATE SKIP LOCKED"
    on_told: OnTold | None = None

    def time(self, value: datetime) -> Any:
        return value

    def __init__(self) -> None:
        self._texts: dict[tuple[Any, ...], str] = {}

    def insert_many(self, conn: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        parts = _Parts.of(columns, rows, always=1)
        key = ("insert", table.name, parts.varying, parts.shared)
        sql = self._texts.get(key)
        if sql is None:
            names = ", ".join(f'"{name}"' for name in (*parts.varying, *parts.shared))
            taken = [f'v."{name}"' for name in parts.varying]
            taken += [f"%s::{_array_type(table.c[name])}" for name in parts.shared]
            sql = self._texts[key] = (
                f'INSERT INTO "{table.name}" ({names}) SELECT {", ".join(taken)} FROM {_unnest(table, parts.varying)}'
            )
        _cursor(conn).execute(sql, [*parts.shared_values, *map(_array, parts.columns)])

    def update_many(
        self, conn: Connection, table: Table, keys: Sequence[str], sets: Sequence[str], rows: Sequence[Row]
    ) -> int:
        parts = _Parts.of((*keys, *sets), rows, always=len(keys))
        key = ("update", table.name, len(keys), parts.varying, parts.shared, parts.nulls)
        sql = self._texts.get(key)
        if sql is None:
            values = [f'"{name}" = %s::{_array_type(table.c[name])}' for name in parts.shared]
            values += [f'"{name}" = NULL' for name in parts.nulls]
            values += [f'"{name}" = v."{name}"' for name in parts.varying[len(keys) :]]
            where = " AND ".join(f't."{name}" = v."{name}"' for name in keys)
            sql = self._texts[key] = (
                f'UPDATE "{table.name}" AS t SET {", ".join(values)} FROM {_unnest(table, parts.varying)} WHERE {where}'
            )
        cursor = _cursor(conn)
        cursor.execute(sql, [*parts.shared_values, *map(_array, parts.columns)])
        return int(cursor.rowcount)

    def delete_many(self, conn: Connection, table: Table, keys: Sequence[str], rows: Sequence[Row]) -> int:
        where = " AND ".join(f't."{name}" = v."{name}"' for name in keys)
        cursor = _cursor(conn)
        columns = [list(column) for column in zip(*rows, strict=True)]
        cursor.execute(
            f'DELETE FROM "{table.name}" AS t USING {_unnest(table, keys)} WHERE {where}', list(map(_array, columns))
        )
        return int(cursor.rowcount)

    def query(self, conn: Connection, sql: str, params: Sequence[Any]) -> list[Any]:
        return list(_cursor(conn).execute(sql.replace("?", "%s"), params).fetchall())

    def query_many(self, conn: Connection, columns: str, rest: str, params: Sequence[Any]) -> list[Any]:
        return self.query(conn, f"SELECT {columns} {rest}", params)

    def execute(self, conn: Connection, sql: str, params: Sequence[Any]) -> int:
        return int(_cursor(conn).execute(sql.replace("?", "%s"), params).rowcount)

    def stream(self, conn: Connection, sql: str, size: int) -> Iterator[list[Any]]:
        # A cursor on the server: the driver's plain one would fetch the whole table first.
        raw: Any = conn.connection.driver_connection
        with raw.cursor("onward_stream") as cursor:
            cursor.execute(sql)
            while found := cursor.fetchmany(size):
                yield list(found)

    def load_many(self, conn: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        with _cursor(conn).copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)

    def last_number(self, conn: Connection, table: Table, column: str) -> int:
        sequence = self.query(conn, "SELECT pg_get_serial_sequence(?, ?)", [table.name, column])[0][0]
        found = self.query(conn, f"SELECT last_value, is_called FROM {sequence}", [])[0]
        return int(found[0]) if found[1] else 0

    def raise_number(self, conn: Connection, table: Table, column: str, number: int) -> None:
        if number > self.last_number(conn, table, column):
            sql = "SELECT setval(pg_get_serial_sequence(?, ?)::regclass, ?)"
            self.query(conn, sql, [table.name, column, number])

    def seconds_between(self, start: str, end: str) -> str:
        return f"extract(epoch FROM ({end} - {start}))"

    def json_text(self, column: str) -> str:
        return f"(({column})::jsonb ->> ?)"

    def json_key(self, name: str) -> str:
        return name

    def use_index(self, name: str) -> str:  # noqa: ARG002 - it keeps statistics, and chooses by them
        return ""

    def pattern(self, column: str, value: str) -> tuple[str, list[Any]]:
        for char in "!%_":
            value = value.replace(char, f"!{char}")
        return f"{column} LIKE ? ESCAPE '!'", [value.replace("*", "%")]

    def among(self, column: str, values: Iterable[str]) -> tuple[str, list[Any]]:
        return f"{column} = ANY(?::text[])", [_array(list(values))]


def _cursor(conn: Connection) -> Any:
    """The driver's own cursor: on the hot path SQLAlchemy's work per statement would be the larger part."""
    return conn.connection.cursor()


def _array(values: Sequence[Any]) -> str:
    """An array as PostgreSQL reads it from text: the driver's own way of sending lists costs ten times as much."""
    texts = [value if type(value) is str else None if value is None else str(value) for value in values]
    joined = "".join(text for text in texts if text is not None)
    if '"' in joined or "\\" in joined:
        texts = [text and text.replace("\\", "\\\\").replace('"', '\\"') for text in texts]
    return "{" + ",".join("NULL" if text is None else f'"{text}"' for text in texts) + "}"


def _unnest(table: Table, names: Sequence[str]) -> str:
    arrays = ", ".join(f"%s::{_array_type(table.c[name])}[]" for name in names)
    listed = ", ".join(f'"{name}"' for name in names)
    return f"unnest({arrays}) AS v({listed})"


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
