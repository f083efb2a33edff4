"""Statements on what is ready to be claimed, and on what will be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onward.store import queues as queues_of
from onward.store.dialects import Dialect


def promote_due(conn: Connection, dialect: Dialect, now: datetime) -> int:
    """Make jobs ready whose time has come."""
    sql = (
        "UPDATE jobs SET waiting_on = NULL WHERE status = 'pending' AND waiting_on = 'time' AND run_at <= ? "
        "AND worker_id IS NULL"
    )
    return dialect.execute(conn, sql, [dialect.time(now)])


def is_any_ready(conn: Connection, dialect: Dialect) -> bool:
    """Whether a job is ready to be claimed."""
    sql = f"SELECT 1 FROM jobs WHERE status = 'pending' AND waiting_on IS NULL AND {queues_of.NOT_PAUSED} LIMIT 1"
    return bool(dialect.query(conn, sql, []))


def count_ready(conn: Connection, dialect: Dialect, queue: str, most: int) -> int:
    """How many jobs of a queue are ready to be claimed, counted up to ``most``."""
    sql = (
        f"SELECT count(*) FROM (SELECT 1 FROM jobs{dialect.use_index('ix_jobs_ready')} WHERE status = 'pending' "
        "AND waiting_on IS NULL AND queue = ? LIMIT ?) AS found"
    )
    return int(dialect.query(conn, sql, [queue, most])[0][0])


def next_due(conn: Connection, dialect: Dialect) -> Any:
    """The earliest time for which a job waits, as the database gives it, or None."""
    sql = "SELECT min(run_at) FROM jobs WHERE status = 'pending' AND waiting_on = 'time'"
    return dialect.query(conn, sql, [])[0][0]


def claimable(
    dialect: Dialect,
    queues: Sequence[str],
    job_types: Sequence[str],
    versions: Mapping[str, int] | None,
    without: str | None,
) -> tuple[str, list[Any]]:
    """The condition of what ``claims.claim_jobs`` may give to such a worker, with its values."""
    where = ["status = 'pending'", "waiting_on IS NULL"]
    params: list[Any] = []
    for column, values in (("queue", queues), ("job_type", job_types)):
        if values:
            condition, found = dialect.among(column, values)
            where.append(condition)
            params += found
    if without is not None and not queues:
        where.append("queue <> ?")
        params.append(without)
    known = ["type_version <= 1"]
    for name, version in (versions or {}).items():
        known.append("(job_type = ? AND type_version <= ?)")
        params += [name, version]
    where.append(f"({' OR '.join(known)})")
    where.append(queues_of.NOT_PAUSED)
    return " AND ".join(where), params


def is_any_left(
    conn: Connection,
    dialect: Dialect,
    *,
    worker_id: str,
    queues: Sequence[str],
    job_types: Sequence[str],
    versions: Mapping[str, int] | None = None,
    without: str | None = None,
) -> bool:
    """Whether the worker has a job, or one is ready that it may claim, also one whose row somebody holds just now."""
    where, params = claimable(dialect, queues, job_types, versions, without)
    sql = (
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM jobs WHERE worker_id = ? AND status = 'running') "
        f"OR EXISTS (SELECT 1 FROM jobs WHERE {where})"
    )
    return bool(dialect.query(conn, sql, [worker_id, *params]))
