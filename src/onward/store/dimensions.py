"""Statements on the dimension board: which job works on which vector database, and how."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from onward.store.dialects import Dialect


def at_work(conn: Connection, dialect: Dialect) -> list[tuple[str, int, str | None, str | None]]:
    """(job id, dimension, operation, source) of jobs whose code works on a vector database and says so."""
    sql = (
        "SELECT job_id, current_dimension, current_operation, source_id FROM jobs WHERE current_dimension IS NOT NULL "
        "AND status NOT IN ('completed', 'failed') AND (status = 'running' OR worker_id IS NOT NULL) ORDER BY job_id"
    )
    return [tuple(row) for row in dialect.query(conn, sql, [])]


def set_dimension(
    conn: Connection, dialect: Dialect, job_id: str, dimension: int | None, operation: str | None, now: datetime
) -> None:
    """What the board shows for a job."""
    sql = (
        "UPDATE jobs SET current_dimension = CAST(? AS integer), current_operation = CAST(? AS text), updated_at = ? "
        "WHERE job_id = ?"
    )
    dialect.execute(conn, sql, [dimension, operation, dialect.time(now), job_id])
