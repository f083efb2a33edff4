"""How long ago, in words."""

from __future__ import annotations

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def age_text(seconds: float) -> str:
    """``just now``, ``12 min ago``, ``2 hrs ago`` (to 48 hours), ``3 days ago``."""
    if seconds < _MINUTE:
        return "just now"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min ago"
    if seconds < 2 * _DAY:
        hours = int(seconds // _HOUR)
        return f"{hours} hr{'s' if hours != 1 else ''} ago"
    return f"{int(seconds // _DAY)} days ago"


def length_text(seconds: float) -> str:
    """A length of time: ``40 s``, ``12 min``, ``1 h 50 min``, ``3 days``."""
    if seconds < _MINUTE:
        return f"{int(seconds)} s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min"
    if seconds < 2 * _DAY:
        hours, rest = divmod(int(seconds), _HOUR)
        return f"{hours} h {rest // _MINUTE} min" if rest >= _MINUTE else f"{hours} h"
    return f"{int(seconds // _DAY)} days"
