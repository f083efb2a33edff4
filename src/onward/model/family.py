"""Ranges of one piece of work: how it is cut, and how far its parts are together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from onward.errors import InvalidValue
from onward.model.states import Status

MOST_RANGES = 1000
_MOST_ITEMS = 2**53


@dataclass(frozen=True, slots=True)
class WorkRange:
    """The part of the work that a child of a fan-out does: items ``start`` up to, not including, ``end``.

    ``worker_id`` counts the ranges from 0, ``total_workers`` is how many there are.
    """

    worker_id: int = 0
    total_workers: int = 1
    start: int = 0
    end: int | None = None

    @property
    def items(self) -> range:
        """The numbers of the items, for ``ctx.each(ctx.range.items)``. Raises ``InvalidValue`` outside a fan-out."""
        if self.end is None:
            raise InvalidValue("This job is not a range of a fan-out.", hint="It has a range when fan_out() made it.")
        return range(self.start, self.end)

    @property
    def size(self) -> int:
        """How many items there are in it."""
        return len(self.items)

    def __str__(self) -> str:
        return f"range {self.worker_id + 1} of {self.total_workers}"


def cut(total: int, parts: int) -> list[WorkRange]:
    """``total`` items in ``parts`` ranges of nearly one size, fewer where there are not so many items.

    Raises ``InvalidValue`` for numbers with which that is not possible.
    """
    _check_whole("total", total, 0, _MOST_ITEMS)
    _check_whole("parts", parts, 1, MOST_RANGES)
    count = min(total, parts)
    return [WorkRange(n, count, total * n // count, total * (n + 1) // count) for n in range(count)]


def _check_whole(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue(f"{name}={value!r} of a fan-out is not a whole number.", hint="Use an int.")
    if not least <= value <= most:
        raise InvalidValue(f"{name}={value} of a fan-out is not possible.", hint=f"Use {least:,} to {most:,}.")


@dataclass(frozen=True, slots=True)
class RangeState:
    """How one range stands: its job, and how far that is."""

    job_id: str
    part: WorkRange
    status: Status
    percent: int | None = None
    done: int | None = None
    total: int | None = None

    @property
    def items_done(self) -> int:
        """Items that are done, rounded down: told by the range itself, or from its percent."""
        size = self.part.size
        if self.status is Status.COMPLETED:
            return size
        if self.total == size and self.done is not None:
            return max(0, min(size, self.done))
        return size * (self.percent or 0) // 100


def together(ranges: Iterable[RangeState]) -> tuple[int, int]:
    """Items done and items in all."""
    listed = list(ranges)
    return sum(state.items_done for state in listed), sum(state.part.size for state in listed)
