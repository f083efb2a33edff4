"""Job types as plain values: what a form for a new job, and the chain builder, are made of."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from onward.authoring.job_type import JobType


class TypePhase(TypedDict):
    """A phase of a chain that is a job type."""

    name: str
    job_type: str
    weight: float
    params: dict[str, Any]


class TypeRecord(TypedDict):
    """What can be done."""

    name: str
    label: str
    description: str
    category: str
    params_schema: dict[str, Any]
    weight: int
    queue: str
    needs_source: bool
    resources_hint: list[str]
    runs_before: list[str]
    runs_after: list[str]
    conflicts_with: list[str]
    is_chain: bool
    phases: list[TypePhase]
    version: int
    max_attempts: int
    aliases: list[str]


def type_record(kind: JobType) -> TypeRecord:
    """A job type."""
    return {
        "name": kind.name,
        "label": kind.label,
        "description": kind.description,
        "category": kind.category,
        "params_schema": kind.schema(),
        "weight": kind.weight,
        "queue": kind.queue,
        "needs_source": kind.needs_source,
        "resources_hint": _hint(kind),
        "runs_before": list(kind.runs_before),
        "runs_after": list(kind.runs_after),
        "conflicts_with": list(kind.conflicts_with),
        "is_chain": kind.is_chain,
        "phases": [
            {
                "name": phase.name,
                "job_type": phase.type_name or phase.name,
                "weight": float(phase.weight),
                "params": phase.type_params,
            }
            for phase in kind.phases
        ],
        "version": kind.version,
        "max_attempts": kind.retry.max_attempts,
        "aliases": sorted(kind.aliases),
    }


def _hint(kind: JobType) -> list[str]:
    """The resources that every job of the type occupies, or those that one with default parameters would."""
    try:
        return [need.resource for need in kind.needs(kind.validate({}), None)]
    except Exception:  # noqa: BLE001 - a function of the author's may need parameters that have no default
        return []
