"""How much there is to do and who is there to do it, at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Jobs of one queue that could begin now: how many, and how long the oldest has been due."""

    queue: str
    waiting: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class Load:
    """``jobs`` counts by status without completed ones, ``held_up`` those that are not ready, by what they wait for.

    ``workers`` counts by state; ``slots`` are those of workers that take jobs, ``busy_slots`` those with a job.
    """

    jobs: Mapping[str, int] = field(default_factory=dict)
    queues: tuple[QueueDepth, ...] = ()
    held_up: Mapping[str, int] = field(default_factory=dict)
    workers: Mapping[str, int] = field(default_factory=dict)
    slots: int = 0
    busy_slots: int = 0
