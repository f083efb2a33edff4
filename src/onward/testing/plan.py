"""What a seed says of a simulation: when jobs come, and which fault comes when, to whom, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onward.clock import ManualClock

KINDS = ("kill", "kill", "kill after", "stop", "cut", "outage", "jump")
"""Kills before and after a commit, stops, a worker without its database, everybody without it, jumps of a clock."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault at ``at`` seconds of simulated time; ``number`` names it in the plan of its seed."""

    number: int
    at: float
    kind: str
    worker: int
    seconds: float

    def __str__(self) -> str:
        whom = "everybody" if self.kind == "outage" else f"worker {self.worker}"
        return f"{self.at:8.1f} s  {self.kind} {whom} for {self.seconds:.1f} s"


class Chance:
    """Random numbers from a seed."""

    def __init__(self, seed: int) -> None:
        self._bits = ManualClock(seed=seed).random_bits

    def fraction(self) -> float:
        """From 0 up to 1."""
        return self._bits(30) / 2**30

    def between(self, low: float, high: float) -> float:
        """From ``low`` up to ``high``."""
        return low + (high - low) * self.fraction()

    def below(self, most: int) -> int:
        """A whole number from 0 up to, not including, ``most``."""
        return min(most - 1, int(self.fraction() * most))


def draw_faults(seed: int, seconds: float, workers: int, lease_seconds: float, per_hour: float) -> list[Fault]:
    """The faults of a seed, by time."""
    chance = Chance(seed * 2 + 1)
    count = max(1, round(per_hour * seconds / 3600))
    moments = sorted(chance.between(0, seconds) for _ in range(count))
    found = []
    for number, at in enumerate(moments):
        kind = KINDS[chance.below(len(KINDS))]
        length = chance.between(0.1, 3) * lease_seconds
        if kind == "jump":
            length = chance.between(-30, 30)
        found.append(Fault(number, at, kind, chance.below(workers), length))
    return found


def draw_submissions(seed: int, seconds: float, count: int) -> Sequence[float]:
    """When jobs are submitted: most of the time there is something to do."""
    chance = Chance(seed * 2)
    return sorted(chance.between(0, seconds * 0.9) for _ in range(count))
