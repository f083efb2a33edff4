"""What cron means, said again without the library: a parser of its own, and a scan over every minute that passes."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Lisbon",
    "Europe/Moscow",
    "Europe/Istanbul",
    "Europe/Chisinau",
    "Atlantic/Azores",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "America/Phoenix",
    "America/St_Johns",
    "America/Havana",
    "America/Santiago",
    "America/Asuncion",
    "America/Nuuk",
    "America/Scoresbysund",
    "America/Sao_Paulo",
    "America/Mexico_City",
    "America/Caracas",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "Africa/Juba",
    "Africa/Lagos",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Jerusalem",
    "Asia/Tehran",
    "Asia/Amman",
    "Asia/Damascus",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Almaty",
    "Europe/Volgograd",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Norfolk",
    "Pacific/Fiji",
    "Antarctica/Troll",
)

_LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WORDS = {name: at for at, name in enumerate(_DAYS)} | {name: at for at, name in enumerate(_MONTHS, 1)}
MINUTE = timedelta(minutes=1)


class Rule:
    """Which local minutes match."""

    def __init__(self, expression: str) -> None:
        self.parts = expression.upper().split()
        self.sets = [_numbers(part, *limits) for part, limits in zip(self.parts, _LIMITS, strict=True)]
        self.is_wild = self.parts[0][0] == "*" or self.parts[1][0] == "*"
        self.needs_both = self.parts[2][0] == "*" or self.parts[4][0] == "*"

    def matches(self, local: datetime) -> bool:
        minutes, hours, _, months, _ = self.sets
        if local.minute not in minutes or local.hour not in hours or local.month not in months:
            return False
        day, weekday = self._day(local), self._weekday(local)
        return (day and weekday) if self.needs_both else (day or weekday)

    def _day(self, local: datetime) -> bool:
        last = calendar.monthrange(local.year, local.month)[1]
        return local.day in self.sets[2] or ("L" in self.parts[2].split(",") and local.day == last)

    def _weekday(self, local: datetime) -> bool:
        today = local.isoweekday() % 7
        if today in {number % 7 for number in self.sets[4]}:
            return True
        for term in self.parts[4].split(","):
            name, found, nth = term.partition("#")
            if found and _number(name) % 7 == today and (local.day - 1) // 7 + 1 == int(nth):
                return True
            if term.endswith("L") and int(term[:-1]) % 7 == today and (local + timedelta(days=7)).month != local.month:
                return True
        return False


def _number(text: str) -> int:
    return _WORDS[text] if text in _WORDS else int(text)


def _numbers(part: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for term in part.split(","):
        if "#" in term or (term.endswith("L") and term not in _WORDS):
            continue
        body, _, step = term.partition("/")
        first, _, last = body.partition("-")
        begin = low if first == "*" else _number(first)
        end = high if first == "*" or (step and not last) else _number(last or first)
        found.update(range(begin, end + 1, int(step or 1)))
    return found


class Minutes:
    """Every minute from ``begin`` to ``end``: the instant, what the local clock shows, and what it has leapt over."""

    def __init__(self, zone: str, begin: datetime, end: datetime) -> None:
        place = ZoneInfo(zone)
        self.rows: list[tuple[datetime, datetime, list[datetime], bool]] = []
        at = begin.replace(second=0, microsecond=0) - timedelta(hours=26)
        furthest = at.astimezone(place).replace(tzinfo=None, fold=0)
        while at < end:
            at += MINUTE
            local = at.astimezone(place).replace(tzinfo=None, fold=0)
            is_new = local > furthest
            leapt = []
            while is_new and furthest + MINUTE < local:
                furthest += MINUTE
                leapt.append(furthest)
            furthest = max(furthest, local)
            if begin < at < end:
                self.rows.append((at, local, leapt, is_new))

    def due(self, rule: Rule) -> list[datetime]:
        """When it fires."""
        if rule.is_wild:
            return [at for at, local, _, _ in self.rows if rule.matches(local)]
        return [
            at
            for at, local, leapt, is_new in self.rows
            if is_new and (rule.matches(local) or any(rule.matches(time) for time in leapt))
        ]


def changes(zone: str, begin: datetime, end: datetime) -> list[datetime]:
    """The hours of that time, each within which the zone's clock is changed."""
    place, found, at = ZoneInfo(zone), [], begin.astimezone(UTC)
    while at < end:
        later = at + timedelta(days=1)
        if at.astimezone(place).utcoffset() != later.astimezone(place).utcoffset():
            found.append(at + timedelta(hours=12))
        at = later
    return found
