"""The process of a client: submits, cancels, pauses, resumes and answers, and writes down each word of it."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos import planted
from chaos.actor import Part, make_app
from chaos.jobs import types
from chaos.notes import Act, History, as_text, boottime
from onward import Job, Onward
from onward.errors import OnwardError, StoreUnavailable

_LAST_SECONDS = 60.0
_WEIGHTS = {
    "steps": 22, "walk": 20, "stroll": 10, "both": 6, "serial": 8, "poison": 1, "hang": 1, "gilhog": 1, "forker": 4,
    "big": 4, "pays": 10, "flaky": 6, "naps": 5, "chain3": 10, "asks": 6,
}  # fmt: skip


@dataclass
class Asked:
    """A submission: whether it is known to have been taken, and what became of the job."""

    key: str
    job_type: str
    params: dict[str, Any]
    job: str = ""
    is_paused: bool = False
    is_cancelled: bool = False


@dataclass
class Client:
    """One client, which touches only what it has submitted itself."""

    part: Part
    app: Onward
    history: History
    chance: random.Random
    asked: list[Asked] = field(default_factory=list)
    number: int = 0

    def turn(self) -> None:
        """One thing, by chance."""
        known = [each for each in self.asked[-30:] if each.job]
        verb = self.chance.choices(("submit", "again", "cancel", "pause", "resume", "answer"), (70, 6, 7, 4, 6, 7))[0]
        if verb == "submit" or not known:
            self.submit(self._new())
        elif verb == "again":
            self.submit(self.chance.choice(self.asked[-30:]))
        else:
            self._steer(verb, self.chance.choice(known))

    def submit(self, asked: Asked) -> None:
        """Submit; the same key again is the same job."""
        if asked not in self.asked:
            self.asked.append(asked)
        job = self._say(
            "submit",
            asked,
            lambda: self.app.submit(asked.job_type, asked.params, idempotency_key=asked.key, on_conflict="wait"),
        )
        if job is not None:
            asked.job = job.id

    def finish(self) -> None:
        """Let go on what was paused, answer what was asked, and hear of every submission what became of it."""
        deadline = time.monotonic() + _LAST_SECONDS
        while time.monotonic() < deadline:
            open_ = [each for each in self.asked if not each.job]
            paused = [each for each in self.asked if each.is_paused and each.job]
            if not open_ and not paused:
                return
            for each in open_:
                self.submit(each)
            for each in paused:
                self._steer("unpause", each)
            time.sleep(0.1)

    def _new(self) -> Asked:
        names = [name for name in _WEIGHTS if name in (self.part.jobs or types.names())]
        name = self.chance.choices(names, [_WEIGHTS[name] for name in names])[0]
        params: dict[str, Any] = {}
        match name:
            case "steps" | "walk":
                params = {"n": self.chance.randint(3, 15)}
            case "serial":
                params = {"key": self.chance.choice("xyz")}
            case "big":
                params = {"payload": "é" * self.chance.randint(1000, 60_000)}
            case "forker":
                # Where it is about children, they do not end by themselves.
                params = {"deaf": 15 if self.part.jobs == ["forker"] else self.chance.choice((0, 0.3, 12))}
            case _:
                pass
        return Asked(f"{self.part.name}-{len(self.asked)}", name, params)

    def _steer(self, verb: str, asked: Asked) -> None:
        if verb == "answer":
            if asked.job_type == "asks":
                self._say(verb, asked, lambda: self._answer(asked.job))
            return
        if verb == "pause" and asked.is_paused:
            verb = "unpause"
        if verb == "resume" and not asked.is_cancelled:
            return
        job = self._say(verb, asked, lambda: getattr(self.app, verb)(asked.job))
        if verb in ("pause", "unpause"):
            # Unknown counts as paused, so that it is let go on at the end.
            asked.is_paused = verb == "pause" or (job is None and asked.is_paused and self._may_be_paused(asked))
        elif job is not None:
            asked.is_cancelled = verb == "cancel"

    def _may_be_paused(self, asked: Asked) -> bool:
        """A pause whose end is unknown may not have been written."""
        try:
            job = self.app.get(asked.job)
        except StoreUnavailable:
            return True
        return job.stale or (job.paused_by is not None and not job.status.is_ended)

    def _answer(self, job_id: str) -> Job:
        answer: Any = getattr(self.app, "answer")  # noqa: B009 - it need not be there
        found: Job = answer(job_id, {"by": self.part.name, "number": self.number})
        return found

    def _say(self, verb: str, asked: Asked, act: Any) -> Job | None:
        self.number += 1
        given = (self.part.name, self.number)
        about = (verb, asked.key, asked.job_type, as_text(asked.params), asked.job)
        self.history.write(Act(boottime(), *given, "invoke", *about))
        try:
            job: Job = act()
        except StoreUnavailable as error:
            self.history.write(Act(boottime(), *given, "info", *about, str(error)))
            return None
        except OnwardError as error:
            self.history.write(Act(boottime(), *given, "fail", *about, f"{type(error).__name__}: {error}"))
            return None
        about = (verb, asked.key, asked.job_type, as_text(asked.params), job.id)
        self.history.write(Act(boottime(), *given, "ok", *about))
        return job


def main() -> int:
    """Ask until the harness says that it is enough."""
    part = Part.mine()
    folder = Path(part.folder)
    app = make_app(part.url, part.lease_seconds, part.journals)
    planted.plant(part.plant)
    chance = random.Random(json.dumps([part.seed, part.name]))
    client = Client(part, app, History(folder / f"history-{part.name}.jsonl"), chance)
    while not (folder / "stop").exists():
        client.turn()
        time.sleep(chance.expovariate(part.rate))
    client.finish()
    app.close()
    return 0
