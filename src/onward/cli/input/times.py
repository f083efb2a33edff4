"""Times as people type them: ``10m``, ``2 hrs ago``, ``14:30``, ISO 8601."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from onward.errors import InvalidValue

_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
    **dict.fromkeys(("w", "week", "weeks"), 604800),
}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]+)")
_AT = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")


def read_length(text: str) -> float:
    """Seconds of ``90``, ``10m``, ``1h30m``. Raises ``InvalidValue``."""
    plain = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", plain):
        return float(plain)
    parts = _PART.findall(plain)
    if not parts or _PART.sub("", plain).strip() or any(unit.lower() not in _UNITS for _, unit in parts):
        raise InvalidValue(f"{text!r} is not a length of time.", hint="Use 30s, 10m, 2h, 1h30m or 3d.")
    return sum(float(amount) * _UNITS[unit.lower()] for amount, unit in parts)


def read_moment(text: str, now: datetime) -> datetime:
    """An aware time; without a zone it is the machine's. Raises ``InvalidValue``."""
    plain = text.strip()
    if plain == "now":
        return now
    if plain.endswith("ago"):
        return now - timedelta(seconds=read_length(plain[:-3]))
    if plain.startswith("in "):
        return now + timedelta(seconds=read_length(plain[3:]))
    at = _AT.fullmatch(plain)
    if at:
        return _next_time(int(at[1]), int(at[2]), int(at[3] or 0), now, text)
    try:
        moment = datetime.fromisoformat(plain)
    except ValueError:
        raise InvalidValue(
            f"{text!r} is not a time.", hint="Use 2026-09-01T14:30, 14:30, `in 10m` or `2 hrs ago`."
        ) from None
    return moment if moment.tzinfo is not None else moment.astimezone()


def _next_time(hour: int, minute: int, second: int, now: datetime, text: str) -> datetime:
    here = now.astimezone()
    try:
        moment = here.replace(hour=hour, minute=minute, second=second, microsecond=0)
    except ValueError:
        raise InvalidValue(f"{text!r} is not a time of day.") from None
    return moment if moment > here else moment + timedelta(days=1)
