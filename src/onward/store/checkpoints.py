"""Statements on what jobs save: checkpoints (the newest and the one before), steps and partial work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from onward.errors import CorruptCheckpoint
from onward.model.codec import decode, digest
from onward.store import rows
from onward.store.dialects import Dialect
from onward.store.tables import partials as partials_table

FORMAT = 1


def save_checkpoint(
    conn: Connection,
    dialect: Dialect,
    job_id: str,
    *,
    number: int,
    state: str,
    type_version: int,
    percent: int | None,
    fence: int,
    now: datetime,
) -> None:
    """Write checkpoint ``number``; the one before it stays."""
    sql = (
        "INSERT INTO checkpoints (job_id, slot, number, state, digest, format, type_version, percent, fence, saved_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (job_id, slot) DO UPDATE SET number = excluded.number, "
        "state = excluded.state, digest = excluded.digest, format = excluded.format, "
        "type_version = excluded.type_version, percent = excluded.percent, fence = excluded.fence, "
        "saved_at = excluded.saved_at"
    )
    when = dialect.time(now)
    values = [job_id, number % 2, number, state, digest(state), FORMAT, type_version, percent, fence, when]
    dialect.execute(conn, sql, values)
    # A save after a loss is progress: losses in a row are counted from the last one on.
    sql = (
        "UPDATE jobs SET checkpoint_number = ?, checkpoint_at = ?, updated_at = ?, losses = 0 "
        "WHERE job_id = ? AND fence = ?"
    )
    dialect.execute(conn, sql, [number, when, when, job_id, fence])


def load_checkpoint(conn: Connection, dialect: Dialect, job_id: str) -> tuple[str, int, int, list[int]] | None:
    """(state, number, version of the job type, numbers that were damaged) of the newest valid checkpoint, or None.

    Raises ``CorruptCheckpoint`` when there are checkpoints and none is valid.
    """
    sql = "SELECT state, digest, format, number, type_version FROM checkpoints WHERE job_id = ? ORDER BY number DESC"
    found = dialect.query(conn, sql, [job_id])
    damaged: list[int] = []
    for state, kept_digest, kept_format, number, version in found:
        if kept_format == FORMAT and isinstance(state, str) and digest(state) == kept_digest and _reads(state):
            return state, int(number), int(version), damaged
        damaged.append(int(number))
    if found:
        raise CorruptCheckpoint(
            f"No checkpoint of job {job_id} is valid any more (numbers {', '.join(map(str, damaged))}).",
            hint="What is there was kept. Start the job fresh, or restore the database from a backup.",
        )
    return None


def _reads(state: str) -> bool:
    try:
        return isinstance(decode(state), dict)
    except ValueError:
        return False


def list_checkpoints(conn: Connection, dialect: Dialect, job_id: str) -> list[dict[str, Any]]:
    """Number, size, percent, time, validity and pin of the kept checkpoints, newest first."""
    sql = (
        "SELECT number, state, digest, percent, saved_at, type_version, pinned FROM checkpoints WHERE job_id = ? "
        "ORDER BY number DESC"
    )
    return [
        {
            "number": int(number),
            "bytes": len(state.encode()),
            "percent": percent,
            "saved_at": rows.moment(saved_at),
            "type_version": version,
            "is_valid": digest(state) == kept,
            "pinned": bool(pinned),
        }
        for number, state, kept, percent, saved_at, version, pinned in dialect.query(conn, sql, [job_id])
    ]


def keep_step(
    conn: Connection,
    dialect: Dialect,
    job_id: str,
    scope: str,
    name: str,
    result: str,
    fence: int,
    now: datetime,
) -> None:
    """Keep a step's result; the first one stays."""
    when = dialect.time(now)
    sql = (
        "INSERT INTO job_steps (job_id, scope, name, result, fence, kept_at) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (job_id, scope, name) DO NOTHING"
    )
    dialect.execute(conn, sql, [job_id, scope, name, result, fence, when])
    sql = "UPDATE jobs SET checkpoint_at = ?, updated_at = ?, losses = 0 WHERE job_id = ? AND fence = ?"
    dialect.execute(conn, sql, [when, when, job_id, fence])


def load_step(conn: Connection, dialect: Dialect, job_id: str, scope: str, name: str) -> str | None:
    """A kept result, or None."""
    sql = "SELECT result FROM job_steps WHERE job_id = ? AND scope = ? AND name = ?"
    found = dialect.query(conn, sql, [job_id, scope, name])
    return found[0][0] if found else None


def load_steps(conn: Connection, dialect: Dialect, job_id: str) -> dict[tuple[str, str], str]:
    """All kept results of a job, by scope and name."""
    sql = "SELECT scope, name, result FROM job_steps WHERE job_id = ?"
    return {(row[0], row[1]): row[2] for row in dialect.query(conn, sql, [job_id])}


def drop_scopes(conn: Connection, dialect: Dialect, job_id: str, scopes: Sequence[str]) -> None:
    """Drop the steps of items that are done."""
    where, params = dialect.among("scope", scopes)
    dialect.execute(conn, f"DELETE FROM job_steps WHERE job_id = ? AND {where}", [job_id, *params])


def append_partial(
    conn: Connection, dialect: Dialect, job_id: str, name: str, first: int, records: Sequence[str], fence: int
) -> None:
    """Add records after the first ``first``; anything there from an attempt that was cut short is replaced."""
    dialect.execute(
        conn, "DELETE FROM job_partials WHERE job_id = ? AND name = ? AND first >= ?", [job_id, name, first]
    )
    text = "[" + ",".join(records) + "]"
    row = (job_id, name, first, len(records), text, digest(text), fence)
    columns = ("job_id", "name", "first", "count", "records", "digest", "fence")
    dialect.insert_many(conn, partials_table, columns, [row])


def read_partial(conn: Connection, dialect: Dialect, job_id: str, name: str, count: int) -> Iterator[str]:
    """The first ``count`` records, a piece at a time. Raises ``CorruptCheckpoint`` for a gap or damage."""
    read = 0
    while read < count:
        piece = read_piece(conn, dialect, job_id, name, read)
        yield from piece[: count - read]
        read += len(piece)


def read_piece(conn: Connection, dialect: Dialect, job_id: str, name: str, first: int) -> list[str]:
    """The records that were appended together after the first so many. Raises ``CorruptCheckpoint``."""
    sql = "SELECT records, digest FROM job_partials WHERE job_id = ? AND name = ? AND first = ?"
    found = dialect.query(conn, sql, [job_id, name, first])
    if not found or digest(found[0][0]) != found[0][1]:
        raise CorruptCheckpoint(
            f"The partial work {name!r} of job {job_id} is damaged after {first} records.",
            hint="Start the job fresh, or restore the database from a backup.",
        )
    return [orjson.dumps(value).decode() for value in orjson.loads(found[0][0])]


def drop_saved(conn: Connection, dialect: Dialect, job_ids: Sequence[str]) -> None:
    """Delete checkpoints, steps and partial work of jobs."""
    where, params = dialect.among("job_id", job_ids)
    for table in ("checkpoints", "job_steps", "job_partials"):
        dialect.execute(conn, f"DELETE FROM {table} WHERE {where}", params)
