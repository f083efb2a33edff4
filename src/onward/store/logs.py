"""Statements on log lines: many at once, and only so many kept of a job; and the progress of many jobs at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onward.model.job import Progress
from onward.store.dialects import Dialect
from onward.store.tables import jobs
from onward.store.tables import logs as logs_table


@dataclass(frozen=True, slots=True)
class NewLine:
    """A log line to be kept with a job; ``fields`` is JSON text or None."""

    job_id: str
    attempt: int
    at: datetime
    level: str
    message: str
    fields: str | None


def append(conn: Connection, dialect: Dialect, lines: Sequence[NewLine], keep: int) -> None:
    """Keep the lines, and of each job only the newest ``keep``."""
    dialect.insert_many(
        conn,
        logs_table,
        ("job_id", "attempt", "at", "level", "message", "fields"),
        [(line.job_id, line.attempt, dialect.time(line.at), line.level, line.message, line.fields) for line in lines],
    )
    for job_id in {line.job_id for line in lines}:
        sql = (
            "DELETE FROM job_logs WHERE job_id = ? AND seq <= "
            "(SELECT seq FROM job_logs WHERE job_id = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)"
        )
        dialect.execute(conn, sql, [job_id, job_id, keep])


def show_progress(
    conn: Connection, dialect: Dialect, worker_id: str, told: Sequence[tuple[str, int, Progress]], now: datetime
) -> None:
    """Write how far runs of a worker are: (job id, fence, progress). A job that has ended meanwhile stays as it is."""
    when = dialect.time(now)
    rows: list[tuple[Any, ...]] = [
        (job_id, fence, worker_id, p.percent, p.message, p.done, p.total, p.rate, p.eta_seconds, p.phase, when)
        for job_id, fence, p in told
    ]
    dialect.update_many(
        conn,
        jobs,
        ("job_id", "fence", "worker_id"),
        (
            "progress_percent", "progress_message", "progress_done", "progress_total", "progress_rate", "progress_eta",
            "progress_phase", "updated_at",
        ),
        rows,
    )  # fmt: skip


def show_progress_of(
    conn: Connection, dialect: Dialect, job_id: str, fence: int, progress: Progress, now: datetime
) -> None:
    """Write how far a run was that cannot say so any more; what it did not tell stays as it was."""
    sql = (
        "UPDATE jobs SET progress_percent = coalesce(?, progress_percent), progress_message = ?, "
        "progress_done = coalesce(?, progress_done), progress_total = coalesce(?, progress_total), "
        "progress_phase = coalesce(?, progress_phase), updated_at = ? WHERE job_id = ? AND fence = ?"
    )
    p = progress
    dialect.execute(conn, sql, [p.percent, p.message, p.done, p.total, p.phase, dialect.time(now), job_id, fence])


def changes_for(conn: Connection, dialect: Dialect, worker_id: str) -> list[tuple[str, int, str, str | None]]:
    """Jobs of a worker that somebody has cancelled or paused: (job id, fence, status, paused by)."""
    sql = (
        "SELECT job_id, fence, status, paused_by FROM jobs WHERE worker_id = ? "
        "AND (status <> 'running' OR paused_by IS NOT NULL)"
    )
    return [(row[0], row[1], row[2], row[3]) for row in dialect.query(conn, sql, [worker_id])]
