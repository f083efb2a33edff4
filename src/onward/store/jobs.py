"""Statements on jobs: insert, get, find, count, and the changes that people make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onward.model.codec import decode
from onward.model.job import EventRecord, Job, LogLine, Run
from onward.store import rows
from onward.store.dialects import Dialect
from onward.store.finding import COUNT_CAP
from onward.store.tables import events, job_tags, jobs, metadata

INSERT_COLUMNS = (
    "job_id", "job_type", "status", "label", "source_id", "user_id", "bot_id", "queue", "priority", "params", "tags",
    "resources", "type_version", "idempotency_key", "payload_digest", "parent_id", "position", "phase_from",
    "phase_share", "max_attempts", "max_losses", "on_worker_lost", "waiting_on", "created_at", "run_at", "updated_at",
)  # fmt: skip

Told = tuple[str, int, str, Any, int, str | None, str | None]
"""An event to be written: job id, generation, kind, at, fence, actor, data as JSON text."""


def insert_jobs(conn: Connection, dialect: Dialect, new: Sequence[Sequence[Any]]) -> None:
    """Insert rows of ``INSERT_COLUMNS``."""
    dialect.insert_many(conn, jobs, INSERT_COLUMNS, new)


def copy_job(conn: Connection, dialect: Dialect, job: Job, new_id: str, waiting_on: str | None, now: datetime) -> None:
    """Insert a job as this one was when it was submitted, due now, of the same schedule, with the same tags."""
    when = dialect.time(now)
    new = {
        "job_id": new_id, "status": "pending", "idempotency_key": job.idempotency_key, "waiting_on": waiting_on,
        "created_at": when, "run_at": when, "updated_at": when,
    }  # fmt: skip
    # It is no part of another one, whose place in that would be here.
    no_part = {"position", "phase_from", "phase_share"}
    kept = [name for name in (*INSERT_COLUMNS, "scheduled_job_id", "due_at") if name not in new.keys() | no_part]
    sql = (
        f"INSERT INTO jobs ({', '.join([*new, *kept])}) SELECT {', '.join('?' for _ in new)}, {', '.join(kept)} "
        "FROM jobs WHERE job_id = ?"
    )
    dialect.execute(conn, sql, [*new.values(), job.id])
    sql = "INSERT INTO job_tags (tag, job_id) SELECT tag, ? FROM job_tags WHERE job_id = ?"
    dialect.execute(conn, sql, [new_id, job.id])


def insert_tags(conn: Connection, dialect: Dialect, tags: Sequence[tuple[str, str]]) -> None:
    """Insert pairs of tag and job id."""
    dialect.insert_many(conn, job_tags, ("tag", "job_id"), tags)


def get_job(conn: Connection, dialect: Dialect, job_id: str) -> Job | None:
    """The job of this id, or None."""
    found = dialect.query(conn, f"SELECT {rows.JOB_COLUMNS} FROM jobs WHERE job_id = ?", [job_id])
    return rows.job(found[0]) if found else None


def get_jobs(conn: Connection, dialect: Dialect, job_ids: Iterable[str]) -> list[Job]:
    """The jobs of these ids that there are, by id."""
    where, params = dialect.among("job_id", job_ids)
    sql = f"SELECT {rows.JOB_COLUMNS} FROM jobs WHERE {where} ORDER BY job_id"
    return [rows.job(row) for row in dialect.query(conn, sql, params)]


def lock_job(conn: Connection, dialect: Dialect, job_id: str) -> Job | None:
    """The job of this id, kept from others until the transaction ends."""
    sql = f"SELECT {rows.JOB_COLUMNS} FROM jobs WHERE job_id = ?{dialect.lock}"
    found = dialect.query(conn, sql, [job_id])
    return rows.job(found[0]) if found else None


def find_by_ending(conn: Connection, dialect: Dialect, ending: str, limit: int = 6) -> list[str]:
    """Ids that end so, newest first."""
    sql = "SELECT job_id FROM jobs WHERE job_id LIKE ? ORDER BY job_id DESC LIMIT ?"
    return [row[0] for row in dialect.query(conn, sql, [f"%{ending}", limit])]


def find_by_key(conn: Connection, dialect: Dialect, keys: Iterable[str]) -> dict[str, tuple[str, str | None]]:
    """Idempotency key to (job id, digest of the payload), for those in use."""
    where, params = dialect.among("idempotency_key", keys)
    sql = f"SELECT idempotency_key, job_id, payload_digest FROM jobs WHERE {where}"
    return {row[0]: (row[1], row[2]) for row in dialect.query(conn, sql, params)}


def change_job(conn: Connection, dialect: Dialect, job_id: str, mine: int, now: datetime, **values: Any) -> bool:
    """Set columns of a job whose fence is still ``mine``; whether it was."""
    values["updated_at"] = now
    names = ", ".join(f"{name} = ?" for name in values)
    params = [dialect.time(value) if isinstance(value, datetime) else value for value in values.values()]
    sql = f"UPDATE jobs SET {names} WHERE job_id = ? AND fence = ?"
    return dialect.execute(conn, sql, [*params, job_id, mine]) == 1


def set_columns(conn: Connection, dialect: Dialect, job_id: str, mine: int, columns: Mapping[str, Any]) -> None:
    """Set columns as they are, without a change of ``updated_at``; under the fence ``mine``."""
    names = ", ".join(f"{name} = ?" for name in columns)
    sql = f"UPDATE jobs SET {names} WHERE job_id = ? AND fence = ?"
    dialect.execute(conn, sql, [*columns.values(), job_id, mine])


def tell_events(
    conn: Connection,
    dialect: Dialect,
    told: Sequence[Told],
) -> None:
    """Write events, in this order, and whatever belongs into their transaction."""
    if told:
        dialect.insert_many(conn, events, ("job_id", "generation", "kind", "at", "fence", "actor", "data"), told)
        if dialect.on_told is not None:
            dialect.on_told(conn, told)


def list_events(conn: Connection, dialect: Dialect, job_id: str) -> list[EventRecord]:
    """All that happened to a job, in order. That a run has started is told by the row of the run."""
    sql = f"SELECT {rows.EVENT_COLUMNS} FROM job_events WHERE job_id = ? ORDER BY seq"
    told = [rows.event(row) for row in dialect.query(conn, sql, [job_id])]
    begun = [
        EventRecord(0, job_id, run.generation, "started", run.started_at, run.fence, run.worker_id)
        for run in list_runs(conn, dialect, job_id)
    ]
    # What a fence has done comes after its start, whatever the clocks say.
    return sorted([*begun, *told], key=lambda event: (event.fence, event.seq))


def list_runs(conn: Connection, dialect: Dialect, job_id: str) -> list[Run]:
    """The attempts at a job, in order."""
    sql = f"SELECT {rows.RUN_COLUMNS} FROM job_runs WHERE job_id = ? ORDER BY fence"
    return [rows.run(row) for row in dialect.query(conn, sql, [job_id])]


def list_logs(conn: Connection, dialect: Dialect, job_id: str, after: int, limit: int) -> list[LogLine]:
    """Log lines of a job after a sequence number, in order."""
    sql = f"SELECT {rows.LOG_COLUMNS} FROM job_logs WHERE job_id = ? AND seq > ? ORDER BY seq LIMIT ?"
    return [rows.log_line(row) for row in dialect.query(conn, sql, [job_id, after, limit])]


def list_logs_before(conn: Connection, dialect: Dialect, job_id: str, before: int, limit: int) -> list[LogLine]:
    """The last log lines of a job before a sequence number, in order."""
    sql = f"SELECT {rows.LOG_COLUMNS} FROM job_logs WHERE job_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
    return [rows.log_line(row) for row in dialect.query(conn, sql, [job_id, before, limit])][::-1]


FLOOR = "fence_floor"


def begin_above_deleted(conn: Connection, dialect: Dialect, job_ids: Sequence[str]) -> None:
    """Jobs whose ids callers have chosen begin above the fences of all that were deleted: it may be the same id."""
    floor = _fence_floor(conn, dialect)
    if floor:
        where, params = dialect.among("job_id", job_ids)
        dialect.execute(conn, f"UPDATE jobs SET fence = ? WHERE {where}", [floor, *params])


def _fence_floor(conn: Connection, dialect: Dialect) -> int:
    found = dialect.query(conn, f"SELECT value FROM onward_meta WHERE key = ?{dialect.lock}", [FLOOR])
    return int(found[0][0]) if found else 0


def raise_fence_floor(conn: Connection, dialect: Dialect, fence: int) -> None:
    """Jobs up to this fence are being deleted. The row is written, and so kept from others, only where it must rise."""
    found = dialect.query(conn, "SELECT value FROM onward_meta WHERE key = ?", [FLOOR])
    if found and int(found[0][0]) >= fence:
        return
    sql = "INSERT INTO onward_meta (key, value) VALUES (?, '0') ON CONFLICT (key) DO NOTHING"
    dialect.execute(conn, sql, [FLOOR])
    if fence > _fence_floor(conn, dialect):
        dialect.execute(conn, "UPDATE onward_meta SET value = ? WHERE key = ?", [str(fence), FLOOR])


BELONGINGS = tuple(
    name for name, table in metadata.tables.items() if "job_id" in table.c and name not in ("jobs", "archived_jobs")
)
"""The tables whose rows belong to a job, and go with it; a new one is among them by itself."""


def delete_jobs(conn: Connection, dialect: Dialect, job_ids: Sequence[str]) -> int:
    """Delete jobs with everything that belongs to them; how many rows that were."""
    where, params = dialect.among("job_id", job_ids)
    # No index finds tags by their job: the job itself names them.
    found = dialect.query(conn, f"SELECT job_id, fence, tags FROM jobs WHERE {where}", params)
    raise_fence_floor(conn, dialect, max((int(row[1]) for row in found), default=0))
    tags = [(tag, row[0]) for row in found for tag in decode(row[2]) or ()]
    deleted = dialect.delete_many(conn, job_tags, ("tag", "job_id"), tags) if tags else 0
    for table in (*BELONGINGS, "jobs"):
        if table != "job_tags":
            deleted += dialect.execute(conn, f"DELETE FROM {table} WHERE {where}", params)
    return deleted


def children_of(conn: Connection, dialect: Dialect, job_id: str) -> list[Job]:
    """The jobs whose parent this is: phases by position, ranges by family and number."""
    sql = (
        f"SELECT {rows.JOB_COLUMNS} FROM jobs WHERE parent_id = ? "
        "ORDER BY coalesce(position, 0), coalesce(family, ''), coalesce(range_number, 0), job_id"
    )
    return [rows.job(row) for row in dialect.query(conn, sql, [job_id])]


def find_digests(conn: Connection, dialect: Dialect, job_ids: Iterable[str]) -> dict[str, tuple[str, str | None]]:
    """Id to (id, digest of the payload), for those that exist."""
    where, params = dialect.among("job_id", job_ids)
    return {
        row[0]: (row[0], row[1])
        for row in dialect.query(conn, f"SELECT job_id, payload_digest FROM jobs WHERE {where}", params)
    }


_LEFT = "source_id = ? AND job_type = ? AND parent_id IS NULL AND checkpoint_at IS NOT NULL AND superseded_by IS NULL"
_INCOMPLETE = f"{_LEFT} AND (status IN ('failed', 'cancelled') OR waiting_on = 'hold')"


def find_incomplete(conn: Connection, dialect: Dialect, job_type: str, source_id: str) -> Job | None:
    """The newest unfinished work of this type on this source that was not resumed, superseded or discarded."""
    sql = f"SELECT {rows.JOB_COLUMNS} FROM jobs WHERE {_INCOMPLETE} ORDER BY job_id DESC LIMIT 1"
    found = dialect.query(conn, sql, [source_id, job_type])
    return rows.job(found[0]) if found else None


def supersede_incomplete(
    conn: Connection, dialect: Dialect, job_type: str, source_id: str, follower_id: str, now: datetime
) -> None:
    """What has ended of it is followed by this job, and is not offered any more; what it saved stays."""
    sql = f"UPDATE jobs SET superseded_by = ?, updated_at = ? WHERE {_LEFT} AND status IN ('failed', 'cancelled')"
    dialect.execute(conn, sql, [follower_id, dialect.time(now), source_id, job_type])


def count_ready_before(conn: Connection, dialect: Dialect, job: Job) -> int:
    """How many ready jobs a worker takes before this one, at most ``COUNT_CAP``."""
    sql = (
        "SELECT count(*) FROM (SELECT 1 FROM jobs WHERE status = 'pending' AND waiting_on IS NULL AND queue = ? "
        "AND (priority > ? OR (priority = ? AND (run_at < ? OR (run_at = ? AND job_id < ?)))) LIMIT ?) AS found"
    )
    when = dialect.time(job.run_at) if job.run_at else None
    params = [job.queue, job.priority, job.priority, when, when, job.id, COUNT_CAP]
    return int(dialect.query(conn, sql, params)[0][0])
