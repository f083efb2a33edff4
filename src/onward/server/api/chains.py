"""Chains: those of the application, those that were saved, and what the chain builder asks of both."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from onward.authoring.chain_code import write_code
from onward.authoring.chain_file import read_chain, write_chain
from onward.errors import ChainNotFound
from onward.records.chains import (
    ChainRecord,
    PhasePlan,
    ReportRecord,
    phase_plan,
    report_record,
    saved_chain,
    type_chain,
)
from onward.server.access import Editor, Viewer
from onward.server.api.builder import Chain, Phase, Started, run_chain
from onward.server.problems import documented
from onward.server.routing import App, Match, noun

routes: APIRouter = noun("chains")
MISSING = documented(404)


class Chains(TypedDict):
    """All chains."""

    predefined: list[ChainRecord]
    saved: list[ChainRecord]


class Checked(ReportRecord):
    """What is wrong with a chain, and weights by how long its job types took before, where that is known."""

    measured_weights: list[int] | None


class Written(TypedDict):
    """A chain as text."""

    yaml: str
    python: str


class Plan(TypedDict):
    """A chain that was read and not saved."""

    name: str | None
    label: str
    description: str
    source_id: str | None
    phases: list[PhasePlan]


class NewChain(BaseModel):
    """A chain to be kept under a name; ``expect_version`` is the version that it was made from, 0 for a new one."""

    model_config = ConfigDict(extra="forbid")
    label: str = Field(default="", max_length=200)
    description: str = Field(default="", max_length=4000)
    phases: list[Phase] = Field(max_length=500)
    expect_version: int | None = Field(default=None, ge=0)
    allow_unknown: bool = Field(default=False, description="Though job types are unknown here.")


class ToWrite(NewChain):
    """A chain to be written as text."""

    name: str = Field(default="", max_length=200)


class Text(BaseModel):
    """A chain as YAML."""

    model_config = ConfigDict(extra="forbid")
    yaml: str = Field(max_length=1 << 20)


@routes.get("")
def list_chains(_caller: Viewer, app: App) -> Chains:
    """Chains of the application, and those that were saved."""
    kinds = sorted((kind for kind in app.job_types if kind.phases), key=lambda kind: kind.name)
    return {
        "predefined": [type_chain(kind) for kind in kinds],
        "saved": [saved_chain(saved) for saved in app.templates.list()],
    }


@routes.post("/validate")
def validate(_caller: Viewer, app: App, chain: Chain) -> Checked:
    """What is wrong with a chain, what is merely odd, and what its phases really weigh."""
    phases = chain.made()
    report = app.validate_chain(phases, source_id=chain.source_id)
    weights = app.learned_weights(phases) if report.valid else None
    return {**report_record(report), "measured_weights": weights}


@routes.post("/run", status_code=202, responses=documented(409, 503))
def run(caller: Editor, app: App, chain: Chain) -> Started:
    """Run a chain as one job. 409 ``incomplete-job-exists`` carries the facts of the dialog in ``resume``."""
    return {"job_id": run_chain(app, chain, caller.name)}


@routes.post("/export")
def export(_caller: Viewer, chain: ToWrite) -> Written:
    """A chain as YAML and as Python."""
    phases = [phase.made() for phase in chain.phases]
    return {
        "yaml": write_chain(chain.name, chain.label, chain.description, phases),
        "python": write_code(chain.name, chain.label, phases),
    }


@routes.post("/import")
def read(_caller: Viewer, text: Text) -> Plan:
    """Read a chain from YAML; nothing is saved."""
    found = read_chain(text.yaml)
    return {
        "name": found.name,
        "label": found.title,
        "description": found.description,
        "source_id": found.source_id,
        "phases": [phase_plan(phase) for phase in found.phases],
    }


@routes.get("/{name}", responses=MISSING)
def get_chain(_caller: Viewer, app: App, name: str, response: Response) -> ChainRecord:
    """One chain, saved or of the application."""
    if name in app.job_types and app.job_types.get(name).phases:
        return type_chain(app.job_types.get(name))
    record = saved_chain(app.templates.get(name))
    response.headers["ETag"] = f'"{record["version"]}"'
    return record


@routes.put("/{name}", responses=documented(409, 412, 503))
def save_chain(caller: Editor, app: App, name: str, match: Match, chain: NewChain) -> ChainRecord:
    """Keep a chain under a name. Jobs that run keep the phases they began with."""
    saved = app.templates.save(
        name,
        [phase.made() for phase in chain.phases],
        label=chain.label,
        description=chain.description,
        expect_version=_expected(match, chain.expect_version),
        allow_unknown=chain.allow_unknown,
        saved_by=caller.name,
    )
    return saved_chain(saved)


@routes.delete("/{name}", status_code=204, responses=documented(404, 409, 412, 503))
def delete_chain(
    _caller: Editor, app: App, name: str, match: Match, expect_version: Annotated[int | None, Query(ge=0)] = None
) -> Response:
    """Delete a saved chain; jobs that were made of it stay."""
    if name in app.job_types:
        raise ChainNotFound(f"{name!r} is a chain of the application, not a saved one.", hint="Change it in its code.")
    app.templates.delete(name, expect_version=_expected(match, expect_version))
    return Response(status_code=204)


def _expected(match: str | None, given: int | None) -> int | None:
    """The version that is expected, however that was said; of a tag that is none of ours, one that no chain has."""
    if match is None:
        return given
    return int(match) if match.isdecimal() and len(match) < 10 else -1
