"""Long walks through the same moves as the machine's, drawn at random from a seed: denser than what Hypothesis draws.

A walk that fails is cut down to the steps that are needed, which can be done since every step says "the n-th job
there is" and never names one.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.simulation import truth
from tests.simulation.hands import CALLS, ENDINGS, KINDS, WRITES
from tests.simulation.machine import ENDED_MOVES, MOVES, Machine
from tests.simulation.world import World

Step = tuple[str, dict[str, Any]]
_TRIES = 400


def walk(new_world: Callable[[], World], seed: int, length: int) -> None:
    """One walk; ``AssertionError`` with the few steps that suffice."""
    steps = draw(seed, length)
    error = _fails(new_world, steps)
    if error is None:
        return
    steps, error = _cut(new_world, steps, error)
    told = "\n".join(
        f"  {name}({', '.join(f'{key}={value!r}' for key, value in given.items())})" for name, given in steps
    )
    raise AssertionError(f"walk {seed}: {error}\n{told}") from error


def draw(seed: int, length: int) -> list[Step]:
    """The steps of a seed."""
    chance = random.Random(seed)
    return [_step(chance) for _ in range(length)]


def _step(chance: random.Random) -> Step:  # noqa: C901 - one branch a rule
    which = chance.randrange(12)
    name = chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
    given: dict[str, Any] = {"which": which}
    match name:
        case "submit":
            given = {"name": chance.choice(sorted(KINDS)), "given": _submission(chance)}
        case "move" | "move_what_asks":
            given["verb"] = chance.choice(MOVES)
        case "move_what_runs":
            given["verb"] = chance.choice(("cancel", "cancel", "resume", "restart", "pause", "unpause"))
        case "move_what_has_ended":
            given["verb"] = chance.choice(ENDED_MOVES)
        case "claim":
            given["limit"] = chance.randint(1, 4)
        case "write":
            given |= {"verbs": chance.choices(WRITES, k=chance.randint(1, 2)), "ticks": chance.random() < 0.5}
        case "end":
            given |= {"verb": chance.choice(("succeed", *ENDINGS)), "ticks": chance.random() < 0.6}
        case "call":
            given["verb"] = chance.choice(list(CALLS))
        case "stale":
            given["verb"] = chance.choice((*WRITES, *ENDINGS, *CALLS))
        case "move_on":
            given = {"seconds": chance.choice((1, 6, 30))}
        case "answer":
            given["by_id"] = chance.random() < 0.5
        case "sweep" | "keep_time":
            given = {}
    return name, given


_WEIGHTS = {
    "submit": 10, "move": 8, "move_what_runs": 8, "move_what_has_ended": 8, "claim": 12, "write": 12, "end": 14,
    "call": 6, "stale": 8, "tick": 6, "take_over": 4, "move_on": 5, "sweep": 2, "answer": 8, "keep_time": 3, "move_what_asks": 4,
}  # fmt: skip


def _submission(chance: random.Random) -> dict[str, Any]:
    return {
        "n": chance.randint(1, 2),
        "source_id": chance.choice((None, "a", "a", "b")),
        "idempotency_key": chance.choice((None, None, None, None, "key")),
        "id": chance.choice((None, None, None, "job-1", "job-2")),
        "on_conflict": chance.choice(("reject", "wait", "wait", "replace")),
        "resume": chance.choice((None, True, False, False)),
        "delay": chance.choice((None, None, None, 15)),
        "priority": chance.choice((None, None, 5)),
    }


def _fails(new_world: Callable[[], World], steps: list[Step]) -> Exception | None:
    machine = Machine(new_world)
    try:
        for name, given in steps:
            getattr(machine, name)(**given)
            truth.check(machine.world)
        machine.drain()
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is what was looked for
        return error
    return None


def _cut(new_world: Callable[[], World], steps: list[Step], error: Exception) -> tuple[list[Step], Exception]:
    """Leave out what can be left out, larger parts first."""
    tries, size = 0, len(steps) // 2
    while size:
        at = 0
        while at < len(steps) and tries < _TRIES:
            fewer = [*steps[:at], *steps[at + size :]]
            tries += 1
            other = _fails(new_world, fewer)
            if other is not None:
                steps, error = fewer, other
            else:
                at += size
        size //= 2
    return steps, error
