"""Statements on queues: which are paused, and how much waits in each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onward.store import rows
from onward.store.dialects import Dialect

CAP = 10_000
NOT_PAUSED = "queue NOT IN (SELECT name FROM queues)"
"""The condition that nobody has paused the queue of a job."""


def pause(conn: Connection, dialect: Dialect, name: str, by: str, reason: str, now: datetime) -> None:
    """Have nothing of a queue claimed."""
    sql = (
        "INSERT INTO queues (name, paused_by, paused_reason, paused_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET paused_by = excluded.paused_by, paused_reason = excluded.paused_reason"
    )
    dialect.execute(conn, sql, [name, by, reason, dialect.time(now)])


def resume(conn: Connection, dialect: Dialect, name: str) -> bool:
    """Have it claimed again; whether it was paused."""
    return dialect.execute(conn, "DELETE FROM queues WHERE name = ?", [name]) == 1


def paused(conn: Connection, dialect: Dialect) -> dict[str, dict[str, Any]]:
    """The paused queues: by whom, why, since when."""
    sql = "SELECT name, paused_by, paused_reason, paused_at FROM queues ORDER BY name"
    return {
        row[0]: {"paused_by": row[1], "paused_reason": row[2], "paused_at": rows.moment(row[3])}
        for row in dialect.query(conn, sql, [])
    }


def depths(conn: Connection, dialect: Dialect) -> dict[str, tuple[int, datetime | None]]:
    """Queue to how many jobs are ready in it and since when the oldest is; of the first so many that are ready."""
    sql = (
        "SELECT queue, count(*), min(run_at) FROM (SELECT queue, run_at FROM jobs WHERE status = 'pending' "
        "AND waiting_on IS NULL LIMIT ?) AS ready GROUP BY queue"
    )
    return {row[0]: (int(row[1]), rows.moment(row[2])) for row in dialect.query(conn, sql, [CAP])}


def running(conn: Connection, dialect: Dialect) -> dict[str, int]:
    """Queue to how many of its jobs run."""
    sql = "SELECT queue, count(*) FROM jobs WHERE worker_id IS NOT NULL GROUP BY queue"
    return {row[0]: int(row[1]) for row in dialect.query(conn, sql, [])}
