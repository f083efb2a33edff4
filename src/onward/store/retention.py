"""Statements on what is over: which jobs may go, keeping them from others meanwhile, and what failed ones have saved.

A job goes with its whole family and only when all of it has ended. What is looked at is found by the primary key:
ids rise with time, so the oldest come first and nothing is scanned that is not older than the limit, but for ids that
callers have chosen themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onward.model.states import Status
from onward.store import checkpoints, rows
from onward.store.dialects import Dialect
from onward.store.jobs import BELONGINGS, Told, tell_events

_COLUMNS = "job_id, job_type, status, parent_id, worker_id, generation, fence, completed_at, checkpoint_at"
_ENDED = "('completed', 'failed', 'cancelled')"
_NO_PARENT = "(j.parent_id IS NULL OR NOT EXISTS (SELECT 1 FROM jobs p WHERE p.job_id = j.parent_id))"


@dataclass(frozen=True, slots=True)
class Kept:
    """A job as far as keeping or dropping it goes."""

    job_id: str
    job_type: str
    status: Status
    parent_id: str | None
    worker_id: str | None
    generation: int
    fence: int
    completed_at: datetime | None
    checkpoint_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether it has ended and nobody works on it any more."""
        return self.status.is_ended and self.worker_id is None


def _kept(row: Any) -> Kept:
    ended_at, saved_at = rows.moment(row[7]), rows.moment(row[8])
    return Kept(row[0], row[1], Status(row[2]), row[3], row[4], row[5], row[6], ended_at, saved_at)


def piece_end(conn: Connection, dialect: Dialect, after: str, below: str | None, size: int) -> str | None:
    """The last id of the next ``size`` jobs after an id, or None when there are none."""
    limit, params = ("AND job_id < ? ", [below]) if below is not None else ("", [])
    sql = f"SELECT max(job_id) FROM (SELECT job_id FROM jobs WHERE job_id > ? {limit}ORDER BY job_id LIMIT ?) AS piece"
    found: str | None = dialect.query(conn, sql, [after, *params, size])[0][0]
    return found


def ended_roots(conn: Connection, dialect: Dialect, after: str, last: str, before: datetime) -> list[Kept]:
    """Jobs between two ids that have ended before a time, are owned by nobody, and have no parent."""
    sql = (
        f"SELECT {_COLUMNS} FROM jobs j WHERE job_id > ? AND job_id <= ? AND status IN {_ENDED} "
        f"AND completed_at < ? AND worker_id IS NULL AND {_NO_PARENT} ORDER BY job_id"
    )
    return [_kept(row) for row in dialect.query(conn, sql, [after, last, dialect.time(before)])]


def saved_roots(conn: Connection, dialect: Dialect, status: Status, after: str, limit: int) -> list[Kept]:
    """Failed or cancelled jobs after an id that are owned by nobody, have no parent, and have something saved."""
    sql = (
        f"SELECT {_COLUMNS} FROM jobs j WHERE status = ? AND status <> 'completed' AND job_id > ? "
        f"AND checkpoint_at IS NOT NULL AND worker_id IS NULL AND {_NO_PARENT} ORDER BY job_id LIMIT ?"
    )
    return [_kept(row) for row in dialect.query(conn, sql, [str(status), after, limit])]


def families(conn: Connection, dialect: Dialect, roots: Sequence[Kept]) -> dict[str, list[Kept]]:
    """Each root's whole family by the root's id, the root first."""
    found = {root.job_id: [root] for root in roots}
    root_of = {root.job_id: root.job_id for root in roots}
    level = list(root_of)
    while level:
        where, params = dialect.among("parent_id", level)
        children = [_kept(row) for row in dialect.query(conn, f"SELECT {_COLUMNS} FROM jobs WHERE {where}", params)]
        level = []
        for child in children:
            if child.job_id not in root_of:
                root_of[child.job_id] = root_of[child.parent_id or ""]
                found[root_of[child.job_id]].append(child)
                level.append(child.job_id)
    return found


def lock_jobs(conn: Connection, dialect: Dialect, job_ids: Iterable[str]) -> dict[str, Kept]:
    """These jobs as they are now, kept from others until the transaction ends; those that others keep are left out."""
    where, params = dialect.among("job_id", job_ids)
    sql = f"SELECT {_COLUMNS} FROM jobs WHERE {where} ORDER BY job_id{dialect.lock_free}"
    return {row[0]: _kept(row) for row in dialect.query(conn, sql, params)}


def pinned_jobs(conn: Connection, dialect: Dialect, job_ids: Iterable[str]) -> set[str]:
    """Those of these jobs that have a checkpoint which a person wants kept."""
    where, params = dialect.among("job_id", job_ids)
    found = dialect.query(conn, f"SELECT DISTINCT job_id FROM checkpoints WHERE pinned AND {where}", params)
    return {row[0] for row in found}


def count_belongings(conn: Connection, dialect: Dialect, job_ids: Sequence[str]) -> dict[str, int]:
    """How many rows go with each of these jobs, its own among them; tags are not counted."""
    where, params = dialect.among("job_id", job_ids)
    tables = [name for name in BELONGINGS if name != "job_tags"]
    parts = " UNION ALL ".join(f"SELECT job_id FROM {name} WHERE {where}" for name in tables)
    sql = f"SELECT job_id, count(*) FROM ({parts}) AS found GROUP BY job_id"
    counted = {row[0]: int(row[1]) for row in dialect.query(conn, sql, params * len(tables))}
    return {job_id: counted.get(job_id, 0) + 1 for job_id in job_ids}


def is_somebody_ready(conn: Connection, dialect: Dialect) -> bool:
    """Whether a job waits for nothing but a worker."""
    sql = "SELECT 1 FROM jobs WHERE status = 'pending' AND waiting_on IS NULL LIMIT 1"
    return bool(dialect.query(conn, sql, []))


def forget_saved(conn: Connection, dialect: Dialect, family: Sequence[Kept], now: datetime, actor: str) -> int:
    """Drop what jobs have saved, and say so in the history of those that had something; how many those were."""
    ids = [job.job_id for job in family]
    checkpoints.drop_saved(conn, dialect, ids)
    where, params = dialect.among("job_id", ids)
    when = dialect.time(now)
    sql = f"UPDATE jobs SET checkpoint_at = NULL, updated_at = ? WHERE checkpoint_at IS NOT NULL AND {where}"
    dialect.execute(conn, sql, [when, *params])
    had = [job for job in family if job.checkpoint_at is not None]
    told: list[Told] = [(job.job_id, job.generation, "discarded", when, job.fence, actor, None) for job in had]
    tell_events(conn, dialect, told)
    return len(had)


def saved_bytes(conn: Connection, dialect: Dialect, job_ids: Iterable[str]) -> int:
    """How many characters the checkpoints, steps and partial work of these jobs have."""
    where, params = dialect.among("job_id", job_ids)
    total = 0
    for table, column in (("checkpoints", "state"), ("job_steps", "result"), ("job_partials", "records")):
        found = dialect.query(conn, f"SELECT coalesce(sum(length({column})), 0) FROM {table} WHERE {where}", params)
        total += int(found[0][0])
    return total


def set_pinned(conn: Connection, dialect: Dialect, job_ids: Iterable[str], pinned: bool) -> int:
    """Pin the checkpoints of these jobs, or let them go; how many checkpoints that are."""
    where, params = dialect.among("job_id", job_ids)
    return dialect.execute(
        conn, f"UPDATE checkpoints SET pinned = {'true' if pinned else 'false'} WHERE {where}", params
    )
