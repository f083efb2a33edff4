"""Schedules: when job types become jobs, what came of it, and what is to come."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response
from typing_extensions import TypedDict

from onward.records.jobs import JobRecord, job_record
from onward.records.moments import rfc3339
from onward.records.schedules import (
    DueTimeRecord,
    ForecastRecord,
    ScheduleRecord,
    ScheduleRunRecord,
    due_record,
    forecast_record,
    schedule_record,
    schedule_run_record,
)
from onward.server.access import Editor, Operator, Viewer
from onward.server.problems import Problem, documented
from onward.server.routing import App, Limit, Listed, Match, listed, noun

routes = noun("schedules")
MISSING = documented(404)
CHANGES = documented(404, 409, 412, 503)
_LONGEST_HOURS = 31 * 24


class Rule(BaseModel):
    """What a schedule is made of; what is left out stays, or is its default."""

    model_config = ConfigDict(extra="forbid")
    job_type: str | None = Field(default=None, max_length=200)
    cron: str | None = Field(default=None, max_length=200)
    interval_minutes: float | None = Field(default=None, gt=0)
    interval_seconds: int | None = Field(default=None, ge=1)
    run_at: datetime | None = None
    timezone: str = Field(default="UTC", max_length=100)
    params: dict[str, Any] | None = None
    bot_id: str | None = Field(default=None, max_length=200)
    source_id: str | None = Field(default=None, max_length=128)
    enabled: bool = True
    misfire_grace_seconds: int | None = Field(default=300, ge=0)
    catch_up: Literal["latest", "all"] = "latest"
    max_catch_up: int = Field(default=100, ge=1, le=10_000)
    max_instances: int = Field(default=1, ge=1)
    overlap: Literal["skip", "queue", "cancel_running"] = "skip"
    jitter_seconds: int = Field(default=0, ge=0, le=86_400)
    start_at: datetime | None = None
    description: str = Field(default="", max_length=4000)


class NewSchedule(Rule):
    """A schedule to be made."""

    name: str = Field(min_length=1, max_length=200)
    job_type: str = Field(max_length=200)


class Pause(BaseModel):
    """Why nothing is started, and until when."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(default="", max_length=4000)
    until: datetime | None = None


class Range(BaseModel):
    """From when until before when; ``dry_run`` only tells which due times have no job."""

    model_config = ConfigDict(extra="forbid")
    start: datetime
    end: datetime
    dry_run: bool = True


class Backfilled(TypedDict):
    """The due times without a job, and the jobs that were made for them; ``due`` are the moments alone."""

    due: list[str]
    due_times: list[DueTimeRecord]
    jobs: list[JobRecord]


class All(TypedDict):
    """Why no schedule starts anything; null when they do."""

    paused_reason: str | None


@routes.get("")
def list_schedules(
    _caller: Viewer, app: App, job_type: Annotated[str | None, Query(max_length=200)] = None
) -> Listed[ScheduleRecord]:
    """All schedules, soonest first."""
    return listed([schedule_record(found, app.job_types) for found in app.schedules.list(job_type=job_type)])


@routes.post("", status_code=201, responses=CHANGES)
def add_schedule(_caller: Editor, app: App, new: NewSchedule) -> ScheduleRecord:
    """A new schedule; under a name that is there, 409."""
    if any(found.name == new.name for found in app.schedules.list()):
        raise Problem(
            409, "schedule-exists", f"There is a schedule {new.name!r}. Nothing was changed.",
            hint="Change that one, or choose another name.",
        )  # fmt: skip
    given = new.model_dump(exclude={"name", "job_type"})
    return schedule_record(app.schedules.add(new.name, new.job_type, **given), app.job_types)


@routes.get("/preview", responses=MISSING)
def preview(
    _caller: Viewer,
    app: App,
    name: Annotated[str | None, Query(max_length=200)] = None,
    cron: Annotated[str | None, Query(max_length=200)] = None,
    interval_seconds: Annotated[int | None, Query(ge=1)] = None,
    timezone: Annotated[str, Query(max_length=100)] = "UTC",
    count: Annotated[int, Query(ge=1, le=100)] = 10,
) -> list[DueTimeRecord]:
    """The next due times of a schedule, an expression or an interval, and what happens where clocks change."""
    if interval_seconds is not None:
        found = app.schedules.preview_interval(interval_seconds, count, timezone)
    elif name is not None:
        app.schedules.get(name)
        found = app.schedules.preview(name, count)
    else:
        found = app.schedules.preview(cron or "", count, timezone)
    return [due_record(due) for due in found]


