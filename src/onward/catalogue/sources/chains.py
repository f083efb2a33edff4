"""Chains that ship: what is usually done with a source, in order."""

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


_IF_CONFIGURED = {"if_configured": True}

CHAINS = {
    "reindex_online": Chain(
        "Reindex (Online)",
        (
            JobPhase("clear_vectors", weight=10, params={"dimension": 1536}),
            JobPhase("index_online", weight=90),
        ),
    ),
    "reindex_offline": Chain(
        "Reindex (Offline)",
        (JobPhase("clear_vectors", weight=10), JobPhase("index_offline", weight=90)),
    ),
    "cloud_publish": Chain(
        "Cloud Publish",
        (JobPhase("pinecone_sync", weight=80), JobPhase("visualisation", weight=20)),
    ),
    "generate_source": Chain(
        "Generate Source",
        (
            JobPhase("metadata", weight=10),
            JobPhase("index_online", weight=30, params=_IF_CONFIGURED),
            JobPhase("index_offline", weight=55),
            JobPhase("suggest_tags", weight=5),
        ),
    ),
    "regenerate_source": Chain(
        "Regenerate Source",
        (
            JobPhase("metadata", weight=10, params={"force_regenerate": True}),
            JobPhase("clear_vectors_online", weight=2, job_type="clear_vectors", params={"dimension": 1536}),
            JobPhase("index_online", weight=28, params=_IF_CONFIGURED),
            JobPhase("clear_vectors_offline", weight=2, job_type="clear_vectors"),
            JobPhase("index_offline", weight=53),
            JobPhase("suggest_tags", weight=5, params={"force": True}),
        ),
    ),
    "prepare_source": Chain(
        "Prepare Source",
        (
            JobPhase("detect_base_url", weight=15),
            JobPhase("check_addresses", weight=5),
            JobPhase("metadata", weight=80),
        ),
    ),
    "finish_source": Chain(
        "Finish Source",
        (
            JobPhase("index_online", weight=35, params=_IF_CONFIGURED),
            JobPhase("index_offline", weight=60),
            JobPhase("suggest_tags", weight=5),
        ),
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
"""Name to chain. Each is a job type; parameters of its phases are added by their names (``scrape`` needs ``url``).

A source in two stages: ``prepare_source`` ends with addresses that a person has checked, ``finish_source`` indexes and
tags it.
"""


def build_phases(url: str, *, max_passages: int = 0, **scrape: Any) -> tuple[JobPhase, ...]:
    """The phases that make a searchable source of a web site; ``scrape`` are more parameters of that job type."""
    given = {"scrape": {"url": url, **scrape}, "index_offline": {"max_passages": max_passages}}
    phases = CHAINS["build_source"].phases
    return tuple(dataclasses.replace(phase, params=given.get(phase.name)) for phase in phases)
