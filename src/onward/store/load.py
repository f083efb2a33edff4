"""Statements that count what is there to do; none looks at what has ended well."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from onward.model.load import Load, QueueDepth
from onward.store import rows
from onward.store.dialects import Dialect


def look(conn: Connection, dialect: Dialect, now: datetime) -> Load:
    """The load at this moment."""
    return Load(
        jobs=_counted(conn, dialect, "SELECT status, count(*) FROM jobs WHERE status <> 'completed' GROUP BY status"),
        queues=_depths(conn, dialect, now),
        held_up=_counted(
            conn, dialect, "SELECT waiting_on, count(*) FROM jobs WHERE waiting_on IS NOT NULL GROUP BY waiting_on"
        ),
        workers=_counted(conn, dialect, "SELECT state, count(*) FROM workers GROUP BY state"),
        slots=_one(conn, dialect, "SELECT coalesce(sum(slots), 0) FROM workers WHERE state IN ('online', 'draining')"),
        busy_slots=_one(conn, dialect, "SELECT count(*) FROM jobs WHERE worker_id IS NOT NULL"),
    )


def _depths(conn: Connection, dialect: Dialect, now: datetime) -> tuple[QueueDepth, ...]:
    sql = (
        f"SELECT queue, count(*), min(run_at) FROM jobs{dialect.use_index('ix_jobs_ready')} "
        "WHERE status = 'pending' AND waiting_on IS NULL GROUP BY queue ORDER BY queue"
    )
    return tuple(
        QueueDepth(row[0], int(row[1]), max(0.0, (now - rows.at(row[2])).total_seconds()))
        for row in dialect.query(conn, sql, [])
    )


def _counted(conn: Connection, dialect: Dialect, sql: str) -> dict[str, int]:
    return {str(row[0]): int(row[1]) for row in dialect.query(conn, sql, [])}


def _one(conn: Connection, dialect: Dialect, sql: str) -> int:
    return int(dialect.query(conn, sql, [])[0][0])
