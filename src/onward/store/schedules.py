"""Statements on schedules: what is due, what was decided about it, and what people change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection

from onward.model.codec import decode, encode
from onward.model.job import Run
from onward.model.schedule import Decision, Schedule
from onward.store import rows
from onward.store.dialects import Dialect
from onward.store.tables import decisions, job_runs, jobs, scheduled_jobs

_NAMES = (
    "id", "name", "job_type", "bot_id", "source_id", "enabled", "cron", "interval_minutes", "interval_seconds",
    "run_at", "timezone", "start_at", "anchor_at", "last_run_at", "next_run_at", "due_at", "planned_at", "config_json",
    "misfire_grace_seconds", "coalesce", "max_catch_up", "max_instances", "overlap", "jitter_seconds", "description",
    "paused_by", "paused_reason", "paused_at", "paused_until", "fault", "ended_at", "origin", "origin_digest",
    "created_at", "updated_at",
)  # fmt: skip
_COLUMNS = ", ".join(f"s.{name}" for name in _NAMES)
_TIMES = frozenset(name for name in _NAMES if name.endswith("_at") or name == "paused_until")
_TRUTHS = ("enabled", "coalesce")
_TICKED = "next_run_at IS NOT NULL AND (enabled OR paused_at IS NOT NULL)"
_UNPLANNED = "enabled AND next_run_at IS NULL AND ended_at IS NULL"
_OUTCOME = (
    "(SELECT r.status FROM job_runs r WHERE r.scheduled_job_id = s.id AND coalesce(r.error_type, '') <> 'folded' "
    "ORDER BY r.started_at DESC, r.id DESC LIMIT 1)"
)
_PARAMS_SIZE = 4 << 20
_PLAIN = frozenset({str, int, bool})

Key = tuple[str, str, datetime]
"""Schedule, bot (empty for none) and due time: what is decided about once."""


def schedule(row: Sequence[Any], last_outcome: str | None = None) -> Schedule:
    """A schedule of a row of the columns in their order."""
    values = dict(zip(_NAMES, row, strict=False))
    for name in _TIMES:
        values[name] = rows.moment(values[name])
    for name in _TRUTHS:
        values[name] = bool(values[name])
    values["params"] = decode(values.pop("config_json")) or {}
    return Schedule(**values, last_outcome=last_outcome)


def columns_of(dialect: Dialect, values: dict[str, Any]) -> dict[str, Any]:
    """Fields of a schedule as the driver takes their columns."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name == "params":
            found["config_json"] = encode(value, "The parameters", _PARAMS_SIZE)
        elif isinstance(value, datetime):
            found[name] = dialect.time(value)
        else:
            found[name] = value
    return found


_fields = attrgetter(*(name if name != "config_json" else "params" for name in _NAMES))


def _row(dialect: Dialect, item: Schedule) -> list[Any]:
    """All columns of a schedule, in their order."""
    return [
        value
        if value is None or type(value) in _PLAIN
        else dialect.time(value)
        if isinstance(value, datetime)
        else encode(value, "The parameters", _PARAMS_SIZE)
        for value in _fields(item)
    ]


def insert_schedules(conn: Connection, dialect: Dialect, new: Sequence[Schedule]) -> None:
    """Insert schedules."""
    dialect.insert_many(conn, scheduled_jobs, _NAMES, [_row(dialect, item) for item in new])
    # What is not given when a row is inserted may become the column's default, which is not what None means here.
    patient = [item.id for item in new if item.misfire_grace_seconds is None]
    if patient:
        where, params = dialect.among("id", patient)
        dialect.execute(conn, f"UPDATE scheduled_jobs SET misfire_grace_seconds = NULL WHERE {where}", params)


def change_schedule(conn: Connection, dialect: Dialect, schedule_id: str, **values: Any) -> None:
    """Set fields of a schedule."""
    columns = columns_of(dialect, values)
    names = ", ".join(f"{name} = ?" for name in columns)
    sql = f"UPDATE scheduled_jobs SET {names} WHERE id = ?"
    dialect.execute(conn, sql, [*columns.values(), schedule_id])


