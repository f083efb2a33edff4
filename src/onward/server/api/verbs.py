"""What people do with a job: a route for each verb."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from onward.records.jobs import JobRecord, job_record
from onward.server.access import Operator, Within
from onward.server.bounds import chosen_within, refuse_beyond, refuse_source
from onward.server.problems import documented
from onward.server.routing import App, Match, noun

routes: APIRouter = noun("jobs")
ANSWERS = documented(404, 409, 412, 503)


class Why(BaseModel):
    """Why something is done."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(default="", max_length=4000)


class Again(BaseModel):
    """How a job is run again."""

    model_config = ConfigDict(extra="forbid")
    source_id: str | None = Field(default=None, max_length=128)
    resume: bool | None = None


class Fresh(BaseModel):
    """How a job is started fresh."""

    model_config = ConfigDict(extra="forbid")
    keep: bool = Field(default=False, description="Begin as a new job; the old one stays, with what it saved.")


class Change(BaseModel):
    """What of a waiting job shall be otherwise; what is left out stays."""

    model_config = ConfigDict(extra="forbid")
    priority: int | None = None
    queue: str | None = Field(default=None, max_length=200)
    run_at: datetime | None = None
    tags: list[str] | None = Field(default=None, max_length=50)


@routes.post("/{job_id}/resume", responses=ANSWERS)
def resume(caller: Operator, app: App, job_id: str, match: Match) -> JobRecord:
    """Go on with a failed, cancelled or held job from its checkpoint; let a paused one go on."""
    job = app.get(job_id)
    done = (
        app.unpause(job.id, actor=caller.name, expect_version=match)
        if job.paused_by is not None and not job.status.is_ended
        else app.resume(job.id, actor=caller.name, expect_version=match)
    )
    return job_record(done, app.job_types)


@routes.post("/{job_id}/fresh", responses=ANSWERS)
def fresh(caller: Operator, app: App, limits: Within, job_id: str, match: Match, how: Fresh | None = None) -> JobRecord:
    """Start a failed, cancelled or held job from the beginning; what it saved is dropped, or kept with the old job."""
    keep = (how or Fresh()).keep
    if limits and keep:
        job = app.get(job_id)
        refuse_source(limits, app, job.job_type, job.source_id)
    return job_record(app.restart(job_id, keep=keep, actor=caller.name, expect_version=match), app.job_types)


@routes.post("/{job_id}/again", status_code=201, responses=ANSWERS)
def again(_caller: Operator, app: App, limits: Within, job_id: str, how: Again | None = None) -> JobRecord:
    """A new job with the same parameters."""
    chosen = how or Again()
    if limits:
        job = app.get(job_id)
        source = chosen.source_id or job.source_id
        chosen_within(limits, app, job.job_type, job.params, queue=job.queue, user_id=job.user_id, source_id=source)
    new = app.run_again(job_id, source_id=chosen.source_id, resume=chosen.resume)
    refuse_beyond(limits, app, new)
    return job_record(new, app.job_types)


@routes.post("/{job_id}/pause", responses=ANSWERS)
def pause(caller: Operator, app: App, job_id: str, match: Match, why: Why | None = None) -> JobRecord:
    """Keep a job from being run; a running one stops at its next safe point."""
    return job_record(
        app.pause(job_id, actor=caller.name, reason=(why or Why()).reason, expect_version=match), app.job_types
    )


@routes.post("/{job_id}/unpause", responses=ANSWERS)
def unpause(caller: Operator, app: App, job_id: str, match: Match) -> JobRecord:
    """Let a paused job go on."""
    return job_record(app.unpause(job_id, actor=caller.name, expect_version=match), app.job_types)


@routes.post("/{job_id}/cancel", responses=ANSWERS)
def cancel(caller: Operator, app: App, job_id: str, match: Match, why: Why | None = None) -> JobRecord:
    """Stop a job: it leaves at its next safe point, with its checkpoint saved."""
    return job_record(
        app.cancel(job_id, actor=caller.name, reason=(why or Why()).reason, expect_version=match), app.job_types
    )


@routes.post("/{job_id}/force-stop", responses=ANSWERS)
def force_stop(caller: Operator, app: App, job_id: str, match: Match) -> JobRecord:
    """Cancel a job and press code that does not leave."""
    return job_record(app.force_stop(job_id, actor=caller.name, expect_version=match), app.job_types)


@routes.post("/{job_id}/ack", responses=ANSWERS)
def acknowledge(caller: Operator, app: App, job_id: str, match: Match, why: Why | None = None) -> JobRecord:
    """Take note that a job failed or was cut off."""
    return job_record(
        app.acknowledge(job_id, by=caller.name, note=(why or Why()).reason, expect_version=match), app.job_types
    )


@routes.post("/{job_id}/discard", responses=ANSWERS)
def discard(caller: Operator, app: App, job_id: str, match: Match) -> JobRecord:
    """Drop what an interrupted job has saved; its record stays."""
    return job_record(app.discard(job_id, actor=caller.name, expect_version=match), app.job_types)


@routes.patch("/{job_id}", responses=ANSWERS)
def change(caller: Operator, app: App, limits: Within, job_id: str, match: Match, change: Change) -> JobRecord:
    """Change a job that waits to be run."""
    if limits and change.queue is not None:
        job = app.get(job_id)
        chosen_within(limits, app, job.job_type, job.params, queue=change.queue, user_id=job.user_id)
    job = app.change(
        job_id,
        priority=change.priority,
        queue=change.queue,
        run_at=change.run_at,
        tags=change.tags,
        actor=caller.name,
        expect_version=match,
    )
    return job_record(job, app.job_types)


@routes.delete("/{job_id}", status_code=204, responses=ANSWERS)
def delete(_caller: Operator, app: App, job_id: str, match: Match) -> Response:
    """Delete the record of an ended job."""
    app.delete(job_id, expect_version=match)
    return Response(status_code=204)
