"""Chains that ship. Those that need job types of later releases come with them."""

from __future__ import annotations

import dataclasses
from typing import Any

from onward.authoring.job_type import JobType, make_job_type
from onward.model.chain import JobPhase


@dataclasses.dataclass(frozen=True, slots=True)
class Chain:
    """A predefined chain; ``aliases`` are older names."""

    label: str
    phases: tuple[JobPhase, ...]
    aliases: tuple[str, ...] = ()


CHAINS = {
    "reindex_offline": Chain(
        "Reindex (Offline)",
        (JobPhase("clear_vectors", weight=10), JobPhase("index_offline", weight=90)),
        aliases=("reindex",),
    ),
}
"""Name to chain; each can be submitted by its name as a job type."""


def chain_types() -> list[JobType]:
    """The chains as job types."""
    return [_job_type(name, chain) for name, chain in CHAINS.items()]


def build_phases(url: str, *, max_passages: int = 0, **scrape: Any) -> tuple[JobPhase, ...]:
    """The phases that make a searchable source of a web site; ``scrape`` are more parameters of that job type."""
    return (
        JobPhase("scrape", weight=20, params={"url": url, **scrape}),
        JobPhase("metadata", weight=5),
        JobPhase("index_offline", weight=70, params={"max_passages": max_passages}),
        JobPhase("suggest_tags", weight=5),
    )


def _job_type(name: str, chain: Chain) -> JobType:
    kind = make_job_type(
        _phases_only,
        name=name,
        label=chain.label,
        description=", then ".join(phase.name for phase in chain.phases),
        category="chains",
        needs_source=True,
        aliases={alias: {} for alias in chain.aliases},
    )
    return dataclasses.replace(kind, phases=chain.phases)


def _phases_only() -> None:
    """Run the phases in turn."""