def write_plan(conn: Connection, dialect: Dialect, planned: Schedule) -> None:
    """Write when a schedule is due next, or why it is not."""
    names = ("anchor_at", "created_at", "fault", "due_at", "planned_at", "next_run_at", "ended_at")
    change_schedule(conn, dialect, planned.id, **{name: getattr(planned, name) for name in names})


def set_fault(conn: Connection, dialect: Dialect, seen: Schedule, fault: str) -> None:
    """A rule can no longer be worked out; unless it was changed meanwhile."""
    if lock_schedules(conn, dialect, [seen.id]).get(seen.id) == seen:
        change_schedule(conn, dialect, seen.id, fault=fault, next_run_at=None)


NOT_PAUSED: dict[str, Any] = {
    "enabled": True, "paused_by": None, "paused_reason": None, "paused_at": None, "paused_until": None,
}  # fmt: skip


def end_pause(conn: Connection, dialect: Dialect, schedule_id: str, now: datetime) -> None:
    """Let a schedule go on."""
    change_schedule(conn, dialect, schedule_id, **NOT_PAUSED, updated_at=now)


def change_many(conn: Connection, dialect: Dialect, names: Sequence[str], changed: Sequence[Sequence[Any]]) -> None:
    """Set columns of many schedules; a row is the id, then the values."""
    dialect.update_many(conn, scheduled_jobs, ("id",), names, changed)


def get_schedules(
    conn: Connection, dialect: Dialect, column: str, values: Iterable[str], *, lock: bool = False
) -> list[Schedule]:
    """Those whose ``column`` (``id`` or ``name``) is among the values; ``lock`` keeps them until the end."""
    where, params = dialect.among(f"s.{column}", values)
    sql = f"SELECT {_COLUMNS} FROM scheduled_jobs s WHERE {where} ORDER BY s.id{dialect.lock if lock else ''}"
    return [schedule(row) for row in dialect.query(conn, sql, params)]


def known_names(conn: Connection, dialect: Dialect, names: Iterable[str]) -> set[str]:
    """Those of the names that a schedule has."""
    where, params = dialect.among("name", names)
    return {row[0] for row in dialect.query(conn, f"SELECT name FROM scheduled_jobs WHERE {where}", params)}


def list_schedules(
    conn: Connection,
    dialect: Dialect,
    *,
    name: str | None = None,
    job_type: str | None = None,
    schedule_id: str | None = None,
    limit: int | None = None,
) -> list[Schedule]:
    """Schedules with the outcome of their newest run, soonest first; those without a next time at the end."""
    where: list[str] = []
    params: list[Any] = []
    for column, value in (("name", name), ("job_type", job_type), ("id", schedule_id)):
        if value is not None:
            where.append(f"s.{column} = ?")
            params.append(value)
    clause = f" WHERE {' AND '.join(where)}" if where else ""
    most = "" if limit is None else f" LIMIT {int(limit)}"
    sql = (
        f"SELECT {_COLUMNS}, {_OUTCOME} FROM scheduled_jobs s{clause} "
        f"ORDER BY s.next_run_at IS NULL, s.next_run_at, s.name{most}"
    )
    return [schedule(row, row[-1]) for row in dialect.query(conn, sql, params)]


def due_schedules(
    conn: Connection, dialect: Dialect, now: datetime, job_types: Sequence[str], limit: int
) -> list[Schedule]:
    """Those that are due and whose job types are known here, the longest due first."""
    known, params = dialect.among("s.job_type", job_types)
    sql = (
        f"SELECT {_COLUMNS} FROM scheduled_jobs s{dialect.use_index('ix_scheduled_jobs_next_run_at')} "
        f"WHERE {_TICKED} AND s.next_run_at <= ? AND {known} ORDER BY s.next_run_at, s.id LIMIT ?"
    )
    return [schedule(row) for row in dialect.query(conn, sql, [dialect.time(now), *params, limit])]


