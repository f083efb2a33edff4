"""Rules: when a schedule is due, by a cron expression, an interval that keeps its phase, or one date."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from onward.errors import InvalidSchedule
from onward.model.cron import Cron, DueTime
from onward.model.zones import zone

_TICK = timedelta(microseconds=1)


class Rule(Protocol):
    """When something is due."""

    def next_after(self, at: datetime) -> datetime | None:
        """The first due time strictly after ``at``, in UTC; None when there is none any more."""
        ...

    def upcoming(self, after: datetime, count: int) -> list[DueTime]:
        """The next due times, with what happens where clocks change."""
        ...

    def in_words(self) -> str:
        """What it means."""
        ...


@dataclass(frozen=True, slots=True)
class CronRule:
    """A cron expression, from ``start_at`` on."""

    cron: Cron
    start_at: datetime | None = None

    def next_after(self, at: datetime) -> datetime | None:
        try:
            return self.cron.next_after(self._from(at))
        except InvalidSchedule:
            # Beyond the end of all calendars.
            return None

    def upcoming(self, after: datetime, count: int) -> list[DueTime]:
        return self.cron.upcoming(self._from(after), count)

    def in_words(self) -> str:
        return f"{self.cron.in_words()} {self.cron.timezone}"

    def _from(self, at: datetime) -> datetime:
        if self.start_at is None or at >= self.start_at:
            return at
        return self.start_at - _TICK


@dataclass(frozen=True, slots=True)
class IntervalRule:
    """Whole intervals from ``anchor_at`` on, however late any run was."""

    seconds: int
    anchor_at: datetime
    timezone: str = "UTC"

    def next_after(self, at: datetime) -> datetime | None:
        if at < self.anchor_at:
            return self.anchor_at
        interval = timedelta(seconds=self.seconds)
        try:
            return self.anchor_at + ((at - self.anchor_at) // interval + 1) * interval
        except OverflowError:
            return None

    def upcoming(self, after: datetime, count: int) -> list[DueTime]:
        return _upcoming(self.next_after, self.timezone, after, count)

    def in_words(self) -> str:
        for name, length in (("days", 86_400), ("h", 3600), ("min", 60)):
            if self.seconds % length == 0:
                count = self.seconds // length
                return "Every day" if (name, count) == ("days", 1) else f"Every {count} {name}"
        return f"Every {self.seconds} s"


@dataclass(frozen=True, slots=True)
class DateRule:
    """One date."""

    run_at: datetime
    timezone: str = "UTC"

    def next_after(self, at: datetime) -> datetime | None:
        return self.run_at if at < self.run_at else None

    def upcoming(self, after: datetime, count: int) -> list[DueTime]:
        return _upcoming(self.next_after, self.timezone, after, count)

    def in_words(self) -> str:
        return f"Once, at {self.run_at.astimezone(zone(self.timezone)):%Y-%m-%d %H:%M:%S} {self.timezone}"


def _upcoming(
    next_after: Callable[[datetime], datetime | None], timezone: str, after: datetime, count: int
) -> list[DueTime]:
    found: list[DueTime] = []
    at: datetime | None = after
    while len(found) < count and at is not None and (at := next_after(at)) is not None:
        found.append(DueTime(at, at.astimezone(zone(timezone))))
    return found


def jitter(schedule_id: str, due_at: datetime, seconds: int) -> timedelta:
    """How much later than due a start is made: the same for everybody who asks."""
    if not seconds:
        return timedelta(0)
    digest = hashlib.blake2b(f"{schedule_id} {due_at.isoformat()}".encode(), digest_size=8).digest()
    return timedelta(milliseconds=int.from_bytes(digest) % (seconds * 1000))


def latest(rule: Rule, after: datetime, until: datetime, most: int) -> list[datetime]:
    """The last due times from ``after`` to ``until``, both included; at most so many, found from the end."""
    span = timedelta(seconds=most)
    while True:
        start = max(after, until - span)
        found: list[datetime] = []
        at = rule.next_after(start - _TICK)
        while at is not None and at <= until:
            found.append(at)
            at = rule.next_after(at)
        if len(found) >= most or start == after:
            return found[-most:]
        span *= 4
