"""Schedules against a model: several schedulers, on clocks that differ and jump, killed in the middle of a look.

After every step: each due time that has passed was decided about once, each decision is what it says, and no more jobs
of a schedule are active than it allows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from onward import ManualClock, Onward
from onward.model.rule import jitter
from tests.app_fixtures import Apps
from tests.engine.schedules_place import NOON, with_jobs

NAMES = ("latest", "all", "queue", "cancels", "jittered")
POLICIES: dict[str, dict[str, Any]] = {
    "latest": {"interval_seconds": 60},
    "all": {"interval_seconds": 45, "catch_up": "all", "misfire_grace_seconds": None, "max_catch_up": 4},
    "queue": {"cron": "*/2 * * * *", "overlap": "queue", "max_instances": 2},
    "cancels": {"interval_seconds": 90, "overlap": "cancel_running"},
    "jittered": {"cron": "* * * * *", "jitter_seconds": 50, "max_instances": 3},
}
which = st.sampled_from(NAMES)
scheduler = st.integers(0, 2)


class Killed(BaseException):
    """The process is no more."""


class Mortal:
    """What speaks to the database for a process that dies at its n-th word."""

    def __init__(self, dialect: Any) -> None:
        self._dialect = dialect
        self.left: int | None = None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._dialect, name)
        if name not in ("query", "query_many", "execute", "insert_many", "update_many", "delete_many"):
            return found

        def speak(*given: Any) -> Any:
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    raise Killed
            return found(*given)

        return speak


class Machine(RuleBasedStateMachine):
    """One database, three schedulers."""

    apps: Apps

    def __init__(self) -> None:
        super().__init__()
        self.clocks = [ManualClock(NOON, seed) for seed in range(3)]
        self.schedulers = [with_jobs(self.apps(clock=clock)) for clock in self.clocks]
        self.mortals = []
        for app in self.schedulers:
            app.counts()
            engines = app._store.engines
            mortal = Mortal(engines.dialect)
            engines.dialect = mortal  # type: ignore[assignment]
            self.mortals.append(mortal)
        self.app = self.schedulers[0]
        self.by_hand = 0
        self.edited: set[str] = set()

    def teardown(self) -> None:
        # Each has connections of its own; those of all examples together would be too many for a server.
        for app in self.schedulers:
            app.close()

    @initialize()
    def add(self) -> None:
        with self.app.connect() as connection:
            for name in ("jobs", "job_runs", "job_events", "schedule_decisions", "scheduled_jobs"):
                connection.execute(text(f"DELETE FROM {name}"))
        for name, policy in POLICIES.items():
            self.app.schedules.add(name, "greet", **policy)

    @rule(seconds=st.sampled_from([1, 20, 60, 200, 3000]))
    def pass_time(self, seconds: int) -> None:
        for clock in self.clocks:
            clock.advance(seconds)

    @rule(who=scheduler, seconds=st.sampled_from([-7200, -61, -3, 3, 61, 900]))
    def jump(self, who: int, seconds: int) -> None:
        self.clocks[who].jump(seconds)

    @rule(who=scheduler)
    def tick(self, who: int) -> None:
        self.schedulers[who].schedules.tick()

    @rule(who=scheduler, words=st.integers(0, 30))
    def die_in_a_look(self, who: int, words: int) -> None:
        self.mortals[who].left = words
        try:
            self.schedulers[who].schedules.tick()
        except Killed:
            pass
        finally:
            self.mortals[who].left = None

    @rule(name=which, who=scheduler)
    def pause(self, name: str, who: int) -> None:
        self.schedulers[who].schedules.pause(name)

    @rule(name=which, who=scheduler)
    def resume(self, name: str, who: int) -> None:
        self.schedulers[who].schedules.resume(name)

    @rule(name=which)
    def skip_next(self, name: str) -> None:
        self.app.schedules.skip_next(name)

    @rule(name=which)
    def set_by_hand(self, name: str) -> None:
        with self.app.connect() as connection:
            connection.execute(
                text(f"UPDATE scheduled_jobs SET next_run_at = '2025-01-01 00:00:00Z' WHERE name = '{name}'")
            )
        self.by_hand += 1

    @precondition(lambda self: self.app.counts()["pending"])
    @rule(number=st.integers(0, 50))
    def end_a_job(self, number: int) -> None:
        ready = [job for job in self.app.find(status="pending", limit=200) if job.waiting_on is None]
        if ready:
            self.app.cancel(ready[number % len(ready)].id)
        with self.app._store.read() as conn:
            from onward.store import turns

            waiting = turns.waiting_schedules(conn, self.app._store.dialect)
        if waiting:
            self.app._store.write(lambda conn: turns.let_on(conn, self.app._store.dialect, waiting))

    @invariant()
    def each_due_time_has_one_decision_and_none_is_left_out(self) -> None:
        decided = _rows(self.app, "SELECT schedule_id, due_at, decision, started_job FROM schedule_decisions")
        jobs = {row[0] for row in _rows(self.app, "SELECT job_id FROM jobs")}
        started = [row[3] for row in decided if row[2] == "started"]
        assert len(started) == len(set(started))
        assert set(started) == jobs
        for found in self.app.schedules.list():
            due = sorted(_moment(row[1]) for row in decided if row[0] == found.id)
            regular = [at for at in due if at.year == 2026 and at.microsecond == 0]
            rule_ = found.rule(NOON)
            at = rule_.next_after(found.anchor_at or NOON)
            expected = []
            while at is not None and found.due_at is not None and at < found.due_at:
                expected.append(at)
                at = rule_.next_after(at)
            left_out = set(expected) - set(regular)
            assert not left_out, f"{found.name}: {sorted(left_out)[:3]} were never decided about"
            if not found.is_by_hand and found.due_at is not None:
                assert found.next_run_at == found.due_at + jitter(found.id, found.due_at, found.jitter_seconds)

    @invariant()
    def no_more_are_active_than_allowed(self) -> None:
        sql = (
            "SELECT s.name, s.max_instances, count(*) FROM jobs j JOIN scheduled_jobs s ON s.id = j.scheduled_job_id "
            "WHERE j.status = 'pending' AND coalesce(j.waiting_on, '') <> 'schedule' GROUP BY s.name, s.max_instances"
        )
        for name, most, count in _rows(self.app, sql):
            assert count <= most, f"{count} jobs of {name} are active, {most} may be"


def _rows(app: Onward, sql: str) -> list[Any]:
    return app.database.query(sql)[1]


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@pytest.fixture
def machine(apps: Apps) -> Iterator[type[Machine]]:
    """The machine on the test's database."""
    yield type("MachineHere", (Machine,), {"apps": apps})


def _run(machine: type[Machine], examples: int, steps: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


@pytest.mark.timeout(600)
def test_schedules_agree_with_their_model(machine: type[Machine]) -> None:
    _run(machine, 5, 20)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_schedules_agree_with_their_model_for_long(machine: type[Machine]) -> None:
    _run(machine, 200, 60)
