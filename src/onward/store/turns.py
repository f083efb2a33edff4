"""Statements on the turns of a schedule's jobs: so many at a time, counted over the rows of the jobs themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from onward.model.states import Waiting
from onward.store.dialects import Dialect

_ACTIVE = "scheduled_job_id IS NOT NULL AND (status IN ('pending', 'running', 'pending_hitl') OR worker_id IS NOT NULL)"


@dataclass(frozen=True, slots=True)
class Active:
    """A job of a schedule that has not ended, or whose code has not left."""

    schedule_id: str
    bot_id: str
    job_id: str
    job_type: str
    status: str
    waiting_on: str | None
    blocked_by: str | None

    @property
    def is_queued(self) -> bool:
        """Whether it waits for its turn, and so counts for nobody."""
        return self.waiting_on == Waiting.SCHEDULE


def active_jobs(conn: Connection, dialect: Dialect, schedule_ids: Iterable[str]) -> list[Active]:
    """The active jobs of these schedules, those that came first at the front."""
    where, params = dialect.among("scheduled_job_id", schedule_ids)
    return _active(conn, dialect, f"{where} AND {_ACTIVE}", params)


def _active(conn: Connection, dialect: Dialect, where: str, params: Sequence[Any]) -> list[Active]:
    sql = (
        "SELECT scheduled_job_id, coalesce(bot_id, ''), job_id, job_type, status, waiting_on, blocked_by FROM jobs"
        f"{dialect.use_index('ix_jobs_scheduled_active')} WHERE {where} ORDER BY job_id"
    )
    return [Active(*row) for row in dialect.query(conn, sql, params)]


def queue_jobs(conn: Connection, dialect: Dialect, job_ids: Iterable[str]) -> None:
    """Have jobs that were just inserted wait for their turn."""
    where, params = dialect.among("job_id", job_ids)
    dialect.execute(conn, f"UPDATE jobs SET waiting_on = 'schedule' WHERE status = 'pending' AND {where}", params)


def waiting_schedules(conn: Connection, dialect: Dialect) -> list[str]:
    """The schedules of which jobs wait for their turn."""
    sql = (
        f"SELECT DISTINCT scheduled_job_id FROM jobs{dialect.use_index('ix_jobs_waiting')} "
        "WHERE waiting_on = 'schedule' AND scheduled_job_id IS NOT NULL"
    )
    return [row[0] for row in dialect.query(conn, sql, [])]


def let_on(conn: Connection, dialect: Dialect, schedule_ids: Iterable[str]) -> int:
    """Make jobs ready whose turn it is; how many. The schedules are kept from others meanwhile."""
    ids = sorted(set(schedule_ids))
    where, params = dialect.among("scheduled_job_id", ids)
    found = dialect.query(
        conn,
        f"SELECT 1 FROM jobs{dialect.use_index('ix_jobs_scheduled_active')} "
        f"WHERE {where} AND waiting_on = 'schedule' AND {_ACTIVE} LIMIT 1",
        params,
    )
    if not found:
        return 0
    among, values = dialect.among("id", ids)
    sql = f"SELECT id, max_instances FROM scheduled_jobs WHERE {among} ORDER BY id{dialect.lock}"
    room = {row[0]: int(row[1]) for row in dialect.query(conn, sql, values)}
    taken: dict[tuple[str, str], int] = {}
    queued: list[Active] = []
    for job in active_jobs(conn, dialect, ids):
        if job.is_queued:
            queued.append(job)
        else:
            key = (job.schedule_id, job.bot_id)
            taken[key] = taken.get(key, 0) + 1
    ready: list[str] = []
    for job in queued:
        key = (job.schedule_id, job.bot_id)
        # Of a schedule that was deleted, nothing holds them back any more.
        if job.schedule_id not in room or taken.get(key, 0) < room[job.schedule_id]:
            taken[key] = taken.get(key, 0) + 1
            ready.append(job.job_id)
    if ready:
        where, params = dialect.among("job_id", ready)
        sql = f"UPDATE jobs SET waiting_on = NULL WHERE waiting_on = 'schedule' AND {where}"
        dialect.execute(conn, sql, params)
    return len(ready)


def must_queue(conn: Connection, dialect: Dialect, schedule_id: str, bot_id: str | None) -> bool:
    """Whether a job that is set going again must wait for its turn. The schedule is kept from others."""
    sql = f"SELECT max_instances FROM scheduled_jobs WHERE id = ? AND overlap = 'queue'{dialect.lock}"
    found = dialect.query(conn, sql, [schedule_id])
    if not found:
        return False
    others = [job for job in active_jobs(conn, dialect, [schedule_id]) if job.bot_id == (bot_id or "")]
    return sum(not job.is_queued for job in others) >= int(found[0][0])