@routes.get("/forecast")
def forecast(
    _caller: Viewer, app: App, hours: Annotated[float, Query(gt=0, le=_LONGEST_HOURS)] = 24
) -> list[ForecastRecord]:
    """The starts of the next hours: how long each probably takes, and what gets in each other's way."""
    return [forecast_record(start) for start in app.schedules.forecast(hours)]


@routes.get("/all")
def get_all(_caller: Viewer, app: App) -> All:
    """Whether schedules start anything at all."""
    return {"paused_reason": app.schedules.paused_reason()}


@routes.post("/all/pause", responses=documented(503))
def pause_all(caller: Editor, app: App, how: Pause | None = None) -> All:
    """Have no schedule start anything; people still can."""
    app.schedules.pause_all(reason=(how or Pause()).reason, by=caller.name)
    return {"paused_reason": app.schedules.paused_reason()}


@routes.post("/all/resume", responses=documented(503))
def resume_all(_caller: Editor, app: App) -> All:
    """Let schedules start jobs again."""
    app.schedules.resume_all()
    return {"paused_reason": app.schedules.paused_reason()}


@routes.get("/{name}", responses=MISSING)
def get_schedule(_caller: Viewer, app: App, name: str, response: Response) -> ScheduleRecord:
    """One schedule."""
    record = schedule_record(app.schedules.get(name), app.job_types)
    response.headers["ETag"] = f'"{record["version"]}"'
    return record


@routes.patch("/{name}", responses=CHANGES)
def edit_schedule(_caller: Editor, app: App, name: str, match: Match, change: Rule) -> ScheduleRecord:
    """Change what is given of a schedule; the rest stays."""
    given = change.model_dump(exclude_unset=True)
    return schedule_record(app.schedules.edit(name, expect_version=match, **given), app.job_types)


@routes.delete("/{name}", status_code=204, responses=CHANGES)
def delete_schedule(_caller: Editor, app: App, name: str, match: Match) -> Response:
    """Delete a schedule; its jobs stay."""
    app.schedules.delete(name, expect_version=match)
    return Response(status_code=204)


@routes.get("/{name}/runs", responses=MISSING)
def list_runs(_caller: Viewer, app: App, name: str, limit: Limit = 50) -> Listed[ScheduleRunRecord]:
    """What came of a schedule, newest first: attempts at its jobs, and starts that did not happen."""
    return listed([schedule_run_record(run) for run in app.schedules.runs(name, limit)])


@routes.post("/{name}/pause", responses=CHANGES)
def pause(caller: Operator, app: App, name: str, match: Match, how: Pause | None = None) -> ScheduleRecord:
    """Start nothing by it, until it is resumed or the time has come."""
    chosen = how or Pause()
    found = app.schedules.pause(name, reason=chosen.reason, until=chosen.until, by=caller.name, expect_version=match)
    return schedule_record(found, app.job_types)


@routes.post("/{name}/resume", responses=CHANGES)
def resume(_caller: Operator, app: App, name: str, match: Match) -> ScheduleRecord:
    """Let it go on from its next due time."""
    return schedule_record(app.schedules.resume(name, expect_version=match), app.job_types)


@routes.post("/{name}/run", status_code=201, responses=CHANGES)
def run(_caller: Operator, app: App, name: str) -> JobRecord:
    """Start a job of it now; its due times stay as they are."""
    return job_record(app.schedules.run_now(name), app.job_types)


@routes.post("/{name}/skip-next", responses=CHANGES)
def skip_next(caller: Operator, app: App, name: str, match: Match) -> ScheduleRecord:
    """Leave its next due time out."""
    left_out = app.schedules.skip_next(name, by=caller.name, expect_version=match)
    return schedule_record(left_out, app.job_types)


@routes.post("/{name}/backfill", responses=CHANGES)
def backfill(_caller: Editor, app: App, name: str, given: Range) -> Backfilled:
    """The due times of a range that have no job; without ``dry_run``, a job for each."""
    found = app.schedules.backfill(name, given.start, given.end, given.dry_run)
    return {
        "due": [rfc3339(due.at) for due in found.due_times],
        "due_times": [due_record(due) for due in found.due_times],
        "jobs": [job_record(job, app.job_types) for job in found.jobs],
    }
