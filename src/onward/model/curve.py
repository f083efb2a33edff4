"""How far a job was, and when: a line of few points, which is thinned out as it grows longer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

MOST = 240
"""Points of a line; where there are more, every second one goes, and from then on they are half as dense."""
SPACING = 2.0
"""Seconds between the points of a line that has just begun."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """How far a job was at a time: percent, and items done where it counts them."""

    at: datetime
    percent: int | None
    done: int | None


@dataclass(frozen=True, slots=True)
class Curve:
    """The line of one job; ``marks`` are seconds since 1970, percent and items done, ``spacing`` is in seconds."""

    spacing: float
    marks: tuple[tuple[int, int | None, int | None], ...] = ()

    @classmethod
    def read(cls, text: str | None) -> Curve:
        """The line that ``text`` has written; without one, a line that begins."""
        if text is None:
            return cls(SPACING)
        kept = orjson.loads(text)
        return cls(kept["spacing"], tuple(tuple(mark) for mark in kept["points"]))

    @property
    def text(self) -> str:
        """As it is kept."""
        return orjson.dumps({"spacing": self.spacing, "points": self.marks}).decode()

    def is_due(self, at: float) -> bool:
        """Whether enough time has gone by for another point."""
        return not self.marks or at - self.marks[-1][0] >= self.spacing

    def with_point(self, at: float, percent: int | None, done: int | None) -> Curve:
        """The line with one more point."""
        marks = (*self.marks, (int(at), percent, done))
        return Curve(self.spacing, marks) if len(marks) <= MOST else Curve(self.spacing * 2, marks[::2])

    @property
    def points(self) -> list[CurvePoint]:
        """The points, in order."""
        return [CurvePoint(datetime.fromtimestamp(at, UTC), percent, done) for at, percent, done in self.marks]
