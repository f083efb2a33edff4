"""The four addresses of the job builder, for programs that were written for them."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from onward.app import Onward
from onward.errors import IncompleteJobFound
from onward.model.chain import JobPhase
from onward.model.ids import shown
from onward.records.chains import ReportRecord, report_record
from onward.records.resume import resume_record
from onward.records.types import TypeRecord, type_record
from onward.server.access import Editor, Viewer
from onward.server.problems import Problem, documented, facts_of
from onward.server.routing import App, noun

routes: APIRouter = noun("", "job-builder")


class Phase(BaseModel):
    """One phase of a chain."""

    model_config = ConfigDict(extra="forbid")
    job_type: str = Field(max_length=200)
    name: str | None = Field(default=None, max_length=200)
    weight: float = Field(default=50, ge=0, le=100)
    params: dict[str, Any] = Field(default_factory=dict)

    def made(self) -> JobPhase:
        """The phase that is meant."""
        return JobPhase(self.name or self.job_type, weight=self.weight, job_type=self.job_type, params=self.params)


class Chain(BaseModel):
    """A chain to be looked at or run. ``job_types`` alone is the older form."""

    model_config = ConfigDict(extra="forbid")
    phases: list[Phase] | None = Field(default=None, max_length=500)
    job_types: list[str] | None = Field(default=None, max_length=500)
    source_id: str | None = Field(default=None, max_length=128)
    name: str | None = Field(default=None, max_length=200)
    resume: bool | None = None
    keep: bool = Field(default=False, description="With resume=false: what was saved stays with the old job.")
    on_conflict: Literal["reject", "wait", "replace"] | None = None

    def made(self) -> list[JobPhase]:
        """The phases that are meant."""
        if self.phases is not None:
            return [phase.made() for phase in self.phases]
        return [JobPhase(name, job_type=name, params={}) for name in self.job_types or []]


class Started(TypedDict):
    """The job that was made."""

    job_id: str


class DimensionRecord(TypedDict):
    """Who works on the vectors of one size."""

    busy: bool
    job_id: str | None
    operation: str | None
    source_id: str | None


Board = TypedDict(
    "Board", {"384": DimensionRecord, "768": DimensionRecord, "1024": DimensionRecord, "1536": DimensionRecord}
)


@routes.get("/schemas")
def get_schemas(_caller: Viewer, app: App) -> dict[str, TypeRecord]:
    """Every job type by its name, with the schema of its parameters."""
    return {kind.name: type_record(kind) for kind in app.job_types}


@routes.post("/validate")
def validate(_caller: Viewer, app: App, chain: Chain) -> ReportRecord:
    """What is wrong with a chain, and what is merely odd."""
    return report_record(app.validate_chain(chain.made(), source_id=chain.source_id))


@routes.post("/run", status_code=202, responses=documented(409, 503))
def run(caller: Editor, app: App, chain: Chain) -> Started:
    """Run a chain as one job with checkpoints."""
    return {"job_id": run_chain(app, chain, caller.name)}


def run_chain(app: Onward, chain: Chain, user: str) -> str:
    """Have a chain run. Unfinished work of the same chain is answered with the facts of the dialog."""
    try:
        job = app.submit_chain(
            chain.made(),
            source_id=chain.source_id,
            user_id=user,
            name=chain.name,
            resume=chain.resume,
            keep=chain.keep,
            on_conflict=chain.on_conflict,
        )
    except IncompleteJobFound as error:
        told = facts_of(error, app.job_types) | {"resume": resume_record(app, app.get(error.job.id))}
        raise Problem(409, error.code, error.message, hint=error.hint, **told) from None
    return shown(job.id)


@routes.get("/dimension-status")
def dimension_status(_caller: Viewer, app: App) -> Board:
    """Which of the four vector databases are being worked on, by which job."""
    status = app.dimensions.get_dimension_status()
    told: Any = {
        str(size): {**state, "job_id": shown(state["job_id"]) if state["job_id"] else None}
        for size, state in status.items()
    }
    board: Board = told
    return board
