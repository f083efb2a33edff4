"""Jobs: looking at them, and handing in new ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from onward.app import Onward
from onward.errors import IncompleteJobFound, InvalidFilter
from onward.model.ids import is_id, parsed, shown
from onward.model.job_filter import ARGUMENT, STATES, is_key, read_query
from onward.model.query import SORTS, JobQuery, cursor
from onward.records.details import JobDetail, RelativeRecord, job_detail, relative, relative_record
from onward.records.jobs import (
    ChangeRecord,
    JobRecord,
    LogRecord,
    RefusedRecord,
    RunRecord,
    event_record,
    job_record,
    log_record,
    refused_record,
    run_record,
)
from onward.records.moments import rfc3339
from onward.records.resume import ResumeRecord, resume_record
from onward.server.access import NotAllowed, Operator, Role, Viewer, Within, caller_of, is_within
from onward.server.bounds import chosen_within, refuse_beyond
from onward.server.problems import Problem, documented, facts_of
from onward.server.routing import MOST, App, CountRecord, Listed, listed, noun

routes: APIRouter = noun("jobs")
ids: APIRouter = noun("job-ids")
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
    keep: bool = Field(default=False, description="With resume=false: what was saved stays with the old job.")
    on_conflict: Literal["reject", "wait", "replace"] | None = None


Text = Annotated[str | None, Field(max_length=2000)]
Counting = Literal["none", "capped", "exact"]
_EXACT = 10_000_000


class JobsAsked(BaseModel):
    """What a list of jobs may be asked."""

    state: str | None = Field(default=None, max_length=2000, description=f"Of {', '.join(STATES)}; with commas.")
    status: Text = None
    job_type: str | None = Field(default=None, max_length=2000, description="`*` stands for anything.")
    source_id: Text = None
    user_id: Text = None
    tag: Text = None
    queue: Text = None
    parent_id: Text = None
    worker: Text = None
    resource: Text = None
    dim: Text = None
    chain: Text = None
    error: Text = None
    ack: Text = None
    created: str | None = Field(default=None, max_length=200, description="`A..B`, `24h..` or a day.")
    duration: str | None = Field(default=None, max_length=200, description="`>10m`, `<5s` or `1m..1h`.")
    q: str | None = Field(default=None, max_length=200, description="Words in names, messages and errors.")
    sort: str = Field(default="-created", max_length=20, description=f"Of {', '.join(SORTS)}; `-`: highest first.")
    deep: bool = Field(default=False, description="Look at all jobs, also where no index helps: slow.")
    limit: int = Field(default=50, ge=1, le=MOST, description="Items of a page.")
    after: str | None = Field(
        default=None, max_length=2000, description="The `next` or `prev` of a page before, or a job's id."
    )
    count: Counting = Field(default="none", description="Whether to count, and how far.")


class JobList(Listed[JobRecord]):
    """A page of jobs; ``searched``: only so many of the newest were looked at, null: all."""

    searched: int | None


@routes.get("", openapi_extra={"takes_more": is_key})
def list_jobs(
    _caller: Viewer, app: App, limits: Within, request: Request, asked: Annotated[JobsAsked, Query()]
) -> JobList:
    """A page of jobs. All keys must fit, one value of each; ``-key`` negates, ``arg.NAME`` looks at a parameter."""
    query = query_of(request, app, sort=asked.sort, is_deep=asked.deep)
    after = asked.after
    if after is not None and is_id(after) and asked.sort == "-created":
        after = cursor(query, parsed(after))
    page = app.search(query, limit=asked.limit, after=after)
    counted = None
    if asked.count != "none":
        cap = _EXACT if asked.count == "exact" else 10_000
        value = app.count_matching(query, cap)
        counted = CountRecord(value=value, exact=value < cap)
    items = [job_record(job, app.job_types) for job in page if limits.allow_job(job)]
    return {"items": items, "next": page.next, "prev": page.prev, "count": counted, "searched": page.searched}


def query_of(request: Request, app: Onward, *, sort: str = "-created", is_deep: bool = False) -> JobQuery:
    """The query that an address asks for."""
    given = [(name, value) for name, value in request.query_params.multi_items() if is_key(name) and value]
    if caller_of(request).role < Role.OPERATOR and any(ARGUMENT in name for name, _ in given):
        raise NotAllowed("Only who may see parameters may look for them: that needs the role operator.")
    refuse_sensitive((name for name, _ in given), app)
    query = read_query(given, app.clock.now(), sort=sort, is_deep=is_deep)
    return replace(query, terms=(*query.terms, *caller_of(request).limits.terms))


def refuse_sensitive(names: Iterable[str], app: Onward) -> None:
    """Raise ``InvalidFilter`` where somebody looks for what is hidden from everybody."""
    hidden = {name for kind in app.job_types for name in kind.sensitive}
    for name in names:
        if name.removeprefix("-").removeprefix(ARGUMENT) in hidden and ARGUMENT in name:
            raise InvalidFilter(f"{name[:60]}: this parameter is sensitive.", hint="Look for something else.")


@ids.get("")
def list_ids(
    _caller: Viewer, app: App, limits: Within, ending: Annotated[str, Query(min_length=6, max_length=40)]
) -> list[str]:
    """The ids of jobs that end so, newest first; a few, enough to see that it is ambiguous."""
    found = app.find_by_ending(ending)
    return [shown(job_id) for job_id in found if not limits or is_within(app, limits, app.get(job_id))]


@routes.post("", status_code=201, responses=documented(409, 503))
def submit_job(caller: Operator, app: App, limits: Within, new: NewJob, response: Response) -> JobRecord:
    """Have a job done. 409 ``incomplete-job-exists`` carries the facts of the dialog in ``resume``."""
    queue, user = chosen_within(
        limits, app, new.job_type, new.params, queue=new.queue, user_id=new.user_id, on_conflict=new.on_conflict,
        source_id=new.source_id,
    )  # fmt: skip
    try:
        job = app.submit(
            new.job_type,
            new.params,
            source_id=new.source_id,
            user_id=user or caller.name,
            queue=queue,
            priority=new.priority,
            delay=new.delay,
            run_at=new.run_at,
            tags=new.tags,
            idempotency_key=new.key,
            resume=new.resume,
            keep=new.keep,
            on_conflict=new.on_conflict,
        )
    except IncompleteJobFound as error:
        refuse_beyond(limits, app, error.job)
        told = facts_of(error, app.job_types) | {"resume": resume_record(app, app.get(error.job.id), new.params)}
        raise Problem(409, error.code, error.message, hint=error.hint, **told) from None
    job = app.get(job.id)
    refuse_beyond(limits, app, job)
    record = job_record(job, app.job_types)
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
    before: Annotated[int | None, Query(ge=0, le=2**53, description="The last lines before this seq instead.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> Listed[LogRecord]:
    """Lines of a job's log, in order; ``next`` and ``prev`` are for ``after`` and ``before``."""
    if before is not None:
        lines = app.logs(app.get(job_id).id, before=before, limit=limit + 1)
        earlier = str(lines[-limit].seq) if len(lines) > limit else None
        return listed([log_record(line) for line in lines[-limit:]], before=earlier)
    lines = app.logs(app.get(job_id).id, after=after, limit=limit + 1)
    more = str(lines[limit - 1].seq) if len(lines) > limit else None
    return listed([log_record(line) for line in lines[:limit]], more)


