"""Jobs that are started by a schedule, of which three schedulers take care: killed, stopped, cut off, on clocks that
jump, and with a plan that is put back. Each due time has one decision, and a broken engine is found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onward import Context
from onward.engine import decider, starts
from onward.engine.decider import Decider
from onward.engine.starts import Starts
from onward.model import verdict
from onward.store import schedules
from onward.testing import Simulated, simulate

Patch = pytest.MonkeyPatch
_SEEDS = 6


def brief(ctx: Context) -> int:
    """Saves once."""
    ctx.checkpoint(flush=True)
    return 1


def lengthy(ctx: Context) -> int:
    """Is still there when it is due again."""
    ctx.sleep(100)
    return 1


EVERY_MINUTE: dict[str, Any] = {"interval_seconds": 60}
QUEUED: dict[str, Any] = {"cron": "* * * * *", "overlap": "queue", "catch_up": "all", "misfire_grace_seconds": None}
SPREAD: dict[str, Any] = {"interval_seconds": 90, "jitter_seconds": 30, "overlap": "cancel_running"}


def test_each_due_time_has_one_decision_and_a_seed_gives_the_same_events_twice() -> None:
    first = simulate(brief, seed=1, hours=0.15, schedule=EVERY_MINUTE).raise_if_bad()
    again = simulate(brief, seed=1, hours=0.15, schedule=EVERY_MINUTE).raise_if_bad()
    assert first.digest == again.digest
    assert first.decisions is not None
    assert first.decisions >= 9
    assert 0 < first.jobs <= first.decisions
    assert sum(first.counts.values()) == first.planned_faults
    print(f"\n{first.text()}")


@pytest.mark.parametrize("schedule", [QUEUED, pytest.param(SPREAD, marks=pytest.mark.slow)])
def test_jobs_that_are_due_again_before_they_end_queue_or_make_room(schedule: dict[str, Any]) -> None:
    simulate(lengthy, seed=2, hours=0.15, schedule=schedule, same_result=False).raise_if_bad()


class _AsSeen:
    """Says of every schedule that it is as it was read."""

    def __eq__(self, _other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]  # it is compared only


def no_compare_and_set(patch: Patch) -> None:
    locked = schedules.lock_schedules
    patch.setattr(schedules, "lock_schedules", lambda *given: dict.fromkeys(locked(*given), _AsSeen()))


def the_key_of_a_decision_is_ignored(patch: Patch) -> None:
    patch.setattr(Starts, "taken", lambda *given: set())


def the_plan_is_not_advanced(patch: Patch) -> None:
    patch.setattr(decider, "write_plans", lambda *given: None)


def the_plan_is_written_before_the_decision(patch: Patch) -> None:
    commit = Decider._commit

    def in_two(self: Decider, cases: Any, now: Any, paused: Any) -> Any:
        dialect = self._store.dialect

        def advance(conn: Any) -> list[Any]:
            before = schedules.lock_schedules(conn, dialect, [case.seen.id for case in cases])
            mine = [case for case in cases if before.get(case.seen.id) == case.seen]
            starts.write_plans(conn, dialect, [(case.seen, case.verdict.plan, None) for case in mine], now)
            after = schedules.lock_schedules(conn, dialect, [case.seen.id for case in mine])
            return [replace(case, seen=after[case.seen.id]) for case in mine]

        return commit(self, self._store.write(advance), now, paused)

    patch.setattr(Decider, "_commit", in_two)


def starts_that_do_not_happen_are_not_recorded(patch: Patch) -> None:
    record = Starts.record
    patch.setattr(
        Starts, "record", lambda self, conn, found, now: record(self, conn, [each for each in found if each.job], now)
    )


def active_jobs_do_not_count(patch: Patch) -> None:
    patch.setattr(Starts, "settle_overlaps", lambda *given: None)


def nothing_is_ever_too_late(patch: Patch) -> None:
    patch.setattr(verdict, "_judged", lambda _schedule, due, _now: ([verdict.Choice(at) for at in due], []))


@pytest.mark.parametrize(
    "mutant",
    [
        no_compare_and_set,
        the_key_of_a_decision_is_ignored,
        the_plan_is_not_advanced,
        active_jobs_do_not_count,
        pytest.param(the_plan_is_written_before_the_decision, marks=pytest.mark.slow),
        pytest.param(starts_that_do_not_happen_are_not_recorded, marks=pytest.mark.slow),
        pytest.param(nothing_is_ever_too_late, marks=pytest.mark.slow),
    ],
)
def test_broken_scheduler_is_found(mutant: Callable[[Patch], None], monkeypatch: Patch) -> None:
    mutant(monkeypatch)
    monkeypatch.setattr("onward.testing.simulation._TRIES", 0)
    monkeypatch.setattr("onward.testing.theatre._DRAIN_SECONDS", 300.0)
    found = next(filter(None, (_problem(seed) for seed in range(_SEEDS))), None)
    assert found is not None, f"{_SEEDS} seeds did not see {mutant.__name__}"
    print(f"\n{mutant.__name__}: {found}")


def _problem(seed: int) -> str | None:
    given: dict[str, Any] = {"interval_seconds": 60, "misfire_grace_seconds": 45}
    found: Simulated = simulate(lengthy, seed=seed, hours=0.25, faults_per_hour=100, workers=2, schedule=given)
    return found.problems[0] if found.problems else None


def test_command_takes_the_schedule_and_says_it_again(tmp_path: Path) -> None:
    module = tmp_path / "simulated_jobs.py"
    module.write_text(
        "from onward import Onward\nfrom tests.simulation.test_schedules import brief\n"
        "app = Onward('sqlite:///unused.db')\napp.job(brief)\n"
    )
    words = ["--job", "brief", "--hours", "0.05", "--seed", "4", "--schedulers", "2", "--json"]
    schedule = ["--schedule", "cron=* * * * *", "--schedule", "max_instances=2"]
    command = [sys.executable, "-m", "onward", "simulate", "--app", f"{module}:app", *words, *schedule]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    here = simulate(
        brief, seed=4, hours=0.05, schedulers=2, schedule={"cron": "* * * * *", "max_instances": 2}
    ).raise_if_bad()
    assert (told["digest"], told["due_times"]) == (here.digest, here.decisions)
    assert "--schedule 'cron=* * * * *' --schedule max_instances=2 --schedulers 2" in here.command


@pytest.mark.slow
@pytest.mark.parametrize("schedule", [EVERY_MINUTE, QUEUED, SPREAD, {"cron": "*/7 * * * *", "max_instances": 2}])
def test_many_hours(schedule: dict[str, Any]) -> None:
    """12 hours of each of two seeds: 96 simulated hours in all."""
    for seed in (11, 12):
        print(f"\n{simulate(lengthy, seed=seed, hours=12, schedule=schedule, same_result=False).raise_if_bad().text()}")
