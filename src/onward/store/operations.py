"""Statements on operations: one verb on many jobs, written down when it begins, outcome by outcome."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import orjson
from sqlalchemy import Connection

from onward.model.operation import Operation, OperationItem
from onward.store import rows
from onward.store.dialects import Dialect
from onward.store.tables import operation_items, operations

_COLUMNS = (
    "operation_id, action, query, reason, state, total, created_by, created_at, updated_at, finished_at, stop_asked, "
    "arguments"
)


def insert_operation(conn: Connection, dialect: Dialect, operation: Operation, targets: Sequence[str]) -> None:
    """Write down what is to be done with which jobs."""
    o, when = operation, dialect.time(operation.created_at)
    columns = (
        "operation_id", "action", "query", "reason", "state", "total", "created_by", "created_at", "updated_at",
        "arguments",
    )  # fmt: skip
    arguments = orjson.dumps(dict(o.arguments)).decode() if o.arguments else None
    values = (o.id, o.action, o.query, o.reason, o.state, o.total, o.created_by, when, when, arguments)
    dialect.insert_many(conn, operations, columns, [values])
    for start in range(0, len(targets), 1000):
        part = [(o.id, target) for target in targets[start : start + 1000]]
        dialect.insert_many(conn, operation_items, ("operation_id", "target"), part)


def get_operation(conn: Connection, dialect: Dialect, operation_id: str) -> Operation | None:
    """An operation with how far it is."""
    found = dialect.query(conn, f"SELECT {_COLUMNS} FROM operations WHERE operation_id = ?", [operation_id])
    if not found:
        return None
    row = found[0]
    sql = (
        "SELECT outcome, count(*) FROM operation_items WHERE operation_id = ? AND outcome IS NOT NULL GROUP BY outcome"
    )
    counts = {one[0]: int(one[1]) for one in dialect.query(conn, sql, [operation_id])}
    return Operation(
        row[0], row[1], row[2], row[3], row[4], int(row[5]), row[6], rows.at(row[7]), rows.at(row[8]),
        rows.moment(row[9]), bool(row[10]), counts, orjson.loads(row[11] or "{}"),
    )  # fmt: skip


def list_operations(conn: Connection, dialect: Dialect, limit: int) -> list[str]:
    """The newest operations."""
    sql = "SELECT operation_id FROM operations ORDER BY operation_id DESC LIMIT ?"
    return [row[0] for row in dialect.query(conn, sql, [limit])]


def list_items(
    conn: Connection, dialect: Dialect, operation_id: str, outcome: str | None, after: str, limit: int
) -> list[OperationItem]:
    """Jobs of an operation with what became of each, by id."""
    which, params = ("", []) if outcome is None else (" AND outcome = ?", [outcome])
    sql = (
        "SELECT target, outcome, message FROM operation_items WHERE operation_id = ? AND target > ?"
        f"{which} ORDER BY target LIMIT ?"
    )
    return [
        OperationItem(row[0], row[1], row[2]) for row in dialect.query(conn, sql, [operation_id, after, *params, limit])
    ]


def take_left(conn: Connection, dialect: Dialect, before: datetime, now: datetime) -> str | None:
    """An operation of which nothing was heard since before this time: it is the caller's from now on."""
    sql = f"SELECT operation_id FROM operations WHERE state = 'running' AND updated_at < ? LIMIT 1{dialect.lock}"
    found = dialect.query(conn, sql, [dialect.time(before)])
    if not found:
        return None
    touch(conn, dialect, found[0][0], now)
    return str(found[0][0])


def touch(conn: Connection, dialect: Dialect, operation_id: str, now: datetime) -> bool:
    """Somebody is at it; whether it is to go on."""
    sql = "UPDATE operations SET updated_at = ? WHERE operation_id = ? AND state = 'running' AND NOT stop_asked"
    return dialect.execute(conn, sql, [dialect.time(now), operation_id]) == 1


def next_targets(conn: Connection, dialect: Dialect, operation_id: str, limit: int) -> list[str]:
    """Jobs with which nothing was done yet."""
    sql = "SELECT target FROM operation_items WHERE operation_id = ? AND outcome IS NULL ORDER BY target DESC LIMIT ?"
    return [row[0] for row in dialect.query(conn, sql, [operation_id, limit])]


def keep_outcomes(conn: Connection, dialect: Dialect, found: Sequence[tuple[str, str, str, str]]) -> None:
    """What became of jobs: operation, target, outcome, message."""
    dialect.update_many(conn, operation_items, ("operation_id", "target"), ("outcome", "message"), found)


def finish(conn: Connection, dialect: Dialect, operation_id: str, state: str, now: datetime) -> None:
    """It is over."""
    sql = "UPDATE operations SET state = ?, finished_at = ?, updated_at = ? WHERE operation_id = ?"
    when = dialect.time(now)
    dialect.execute(conn, sql, [state, when, when, operation_id])


def ask_to_stop(conn: Connection, dialect: Dialect, operation_id: str) -> bool:
    """Have it stop; whether it was going on."""
    sql = "UPDATE operations SET stop_asked = (1 = 1) WHERE operation_id = ? AND state = 'running'"
    return dialect.execute(conn, sql, [operation_id]) == 1
