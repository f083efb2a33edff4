"""Cron in words: what an expression means, and what happens on days when clocks change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby, product

from cronsim.explain import explain

from onward.model.cron_fields import FIELDS, Field

_DAYS = ("Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_MOST_TIMES = 4


def in_words(text: str) -> str:
    """What five fields in capitals mean: ``Weekdays at 02:30``, ``Every 30 minutes``."""
    minute, hour, day, month, weekday = text.split()
    days = _days(day, month, weekday)
    pace = _pace(minute, hour)
    if days and pace:
        return pace if days == "Every day" else f"{days}, {pace[0].lower()}{pace[1:]}"
    times = _times(minute, hour)
    if days and times:
        return f"{days} at {_listed(times)}"
    return explain(text)


def note(local: datetime, leapt: Sequence[datetime], *, is_wild: bool, is_twice: bool) -> str:
    """What happens at ``local``, which the clock shows twice or before which it leapt over matching times."""
    said = []
    for _, group in groupby(leapt, key=datetime.date):
        times = list(group)
        exists = "does not exist" if len(times) == 1 else "do not exist"
        if is_wild:
            what = "nothing runs for it" if len(times) == 1 else "nothing runs for them"
        else:
            landing = f"{local:%H:%M}" if local.date() == times[0].date() else f"{_date(local)} {local:%H:%M}"
            what = f"runs at {landing}" if len(times) == 1 else f"runs once, at {landing}"
        said.append(f"{_moments(times)} {exists}: {what}")
    if is_twice:
        what = "runs both times" if is_wild else "runs once, at the first"
        said.append(f"{_moments([local])} occurs twice: {what}")
    return "; ".join(said)


def _moments(times: Sequence[datetime]) -> str:
    first = f"{_date(times[0])} {times[0]:%H:%M}"
    if len(times) <= 3:
        return _listed([first, *(f"{time:%H:%M}" for time in times[1:])])
    return f"{first} to {times[-1]:%H:%M}"


def _date(time: datetime) -> str:
    return f"{time.day} {_MONTHS[time.month - 1][:3]}"


def _pace(minute: str, hour: str) -> str:
    """A steady pace over the whole day, or nothing."""
    if hour == "*":
        if minute in ("*", "*/1"):
            return "Every minute"
        if (step := _even_step(minute, 60)) > 1:
            return f"Every {step} minutes"
        past = _numbers(FIELDS[0], minute)
        if past and len(past) == 1:
            return "Every hour" if past[0] == 0 else f"Every hour at minute {past[0]}"
    step = _even_step(hour, 24)
    if step > 1 and (past := _numbers(FIELDS[0], minute)) and len(past) == 1:
        return f"Every {step} hours" if past[0] == 0 else f"Every {step} hours at minute {past[0]}"
    return ""


def _even_step(text: str, size: int) -> int:
    """The step of ``*/step`` if it goes into ``size`` evenly, else 0."""
    step = int(text[2:]) if text.startswith("*/") and text[2:].isdigit() else size
    return step if step < size and size % step == 0 else 0


def _times(minute: str, hour: str) -> list[str]:
    minutes, hours = _numbers(FIELDS[0], minute), _numbers(FIELDS[1], hour)
    if not minutes or not hours or len(minutes) * len(hours) > _MOST_TIMES:
        return []
    return [f"{at_hour:02}:{at_minute:02}" for at_hour, at_minute in product(hours, minutes)]


def _days(day: str, month: str, weekday: str) -> str:
    """On which days, where it is simple; or nothing."""
    if month != "*":
        months, numbers = _numbers(FIELDS[3], month), _numbers(FIELDS[2], day)
        if weekday == "*" and months and numbers and len(months) == len(numbers) == 1:
            return f"Every year on {numbers[0]} {_MONTHS[months[0] - 1]}"
        return ""
    if day == "*" and weekday == "*":
        return "Every day"
    if day == "*":
        return _weekdays(weekday)
    numbers = _numbers(FIELDS[2], day)
    if weekday != "*" or not numbers or len(numbers) > _MOST_TIMES:
        return "The last day of every month" if (day, weekday) == ("L", "*") else ""
    return f"The {_listed([_ordinal(number) for number in numbers])} of every month"


def _weekdays(text: str) -> str:
    numbers = _numbers(FIELDS[4], text)
    if not numbers:
        return ""
    days = {number % 7 for number in numbers}
    if days == {1, 2, 3, 4, 5}:
        return "Weekdays"
    if days == {0, 6}:
        return "Weekends"
    if len(days) == 7:
        return "Every day"
    return _listed([_DAYS[day] for day in sorted(days, key=lambda day: day or 7)])


def _numbers(field: Field, text: str) -> list[int] | None:
    """The numbers of a list of single ones and ranges; None for anything else."""
    found: set[int] = set()
    for term in text.split(","):
        first, dash, last = term.partition("-")
        low = field.number(first)
        high = field.number(last) if dash else low
        if low is None or high is None:
            return None
        found.update(range(low, high + 1))
    return sorted(found)


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _ordinal(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