def lock_schedules(conn: Connection, dialect: Dialect, ids: Iterable[str]) -> dict[str, Schedule]:
    """Those of these ids that nobody else decides about now, kept until the transaction ends."""
    where, params = dialect.among("s.id", ids)
    sql = f"SELECT {_COLUMNS} FROM scheduled_jobs s WHERE {where} ORDER BY s.id{dialect.lock_free}"
    return {row[0]: schedule(row) for row in dialect.query(conn, sql, params)}


def next_due(conn: Connection, dialect: Dialect) -> datetime | None:
    """When the next schedule is due or its pause is over, as far as is planned."""
    sql = (
        f"SELECT (SELECT min(next_run_at) FROM scheduled_jobs WHERE {_TICKED}), "
        "(SELECT min(paused_until) FROM scheduled_jobs WHERE paused_until IS NOT NULL)"
    )
    found = [rows.moment(value) for value in dialect.query(conn, sql, [])[0]]
    return min((at for at in found if at is not None), default=None)


def unplanned(conn: Connection, dialect: Dialect, limit: int, *, faulty: bool = False) -> list[Schedule]:
    """Enabled ones without a next time: new ones, and those that were changed by hand. ``faulty``: those, too."""
    is_sound = "" if faulty else " AND fault IS NULL"
    sql = (
        f"SELECT {_COLUMNS} FROM scheduled_jobs s{dialect.use_index('ix_scheduled_jobs_unplanned')} "
        f"WHERE {_UNPLANNED}{is_sound} ORDER BY s.id LIMIT ?"
    )
    return [schedule(row) for row in dialect.query(conn, sql, [limit])]


def end_pauses(conn: Connection, dialect: Dialect, now: datetime) -> int:
    """Enable those whose pause is over and of which nothing is due; how many there were."""
    sql = (
        "UPDATE scheduled_jobs SET enabled = true, paused_by = NULL, paused_reason = NULL, paused_at = NULL, "
        "paused_until = NULL, updated_at = ? WHERE paused_until IS NOT NULL AND paused_until <= ? "
        "AND (next_run_at IS NULL OR next_run_at > ?)"
    )
    when = dialect.time(now)
    return dialect.execute(conn, sql, [when, when, when])


def delete_schedule(conn: Connection, dialect: Dialect, schedule_id: str) -> None:
    """Delete a schedule with its decisions; what it has started stays, and so does the record of what it did not."""
    dialect.execute(conn, "DELETE FROM schedule_decisions WHERE schedule_id = ?", [schedule_id])
    dialect.execute(conn, "DELETE FROM scheduled_jobs WHERE id = ?", [schedule_id])


# ---- decisions ------------------------------------------------------------------------------------------------


def decided(
    conn: Connection, dialect: Dialect, ids: Iterable[str], first: datetime, last: datetime
) -> dict[Key, tuple[str, str | None]]:
    """What was decided about due times of these schedules from ``first`` to ``last``: decision and started job."""
    where, params = dialect.among("schedule_id", ids)
    sql = (
        "SELECT schedule_id, bot_id, due_at, decision, started_job FROM schedule_decisions "
        f"WHERE {where} AND due_at >= ? AND due_at <= ?"
    )
    found = dialect.query(conn, sql, [*params, dialect.time(first), dialect.time(last)])
    return {(row[0], row[1], rows.at(row[2])): (row[3], row[4]) for row in found}


def list_decisions(conn: Connection, dialect: Dialect, schedule_id: str) -> list[Decision]:
    """All that was decided about the due times of a schedule, the earliest first."""
    sql = (
        "SELECT d.due_at, d.bot_id, d.started_job, d.decided_at, r.error_type FROM schedule_decisions d "
        "LEFT JOIN job_runs r ON r.id = d.skipped_run WHERE d.schedule_id = ? ORDER BY d.due_at, d.bot_id"
    )
    found = dialect.query(conn, sql, [schedule_id])
    return [Decision(rows.at(row[0]), row[1], row[2], rows.at(row[3]), row[4]) for row in found]


