"""How far a job was, and when: a line of few points, which is thinned out as it grows longer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

MOST = 240
"""Points of a line; where there are more, every second one goes, and from then on they are half as dense."""
_SPACING = 2.0
"""Seconds between the points of a line that has just begun."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """How far a job was at a time: percent, and items done where it counts them."""

    at: datetime
    percent: int | None
    done: int | None


class Curve:
    """The line of one job, as it grows. Times are seconds since 1970."""

    __slots__ = ("_points", "_spacing", "is_known")

    def __init__(self) -> None:
        self._points: list[tuple[int, int | None, int | None]] = []
        self._spacing = _SPACING
        self.is_known = False
        """Whether what was kept of it before has been taken up."""

    def is_due(self, at: float) -> bool:
        """Whether enough time has gone by for another point."""
        return not self._points or at - self._points[-1][0] >= self._spacing

    def take_up(self, text: str | None) -> None:
        """Go on from what was kept."""
        self.is_known = True
        if text is not None:
            kept = orjson.loads(text)
            self._spacing, self._points = kept["spacing"], [tuple(point) for point in kept["points"]]

    def add(self, at: float, percent: int | None, done: int | None) -> None:
        """One more point."""
        self._points.append((int(at), percent, done))
        if len(self._points) > MOST:
            self._points = self._points[::2]
            self._spacing *= 2

    def after(self, at: float, percent: int | None, done: int | None) -> Curve:
        """The line as it will be with one more point."""
        made = Curve()
        made._points, made._spacing, made.is_known = list(self._points), self._spacing, self.is_known
        made.add(at, percent, done)
        return made

    @property
    def text(self) -> str:
        """As it is kept."""
        return orjson.dumps({"spacing": self._spacing, "points": self._points}).decode()

    @property
    def points(self) -> list[CurvePoint]:
        """The points, in order."""
        return [CurvePoint(datetime.fromtimestamp(at, UTC), percent, done) for at, percent, done in self._points]
