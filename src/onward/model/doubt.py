"""Steps that must not happen twice: how their beginning is kept, and what a person is asked when the end is not known.

The beginning is a row among the kept steps of the same scope, written before the step's function is called; the result
is a row after it. A beginning without a result: the run ended in between, and nobody can say what had happened by then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onward.model import codec
from onward.model.job import Json

KIND = "in_doubt"
"""The kind of the question."""
AGAIN, SKIP = "do it again", "skip it"
LONGEST_NAME = 150

ANSWER: dict[str, Json] = {
    "type": "object",
    "properties": {
        "decision": {
            "title": "Do it again, or skip it?",
            "description": "Again if it has not happened; skip it if it has.",
            "type": "string",
            "enum": [AGAIN, SKIP],
        },
        "result": {
            "title": "What it gave, as JSON",
            "description": "Only when it is skipped: the job goes on with it as the step's result; empty is null.",
            "type": "string",
        },
    },
    "required": ["decision"],
    "additionalProperties": False,
}
"""The JSON Schema of the answer."""

_BEGINNING = re.compile(r"begun (\d+): (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A step that has begun, and may or may not have happened.

    ``scope`` is the item of ``each`` within which it stands, empty for none; ``times`` how often it has begun.
    """

    step: str
    scope: str
    times: int
    begun_at: datetime
    attempt: int

    @property
    def question(self) -> str:
        """The name of the question: one for each beginning."""
        return f"in doubt {self.times}: {self.step}"

    @property
    def prompt(self) -> str:
        """What a person is asked."""
        where = f" ({self.scope})" if self.scope else ""
        return (
            f"`{self.step}`{where} may already have happened: attempt {self.attempt} began it at "
            f"{self.begun_at:%Y-%m-%d %H:%M:%S} UTC and ended before it could say. Look first, if you can; the job "
            "waits for you."
        )

    @property
    def data(self) -> dict[str, Json]:
        """The facts, for those who look at the question."""
        return {
            "step": self.step,
            "item": self.scope or None,
            "begun_at": self.begun_at.isoformat(),
            "attempt": self.attempt,
        }


def beginning(step: str, times: int) -> str:
    """The name under which the beginning is kept, the ``times``-th of this step."""
    return f"begun {times}: {step}"


def is_beginning(name: str) -> bool:
    """Whether a name is that of a beginning, and so none that a step may have."""
    return _BEGINNING.fullmatch(name) is not None


def begun(at: datetime, attempt: int) -> str:
    """What is kept of a beginning, as JSON text."""
    return codec.encode({"at": at.isoformat(), "attempt": attempt}, "The beginning of a step", 200)


def open_steps(kept: Mapping[tuple[str, str], str]) -> list[Doubt]:
    """Of all kept steps of a job, by scope and name, those that have begun and have no result; the last beginning."""
    found: dict[tuple[str, str], Doubt] = {}
    for (scope, name), text in kept.items():
        match = _BEGINNING.fullmatch(name)
        if match is None or (scope, match[2]) in kept:
            continue
        doubt = read(match[2], scope, int(match[1]), text)
        known = found.get((scope, doubt.step))
        if known is None or known.times < doubt.times:
            found[scope, doubt.step] = doubt
    return sorted(found.values(), key=lambda doubt: doubt.begun_at)


def read(step: str, scope: str, times: int, text: str) -> Doubt:
    """A beginning as it was kept."""
    facts = codec.decode(text)
    return Doubt(step, scope, times, datetime.fromisoformat(facts["at"]), int(facts["attempt"]))


def result_of(answer: Mapping[str, Any]) -> Json:
    """What a skipped step gave. Text that is no JSON is meant as it stands."""
    text = str(answer.get("result") or "").strip()
    if not text:
        return None
    try:
        return codec.decode(text)
    except ValueError:
        return text
