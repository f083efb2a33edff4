"""The percent of a chain is weighted, rounded down and never goes back unsaid."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.model.weights import OverallProgress, fraction, learned_weights, normalised, overall_percent

WEIGHTS = st.lists(st.integers(0, 1000) | st.floats(0, 1000), min_size=1, max_size=6).filter(any)


@given(WEIGHTS)
def test_shares_sum_to_one(weights: list[float]) -> None:
    assert sum(normalised(weights)) == 1


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [-1, 2], [float("nan")], [float("inf"), 1], [True], ["9"]])
def test_unusable_weights_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weight"):
        normalised(weights)


@pytest.mark.parametrize(
    ("weights", "fractions", "percent"),
    [
        ([10, 90], [1, 0], 10),
        ([10, 90], [1, 0.5], 55),
        ([1, 1, 1], [1, 0, 0], 33),
        ([1, 1, 1], [1, 1, 0.9999], 99),
        ([1, 1, 1], [1, 1, 1], 100),
        ([0, 5], [1, 0], 0),
        ([7] * 29, [1] * 29, 100),
    ],
)
def test_percent_is_rounded_down(weights: list[float], fractions: list[float], percent: int) -> None:
    assert overall_percent(weights, fractions) == percent


def test_fraction_of_what_cannot_be_told_is_zero() -> None:
    for done, total in ((None, 5), (5, None), (5, 0), (-1, 5), (5, -1), (float("nan"), 5), (5, float("inf"))):
        assert fraction(done, total) == 0
    assert fraction(7, 5) == 1


REPORTS = st.lists(st.tuples(st.integers(0, 2), st.integers(-5, 120), st.none() | st.integers(-1, 100)), max_size=40)


@given(reports=REPORTS, weights=st.lists(st.integers(1, 100), min_size=3, max_size=3), least=st.integers(0, 100))
def test_percent_goes_back_only_when_a_total_grew(
    reports: list[tuple[int, int, int | None]], weights: list[int], least: int
) -> None:
    progress = OverallProgress(weights, least=least)
    totals: dict[int, int] = {}
    shown = progress.percent
    assert shown == least
    for position, done, total in reports:
        percent = progress.report(position, done, total)
        assert 0 <= percent <= 100
        if percent < shown:
            assert total
            assert total > totals[position]
            assert progress.grew == f"total grew from {totals[position]} to {total}"
        else:
            assert not progress.grew or percent == shown
        if total:
            totals[position] = max(total, totals.get(position, 0))
        shown = percent
    for position in range(3):
        percent = progress.complete(position)
        assert percent >= shown
        shown = percent
    assert shown == 100


@given(steps=st.lists(st.integers(0, 100), min_size=1), total=st.integers(1, 100))
def test_percent_never_goes_back_with_one_total(steps: list[int], total: int) -> None:
    progress = OverallProgress([30, 70], completed=[0])
    shown = [progress.report(1, done, total) for done in steps]
    assert shown == sorted(shown)
    assert shown[0] >= 30


def test_weights_are_learned_from_durations() -> None:
    assert learned_weights([[10, 12, 11], [90, 89, 1000]]) == [11, 89]
    assert learned_weights([[0.001], [100]]) == [1, 100]
    assert learned_weights([[0], [0]]) == [1, 1]
    assert learned_weights([[5], []]) is None
    assert learned_weights([]) is None
