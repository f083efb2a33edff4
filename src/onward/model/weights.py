"""One percent for a chain of phases: weighted, rounded down, and never going back without saying so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from statistics import median


def weight_problem(weights: Sequence[float]) -> str:
    """What is wrong with these weights as one sentence, or an empty text."""
    for weight in weights:
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            return f"The weight {weight!r} is not a number."
        if not math.isfinite(weight) or weight < 0:
            return f"The weight {weight} is below 0 or not finite."
    return "" if any(weights) else "All weights are 0."


def normalised(weights: Sequence[float]) -> list[Fraction]:
    """The weights as shares that sum to 1 exactly; ``ValueError`` if they are not usable."""
    problem = weight_problem(weights)
    if problem:
        raise ValueError(problem)
    exact = [Fraction(weight) for weight in weights]
    whole = sum(exact)
    return [weight / whole for weight in exact]


def fraction(done: float | None, total: float | None) -> Fraction:
    """How much of a phase is done, from 0 to 1; 0 where it cannot be told."""
    if not done or not total or not math.isfinite(done) or not math.isfinite(total) or done < 0 or total < 0:
        return Fraction(0)
    return min(Fraction(done) / Fraction(total), Fraction(1))


def overall_percent(weights: Sequence[float], fractions: Iterable[float | Fraction]) -> int:
    """The whole percent of a chain, rounded down; ``fractions`` are from 0 to 1, one for each weight."""
    shares = zip(normalised(weights), fractions, strict=True)
    return math.floor(100 * sum(share * Fraction(done) for share, done in shares))


class OverallProgress:
    """The percent of a chain while it runs.

    ``least`` is what was shown before a resume: it does not go below that. The figure goes back only when the
    total of the running phase has grown, and then ``grew`` names both totals, else it is empty.
    """

    def __init__(self, weights: Sequence[float], *, completed: Iterable[int] = (), least: float = 0) -> None:
        self._weights = list(weights)
        self._fractions = [Fraction(0)] * len(weights)
        self._totals: dict[int, float] = {}
        for position in completed:
            self._fractions[position] = Fraction(1)
        self.grew = ""
        self.percent = max(overall_percent(self._weights, self._fractions), min(math.floor(least), 100))

    def report(self, position: int, done: float | None, total: float | None) -> int:
        """A phase has done so many of so many; returns the percent to show."""
        before = self._totals.get(position)
        self._fractions[position] = fraction(done, total)
        percent = overall_percent(self._weights, self._fractions)
        self.grew = ""
        if percent < self.percent and total and before and total > before:
            self.grew = f"total grew from {before:g} to {total:g}"
            self.percent = percent
        if total:
            self._totals[position] = max(total, before or 0)
        self.percent = max(self.percent, percent)
        return self.percent

    def complete(self, position: int) -> int:
        """A phase is complete; returns the percent to show."""
        self.grew = ""
        self._fractions[position] = Fraction(1)
        self.percent = max(self.percent, overall_percent(self._weights, self._fractions))
        return self.percent


def learned_weights(durations: Sequence[Sequence[float]]) -> list[int] | None:
    """Weights that sum to about 100 from how many seconds each phase took before; None while one has no past.

    One list of durations for each phase, in order. The median is used, so that one bad night does not count;
    no phase gets less than 1.
    """
    if not durations or not all(durations):
        return None
    typical = [max(median(each), 0.0) for each in durations]
    whole = sum(typical)
    return [max(1, round(100 * each / whole)) for each in typical] if whole else [1] * len(typical)
