"""Cron: when an expression fires in its time zone, as Vixie cron does it, also on days when clocks change.

Which local times match is the library's business (cronsim, on times without a zone); when they happen is ours. An
expression whose minute or hour begins with ``*`` fires whenever the local clock shows a time that matches: not for what
the clock leaps over, and again for what it shows twice. Every other one fires once for each time that matches: what the
clock leaps over, at the first instant after the leap; what it shows twice, at the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from onward.errors import InvalidSchedule, InvalidValue
from onward.model import cron_fields, cron_words
from onward.model.zones import zone

_SECOND = timedelta(seconds=1)
_LONGEST_CHANGE = timedelta(hours=25)  # the longest that any zone's clock was set back or forward, and a little
_RAREST = timedelta(days=42 * 366)  # 29 February on a given weekday, with the year 2100 between
_SOME_TIME = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DueTime:
    """When a schedule is due.

    ``at`` is in UTC, ``local`` is the same in the schedule's zone, ``note`` says what happens where clocks change.
    """

    at: datetime
    local: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Due:
    """An instant, and the local times before it that the clock leapt over."""

    at: datetime
    leapt: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Cron:
    """An expression of five fields, or a name such as ``@daily``, in a time zone."""

    expression: str
    timezone: str = "UTC"
    _plain: str = field(init=False, repr=False, compare=False)
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_plain", cron_fields.plain(self.expression))
        object.__setattr__(self, "_zone", zone(self.timezone))

    @staticmethod
    def parse(expression: str, timezone: str = "UTC") -> Cron:
        """The expression, checked. Raises ``InvalidSchedule``, naming the field; also for what never fires."""
        return _parsed(" ".join(expression.split()), timezone)

    @property
    def is_wild(self) -> bool:
        """Whether it fires at real intervals: its minute or hour begins with ``*``."""
        minute, hour = self._plain.split()[:2]
        return minute.startswith("*") or hour.startswith("*")

    def next_after(self, at: datetime) -> datetime:
        """The first due time strictly after ``at``, in UTC.

        Raises ``InvalidValue`` for a time without a zone, ``InvalidSchedule`` if there is none before the year 9999.
        """
        return self._following(_in_utc(at)).at

    def upcoming(self, after: datetime, count: int) -> list[DueTime]:
        """The next ``count`` due times after ``after``, with what happens on days when clocks change."""
        return list(islice(self._dues(_in_utc(after)), count))

    def in_words(self) -> str:
        """What it means: ``Weekdays at 02:30``."""
        return cron_words.in_words(self._plain)

    def _dues(self, at: datetime) -> Iterator[DueTime]:
        while True:
            due = self._following(at)
            yield DueTime(due.at, due.at.astimezone(self._zone), self._note(due))
            at = due.at

    def _following(self, at: datetime) -> _Due:
        try:
            return self._next_wild(at) if self.is_wild else self._next_fixed(at)
        except (OverflowError, ValueError, StopIteration):
            raise InvalidSchedule(
                f"`{self.expression}` in {self.timezone} has no due time after {at:%Y-%m-%d %H:%M} UTC.",
                hint="Choose an earlier time.",
            ) from None

    def _next_fixed(self, at: datetime) -> _Due:
        """Each matching local time once: the first instant at which the clock shows it or has leapt over it."""
        for local in self._matches(self._local(at)):
            first = self._instant(local, 0)
            if self._local(first) == local:
                if first > at:
                    return _Due(first)
            elif (landing := self._change(self._instant(local, 1), first)) and landing > at:
                return _Due(landing, self._leapt(landing))
        raise StopIteration

    def _next_wild(self, at: datetime) -> _Due:
        """Each instant at which the clock shows a matching local time."""
        change = self._change(at, at + _LONGEST_CHANGE)
        leapt: list[datetime] = []
        for local in self._matches(self._local(at)):
            if change and local - self._offset(at) >= change.replace(tzinfo=None):
                due = self._from(change)
                return _Due(due.at, (*leapt, *due.leapt))
            instants = [self._instant(local, fold) for fold in (0, 1)]
            shown = [instant for instant in instants if instant > at and self._local(instant) == local]
            if shown:
                return _Due(min(shown), tuple(leapt))
            leapt.append(local)
        raise StopIteration

    def _from(self, change: datetime) -> _Due:
        """The first due time at or after a change of the clock."""
        local = self._local(change)
        if next(self._matches(local - _SECOND), None) == local:
            return _Due(change, self._leapt(change))
        due = self._next_wild(change)
        return _Due(due.at, (*self._leapt(change), *due.leapt))

    def _leapt(self, change: datetime) -> tuple[datetime, ...]:
        """The matching local times that the clock leaps over at a change."""
        begin, end = change.replace(tzinfo=None) + self._offset(change - _SECOND), self._local(change)
        found = []
        if begin < end:
            for local in self._matches(begin - _SECOND):
                if local >= end:
                    break
                found.append(local)
        return tuple(found)

    def _matches(self, after: datetime) -> Iterator[datetime]:
        """The local times after ``after`` that match, in order; for as long as it takes all that ever fires."""
        return takewhile(lambda local: local - after < _RAREST, CronSim(self._plain, after))

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self._zone).replace(tzinfo=None, fold=0)

    def _offset(self, at: datetime) -> timedelta:
        return self._local(at) - at.replace(tzinfo=None)

    def _instant(self, local: datetime, fold: int) -> datetime:
        return local.replace(tzinfo=self._zone, fold=fold).astimezone(UTC)

    def _change(self, begin: datetime, end: datetime) -> datetime | None:
        """The instant after ``begin``, at most ``end``, at which the clock is changed; to the second."""
        before = self._offset(begin)
        if self._offset(end) == before:
            return None
        while end - begin > _SECOND:
            middle = begin + timedelta(seconds=int((end - begin).total_seconds()) // 2)
            begin, end = (middle, end) if self._offset(middle) == before else (begin, middle)
        return end

    def _note(self, due: _Due) -> str:
        local = self._local(due.at)
        twice = self._instant(local, 0) != self._instant(local, 1)
        return cron_words.note(local, due.leapt, is_wild=self.is_wild, is_twice=twice)


@lru_cache(maxsize=4096)
def _parsed(expression: str, timezone: str) -> Cron:
    cron = Cron(expression, timezone)
    try:
        cron.next_after(_SOME_TIME)
    except CronSimError:
        raise InvalidSchedule(
            f"`{expression}` never fires: the field day-of-month has no day that a month of the field month has."
        ) from None
    except InvalidSchedule:
        raise InvalidSchedule(
            f"`{expression}` never fires in {timezone}: no day fits the fields day-of-month and day-of-week, or the "
            "clock leaps over the time.",
            hint="Where one of these fields begins with `*`, both must fit.",
        ) from None
    return cron


def _in_utc(at: datetime) -> datetime:
    """To the second, below: no due time has a fraction, so what comes strictly later is the same."""
    if at.tzinfo is None:
        raise InvalidValue(f"{at} has no time zone.", hint="Use an aware time, such as `datetime.now(UTC)`.")
    return at.astimezone(UTC).replace(microsecond=0)
