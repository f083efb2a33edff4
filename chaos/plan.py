"""What a seed says: which fault comes when, to whom, and for how long."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.proxy import Mode

_COMMON = {"kill": 40, "stop": 14, "stop inside": 3, "terminate": 4, "clock": 5}
_PROXY = {
    f"proxy {mode}": weight
    for mode, weight in (
        (Mode.DELAY, 2), (Mode.HOLD, 3), (Mode.HOLE, 3), (Mode.RESET, 3), (Mode.ONE_WAY, 3), (Mode.CUT, 4),
    )
}  # fmt: skip
WEIGHTS = {
    "sqlite": {**_COMMON, "disk full": 3},
    "pg": {**_COMMON, **_PROXY, "pg kill": 2, "pg restart": 2, "pg outage": 2, "pg terminate": 3},
}
"""How often each fault comes in a plan, by kind of database."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault to come: seconds after the start, what, to which worker or client, for how many seconds."""

    at: float
    kind: str
    target: int
    seconds: float = 0.0
    more: int = 0


def draw(
    seed: int, seconds: float, store: str, lease_seconds: float, rate: float = 1.0, without: Sequence[str] = ()
) -> list[Planned]:
    """The faults of a seed, by time. ``rate``: how many a second, on average; ``without``: kinds to leave out."""
    chance = random.Random(f"{seed} {store}")
    weights = {kind: weight for kind, weight in WEIGHTS[store].items() if kind not in without}
    found: list[Planned] = []
    at = 0.5 + chance.expovariate(rate)
    # Every kind is there at least once where there is time enough for that.
    first = list(weights)
    chance.shuffle(first)
    while at < seconds:
        if len(first) > 0 and seconds * rate > 3 * len(weights) and chance.random() < 0.3:
            kind = first.pop()
        else:
            kind = chance.choices(list(weights), list(weights.values()))[0]
        found.append(
            Planned(round(at, 3), kind, chance.randrange(1 << 16), *_length(chance, kind, seconds, lease_seconds))
        )
        at += chance.expovariate(rate)
    return found


def _length(chance: random.Random, kind: str, seconds: float, lease_seconds: float) -> tuple[float, int]:
    longest = min(90.0, seconds / 4)
    match kind:
        case "stop" | "stop inside":
            return chance.uniform(0.1, 3 * lease_seconds), 0
        case "clock":
            return chance.uniform(1, min(30.0, seconds / 2)), chance.choice((-3600, 3600))
        case "pg outage":
            # Most are short; one in twenty is a whole minute.
            whole = chance.random() < 0.05
            return min(60.0, longest, 60.0 if whole else 3 + chance.expovariate(1 / 5)), 0
        case "disk full":
            return chance.uniform(0.5, min(10.0, longest)), 0
        case "proxy cut":
            return chance.uniform(1, min(10.0, longest)), chance.randint(1, 600)
        case _ if kind.startswith("proxy"):
            # Most are short; a few are as long as it goes.
            return min(longest, 1 + chance.expovariate(1 / 6)), 0
    return 0.0, 0


def counts(plan: Sequence[Planned]) -> dict[str, int]:
    """How many there are of each kind."""
    return dict(sorted(Counter(each.kind for each in plan).items()))
