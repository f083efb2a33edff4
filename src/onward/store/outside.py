"""Statements on jobs that no worker runs: made by other programs, and moved by them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onward.store import jobs
from onward.store.dialects import Dialect


def insert_outside(conn: Connection, dialect: Dialect, values: Mapping[str, Any], now: datetime) -> None:
    """Insert a pending job without a function; ``values`` are columns, at least ``job_id`` and ``job_type``."""
    when = dialect.time(now)
    row: dict[str, Any] = {
        "status": "pending", "label": "", "priority": 0, "params": "{}", "max_attempts": 1, "max_losses": 1,
        "on_worker_lost": "resume", "type_version": 0, "waiting_on": "outside", "created_at": when, "run_at": when,
        "updated_at": when, **{name: value for name, value in values.items() if name != "task_description"},
    }  # fmt: skip
    jobs.insert_jobs(conn, dialect, [[row.get(name) for name in jobs.INSERT_COLUMNS]])
    jobs.begin_above_deleted(conn, dialect, [row["job_id"]])
    description = values.get("task_description")
    if description:
        sql = "UPDATE jobs SET task_description = ? WHERE job_id = ?"
        dialect.execute(conn, sql, [description, row["job_id"]])


def queues_left_behind(conn: Connection, dialect: Dialect, beginning: str) -> list[tuple[str, str]]:
    """(job id, queue) of pending jobs in queues whose names begin so."""
    sql = "SELECT job_id, queue FROM jobs WHERE status = 'pending' AND queue LIKE ? ORDER BY job_id"
    return [(row[0], row[1]) for row in dialect.query(conn, sql, [f"{beginning}%"])]
