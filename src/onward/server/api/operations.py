"""Operations: one verb on many jobs, in the background."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from onward.engine.operations import MOST
from onward.model.ids import id_floor, shown
from onward.model.job_filter import is_key, read_query
from onward.model.operation import Action, Operation
from onward.model.query import JobQuery
from onward.model.states import Status
from onward.records.actions import actions
from onward.records.moments import rfc3339
from onward.server.access import Operator, Viewer
from onward.server.api.jobs import refuse_sensitive
from onward.server.problems import Problem, documented
from onward.server.routing import App, Limit, Listed, listed, noun

routes: APIRouter = noun("operations")
CHANGES = documented(404, 409, 503)


class BulkChange(BaseModel):
    """What of waiting jobs shall be otherwise; what is left out stays, and tags come to those that there are."""

    model_config = ConfigDict(extra="forbid")
    priority: int | None = None
    queue: str | None = Field(default=None, min_length=1, max_length=200)
    add_tags: list[str] | None = Field(default=None, min_length=1, max_length=50)


class Wanted(BaseModel):
    """A verb, and the jobs that it is meant for: those of a filter, or of these ids."""

    model_config = ConfigDict(extra="forbid")
    action: Action
    change: BulkChange | None = Field(default=None, description="With the action `change`: what shall be otherwise.")
    filter: dict[str, str] | None = None
    ids: list[str] | None = Field(default=None, max_length=10_000)
    before: datetime | None = Field(default=None, description="Only jobs submitted before; freezes the set.")
    expect_count: int | None = Field(default=None, ge=0, description="Refused when it is another number.")
    reason: str = Field(default="", max_length=4000)
    dry_run: bool = False

    @property
    def what(self) -> dict[str, Any]:
        """What shall be otherwise."""
        return self.change.model_dump(exclude_none=True) if self.change else {}


class OperationRecord(TypedDict):
    """One verb on many jobs: how far it is; a dry run has no id and says what it would do."""

    id: str | None
    action: str
    change: dict[str, Any]
    reason: str
    state: str
    total: int
    done: int
    skipped: int
    failed: int
    left: int
    by_state: dict[str, int]
    created_by: str | None
    created_at: str | None
    finished_at: str | None


class ItemRecord(TypedDict):
    """What became of one job."""

    job: str
    outcome: str | None
    message: str | None


@routes.post("", status_code=202, responses=CHANGES)
def begin(caller: Operator, app: App, wanted: Wanted, response: Response) -> OperationRecord:
    """Do a verb with many jobs. With ``dry_run`` only what it would do is answered."""
    change = wanted.what
    if bool(change) != (wanted.action == "change"):
        raise Problem(422, "invalid", "`change` says what shall be otherwise; it goes with the action change.")
    jobs = _jobs(app, wanted)
    if wanted.expect_count is not None and len(jobs) != wanted.expect_count:
        detail = f"It is {len(jobs):,} jobs now, not {wanted.expect_count:,}. Nothing was done."
        raise Problem(409, "changed-meanwhile", detail, count=len(jobs))
    by_state = dict(Counter(job.state for job in jobs))
    if wanted.dry_run:
        fitting = sum(_fits(job, wanted.action) for job in jobs)
        return {
            **_nothing(wanted, len(jobs)), "done": fitting, "skipped": len(jobs) - fitting, "by_state": by_state,
        }  # fmt: skip
    query = None if wanted.filter is None else "&".join(f"{key}={value}" for key, value in wanted.filter.items())
    made = app.operations.begin(
        wanted.action,
        [job.id for job in jobs],
        query=query,
        reason=wanted.reason,
        actor=caller.name,
        arguments=change,
    )
    record = operation_record(made) | {"by_state": by_state}
    response.headers["Location"] = f"operations/{record['id']}"
    return record


@routes.get("")
def list_operations(_caller: Viewer, app: App, limit: Limit = 50) -> Listed[OperationRecord]:
    """The newest operations."""
    return listed([operation_record(one) for one in app.operations.list(limit)])


@routes.get("/{operation_id}", responses=documented(404))
def get_operation(_caller: Viewer, app: App, operation_id: str) -> OperationRecord:
    """How far an operation is."""
    return operation_record(app.operations.get(operation_id))


@routes.get("/{operation_id}/items", responses=documented(404))
def list_items(
    _caller: Viewer,
    app: App,
    operation_id: str,
    outcome: Annotated[str | None, Query(pattern="^(done|skipped|gone|failed)$")] = None,
    limit: Limit = 50,
    after: Annotated[str, Query(max_length=200)] = "",
) -> Listed[ItemRecord]:
    """Its jobs, and what became of each."""
    app.operations.get(operation_id)
    found = app.operations.items(operation_id, outcome=outcome, after=after, limit=limit + 1)
    items: list[ItemRecord] = [
        {"job": shown(one.job_id), "outcome": one.outcome, "message": one.message} for one in found[:limit]
    ]
    return listed(items, shown(found[limit - 1].job_id) if len(found) > limit else None)


@routes.post("/{operation_id}/cancel", responses=CHANGES)
def cancel(_caller: Operator, app: App, operation_id: str) -> OperationRecord:
    """Stop it; what is done stays done."""
    return operation_record(app.operations.cancel(operation_id))


def operation_record(operation: Operation) -> OperationRecord:
    """An operation."""
    counts = operation.counts
    return {
        "id": shown(operation.id, "op"),
        "action": operation.action,
        "change": dict(operation.arguments),
        "reason": operation.reason,
        "state": operation.state,
        "total": operation.total,
        "done": counts.get("done", 0),
        "skipped": counts.get("skipped", 0) + counts.get("gone", 0),
        "failed": counts.get("failed", 0),
        "left": operation.total - sum(counts.values()),
        "by_state": {},
        "created_by": operation.created_by,
        "created_at": rfc3339(operation.created_at),
        "finished_at": rfc3339(operation.finished_at),
    }


def _nothing(wanted: Wanted, total: int) -> OperationRecord:
    return {
        "id": None, "action": wanted.action, "change": wanted.what,
        "reason": wanted.reason, "state": "dry_run", "total": total, "done": 0,
        "skipped": 0, "failed": 0, "left": total, "by_state": {}, "created_by": None, "created_at": None,
        "finished_at": None,
    }  # fmt: skip


def _fits(job: Any, action: str) -> bool:
    if action == "change":
        return job.status is Status.PENDING and not job.is_owned
    return action in actions(job) or (action == "unpause" and job.paused_by is not None)


def _jobs(app: App, wanted: Wanted) -> list[Any]:
    if (wanted.filter is None) == (wanted.ids is None):
        raise Problem(422, "invalid", "Either a filter or ids say which jobs are meant.")
    if wanted.ids is not None:
        return [app.get(job_id) for job_id in wanted.ids]
    given = list((wanted.filter or {}).items())
    unknown = [key for key, _ in given if not is_key(key)]
    if unknown:
        raise Problem(400, "unknown-parameter", f"{unknown[0][:60]!r} is not a filter.")
    refuse_sensitive((key for key, _ in given), app)
    query = read_query(given, app.clock.now(), is_deep=True)
    floor = None if wanted.before is None else id_floor(wanted.before)
    return [job for job in _all(app, query) if floor is None or job.id < floor]


def _all(app: App, query: JobQuery) -> list[Any]:
    found: list[Any] = []
    after = None
    while len(found) <= MOST:
        page = app.search(query, limit=1000, after=after)
        found += page.items
        after = page.next
        if after is None:
            break
    return found
