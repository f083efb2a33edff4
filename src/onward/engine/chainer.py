"""Durable chains: a parent job with one child a phase. What is decided when a chain is submitted is decided here."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from onward.authoring.job_type import CHAIN, JobType, make_job_type
from onward.authoring.registry import JobTypes
from onward.engine.submission import NewJob, Submission
from onward.engine.submitter import Submitter
from onward.errors import InvalidChain, InvalidJobType
from onward.model.chain import ChainReport, JobPhase, check_chain
from onward.model.job import Json


def chain_type(name: str, phases: Sequence[JobPhase], label: str | None = None) -> JobType:
    """A job type whose jobs are made of these phases."""
    kind = make_job_type(
        _no_function,
        name=name,
        label=label or name.replace("_", " ").capitalize(),
        description=" → ".join(phase.name for phase in phases),
        category="chains",
    )
    return dataclasses.replace(kind, phases=tuple(phases))


def _no_function() -> None:
    """Run the phases in turn."""


def any_chain() -> JobType:
    """The job type of chains that are made up for one submission."""

    def chain(name: str, phases: list[dict[str, Json]]) -> None:
        """Run the phases in turn."""

    return make_job_type(chain, name=CHAIN, label="Chain", category="chains")


def validate(phases: Sequence[JobPhase], registry: JobTypes, source_id: str | None = None) -> ChainReport:
    """What is wrong with a chain, and what is merely odd."""
    return check_chain(phases, registry.as_mapping(), source_id=source_id)


def check_durable(phases: Sequence[JobPhase], registry: JobTypes, source_id: str | None) -> None:
    """Raise ``InvalidChain`` for a chain that cannot run as jobs."""
    report = check_chain(
        phases, registry.as_mapping(), source_id=source_id, check_source=True, allow_functions=False
    )
    if not report.valid:
        first = report.errors[0]
        raise InvalidChain(
            "The chain does not fit together: " + "; ".join(issue.message for issue in report.errors),
            hint=first.hint,
            report=report,
        )


def with_phases(parent: NewJob, phases: Sequence[JobPhase], given: Submission, submitter: Submitter, registry: JobTypes) -> NewJob:
    """The parent with its phases ready: each phase's job is written out now, so that any worker can make it later."""
    check_durable(phases, registry, given.source_id)
    inherited = {need.resource for need in parent.needs}
    for phase in phases:
        child = submitter.check(
            Submission(
                job_type=phase.type_name or phase.name,
                params=phase.type_params,
                source_id=given.source_id,
                user_id=given.user_id,
                bot_id=given.bot_id,
                queue=given.queue,
                priority=given.priority,
            )
        )
        if child.job_type.is_chain:
            raise InvalidChain(f"Phase {phase.name!r} is itself a chain.", hint="Put its phases in its place.")
        child.needs = tuple(need for need in child.needs if need.resource not in inherited)
        parent.phases.append((phase.name, float(phase.weight), child.job_type.name, child.child_row()))
    return parent


def phases_of(listed: Sequence[dict[str, Json]]) -> list[JobPhase]:
    """Phases as they come in JSON: ``{job_type, name, weight, params}``."""
    found: list[JobPhase] = []
    for item in listed:
        if not isinstance(item, dict) or not item.get("job_type", item.get("name")):
            raise InvalidJobType(f"{item!r:.200} is not a phase.", hint="A phase has job_type, name, weight and params.")
        job_type = str(item.get("job_type") or item["name"])
        name = str(item.get("name") or job_type)
        found.append(JobPhase(name, weight=item.get("weight", 50), job_type=job_type, params=item.get("params") or {}))
    return found
