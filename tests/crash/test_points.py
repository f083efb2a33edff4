"""A process that dies before or after any of its statements loses nothing that was acked and repeats nothing."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.crash.life import EMPTY
from tests.crash.zygote import Zygote

_COMPOUND = 5
"""Every so many points the recovery dies too."""
_REAL = 10
"""Every so many points a worker with all its threads recovers."""
_AWAY = 20
"""Every so many points the database goes away from that worker for a few words."""
_CHECKED = 10
"""Every so many points the whole database is checked, the schema too."""


@dataclass
class Lives:
    """Lives on one database. ``template`` is a SQLite file to begin each with; None empties the database instead."""

    zygote: Zygote
    url: str
    folder: Path
    template: Path | None
    fault: str = ""
    emptied: Any = None
    """A connection by which the database is emptied."""
    failures: list[str] = field(default_factory=list)
    run: int = 0
    deaths: int = 0
    outages: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    def begin(self) -> None:
        self.ledger.unlink(missing_ok=True)
        if self.emptied is not None:
            self.emptied.execute(EMPTY)
            return
        if self.template is None:
            answer = self._ask("clean")
            assert not answer["said"], answer["said"]
            return
        file = self.folder / "life.db"
        for old in self.folder.glob("life.db*"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        shutil.copy(self.template, file)

    def places(self, seed: int) -> int:
        """How many places a life has in which it can die."""
        self.begin()
        answer = self._ask("live", seed=seed)
        assert not answer["said"], answer["said"]
        return int(answer["places"])

    def point(self, seed: int, at: int) -> None:
        """Live until ``at``, die, recover, and compare; at some points the recovery dies as well."""
        self.begin()
        answer = self._ask("live", seed=seed, at=at)
        self._note(f"seed {seed} at {at}", answer["said"])
        self.deaths += answer["signal"] == signal.SIGKILL
        second = self.chance.randrange(200) if self.run % _COMPOUND == 0 else None
        threads = self.run % _REAL == _REAL // 2
        if second is not None:
            answer = self._ask("recover", at=second, threads=False, wholly=False)
            self._note(f"seed {seed} at {at}, then {second}", answer["said"])
            self.deaths += answer["signal"] == signal.SIGKILL
        away: dict[str, object] = {}
        if self.run % _AWAY == _REAL // 2:
            begin = self.chance.randrange(150)
            away = {"at": begin, "until": begin + self.chance.randrange(1, 12)}
        answer = self._ask("recover", threads=threads, wholly=self.run % _CHECKED == 0, **away)
        self._note(f"seed {seed} at {at}, then {second}, threads {threads}, away {away}", answer["said"])
        self.outages += bool(answer["failed"])
        self.run += 1

    def _note(self, where: str, said: str) -> None:
        if said:
            self.failures.append(f"{where}:\n{said}\n{self.ledger.read_text()}")

    def _ask(self, role: str, **more: object) -> dict[str, object]:
        return self.zygote.run(role=role, url=self.url, ledger=str(self.ledger), fault=self.fault, **more)


def run(lives: Lives, planned: int, *, patience: int = 3) -> None:
    """So many points, spread over whole lives; stops when a few have failed."""
    begun = time.monotonic()
    for seed, at in points(lives, planned):
        lives.point(seed, at)
        if len(lives.failures) >= patience:
            break
    seconds = time.monotonic() - begun
    print(f"\ncrash points: {lives.run} / {planned} run, {lives.deaths} deaths, {seconds:.0f} s")
    print(f"recoveries that lost the database on their way: {lives.outages}")


def points(lives: Lives, planned: int) -> Iterator[tuple[int, int]]:
    """(seed, place), whole lives for as long as the number lasts, then a sample of every life."""
    lengths = {seed: lives.places(seed) for seed in range(max(4, planned // 400))}
    every = [(seed, at) for seed, length in lengths.items() for at in range(length)]
    lives.chance.shuffle(every)
    while len(every) < planned:
        every += every
    yield from every[:planned]


def lives_in_sqlite(zygote: Zygote, folder: Path, fault: str = "") -> Lives:
    template = folder / "template.db"
    made = Lives(zygote, f"sqlite:///{template}", folder, None, fault)
    made.begin()
    return Lives(zygote, f"sqlite:///{folder / 'life.db'}", folder, template, fault)


@pytest.fixture(params=["sqlite", "postgresql"])
def lives(request: pytest.FixtureRequest, zygote: Zygote, memory: Path) -> Lives:
    if request.param == "sqlite":
        return lives_in_sqlite(zygote, memory)
    psycopg = pytest.importorskip("psycopg")
    made = Lives(zygote, request.getfixturevalue("postgres_url"), memory, None)
    made.begin()
    made.emptied = psycopg.connect(made.url, autocommit=True)
    return made


def _held(lives: Lives, planned: int) -> None:
    run(lives, planned)
    assert not lives.failures, "\n\n".join(lives.failures)
    assert lives.run == planned, f"only {lives.run} of {planned} points were run"
    # A life on PostgreSQL may be a statement shorter than the one that was measured.
    assert lives.deaths >= 0.95 * planned, f"only {lives.deaths} processes died"


def _planned(request: pytest.FixtureRequest, lives: Lives, usual: str) -> int:
    given = str(request.config.getoption("--points", default=None) or usual)
    sqlite, _, postgresql = given.partition("/")
    return int(sqlite if lives.template is not None else postgresql or sqlite)


@pytest.mark.timeout(300)
def test_death_at_a_statement_loses_nothing(request: pytest.FixtureRequest, lives: Lives) -> None:
    _held(lives, _planned(request, lives, "150/60"))


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_death_at_every_statement_loses_nothing(request: pytest.FixtureRequest, lives: Lives) -> None:
    _held(lives, _planned(request, lives, "10000/2000"))


@pytest.mark.parametrize("fault", ["ack early", "paid twice"])
def test_a_planted_fault_is_found(zygote: Zygote, memory: Path, fault: str) -> None:
    lives = lives_in_sqlite(zygote, memory, fault)
    run(lives, 200, patience=1)
    assert lives.failures, f"{lives.run} points did not see {fault!r}"
