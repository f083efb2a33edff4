"""When something was saved: ISO times, and the time within an id; always seconds since 1970, or None."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

_GREGORIAN = 0x01B21DD213814000
"""1970 in steps of 100 ns since 1582, from which the times within UUIDs count."""
_MILLISECONDS_FROM = 1e11
"""A number of seconds as large as this would be the year 5138: it counts milliseconds."""
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)


def of_text(text: str) -> float | None:
    """An ISO time; without a zone it is UTC."""
    if not _ISO.fullmatch(text):
        return None
    try:
        at = datetime.fromisoformat(text.replace(",", "."))
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def of_value(value: Any) -> float | None:
    """An ISO time, or a number of seconds or milliseconds."""
    if isinstance(value, str):
        return of_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e14:
        return None
    return value / 1000 if value >= _MILLISECONDS_FROM else float(value)


def of_id(identity: str) -> float | None:
    """The time within a UUID of version 6 or 1, which LangGraph's ids are."""
    try:
        uuid = UUID(identity)
    except ValueError:
        return None
    if uuid.version == 6:
        steps = (uuid.int >> 96) << 28 | (uuid.int >> 80 & 0xFFFF) << 12 | uuid.int >> 64 & 0xFFF
    elif uuid.version == 1:
        steps = uuid.time
    else:
        return None
    return (steps - _GREGORIAN) / 1e7
