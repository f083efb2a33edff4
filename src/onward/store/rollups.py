"""Statements on rollups: how many jobs ended in each stretch of time, counted once, and never from the jobs again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onward.store import rows
from onward.store.dialects import Dialect

PLACE = "rollup_event"


def place(conn: Connection, dialect: Dialect) -> int:
    """The event up to which everything is counted; its row is kept from others until the transaction ends."""
    sql = "INSERT INTO onward_meta (key, value) VALUES (?, '0') ON CONFLICT (key) DO NOTHING"
    dialect.execute(conn, sql, [PLACE])
    return int(dialect.query(conn, f"SELECT value FROM onward_meta WHERE key = ?{dialect.lock}", [PLACE])[0][0])


def set_place(conn: Connection, dialect: Dialect, seq: int) -> None:
    """Everything up to this event is counted."""
    dialect.execute(conn, "UPDATE onward_meta SET value = ? WHERE key = ?", [str(seq), PLACE])


def endings(
    conn: Connection, dialect: Dialect, after: int, before: datetime, limit: int
) -> list[tuple[int, str, datetime, str | None, float]]:
    """Events after one: number, kind, time, and of a verdict the job's type and how long it took; in order."""
    sql = (
        "SELECT e.seq, e.kind, e.at, j.job_type, j.started_at FROM (SELECT seq, kind, at, job_id FROM job_events "
        "WHERE seq > ? AND at < ? ORDER BY seq LIMIT ?) AS e LEFT JOIN jobs AS j ON j.job_id = e.job_id ORDER BY e.seq"
    )
    found = []
    for seq, kind, at, job_type, started in dialect.query(conn, sql, [after, dialect.time(before), limit]):
        ended, began = rows.at(at), rows.moment(started)
        took = max(0.0, (ended - began).total_seconds()) if began is not None else 0.0
        found.append((int(seq), kind, ended, job_type, took))
    return found


def add(conn: Connection, dialect: Dialect, counted: dict[tuple[int, datetime, str, str], tuple[int, float]]) -> None:
    """Add to the counts of stretches of time."""
    sql = (
        "INSERT INTO job_rollups (seconds, begins_at, outcome, job_type, jobs, took_seconds) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (seconds, begins_at, outcome, job_type) DO UPDATE SET jobs = job_rollups.jobs + excluded.jobs, "
        "took_seconds = job_rollups.took_seconds + excluded.took_seconds"
    )
    for (seconds, begins, outcome, job_type), (jobs, took) in sorted(counted.items()):
        dialect.execute(conn, sql, [seconds, dialect.time(begins), outcome, job_type, jobs, took])


def read(conn: Connection, dialect: Dialect, seconds: int, since: datetime) -> list[tuple[datetime, str, int]]:
    """Beginning, outcome and number of jobs of each stretch since a time."""
    sql = (
        "SELECT begins_at, outcome, sum(jobs) FROM job_rollups WHERE seconds = ? AND begins_at >= ? "
        "GROUP BY begins_at, outcome ORDER BY begins_at"
    )
    found: list[Any] = dialect.query(conn, sql, [seconds, dialect.time(since)])
    return [(rows.at(row[0]), row[1], int(row[2])) for row in found]


def forget(conn: Connection, dialect: Dialect, seconds: int, before: datetime) -> int:
    """Drop stretches that began before a time."""
    sql = "DELETE FROM job_rollups WHERE seconds = ? AND begins_at < ?"
    return dialect.execute(conn, sql, [seconds, dialect.time(before)])
