"""Statements on what has changed since a moment ago: for those who watch, not for those who decide."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from onward.store import rows
from onward.store.dialects import Dialect
from onward.store.rows import moment

GLANCE = (
    "job_id, job_type, status, waiting_on, attempt, paused_by, checkpoint_at, superseded_by, progress_percent, "
    "progress_message, progress_done, progress_total, progress_rate, progress_eta, progress_phase, queue, source_id, "
    "user_id, parent_id, worker_id, updated_at"
)
"""What those who watch are told of a job."""


def last_event(conn: Connection, dialect: Dialect) -> int:
    """The number of the newest event."""
    return int(dialect.query(conn, "SELECT coalesce(max(seq), 0) FROM job_events", [])[0][0])


def last_job(conn: Connection, dialect: Dialect) -> str:
    """The highest id of a job that was made by its time; ids that callers chose may sort above."""
    found = dialect.query(conn, "SELECT max(job_id) FROM jobs WHERE job_id < '1'", [])
    return str(found[0][0] or "")


def events_since(conn: Connection, dialect: Dialect, seq: int, limit: int) -> list[tuple[int, str, str]]:
    """Events above a number: number, job, kind; in order."""
    sql = "SELECT seq, job_id, kind FROM job_events WHERE seq > ? ORDER BY seq LIMIT ?"
    return [(int(row[0]), row[1], row[2]) for row in dialect.query(conn, sql, [seq, limit])]


def jobs_since(conn: Connection, dialect: Dialect, job_id: str, limit: int) -> list[str]:
    """Jobs that were submitted after this one, in order."""
    sql = "SELECT job_id FROM jobs WHERE job_id > ? AND job_id < '1' ORDER BY job_id LIMIT ?"
    return [row[0] for row in dialect.query(conn, sql, [job_id, limit])]


def at_work(conn: Connection, dialect: Dialect, limit: int) -> list[dict[str, Any]]:
    """Jobs that run or are set aside for a resource, as they are now."""
    running = f"SELECT {GLANCE} FROM jobs WHERE status = 'running' AND status <> 'completed' LIMIT ?"
    blocked = f"SELECT {GLANCE} FROM jobs WHERE blocked_by IS NOT NULL LIMIT ?"
    return [_glance(row) for sql in (running, blocked) for row in dialect.query(conn, sql, [limit])]


def glances(conn: Connection, dialect: Dialect, job_ids: Iterable[str]) -> list[dict[str, Any]]:
    """These jobs, as they are now."""
    where, params = dialect.among("job_id", job_ids)
    return [_glance(row) for row in dialect.query(conn, f"SELECT {GLANCE} FROM jobs WHERE {where}", params)]


def _glance(row: Any) -> dict[str, Any]:
    names = GLANCE.split(", ")
    found = dict(zip(names, row, strict=True))
    return found | {"updated_at": rows.at(found["updated_at"]), "checkpoint_at": moment(found["checkpoint_at"])}


def workers_now(conn: Connection, dialect: Dialect) -> list[tuple[str, str, str]]:
    """Worker, name and state of all that are known."""
    sql = "SELECT worker_id, name, state FROM workers ORDER BY worker_id DESC LIMIT 1000"
    return [(row[0], row[1], row[2]) for row in dialect.query(conn, sql, [])]


def resources_now(conn: Connection, dialect: Dialect) -> list[tuple[str, int, int, str | None]]:
    """Resource, its token (which rises with each holder), how many have it, and who of the people keeps it."""
    sql = (
        "SELECT r.name, r.token, (SELECT count(*) FROM job_resources n WHERE n.resource = r.name AND n.slot >= 0), "
        "r.held_by FROM resources r WHERE r.name NOT LIKE ? ORDER BY r.name LIMIT 1000"
    )
    return [(row[0], int(row[1]), int(row[2]), row[3]) for row in dialect.query(conn, sql, ["source:%"])]


def schedules_now(conn: Connection, dialect: Dialect) -> list[tuple[Any, ...]]:
    """Schedule, its name, and what makes its state and its next time, of all that there are."""
    sql = (
        "SELECT id, name, next_run_at, enabled, paused_at, fault, ended_at, updated_at FROM scheduled_jobs "
        "ORDER BY id LIMIT 1000"
    )
    return [
        (row[0], row[1], moment(row[2]), bool(row[3]), moment(row[4]), row[5], moment(row[6]), row[7])
        for row in dialect.query(conn, sql, [])
    ]


def questions_since(conn: Connection, dialect: Dialect, job_ids: Iterable[str]) -> list[tuple[str, str, str]]:
    """Question, its job and its state: the last of each of these jobs."""
    where, params = dialect.among("job_id", job_ids)
    sql = f"SELECT question_id, job_id, state FROM questions WHERE {where} ORDER BY question_id"
    return [(row[0], row[1], row[2]) for row in dialect.query(conn, sql, params)]