class PointRecord(TypedDict):
    """How far a job was at a time."""

    at: str | None
    percent: int | None
    done: int | None


@routes.get("/{job_id}/curve", responses=MISSING)
def get_curve(_caller: Viewer, app: App, job_id: str) -> Listed[PointRecord]:
    """How far a job was, and when: at most a few hundred points, in order."""
    found = app.progress_curve(app.get(job_id).id)
    return listed([{"at": rfc3339(point.at), "percent": point.percent, "done": point.done} for point in found])


@routes.get("/{job_id}/history", responses=MISSING)
def list_history(_caller: Viewer, app: App, job_id: str) -> Listed[ChangeRecord]:
    """Everything that happened to a job, in order."""
    return listed([event_record(event) for event in app.history(app.get(job_id).id)])


@routes.get("/{job_id}/runs", responses=MISSING)
def list_runs(_caller: Viewer, app: App, job_id: str) -> Listed[RunRecord]:
    """The attempts at a job, in order."""
    return listed([run_record(run) for run in app.runs(app.get(job_id).id)])


@routes.get("/{job_id}/children", responses=MISSING)
def list_children(_caller: Viewer, app: App, job_id: str) -> Listed[JobRecord]:
    """The jobs of a chain's phases or of a fan-out's ranges, in order."""
    return listed([job_record(job, app.job_types) for job in app.children(app.get(job_id).id)])


@routes.get("/{job_id}/refused", responses=MISSING)
def list_refused(_caller: Viewer, app: App, job_id: str) -> Listed[RefusedRecord]:
    """What its runs wanted to write after an outage, too late."""
    return listed([refused_record(one) for one in app.conflicts(app.get(job_id).id)])


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
