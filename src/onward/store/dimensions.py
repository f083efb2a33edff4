"""Statements on the board of vector databases: which job works on which dimension, and how."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from onward.store.dialects import Dialect


def busy_dimensions(conn: Connection, dialect: Dialect) -> list[tuple[int, str, str | None, str | None]]:
    """(dimension, job id, operation, source id) of the jobs that work on one now, oldest first."""
    # Also a cancelled job whose code has not left still works on it.
    sql = (
        "SELECT current_dimension, job_id, current_operation, source_id FROM jobs WHERE current_dimension IS NOT NULL "
        "AND (status = 'running' OR worker_id IS NOT NULL) ORDER BY job_id"
    )
    return [(int(row[0]), row[1], row[2], row[3]) for row in dialect.query(conn, sql, [])]


def show_dimension(
    conn: Connection, dialect: Dialect, job_id: str, dimension: int | None, operation: str | None, now: datetime
) -> None:
    """Note what a job works on."""
    sql = "UPDATE jobs SET current_dimension = ?, current_operation = ?, updated_at = ? WHERE job_id = ?"
    dialect.execute(conn, sql, [dimension, operation, dialect.time(now), job_id])
