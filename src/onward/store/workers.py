"""Statements on workers: who is there, and the signs of life."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from onward.model.codec import encode
from onward.model.job import WorkerRecord
from onward.store import rows
from onward.store.dialects import Dialect
from onward.store.tables import workers

_SIZE = 1 << 20
_GONE = "('stopped', 'lost')"
NOT_GONE = f"NOT EXISTS (SELECT 1 FROM workers WHERE worker_id = ? AND state IN {_GONE})"
"""The condition that nobody has taken this worker for dead."""


def register(conn: Connection, dialect: Dialect, record: WorkerRecord, lock_key: int) -> None:
    """Enter a worker."""
    columns = (
        "worker_id", "name", "host", "boot_id", "pid_namespace", "pid", "pid_started", "queues", "job_types", "slots",
        "state", "version", "lease_seconds", "heartbeat_seq", "lock_key", "started_at", "seen_at",
    )  # fmt: skip
    r = record
    values = (
        r.id, r.name, r.host, r.boot_id, r.pid_namespace, r.pid, r.pid_started, encode(list(r.queues), "queues", _SIZE),
        encode(list(r.job_types), "job types", _SIZE), r.slots, r.state, r.version, r.lease_seconds, r.heartbeat_seq,
        lock_key, dialect.time(r.started_at), dialect.time(r.seen_at),
    )  # fmt: skip
    dialect.insert_many(conn, workers, columns, [values])


def beat(conn: Connection, dialect: Dialect, worker_id: str, now: datetime) -> bool:
    """A sign of life; False when the worker has been declared lost."""
    sql = (
        "UPDATE workers SET heartbeat_seq = heartbeat_seq + 1, seen_at = ? "
        "WHERE worker_id = ? AND state IN ('online', 'draining')"
    )
    return dialect.execute(conn, sql, [dialect.time(now), worker_id]) == 1


def wish(conn: Connection, dialect: Dialect, worker_id: str, what: str) -> bool:
    """Somebody wants a worker to ``drain`` or ``stop``; whether it is at work."""
    sql = "UPDATE workers SET wish = ? WHERE worker_id = ? AND state IN ('online', 'draining')"
    return dialect.execute(conn, sql, [what, worker_id]) == 1


def wish_of(conn: Connection, dialect: Dialect, worker_id: str) -> str | None:
    """What somebody wants of a worker."""
    found = dialect.query(conn, "SELECT wish FROM workers WHERE worker_id = ?", [worker_id])
    return found[0][0] if found else None


def set_state(conn: Connection, dialect: Dialect, worker_id: str, state: str, now: datetime) -> bool:
    """Set ``online``, ``draining``, ``stopped`` or ``lost``; whether that changed anything."""
    sql = "UPDATE workers SET state = ?, seen_at = ? WHERE worker_id = ? AND state NOT IN (?, 'stopped', 'lost')"
    return dialect.execute(conn, sql, [state, dialect.time(now), worker_id, state]) == 1


def declare_lost(conn: Connection, dialect: Dialect, worker_id: str, heartbeat: int | None, now: datetime) -> bool:
    """Take a worker for dead whose last sign of life was this; whether it is lost now, by this or before.

    False when it has given another sign meanwhile. ``heartbeat`` None: whatever it gave.
    """
    seen, params = ("", []) if heartbeat is None else (" AND heartbeat_seq = ?", [heartbeat])
    sql = f"UPDATE workers SET state = 'lost', seen_at = ? WHERE worker_id = ? AND state NOT IN {_GONE}{seen}"
    if dialect.execute(conn, sql, [dialect.time(now), worker_id, *params]):
        return True
    sql = f"SELECT 1 FROM workers WHERE worker_id = ? AND state NOT IN {_GONE}"
    return not dialect.query(conn, sql, [worker_id])


def list_workers(conn: Connection, dialect: Dialect, states: Sequence[str] = ()) -> list[WorkerRecord]:
    """The workers in these states, or all, newest first."""
    where, params = dialect.among("state", states) if states else ("1 = 1", [])
    sql = f"SELECT {rows.WORKER_COLUMNS} FROM workers WHERE {where} ORDER BY worker_id DESC"
    return [rows.worker(row) for row in dialect.query(conn, sql, params)]


def lock_keys_held(conn: Connection, dialect: Dialect) -> dict[int, int]:
    """On PostgreSQL: the advisory locks that are held, by key, with the process of the server that holds each."""
    sql = (
        "SELECT (classid::bigint << 32) | objid::bigint, pid FROM pg_locks WHERE locktype = 'advisory' "
        "AND granted AND objsubid = 1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return {int(row[0]): int(row[1]) for row in dialect.query(conn, sql, [])}


def server_started(conn: Connection, dialect: Dialect) -> object:
    """On PostgreSQL: when the server was started."""
    return dialect.query(conn, "SELECT pg_postmaster_start_time()", [])[0][0]


def lock_keys(conn: Connection, dialect: Dialect) -> dict[str, int]:
    """Worker to the advisory lock that it holds as long as it lives."""
    sql = "SELECT worker_id, lock_key FROM workers WHERE state IN ('online', 'draining')"
    return {row[0]: int(row[1]) for row in dialect.query(conn, sql, [])}


def orphans(conn: Connection, dialect: Dialect) -> list[str]:
    """Workers that have jobs but are not there, or are stopped or lost: found by state, whatever went before."""
    sql = (
        "SELECT DISTINCT j.worker_id FROM jobs j LEFT JOIN workers w ON w.worker_id = j.worker_id "
        f"WHERE j.worker_id IS NOT NULL AND (w.worker_id IS NULL OR w.state IN {_GONE})"
    )
    return [row[0] for row in dialect.query(conn, sql, [])]


def forget_workers(conn: Connection, dialect: Dialect, before: datetime) -> int:
    """Delete workers that are gone since before this time."""
    sql = f"DELETE FROM workers WHERE state IN {_GONE} AND seen_at < ?"
    return dialect.execute(conn, sql, [dialect.time(before)])
