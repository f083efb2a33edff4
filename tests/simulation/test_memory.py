"""The same walks with the hot layer in front: after every move it says what the database says."""

from __future__ import annotations

import math

import pytest

from onward.engine.hot import Hot
from onward.engine.memory import is_same
from onward.errors import JobNotFound
from onward.model.job import Job
from tests.simulation import truth
from tests.simulation.conftest import NewWorld
from tests.simulation.walk import walk
from tests.simulation.world import World


class Front:
    """Looks at every job through memory, as often as the truth is checked."""

    def __init__(self) -> None:
        self.hits = 0
        self._known: set[str] = set()

    def check(self, world: World) -> None:
        app, bell = world.app, world.store.doorbell
        # Nobody else writes here: it is as if a listener heard everything.
        bell.heard_until = math.inf
        self._known |= set(world.model.jobs)
        for job_id in sorted(self._known):
            in_database = app._reader._explain(job_id)
            if in_database is None:
                with pytest.raises(JobNotFound):
                    app.get(job_id)
                continue
            for _ in range(2):
                self.hits += app._hot.hit(job_id) is not None
                shown = app.get(job_id)
                assert is_same(shown, in_database), f"memory says {shown}, the database {in_database}"


def test_memory_in_front_says_what_the_database_says(new_world: NewWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    check, front = truth.check, Front()

    def both(world: World) -> None:
        check(world)
        front.check(world)

    monkeypatch.setattr(truth, "check", both)
    monkeypatch.setattr(Hot, "expect", lambda self, job_id: None)
    for seed in range(6):
        walk(new_world, seed, 40)
    assert front.hits > 300


def test_memory_that_ignores_commits_is_found_out(new_sqlite_world: NewWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    check, front = truth.check, Front()

    def both(world: World) -> None:
        check(world)
        front.check(world)

    def careless(self: Hot, job_id: str) -> Job | None:
        return self.memory.last_known(job_id, 0.0)

    monkeypatch.setattr(truth, "check", both)
    monkeypatch.setattr(Hot, "expect", lambda self, job_id: None)
    monkeypatch.setattr(Hot, "hit", careless)
    monkeypatch.setattr("tests.simulation.walk._TRIES", 0)
    with pytest.raises(AssertionError, match="memory says|DID NOT RAISE"):
        for seed in range(6):
            walk(new_sqlite_world, seed, 40)
