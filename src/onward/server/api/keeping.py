"""What is kept, and for how long: checkpoints and retention."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from onward.model.ids import shown
from onward.model.query import JobQuery, Term
from onward.records.moments import rfc3339
from onward.server.access import Admin, Operator, Viewer, Within, get_within, is_within
from onward.server.problems import Problem, documented
from onward.server.routing import App, Limit, Listed, listed, noun

checkpoints: APIRouter = noun("checkpoints")
retention: APIRouter = noun("retention")


class CheckpointRecord(TypedDict):
    """What a job has saved."""

    job: str
    job_type: str
    source_id: str | None
    state: str
    number: int
    percent: int | None
    bytes: int
    saved_at: str
    is_valid: bool
    pinned: bool


class Pin(BaseModel):
    """Whether to keep it."""

    model_config = ConfigDict(extra="forbid")
    pinned: bool = True


class Pinned(TypedDict):
    """How many checkpoints it was, and whether they are kept now."""

    count: int
    pinned: bool


class RetentionSetting(TypedDict):
    """One setting of retention, and where it comes from."""

    setting: str
    value: Any
    origin: str


class Pruned(TypedDict):
    """What a pruning did, or would do: of finished jobs, and of what failed ones have saved."""

    jobs: dict[str, Any]
    checkpoints: dict[str, Any]


class Age(BaseModel):
    """How old what goes must be; without it, what the settings say."""

    model_config = ConfigDict(extra="forbid")
    older_than_days: float | None = Field(default=None, ge=0, le=36_500)


class Run(Age):
    """A pruning that is meant: ``expect_jobs`` is what the preview said."""

    archive: bool = True
    expect_jobs: int = Field(ge=0)
    reason: str = Field(min_length=1, max_length=4000)


@checkpoints.get("", responses=documented(404))
def list_checkpoints(
    _caller: Viewer,
    app: App,
    limits: Within,
    job: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 50,
) -> Listed[CheckpointRecord]:
    """The kept checkpoints of a job; without one, of the newest jobs that have not succeeded."""
    if job is not None:
        found = [get_within(app, limits, job) if limits else app.get(job)]
    else:
        stopped = Term("state", ("interrupted", "running", "paused", "input", "queued"))
        query = JobQuery(terms=(stopped, *limits.terms), is_deep=False)
        found = [one for one in app.search(query, limit=limit) if one.has_checkpoint]
    return listed([record for one in found if is_within(app, limits, one) for record in _records(app, one)])


@checkpoints.post("/{job_id}/pin", responses=documented(404, 409))
def pin(_caller: Operator, app: App, job_id: str, given: Pin | None = None) -> Pinned:
    """Keep what a job has saved from retention, or let it go."""
    wanted = (given or Pin()).pinned
    count = app.checkpoints.pin(job_id) if wanted else app.checkpoints.unpin(job_id)
    return {"count": count, "pinned": wanted}


def _records(app: App, job: Any) -> list[CheckpointRecord]:
    return [
        {
            "job": shown(job.id),
            "job_type": job.job_type,
            "source_id": job.source_id,
            "state": job.state,
            "number": item["number"],
            "percent": item["percent"],
            "bytes": item["bytes"],
            "saved_at": rfc3339(item["saved_at"]),
            "is_valid": item["is_valid"],
            "pinned": item["pinned"],
        }
        for item in app.checkpoints.list(job.id)
    ]


@retention.get("")
def get_retention(_caller: Viewer, app: App) -> Listed[RetentionSetting]:
    """How long what is over is kept."""
    origins = {item.key: item for item in app.settings.origins()}
    found = [item for key, item in origins.items() if key.startswith("retention.")]
    return listed([{"setting": item.key, "value": item.value, "origin": item.origin} for item in found])


@retention.post("/preview")
def preview(_caller: Operator, app: App, age: Age | None = None) -> Pruned:
    """What would go; nothing is changed."""
    length = _length(age)
    jobs = app.prune(length, dry_run=True)
    return {"jobs": jobs.as_json(), "checkpoints": app.checkpoints.prune(length, dry_run=True).as_json()}


@retention.post("/run", responses=documented(409))
def run(_caller: Admin, app: App, given: Run) -> Pruned:
    """Take it out of the way. 409 when it is not as many as the preview said."""
    length = _length(given)
    would = app.prune(length, archive=given.archive, dry_run=True)
    if would.jobs != given.expect_jobs:
        raise Problem(
            409, "changed-meanwhile", f"It is {would.jobs:,} jobs now, not {given.expect_jobs:,}. Nothing went."
        )
    jobs = app.prune(length, archive=given.archive)
    return {"jobs": jobs.as_json(), "checkpoints": app.checkpoints.prune(length).as_json()}


def _length(age: Age | None) -> timedelta | None:
    return None if age is None or age.older_than_days is None else timedelta(days=age.older_than_days)
