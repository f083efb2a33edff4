"""Durable chains: a parent job with one child a phase. What is decided when a chain is submitted is decided here."""

from __future__ import annotations

from collections.abc import Sequence

from onward.authoring.registry import JobTypes
from onward.engine.reader import Reader
from onward.engine.submission import NewJob, Submission
from onward.engine.submitter import Submitter
from onward.errors import InvalidChain, InvalidJobType
from onward.model import codec, weights
from onward.model.chain import ChainReport, JobPhase, check_chain, with_params
from onward.model.job import Json
from onward.model.query import JobQuery


def validate(phases: Sequence[JobPhase], registry: JobTypes, source_id: str | None = None) -> ChainReport:
    """What is wrong with a chain, and what is merely odd."""
    return check_chain(phases, registry.as_mapping(), source_id=source_id)


def check_durable(phases: Sequence[JobPhase], registry: JobTypes, source_id: str | None) -> None:
    """Raise ``InvalidChain`` for a chain that cannot run as jobs."""
    report = check_chain(phases, registry.as_mapping(), source_id=source_id, check_source=True, allow_functions=False)
    if not report.valid:
        first = report.errors[0]
        raise InvalidChain(
            "The chain does not fit together: " + "; ".join(issue.message for issue in report.errors),
            hint=first.hint,
            report=report,
        )


def with_phases(parent: NewJob, given: Submission, submitter: Submitter, registry: JobTypes) -> NewJob:
    """The parent with its phases ready: each phase's job is written out now, so that any worker can make it later."""
    phases = _phases(parent)
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


def learned_weights(phases: Sequence[JobPhase], reader: Reader, last: int) -> list[int] | None:
    """Weights by the lengths of the last completed jobs of each phase's type."""
    lengths: list[list[float]] = []
    for phase in phases:
        found = reader.find(JobQuery(statuses=("completed",), job_type=phase.type_name), last, None)
        lengths.append(
            [(j.completed_at - j.started_at).total_seconds() for j in found if j.completed_at and j.started_at]
        )
    return weights.learned_weights(lengths)


def _phases(parent: NewJob) -> list[JobPhase]:
    """The phases with what the submission says of them."""
    params = codec.decode(parent.params)
    if not parent.job_type.phases:
        return phases_of(params["phases"])
    return with_params(parent.job_type.name, parent.job_type.phases, params["params"] or {})


def phases_of(listed: Sequence[Json]) -> list[JobPhase]:
    """Phases as they come in JSON: ``{job_type, name, weight, params}``."""
    found: list[JobPhase] = []
    for item in listed:
        if not isinstance(item, dict) or not item.get("job_type", item.get("name")):
            raise InvalidJobType(
                f"{item!r:.200} is not a phase.", hint="A phase has job_type, name, weight and params."
            )
        job_type = str(item.get("job_type") or item["name"])
        name = str(item.get("name") or job_type)
        found.append(JobPhase(name, weight=item.get("weight", 50), job_type=job_type, params=item.get("params") or {}))
    return found
