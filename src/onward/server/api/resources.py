"""Resources: the board of who has what, and what people keep for themselves."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from onward.records.resources import ResourceRecord, board_records, resource_record
from onward.server.access import Admin, Operator, Viewer
from onward.server.problems import documented
from onward.server.routing import App, Listed, listed, noun

routes: APIRouter = noun("resources")
CHANGES = documented(404, 409, 503)


class Hold(BaseModel):
    """Why one keeps it."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(default="", max_length=1000)


class Release(BaseModel):
    """From which job to take it; without one, a person's hold ends."""

    model_config = ConfigDict(extra="forbid")
    job: str | None = Field(default=None, max_length=200)


class Capacity(BaseModel):
    """How many jobs may share it."""

    model_config = ConfigDict(extra="forbid")
    capacity: int = Field(ge=1, le=1_000_000)


class Done(TypedDict):
    """Which resource it was."""

    name: str


@routes.get("")
def list_resources(
    _caller: Viewer, app: App, idle: Annotated[bool, Query(description="Sources too that nobody has.")] = False
) -> Listed[ResourceRecord]:
    """The board: holders and waiters of every resource."""
    return listed(board_records(app, idle=idle))


@routes.get("/{name}")
def get_resource(_caller: Viewer, app: App, name: str) -> ResourceRecord:
    """One resource."""
    return resource_record(app.resources.get(name))


@routes.post("/{name}/hold", responses=CHANGES)
def hold(caller: Operator, app: App, name: str, given: Hold | None = None) -> Done:
    """Keep it from all jobs that do not have it already; for maintenance, say."""
    app.resources.hold(name, caller.name, (given or Hold()).reason)
    return {"name": name}


@routes.post("/{name}/release", responses=CHANGES)
def release(caller: Operator, app: App, name: str, given: Release | None = None) -> Done:
    """End a person's hold, or take it from a job whose code is no more."""
    job = (given or Release()).job
    if job is None:
        app.resources.unhold(name)
    else:
        app.resources.release(name, job, actor=caller.name)
    return {"name": name}


@routes.put("/{name}", responses=CHANGES)
def set_capacity(_caller: Admin, app: App, name: str, given: Capacity) -> Done:
    """Say how many jobs may share it."""
    app.resources.set(name, capacity=given.capacity)
    return {"name": name}
