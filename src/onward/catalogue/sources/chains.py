"""Chains that ship: job types with their weights, as data. Those that need other job types come with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase: a job type, its share of the progress bar, and its parameters."""

    job_type: str
    weight: int
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain as it may be registered; ``aliases`` are older names."""

    label: str
    phases: tuple[Phase, ...]
    aliases: tuple[str, ...] = ()


CHAINS = {
    "reindex_offline": Chain(
        "Reindex (Offline)",
        (Phase("clear_vectors", 10), Phase("index_offline", 90)),
        aliases=("reindex",),
    ),
    "build_source": Chain(
        "Build Source",
        (Phase("scrape", 20), Phase("metadata", 10), Phase("index_offline", 65), Phase("suggest_tags", 5)),
    ),
}
"""Name to chain. ``scrape`` in ``build_source`` needs its ``url`` from whoever starts the chain."""
