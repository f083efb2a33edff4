"""The chaos program in small: what it is there to find is found, and where nothing is planted nothing is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos import plan, planted
from chaos.checks import MEASURES
from chaos.run import Options, Report, run

SMALL = {"seconds": 6.0, "workers": 2, "clients": 2, "rate": 0.8, "asks": 6.0, "lease_seconds": 5.0}


def _run(folder: Path, **more: object) -> Report:
    report = run(Options(**{**SMALL, "folder": str(folder / "chaos"), **more}))  # type: ignore[arg-type]
    print(f"\n{report.text()}")
    return report


def _worst(report: Report) -> list[str]:
    """What no load of the machine can explain: what is slow there may be taken for dead."""
    milder = ("unexplained takeover", "unexplained duplicate", "slow exit", "client died")
    return [f"{each.measure}: {each.text}" for each in report.findings if each.measure not in milder]


@pytest.mark.parametrize("store", ["sqlite", "pg"])
def test_few_seconds_of_chaos_lose_nothing(store: str, tmp_path: Path) -> None:
    report = _run(tmp_path, store=store, seed=11)
    assert _worst(report) == []
    assert report.shortfalls == []
    assert report.counts["jobs completed"] > 0


@pytest.mark.parametrize("plant", ["two_verdicts", "partial_work_twice"])
def test_planted_fault_is_found(plant: str, tmp_path: Path) -> None:
    report = _run(tmp_path, store="sqlite", seed=11, plant=plant, rate=0.2)
    assert _wanted(plant) & {finding.measure for finding in report.findings}


def _wanted(plant: str) -> set[str]:
    return set(planted.found_as(plant))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("plant", planted.names())
def test_every_planted_fault_is_found_within_minutes(plant: str, tmp_path: Path) -> None:
    wanted = _wanted(plant)
    assert wanted <= set(MEASURES)
    found: set[str] = set()
    for number, store in enumerate(("sqlite", "pg", "sqlite", "pg")):
        folder = tmp_path / str(number)
        report = run(Options(seed=number, seconds=60, store=store, plant=plant, rate=1.5, folder=str(folder)))
        found |= {finding.measure for finding in report.findings}
        if found & wanted:
            return
    raise AssertionError(f"{plant} was not found as {wanted}, only {found}")


def test_seed_gives_the_same_plan_and_long_plans_have_every_kind() -> None:
    for store, weights in plan.WEIGHTS.items():
        first, again = (plan.draw(5, 300, store, 3.0) for _ in range(2))
        assert first == again != plan.draw(6, 300, store, 3.0)
        assert set(plan.counts(first)) == set(weights)
