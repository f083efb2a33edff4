"""Chains that ship. Those that need job types of later releases come with them."""

from __future__ import annotations

import dataclasses
from typing import Any

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
    "build_source": Chain(
        "Build Source",
        (
            JobPhase("scrape", weight=20),
            JobPhase("metadata", weight=5),
            JobPhase("index_offline", weight=70),
            JobPhase("suggest_tags", weight=5),
        ),
    ),
}
"""Name to chain. Each is a job type; parameters of its phases are added by their names (``scrape`` needs ``url``)."""


def build_phases(url: str, *, max_passages: int = 0, **scrape: Any) -> tuple[JobPhase, ...]:
    """The phases that make a searchable source of a web site; ``scrape`` are more parameters of that job type."""
    given = {"scrape": {"url": url, **scrape}, "index_offline": {"max_passages": max_passages}}
    phases = CHAINS["build_source"].phases
    return tuple(dataclasses.replace(phase, params=given.get(phase.name)) for phase in phases)
