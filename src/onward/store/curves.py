"""Statements on lines of progress: one row for each job that took longer than a moment."""

from __future__ import annotations

from sqlalchemy import Connection

from onward.model.curve import Curve
from onward.store.dialects import Dialect


def text_of(conn: Connection, dialect: Dialect, job_id: str) -> str | None:
    """What is kept of a job's line."""
    found = dialect.query(conn, "SELECT points FROM job_curves WHERE job_id = ?", [job_id])
    return found[0][0] if found else None


def keep(conn: Connection, dialect: Dialect, job_id: str, curve: Curve, owner: tuple[str, int] | None = None) -> None:
    """Keep a job's line; with an owner (worker, fence) only if the job is still theirs."""
    mine, params = ("AND worker_id = ? AND fence = ?", owner) if owner is not None else ("", ())
    sql = (
        f"INSERT INTO job_curves (job_id, points) SELECT job_id, ? FROM jobs WHERE job_id = ? {mine} "
        "ON CONFLICT (job_id) DO UPDATE SET points = excluded.points"
    )
    dialect.execute(conn, sql, [curve.text, job_id, *params])
