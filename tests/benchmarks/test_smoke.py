"""The benchmarks run: each question gives figures on a small SQLite database."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from benchmarks import report, rounds
from benchmarks.figure import Figure, Target, percentile


@pytest.mark.parametrize("question", rounds.QUESTIONS)
def test_question_has_a_measure_and_a_sentence(question: str) -> None:
    module = importlib.import_module(f"benchmarks.{question}")
    assert callable(module.measure)
    assert (module.__doc__ or "").partition("\n")[0].endswith("?")


def test_limits_are_measured(tmp_path: Path) -> None:
    from benchmarks import limits

    figures = limits.measure(Target("sqlite", f"sqlite:///{tmp_path / 'jobs.db'}", tmp_path, quick=True))
    assert all(figure.value > 0 for figure in figures)


def test_page_shows_median_range_ratio_and_target() -> None:
    results = report.Results(facts={"Machine": "2 cores"})
    for value in (10.0, 30.0, 20.0):
        results.add("drain", "sqlite", [Figure("jobs", value, "jobs/s", 15)])
    results.add_peer("drain", "sqlite", "Peer 1.0", {"jobs": 5.0})
    page = report.as_markdown(results, rounds=3, quick=False)
    assert "| jobs | sqlite | 20.0 (10.0 to 30.0) jobs/s | Peer 1.0: 5.00 | 4.00 | ≥ 15.0 jobs/s | yes |" in page


def test_percentile_is_the_nearest_rank() -> None:
    assert percentile([float(n) for n in range(101)], 0.99) == 99
