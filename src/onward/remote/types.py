"""The job types of a server: what can be done there, and what it takes. Their functions are not here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from onward.authoring.job_type import JobType
from onward.authoring.registry import JobTypes
from onward.errors import InvalidJobType
from onward.model.chain import JobPhase
from onward.model.retry import RetryPolicy


def read_types(records: list[dict[str, Any]]) -> JobTypes:
    """The registry of these records."""
    found = JobTypes()
    for record in records:
        found.add(_type(record))
    return found


def _type(record: Mapping[str, Any]) -> JobType:
    return JobType(
        name=record["name"],
        func=_elsewhere(record["name"]),
        params_model=_model(record["name"], record["params_schema"]),
        context_name=None,
        model_name=None,
        label=record["label"],
        description=record["description"],
        category=record["category"],
        queue=record["queue"],
        retry=RetryPolicy(record["max_attempts"]),
        needs_source=record["needs_source"],
        weight=record["weight"],
        runs_before=tuple(record["runs_before"]),
        runs_after=tuple(record["runs_after"]),
        conflicts_with=tuple(record["conflicts_with"]),
        aliases={alias: {} for alias in record["aliases"]},
        version=record["version"],
        phases=tuple(read_phase(phase) for phase in record["phases"]),
    )


def read_phase(record: Mapping[str, Any]) -> JobPhase:
    """A phase of a chain."""
    weight = record["weight"]
    return JobPhase(
        record["name"],
        weight=int(weight) if float(weight).is_integer() else weight,
        job_type=record["job_type"],
        params=record["params"],
    )


def write_phase(phase: JobPhase) -> dict[str, Any]:
    """A phase, as a server takes it."""
    return {
        "job_type": phase.type_name,
        "name": phase.name,
        "weight": float(phase.weight),
        "params": phase.type_params,
    }


def _model(name: str, schema: dict[str, Any]) -> type[BaseModel]:
    """A model that takes anything and describes itself as the server does, which alone checks what it is given."""

    def describe(own: dict[str, Any]) -> None:
        own.clear()
        own.update(schema)

    return create_model(f"{name}_params", __config__=ConfigDict(extra="allow", json_schema_extra=describe))


def _elsewhere(name: str) -> Any:
    def call(**_params: Any) -> None:
        raise InvalidJobType(f"The function of {name} is where the server is.")

    return call
