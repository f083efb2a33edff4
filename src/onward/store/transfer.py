"""Statements that read and fill whole databases: every table of ours, a new one too, row by row as plain values.

What belongs to a job comes before the jobs themselves, so that whether a job was there before can still be asked
while its belongings are brought in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, Table, inspect

from onward.store import jobs, plain
from onward.store.dialects import Dialect
from onward.store.facts import META, claim_fact
from onward.store.migrate import VERSION_TABLE
from onward.store.tables import metadata

OWN_KEYS = ("oldest_reader", "moved", "moved_from")
"""What the database says of itself, and no other takes over."""
DERIVED = ("job_tallies",)
"""What the database works out of the jobs by itself, and so is neither exported nor brought in."""
_CHUNK = 200
_ALIVE = ("online", "draining")
TAKEN_OVER_FROM = "brought-in"
"""The worker that jobs brought in have, whose own worker is elsewhere: nobody, so they are taken over at once."""

Row = list[object]


def tables() -> list[Table]:
    """All tables but that of facts and derived ones, that of jobs at the end."""
    named = [metadata.tables[name] for name in sorted(metadata.tables) if name not in (META, *DERIVED, "jobs")]
    return [*named, metadata.tables["jobs"]]


def others(conn: Connection) -> tuple[str, ...]:
    """Tables beside ours, by name: of kinds of the catalogue, or of the user's own programs."""
    return tuple(
        sorted(set(inspect(conn).get_table_names()) - {str(name) for name in metadata.tables} - {VERSION_TABLE})
    )


def rising(table: Table) -> str | None:
    """The column of a table that the database numbers by itself, or None."""
    column = table.autoincrement_column
    return str(column.name) if column is not None and table.dialect_options["sqlite"]["autoincrement"] else None


def key_of(table: Table) -> tuple[str, ...]:
    """The columns by which a row is known."""
    return tuple(str(column.name) for column in table.primary_key.columns)


@dataclass(slots=True)
class Digest:
    """How many rows, and a number that any difference changes, in whatever order they come."""

    rows: int = 0
    sum: int = 0

    def add(self, rows: Sequence[Row]) -> None:
        """Count these rows in."""
        self.rows += len(rows)
        for row in rows:
            self.sum += int.from_bytes(hashlib.blake2b(orjson.dumps(row), digest_size=16).digest())
        self.sum &= (1 << 128) - 1


def read_table(conn: Connection, dialect: Dialect, table: Table) -> Iterator[list[Row]]:
    """All rows of a table as plain values, a few at a time, in the order of its key."""
    read = plain.plain_reader(table)
    order = ", ".join(f'"{name}"' for name in key_of(table))
    for found in dialect.stream(conn, f'SELECT {plain.selected(table)} FROM "{table.name}" ORDER BY {order}', _CHUNK):
        yield [read(row) for row in found]


def digest_of(conn: Connection, dialect: Dialect, table: Table) -> Digest:
    """The digest of a table as it is now."""
    digest = Digest()
    for found in read_table(conn, dialect, table):
        digest.add(found)
    return digest


def load(conn: Connection, dialect: Dialect, table: Table, names: Sequence[str], rows: Sequence[Row]) -> None:
    """Put plain rows of these columns into a table."""
    if rows:
        write = plain.plain_writer(table, names, is_sqlite=dialect.name == "sqlite")
        dialect.load_many(conn, table, names, [write(row) for row in rows])


def count(conn: Connection, dialect: Dialect, table: Table) -> int:
    """How many rows a table has."""
    return int(dialect.query(conn, f'SELECT count(*) FROM "{table.name}"', [])[0][0])


def is_filled(conn: Connection, dialect: Dialect, table: Table) -> bool:
    """Whether a table has any rows."""
    return bool(dialect.query(conn, f'SELECT 1 FROM "{table.name}" LIMIT 1', []))


def numbers(conn: Connection, dialect: Dialect) -> dict[str, int]:
    """The highest number that each table with a rising column has given."""
    found = ((table, rising(table)) for table in tables())
    return {str(table.name): dialect.last_number(conn, table, column) for table, column in found if column is not None}


def raise_numbers(conn: Connection, dialect: Dialect, wanted: dict[str, int]) -> None:
    """Have rising columns go on above these numbers."""
    for table in tables():
        column = rising(table)
        if column is not None and wanted.get(table.name):
            dialect.raise_number(conn, table, column, wanted[table.name])


def facts(conn: Connection, dialect: Dialect) -> dict[str, str]:
    """What the table of facts says, without what is of this database only."""
    found = {row[0]: row[1] for row in dialect.query(conn, f"SELECT key, value FROM {META}", [])}
    return {key: value for key, value in found.items() if key not in OWN_KEYS}


def take_facts(conn: Connection, dialect: Dialect, given: dict[str, str]) -> None:
    """Take facts over: the floor of fences is the higher one, others are kept where they are there already."""
    for key, value in given.items():
        if key == jobs.FLOOR:
            jobs.raise_fence_floor(conn, dialect, int(value))
        elif key not in OWN_KEYS:
            claim_fact(conn, dialect, key, value)


def known(conn: Connection, dialect: Dialect, table: str, column: str, values: Sequence[str]) -> set[str]:
    """Those of these values that occur in a column."""
    where, params = dialect.among(column, values)
    return {row[0] for row in dialect.query(conn, f'SELECT "{column}" FROM "{table}" WHERE {where}', params)}


def places_taken(conn: Connection, dialect: Dialect, resources: Sequence[str]) -> dict[tuple[str, int], str]:
    """Who has which place of these resources."""
    where, params = dialect.among("resource", resources)
    sql = f"SELECT resource, slot, job_id FROM job_resources WHERE slot IS NOT NULL AND {where}"
    return {(row[0], int(row[1])): row[2] for row in dialect.query(conn, sql, params)}


def raise_token(conn: Connection, dialect: Dialect, name: str, token: int) -> None:
    """Have a resource that is there already give no token again that it gave elsewhere."""
    dialect.execute(conn, "UPDATE resources SET token = ? WHERE name = ? AND token < ?", [token, name, token])


def lose_workers(conn: Connection, dialect: Dialect) -> int:
    """Nobody of these workers is here: their jobs are to be taken over. How many jobs these are."""
    dialect.execute(conn, "UPDATE workers SET state = 'lost' WHERE state IN ('online', 'draining')", [])
    return int(dialect.query(conn, "SELECT count(*) FROM jobs WHERE worker_id IS NOT NULL", [])[0][0])


def owners(conn: Connection, dialect: Dialect) -> list[str]:
    """The workers that have jobs."""
    sql = "SELECT DISTINCT worker_id FROM jobs WHERE worker_id IS NOT NULL"
    return [row[0] for row in dialect.query(conn, sql, [])]


def take_time(conn: Connection, dialect: Dialect) -> None:
    """This transaction may wait long for what is to come."""
    if dialect.name == "postgresql":
        dialect.execute(conn, "SET LOCAL idle_in_transaction_session_timeout = 0", [])
