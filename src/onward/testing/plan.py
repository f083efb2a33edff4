"""What a seed says of a simulation: when jobs come, and which fault comes when, to whom, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onward.clock import ManualClock

KINDS = ("kill", "kill", "kill after", "stop", "cut", "outage", "jump")
"""Kills before and after a commit, stops, a worker without its database, everybody without it, jumps of a clock."""
OF_SCHEDULES = (*KINDS, "rewind")
"""Those of a play with a schedule: its plan is put back to due times that were decided about."""
_FAR = 10
"""So much further than those of workers the clocks of schedulers jump."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault at ``at`` seconds of simulated time; ``number`` names it in the plan of its seed."""

    number: int
    at: float
    kind: str
    player: str
    seconds: float

    def __str__(self) -> str:
        whom = {"outage": "everybody", "rewind": "the plan"}.get(self.kind, self.player)
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


def draw_faults(
    seed: int, seconds: float, players: Sequence[str], lease_seconds: float, per_hour: float,
    kinds: Sequence[str] = KINDS,
) -> list[Fault]:  # fmt: skip
    """The faults of a seed, by time."""
    chance = Chance(seed * 2 + 1)
    count = max(1, round(per_hour * seconds / 3600))
    moments = sorted(chance.between(0, seconds) for _ in range(count))
    found = []
    for number, at in enumerate(moments):
        kind = kinds[chance.below(len(kinds))]
        length = chance.between(0.1, 3) * lease_seconds
        if kind == "jump":
            length = chance.between(-30, 30)
        player = players[chance.below(len(players))]
        is_far = kind == "jump" and player.startswith("scheduler")
        found.append(Fault(number, at, kind, player, length * _FAR if is_far else length))
    return found


def draw_submissions(seed: int, seconds: float, count: int) -> Sequence[float]:
    """When jobs are submitted: most of the time there is something to do."""
    chance = Chance(seed * 2)
    return sorted(chance.between(0, seconds * 0.9) for _ in range(count))