def insert_decisions(conn: Connection, dialect: Dialect, made: Sequence[Sequence[Any]]) -> None:
    """Write decisions: schedule, bot, due time, decision, started job, skipped run, time of the decision."""
    names = ("schedule_id", "bot_id", "due_at", "decision", "started_job", "skipped_run", "decided_at")
    dialect.insert_many(conn, decisions, names, made)


def redecide(conn: Connection, dialect: Dialect, key: Key, job_id: str, now: datetime) -> None:
    """A due time that was skipped is made up for by this job."""
    sql = (
        "UPDATE schedule_decisions SET decision = 'started', started_job = ?, decided_at = ? "
        "WHERE schedule_id = ? AND bot_id = ? AND due_at = ?"
    )
    dialect.execute(conn, sql, [job_id, dialect.time(now), key[0], key[1], dialect.time(key[2])])


def insert_skipped(conn: Connection, dialect: Dialect, skipped: Sequence[Sequence[Any]]) -> None:
    """Write starts that did not happen into ``job_runs``: id, schedule, job type, bot, at, at, reason, text, JSON."""
    names = (
        "id", "scheduled_job_id", "job_type", "bot_id", "started_at", "finished_at", "error_type", "error_message",
        "result_json", "status",
    )  # fmt: skip
    dialect.insert_many(conn, job_runs, names, [(*row, "skipped") for row in skipped])


def prune_decisions(conn: Connection, dialect: Dialect, before: datetime, limit: int) -> int:
    """Delete old decisions and the records of starts that did not happen; how many decisions, at most ``limit``.

    What a schedule has not gone beyond stays: no due time is ever decided about twice.
    """
    sql = (
        "SELECT d.schedule_id, d.bot_id, d.due_at, d.skipped_run FROM schedule_decisions d "
        "LEFT JOIN scheduled_jobs s ON s.id = d.schedule_id "
        "WHERE d.decided_at < ? AND (s.id IS NULL OR s.due_at IS NULL OR d.due_at < s.due_at) LIMIT ?"
    )
    found = dialect.query(conn, sql, [dialect.time(before), limit])
    if not found:
        return 0
    keys = [(row[0], row[1], dialect.time(rows.at(row[2]))) for row in found]
    dialect.delete_many(conn, decisions, ("schedule_id", "bot_id", "due_at"), keys)
    runs = [row[3] for row in found if row[3] is not None]
    if runs:
        where, params = dialect.among("id", runs)
        dialect.execute(conn, f"DELETE FROM job_runs WHERE status = 'skipped' AND job_id IS NULL AND {where}", params)
    return len(found)


def list_runs(conn: Connection, dialect: Dialect, schedule_id: str, limit: int) -> list[Run]:
    """What came of a schedule: attempts at its jobs, and starts that did not happen; newest first."""
    sql = (
        f"SELECT {rows.RUN_COLUMNS} FROM job_runs WHERE scheduled_job_id = ? ORDER BY started_at DESC, id DESC LIMIT ?"
    )
    return [rows.run(row) for row in dialect.query(conn, sql, [schedule_id, limit])]


def lengths(conn: Connection, dialect: Dialect, job_type: str, most: int) -> list[int]:
    """How long the newest successful runs of a job type took, in milliseconds."""
    sql = (
        "SELECT r.duration_ms FROM jobs j JOIN job_runs r ON r.job_id = j.job_id AND r.fence = j.fence "
        "WHERE j.job_type = ? AND j.status = 'completed' AND r.duration_ms IS NOT NULL ORDER BY j.job_id DESC LIMIT ?"
    )
    return [int(row[0]) for row in dialect.query(conn, sql, [job_type, most])]


def mark_jobs(conn: Connection, dialect: Dialect, marked: Sequence[Sequence[Any]]) -> None:
    """Say of jobs which schedule has started them: job id, schedule, due time."""
    dialect.update_many(conn, jobs, ("job_id",), ("scheduled_job_id", "due_at"), marked)
