"""Schedules as plain values, with what comes of them and what is to come."""

from __future__ import annotations

from typing import Annotated, Any

from typing_extensions import TypedDict

from onward.authoring.registry import JobTypes
from onward.errors import OnwardError
from onward.model.cron import DueTime
from onward.model.ids import shown
from onward.model.job import Run
from onward.model.schedule import Forecast, Schedule
from onward.model.schedule_entry import ScheduleChange
from onward.records.moments import rfc3339
from onward.records.payload import PAYLOAD


class ScheduleRecord(TypedDict):
    """When a job type becomes a job, and by which policies."""

    id: str
    name: str
    job_type: str
    state: str
    enabled: bool
    rule: str
    in_words: str
    cron: str | None
    interval_minutes: int | None
    interval_seconds: int | None
    run_at: str | None
    timezone: str
    start_at: str | None
    next_run_at: str | None
    last_run_at: str | None
    last_outcome: str | None
    params: Annotated[dict[str, Any], PAYLOAD]
    bot_id: str | None
    source_id: str | None
    misfire_grace_seconds: int | None
    catch_up: str
    max_catch_up: int
    overlap: str
    max_instances: int
    jitter_seconds: int
    description: str
    paused_by: str | None
    paused_reason: str | None
    paused_until: str | None
    fault: str | None
    origin: str
    paused_at: str | None
    ended_at: str | None
    anchor_at: str | None
    created_at: str | None
    updated_at: str | None
    version: str


class DueTimeRecord(TypedDict):
    """When a schedule is due."""

    at: str
    local: str
    note: str


class ForecastRecord(TypedDict):
    """A start that is to come."""

    schedule: str
    job_type: str
    at: str
    local: str
    expected_seconds: float | None
    resources: list[str]
    clashes: list[dict[str, str]]


class ScheduleRunRecord(TypedDict):
    """An attempt at a schedule's job, or a start that did not happen (``job_id`` is null)."""

    id: str
    job_id: str | None
    bot_id: str | None
    status: str
    started_at: str
    finished_at: str | None
    duration_ms: int | None
    reason: str | None
    message: str | None
    due_at: str | None
    next_at: str | None


class ScheduleChangeRecord(TypedDict):
    """What loading a file does to a schedule."""

    name: str
    action: str
    fields: dict[str, list[Any]]
    origin: str


def schedule_record(schedule: Schedule, types: JobTypes) -> ScheduleRecord:
    """A schedule; sensitive parameters are hidden."""
    return {
        "id": shown(schedule.id, "sch"),
        "name": schedule.name,
        "job_type": schedule.job_type,
        "state": schedule.state,
        "enabled": schedule.enabled,
        "rule": schedule.rule_text,
        "in_words": in_words(schedule),
        "cron": schedule.cron,
        "interval_minutes": schedule.interval_minutes,
        "interval_seconds": schedule.interval_seconds,
        "run_at": rfc3339(schedule.run_at),
        "timezone": schedule.timezone,
        "start_at": rfc3339(schedule.start_at),
        "next_run_at": rfc3339(schedule.next_run_at),
        "last_run_at": rfc3339(schedule.last_run_at),
        "last_outcome": schedule.last_outcome,
        "params": _params(schedule, types),
        "bot_id": schedule.bot_id,
        "source_id": schedule.source_id,
        "misfire_grace_seconds": schedule.misfire_grace_seconds,
        "catch_up": schedule.catch_up,
        "max_catch_up": schedule.max_catch_up,
        "overlap": schedule.overlap,
        "max_instances": schedule.max_instances,
        "jitter_seconds": schedule.jitter_seconds,
        "description": schedule.description,
        "paused_by": schedule.paused_by,
        "paused_reason": schedule.paused_reason,
        "paused_until": rfc3339(schedule.paused_until),
        "fault": schedule.fault,
        "origin": schedule.origin,
        "paused_at": rfc3339(schedule.paused_at),
        "ended_at": rfc3339(schedule.ended_at),
        "anchor_at": rfc3339(schedule.anchor_at),
        "created_at": rfc3339(schedule.created_at),
        "updated_at": rfc3339(schedule.updated_at),
        "version": schedule.version,
    }


def in_words(schedule: Schedule) -> str:
    """The rule in plain words; empty where it cannot be worked out."""
    anchor = schedule.anchor_at or schedule.created_at
    try:
        return schedule.rule(anchor).in_words() if anchor is not None else ""
    except OnwardError:
        return ""


def due_record(due: DueTime) -> DueTimeRecord:
    """A due time."""
    return {"at": rfc3339(due.at), "local": due.local.isoformat(), "note": due.note}


def forecast_record(start: Forecast) -> ForecastRecord:
    """A start that is to come."""
    return {
        "schedule": start.schedule,
        "job_type": start.job_type,
        "at": rfc3339(start.at),
        "local": start.local.isoformat(),
        "expected_seconds": start.expected_seconds,
        "resources": list(start.resources),
        "clashes": [{"resource": resource, "schedule": name} for resource, name in start.clashes],
    }


def schedule_run_record(run: Run) -> ScheduleRunRecord:
    """What came of a schedule."""
    facts = run.result if run.job_id is None and isinstance(run.result, dict) else {}
    return {
        "id": shown(run.id, "run"),
        "job_id": shown(run.job_id) if run.job_id else None,
        "bot_id": run.bot_id,
        "status": str(run.status),
        "started_at": rfc3339(run.started_at),
        "finished_at": rfc3339(run.finished_at),
        "duration_ms": run.duration_ms,
        "reason": facts.get("reason"),
        "message": run.error_message,
        "due_at": facts.get("due_at"),
        "next_at": facts.get("next_at"),
    }


def schedule_change_record(change: ScheduleChange) -> ScheduleChangeRecord:
    """What loading a file does to a schedule."""
    return {
        "name": change.name,
        "action": change.action,
        "fields": {item.name: [item.old, item.new] for item in change.fields},
        "origin": change.origin,
    }


def _params(schedule: Schedule, types: JobTypes) -> dict[str, Any]:
    return types.get(schedule.job_type).redacted(schedule.params) if schedule.job_type in types else schedule.params
