"""Moments and lengths of time as people read them; the zone is always there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from onward.errors import InvalidValue
from onward.model.ages import age_text, length_text


@dataclass(frozen=True, slots=True)
class Zone:
    """The zone in which moments are shown; None is the machine's own."""

    zone: tzinfo | None

    @classmethod
    def named(cls, name: str) -> Zone:
        """``local``, ``utc`` or an IANA name. Raises ``InvalidValue``."""
        if name == "local":
            return cls(None)
        if name.lower() == "utc":
            return cls(UTC)
        try:
            return cls(ZoneInfo(name))
        except (ZoneInfoNotFoundError, ValueError):
            raise InvalidValue(
                f"There is no zone {name!r}.", hint="Use local, utc or a name such as Europe/Berlin."
            ) from None

    def show(self, moment: datetime | None) -> str:
        """``2026-09-22 14:02:10 CEST``."""
        if moment is None:
            return ""
        here = moment.astimezone(self.zone)
        return f"{here:%Y-%m-%d %H:%M:%S} {here.tzname()}"

    def clock(self, moment: datetime) -> str:
        """``14:02 CEST``."""
        here = moment.astimezone(self.zone)
        return f"{here:%H:%M} {here.tzname()}"


def ago(moment: datetime | None, now: datetime) -> str:
    """``12 min ago``; ``in 5 min`` for what is to come."""
    if moment is None:
        return ""
    seconds = (now - moment).total_seconds()
    return f"in {length_text(-seconds)}" if seconds < -1 else age_text(max(0.0, seconds))


def took(start: datetime | None, end: datetime | None) -> str:
    """How long something took."""
    if start is None or end is None:
        return ""
    return length(max(0.0, (end - start).total_seconds()))


def length(seconds: float) -> str:
    """``0.4 s``, ``40 s``, ``12 min``."""
    return f"{seconds:.1f} s" if seconds < 10 else length_text(seconds)
