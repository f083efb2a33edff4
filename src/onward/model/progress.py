"""One percent that tells the truth: rounded down, and never backwards unless the total grew."""

from __future__ import annotations

from onward.model.codec import clean
from onward.model.job import Progress

RATE_WINDOW = 60.0
"""Seconds over which the rate is taken."""


def percent_of(done: float, total: float) -> int:
    """Whole percent, rounded down: 99.9 is never 100."""
    return max(0, min(100, int(done * 100 / total))) if total > 0 else 0


class ProgressMeter:
    """Gathers what a job reports; cheap enough to be told of every item."""

    __slots__ = (
        "_points",
        "done",
        "message",
        "percent",
        "phase",
        "rate",
        "seconds_left",
        "total",
        "was_told",
    )

    def __init__(self, percent: int | None = None, done: int | None = None, total: int | None = None) -> None:
        self.percent, self.done, self.total = percent, done, total
        self.message = ""
        self.phase: str | None = None
        self.rate: float | None = None
        self.seconds_left: float | None = None
        self.was_told = False
        self._points: list[tuple[float, int]] = []

    def report(
        self,
        percent: float | None,
        message: str | None,
        done: int | None,
        total: int | None,
        phase: str | None,
    ) -> None:
        """Take in what changed; None leaves a value as it is."""
        self.was_told = True
        if message is not None:
            self.message = message
        if phase is not None:
            self.phase = phase
        grew = False
        if total is not None:
            grew = self.total is not None and total > self.total
            if grew and message is None:
                self.message = f"total grew {self.total:,} to {total:,}"
            self.total = total
        if done is not None:
            self.done = done
        if percent is not None:
            share = max(0, min(100, int(percent)))
        elif self.total and self.done is not None and (done is not None or total is not None):
            share = min(100, self.done * 100 // self.total)
        else:
            return
        if self.percent is None or share >= self.percent or grew:
            self.percent = share

    def measure(self, now: float) -> None:
        """Take the rate over the last minute; ``now`` is monotonic seconds, about once a second."""
        if self.done is None:
            return
        points = self._points
        if not points or points[-1][1] != self.done:
            points.append((now, self.done))
        while len(points) > 2 and now - points[1][0] > RATE_WINDOW:
            points.pop(0)
        seconds, items = now - points[0][0], self.done - points[0][1]
        if seconds > 0 and items > 0:
            self.rate = items / seconds
            self.seconds_left = (self.total - self.done) / self.rate if self.total else None

    def snapshot(self) -> Progress:
        """What was reported, as a record that can be kept."""
        message, phase = clean(str(self.message)), clean(str(self.phase)) if self.phase is not None else None
        return Progress(self.percent, message, self.done, self.total, self.rate, self.seconds_left, phase)
