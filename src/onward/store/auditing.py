"""Statements on who did what: the events that somebody has caused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from onward.model.job import EventRecord
from onward.model.query import AuditQuery
from onward.store import rows
from onward.store.dialects import Dialect


def list_acts(
    conn: Connection, dialect: Dialect, query: AuditQuery, limit: int, after: int | None
) -> list[EventRecord]:
    """Events with an actor, newest first, those before the event ``after``. Losses of workers are nobody's act."""
    where, params = ["actor IS NOT NULL", "kind <> 'worker_lost'"], list[Any]()
    for column, value in (("actor", query.actor), ("job_id", query.job_id), ("kind", query.kind)):
        if value is not None:
            where.append(f"{column} = ?")
            params.append(value)
    if query.since is not None:
        where.append("at >= ?")
        params.append(dialect.time(query.since))
    if after is not None:
        where.append("seq < ?")
        params.append(after)
    sql = f"SELECT {rows.EVENT_COLUMNS} FROM job_events WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?"
    return [rows.event(row) for row in dialect.query(conn, sql, [*params, limit])]


def force_stops(conn: Connection, dialect: Dialect, job_ids: Iterable[str]) -> dict[str, int]:
    """Of these jobs, those that somebody wants out at once, and under which fence."""
    where, params = dialect.among("job_id", job_ids)
    sql = f"SELECT job_id, max(fence) FROM job_events WHERE kind = 'force_stopped' AND {where} GROUP BY job_id"
    return {row[0]: int(row[1]) for row in dialect.query(conn, sql, params)}
