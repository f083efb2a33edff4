"""Jobs: looking at them, and handing in new ones."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field

from onward.errors import IncompleteJobFound
from onward.records.details import JobDetail, RelativeRecord, job_detail, relative, relative_record
from onward.records.jobs import (
    ChangeRecord,
    JobRecord,
    LogRecord,
    RunRecord,
    event_record,
    job_record,
    log_record,
    run_record,
)
from onward.records.resume import ResumeRecord, resume_record
from onward.server.access import Operator, Viewer
from onward.server.problems import Problem, documented, facts_of
from onward.server.routing import After, App, Limit, Listed, listed, noun

routes = noun("jobs")
MISSING = documented(404)


class NewJob(BaseModel):
    """A job to be done."""

    model_config = ConfigDict(extra="forbid")
    job_type: str = Field(max_length=200)
    params: dict[str, Any] = Field(default_factory=dict)
    source_id: str | None = Field(default=None, max_length=128)
    user_id: str | None = Field(default=None, max_length=200)
    queue: str | None = Field(default=None, max_length=200)
    priority: int | None = None
    delay: float | None = Field(default=None, ge=0, description="Seconds from now.")
    run_at: datetime | None = None
    tags: list[str] = Field(default_factory=list, max_length=50)
    key: str | None = Field(default=None, max_length=200, description="One job for each key.")
    resume: bool | None = Field(default=None, description="What to do with unfinished work: true goes on from it.")
    on_conflict: Literal["reject", "wait", "replace"] | None = None


@routes.get("")
def list_jobs(
    _caller: Viewer,
    app: App,
    status: Annotated[str | None, Query()] = None,
    job_type: Annotated[str | None, Query()] = None,
    limit: Limit = 50,
    after: After = None,
) -> Listed[JobRecord]:
    """A page of jobs, newest first."""
    chosen = status.split(",") if status else None
    page = app.find(status=chosen, job_type=job_type, limit=limit, after=after)
    return listed([job_record(job, app.job_types) for job in page], page.next)


@routes.post("", status_code=201, responses=documented(409, 503))
def submit_job(caller: Operator, app: App, new: NewJob, response: Response) -> JobRecord:
    """Have a job done. 409 ``incomplete-job-exists`` carries the facts of the dialog in ``resume``."""
    try:
        job = app.submit(
            new.job_type,
            new.params,
            source_id=new.source_id,
            user_id=new.user_id or caller.name,
            queue=new.queue,
            priority=new.priority,
            delay=new.delay,
            run_at=new.run_at,
            tags=new.tags,
            idempotency_key=new.key,
            resume=new.resume,
            on_conflict=new.on_conflict,
        )
    except IncompleteJobFound as error:
        told = facts_of(error, app.job_types) | {"resume": resume_record(app, app.get(error.job.id), new.params)}
        raise Problem(409, error.code, error.message, hint=error.hint, **told) from None
    record = job_record(app.get(job.id), app.job_types)
    response.headers["Location"] = f"jobs/{record['id']}"
    return record


@routes.get("/{job_id}", responses=MISSING)
def get_job(_caller: Viewer, app: App, job_id: str, response: Response) -> JobDetail:
    """A job with all that is known of it."""
    detail = job_detail(app.get(job_id), app)
    response.headers["ETag"] = f'"{detail["version"]}"'
    return detail


@routes.get("/{job_id}/logs", responses=MISSING)
def list_logs(
    _caller: Viewer,
    app: App,
    job_id: str,
    after: Annotated[int, Query(ge=0, le=2**53, description="The seq of the last line known.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> Listed[LogRecord]:
    """Lines of a job's log, in order."""
    lines = app.logs(app.get(job_id).id, after=after, limit=limit + 1)
    more = str(lines[limit - 1].seq) if len(lines) > limit else None
    return listed([log_record(line) for line in lines[:limit]], more)


@routes.get("/{job_id}/history", responses=MISSING)
def list_history(_caller: Viewer, app: App, job_id: str) -> Listed[ChangeRecord]:
    """Everything that happened to a job, in order."""
    return listed([event_record(event) for event in app.history(app.get(job_id).id)])


@routes.get("/{job_id}/runs", responses=MISSING)
def list_runs(_caller: Viewer, app: App, job_id: str) -> Listed[RunRecord]:
    """The attempts at a job, in order."""
    return listed([run_record(run) for run in app.runs(app.get(job_id).id)])


@routes.get("/{job_id}/resume", responses=MISSING)
def get_resume(_caller: Viewer, app: App, job_id: str) -> ResumeRecord:
    """What is to be known before a job is resumed or started fresh."""
    return resume_record(app, app.get(job_id))


@routes.get("/{job_id}/related", responses=MISSING)
def list_related(_caller: Viewer, app: App, job_id: str) -> Listed[RelativeRecord]:
    """Its chain or parent, its children, and the job that goes on in its place."""
    job = app.get(job_id)
    others = [
        relative(app, job.parent_id),
        *map(relative_record, app.children(job.id)),
        relative(app, job.superseded_by),
    ]
    return listed([other for other in others if other is not None])
