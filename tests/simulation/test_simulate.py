"""``onward.testing.simulate``: the real engine on a clock from a seed, for users' own jobs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onward import Context, Onward
from onward.engine.desk import Desk
from onward.store import checkpoints, claims, endings
from onward.store.journal import Journal
from onward.testing import simulate
from onward.testing.simulation import SimulationFailed


def sound(ctx: Context, n: int = 6) -> list[int]:
    """Goes over items with steps, partial work and a sleep, and forgets nothing."""
    for item in ctx.each(range(n), every=2):
        ctx.state["sum"] = ctx.state.get("sum", 0) + ctx.step("double", lambda item=item: item * 2)
        ctx.partial().append(item)
    ctx.sleep(30)
    ctx.checkpoint(flush=True)
    return [ctx.state["sum"], len(list(ctx.partial()))]


def forgetful(ctx: Context, n: int = 6) -> int:
    """Keeps its sum where an interruption takes it away."""
    total = 0
    for item in ctx.each(range(n)):
        total += item
        ctx.checkpoint(flush=True)
    return total


async def patient(ctx: Context) -> int:
    for number in range(3):
        await ctx.step(f"s{number}", lambda number=number: number)
        await ctx.flush({"done": number})
    return int(ctx.state["done"])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sound_job_keeps_every_promise_and_a_seed_gives_the_same_events_twice(seed: int) -> None:
    first = simulate(sound, {"n": 4}, seed=seed, hours=0.4).raise_if_bad()
    again = simulate(sound, {"n": 4}, seed=seed, hours=0.4).raise_if_bad()
    assert first.digest == again.digest
    assert (first.jobs, sum(first.counts.values())) == (8, first.planned_faults)
    print(f"\n{first.text()}")


def test_other_seeds_give_other_events() -> None:
    digests = {simulate(sound, seed=seed, hours=0.1).raise_if_bad().digest for seed in range(3)}
    assert len(digests) == 3


def test_async_job_and_job_of_a_process_are_simulated_too() -> None:
    app = Onward("sqlite:///unused.db")
    app.job(name="patient")(patient)
    app.job(name="apart", isolation="process")(sound)
    for name in ("patient", "apart"):
        simulate(name, app=app, seed=5, hours=0.2).raise_if_bad()


HARD: dict[str, Any] = {"hours": 0.1, "faults_per_hour": 300}
"""So that a short job is met by some of them."""


def test_job_that_forgets_is_found_with_the_few_faults_that_suffice() -> None:
    found = next(each for seed in range(5, 12) if not (each := simulate(forgetful, seed=seed, **HARD)).is_good)
    assert "undisturbed it is 15" in found.problems[0]
    assert 1 <= len(found.faults) <= 3
    with pytest.raises(SimulationFailed, match="onward simulate --job forgetful"):
        found.raise_if_bad()
    again = simulate(forgetful, seed=found.seed, **HARD, only=[fault.number for fault in found.faults])
    assert not again.is_good


def test_check_of_the_caller_sees_the_database_at_the_end() -> None:
    def all_have_completed(app: Onward) -> None:
        assert app.counts()["completed"] == 0, "some have completed"

    assert "some have completed" in simulate(sound, hours=0.1, check=all_have_completed).problems[0]


def no_fence_check(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(endings, "is_owner", lambda owned, fence: owned is not None)


def checkpoints_go_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(checkpoints, "load_checkpoint", lambda *given: None)


def steps_are_not_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Desk, "load_step", lambda *given: None)


def nobody_takes_over(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(claims, "owned_by", lambda *given: [])


def journals_are_empty(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Journal, "append", lambda *given: 0)


@pytest.mark.parametrize(
    "mutant", [no_fence_check, checkpoints_go_back, steps_are_not_kept, nobody_takes_over, journals_are_empty]
)
def test_broken_engine_is_found(mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    monkeypatch.setattr("onward.testing.simulation._TRIES", 0)
    found = (simulate(sound, seed=seed, hours=0.2, faults_per_hour=120) for seed in (3, 1, 7, 4, 10, 16))
    assert any(each.problems for each in found), f"6 seeds did not see {mutant.__name__}"


def _command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "simulated_jobs.py").write_text(
        "from onward import Onward\nfrom tests.simulation.test_simulate import forgetful, sound\n"
        "app = Onward('sqlite:///unused.db')\napp.job(sound)\napp.job(forgetful)\n"
    )
    command = [sys.executable, "-m", "onward", "simulate", "--app", f"{folder / 'simulated_jobs.py'}:app", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_command_prints_what_was_done_and_its_exit_code_says_whether_it_was_good(tmp_path: Path) -> None:
    good = _command(tmp_path, "--job", "sound", "-a", "n=3", "--hours", "0.1", "--seed", "4", "--json")
    assert good.returncode == 0, good.stderr
    told: dict[str, Any] = json.loads(good.stdout)
    assert (told["seed"], told["problems"]) == (4, [])
    assert told["digest"] == simulate(sound, {"n": 3}, seed=4, hours=0.1).digest
    bad = _command(
        tmp_path, "--job", "forgetful", "--hours", "0.1", "--seed", "4", "--seeds", "2", "--faults-per-hour", "300"
    )
    assert bad.returncode == 10, bad.stderr
    assert "again: onward simulate --job forgetful" in bad.stdout
