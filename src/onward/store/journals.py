"""Statements on journals: how far each has been written, and what of them was refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onward.model.codec import decode
from onward.model.job import Conflict
from onward.store import rows
from onward.store.dialects import Dialect
from onward.store.tables import conflicts


def applied(conn: Connection, dialect: Dialect, journal: str) -> int:
    """The last record of a journal that is in the database, kept from others until the transaction ends."""
    sql = f"SELECT applied FROM journals WHERE journal_id = ?{dialect.lock}"
    found = dialect.query(conn, sql, [journal])
    return int(found[0][0]) if found else 0


def mark(conn: Connection, dialect: Dialect, journal: str, seq: int, now: datetime) -> None:
    """A journal is written up to here; in the same transaction as what it says."""
    sql = (
        "INSERT INTO journals (journal_id, applied, updated_at) VALUES (?, ?, ?) ON CONFLICT (journal_id) "
        "DO UPDATE SET applied = excluded.applied, updated_at = excluded.updated_at"
    )
    dialect.execute(conn, sql, [journal, seq, dialect.time(now)])


def forget(conn: Connection, dialect: Dialect, journal: str) -> None:
    """The journal's file is gone."""
    dialect.execute(conn, "DELETE FROM journals WHERE journal_id = ?", [journal])


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that was to be written and was not; ``data`` is JSON text."""

    job_id: str
    run_id: str | None
    fence: int
    worker_id: str | None
    kind: str
    reason: str
    data: str | None


def note_conflicts(conn: Connection, dialect: Dialect, refused: Sequence[Refused], now: datetime) -> None:
    """Keep what was refused where people see it."""
    when = dialect.time(now)
    names = ("job_id", "run_id", "fence", "worker_id", "kind", "reason", "at", "data")
    values: list[tuple[Any, ...]] = [
        (one.job_id, one.run_id, one.fence, one.worker_id, one.kind, one.reason, when, one.data) for one in refused
    ]
    dialect.insert_many(conn, conflicts, names, values)


def list_conflicts(conn: Connection, dialect: Dialect, job_id: str | None, limit: int) -> list[Conflict]:
    """What was refused, newest first; of one job or of all."""
    where, params = ("WHERE job_id = ? ", [job_id]) if job_id is not None else ("", [])
    sql = (
        f"SELECT seq, job_id, run_id, fence, worker_id, kind, reason, at, data FROM conflicts {where}"
        "ORDER BY seq DESC LIMIT ?"
    )
    return [
        Conflict(row[0], row[1], row[2], row[3], row[4], row[5], row[6], rows.at(row[7]), decode(row[8]))
        for row in dialect.query(conn, sql, [*params, limit])
    ]


def try_to_write(conn: Connection, dialect: Dialect) -> None:
    """A write that changes nothing: a full disk can be read, and only this shows that it has room."""
    dialect.execute(conn, "UPDATE onward_meta SET value = value WHERE key = 'oldest_reader'", [])


def run_status(conn: Connection, dialect: Dialect, run_id: str) -> str | None:
    """How a run stands, or None when there is none."""
    found = dialect.query(conn, "SELECT status FROM job_runs WHERE id = ?", [run_id])
    return found[0][0] if found else None
