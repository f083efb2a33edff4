"""Job types that are made of phases: chains that are registered, and the one for chains made up on the spot."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from onward.authoring.job_type import CHAIN, JobType, make_job_type
from onward.errors import InvalidJobType
from onward.model.chain import JobPhase
from onward.model.job import Json


def chain_type(
    name: str,
    phases: Sequence[JobPhase],
    label: str | None = None,
    aliases: Mapping[str, dict[str, Json]] | None = None,
) -> JobType:
    """A job type whose jobs are made of these phases.

    Its one parameter ``params`` adds to the parameters of phases, by their names.
    """
    for phase in phases:
        if phase.func is not None:
            raise InvalidJobType(
                f"Phase {phase.name!r} of chain {name!r} is a bare function.",
                hint="Register it as a job type; run_combined_job takes bare functions.",
            )
    kind = make_job_type(
        _registered,
        name=name,
        label=label or name.replace("_", " ").capitalize(),
        description=" → ".join(phase.name for phase in phases),
        category="chains",
        aliases=dict(aliases or {}),
    )
    return dataclasses.replace(kind, phases=tuple(phases))


def any_chain() -> JobType:
    """The job type of chains that are made up for one submission."""
    return make_job_type(_made_up, name=CHAIN, label="Chain", category="chains")


def _registered(params: dict[str, dict[str, Json]] | None = None) -> None:
    """Run the phases in turn."""


def _made_up(name: str, phases: list[dict[str, Json]]) -> None:
    """Run the phases in turn."""
