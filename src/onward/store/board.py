"""Statements on who has what: resources with their holders and waiters, and people's holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onward.store import rows
from onward.store.dialects import Dialect

_MOST = 200
"""Waiting jobs of one resource that are listed."""


def list_resources(conn: Connection, dialect: Dialect, name: str | None = None) -> list[dict[str, Any]]:
    """Every known resource (or the one of this name), by name: capacity, token, and who of the people holds it."""
    which, params = ("WHERE name = ? ", [name]) if name is not None else ("", [])
    sql = f"SELECT name, capacity, token, held_by, held_reason, held_at FROM resources {which}ORDER BY name"
    return [
        {
            "name": row[0], "capacity": int(row[1]), "token": int(row[2]), "held_by": row[3], "held_reason": row[4],
            "held_at": rows.moment(row[5]),
        }
        for row in dialect.query(conn, sql, params)
    ]  # fmt: skip


def count_waiting(conn: Connection, dialect: Dialect) -> dict[str, int]:
    """Resource to how many jobs are set aside for it."""
    sql = "SELECT blocked_by, count(*) FROM jobs WHERE blocked_by IS NOT NULL GROUP BY blocked_by"
    return {row[0]: int(row[1]) for row in dialect.query(conn, sql, [])}


def list_holders(conn: Connection, dialect: Dialect, name: str) -> list[dict[str, Any]]:
    """The jobs that have a resource, by slot."""
    sql = (
        "SELECT n.job_id, j.job_type, j.status, j.source_id, j.progress_percent, n.held_at, n.token, j.worker_id, "
        "j.current_operation FROM job_resources AS n LEFT JOIN jobs AS j ON j.job_id = n.job_id "
        "WHERE n.resource = ? AND n.slot >= 0 ORDER BY n.slot"
    )
    return [
        {
            "job_id": row[0], "job_type": row[1], "status": row[2], "source_id": row[3], "percent": row[4],
            "since": rows.moment(row[5]), "token": row[6], "worker_id": row[7], "operation": row[8],
        }
        for row in dialect.query(conn, sql, [name])
    ]  # fmt: skip


def list_waiters(conn: Connection, dialect: Dialect, name: str) -> list[dict[str, Any]]:
    """The jobs that are set aside for a resource, in the order in which they will have it."""
    sql = (
        "SELECT job_id, job_type, source_id, priority, run_at, progress_percent FROM jobs WHERE blocked_by = ? "
        "AND status = 'pending' ORDER BY priority DESC, run_at, job_id LIMIT ?"
    )
    return [
        {
            "job_id": row[0], "job_type": row[1], "source_id": row[2], "priority": row[3],
            "since": rows.moment(row[4]), "percent": row[5],
        }
        for row in dialect.query(conn, sql, [name, _MOST])
    ]  # fmt: skip


def all_holders(conn: Connection, dialect: Dialect) -> dict[str, list[dict[str, Any]]]:
    """Resource to the jobs that have it, by slot; at most so many in all."""
    sql = (
        "SELECT n.resource, n.job_id, j.job_type, j.source_id, j.progress_percent, n.held_at FROM job_resources AS n "
        "LEFT JOIN jobs AS j ON j.job_id = n.job_id WHERE n.slot >= 0 ORDER BY n.resource, n.slot LIMIT ?"
    )
    return _by_resource(dialect.query(conn, sql, [_MOST * 10]))


def all_waiters(conn: Connection, dialect: Dialect) -> dict[str, list[dict[str, Any]]]:
    """Resource to the jobs that are set aside for it, in order; at most so many in all."""
    sql = (
        "SELECT blocked_by, job_id, job_type, source_id, progress_percent, run_at FROM jobs "
        "WHERE blocked_by IS NOT NULL ORDER BY blocked_by, priority DESC, run_at LIMIT ?"
    )
    return _by_resource(dialect.query(conn, sql, [_MOST * 10]))


def _by_resource(found: list[Any]) -> dict[str, list[dict[str, Any]]]:
    listed: dict[str, list[dict[str, Any]]] = {}
    for name, job_id, job_type, source_id, percent, since in found:
        one = {
            "job_id": job_id, "job_type": job_type, "source_id": source_id, "percent": percent,
            "since": rows.moment(since),
        }  # fmt: skip
        listed.setdefault(name, []).append(one)
    return listed


def hold_resource(conn: Connection, dialect: Dialect, name: str, by: str, reason: str, now: datetime) -> None:
    """A person keeps a resource from all jobs that do not have it already."""
    sql = "UPDATE resources SET held_by = ?, held_reason = ?, held_at = ? WHERE name = ?"
    dialect.execute(conn, sql, [by, reason, dialect.time(now), name])


def unhold_resource(conn: Connection, dialect: Dialect, name: str) -> bool:
    """Jobs may have it again; whether somebody had kept it."""
    sql = (
        "UPDATE resources SET held_by = NULL, held_reason = NULL, held_at = NULL WHERE name = ? AND held_by IS NOT NULL"
    )
    return dialect.execute(conn, sql, [name]) == 1


def release(conn: Connection, dialect: Dialect, name: str, job_id: str) -> None:
    """Take a resource from a job."""
    sql = "UPDATE job_resources SET slot = NULL, token = NULL, held_at = NULL WHERE resource = ? AND job_id = ?"
    dialect.execute(conn, sql, [name, job_id])
    # Who has ended does not come back for it.
    sql = (
        "DELETE FROM job_resources WHERE resource = ? AND job_id = ? AND NOT EXISTS (SELECT 1 FROM jobs AS j "
        "WHERE j.job_id = job_resources.job_id AND j.status NOT IN ('completed', 'failed', 'cancelled'))"
    )
    dialect.execute(conn, sql, [name, job_id])
