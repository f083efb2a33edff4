"""Ids: UUID version 7 (RFC 9562), sorted by time; shown to people as 26 Crockford characters of the same 128 bits."""

from __future__ import annotations

import re
import threading
import uuid
from datetime import datetime

from onward.clock import Clock
from onward.errors import InvalidValue

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {c: i for i, c in enumerate(_CROCKFORD)} | {"I": 1, "L": 1, "O": 0}
_SHORT = re.compile(r"(?:[a-z]{2,4}_)?([0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26})")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}")


class Ids:
    """Makes ids that rise strictly within a process, also within one millisecond and when the clock steps back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = 0

    def new(self) -> str:
        """One new id, as the text form of a UUID."""
        return self.many(1)[0]

    def many(self, count: int) -> list[str]:
        """So many new ids, in rising order."""
        millis = int(self._clock.now().timestamp() * 1000)
        noise = self._clock.random_bytes(8 * count).hex()
        with self._lock:
            # 48 bits of time and 12 that count on: together they only grow.
            start = max(self._last + 1, millis << 12)
            self._last = start + count - 1
        return [_text(start + i, noise[16 * i : 16 * i + 16]) for i in range(count)]


def _text(value: int, noise: str) -> str:
    head = f"{value >> 12:012x}"
    variant = "89ab"[int(noise[0], 16) & 3]
    return f"{head[:8]}-{head[8:]}-7{value & 0xFFF:03x}-{variant}{noise[1:4]}-{noise[4:]}"


def id_floor(moment: datetime) -> str:
    """Where the ids begin that are made at this time: all made before are less."""
    digits = f"{max(0, int(moment.timestamp() * 1000)):012x}"
    return f"{digits[:8]}-{digits[8:]}"


def shown(job_id: str, prefix: str = "job") -> str:
    """The form for people: prefix and 26 Crockford characters; ids that are no UUIDs are shown as they are."""
    try:
        number = uuid.UUID(job_id).int
    except ValueError:
        return job_id
    text = "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))
    return f"{prefix}_{text}" if prefix else text


def parsed(text: str) -> str:
    """The stored form of an id given in either form; anything else is taken as a foreign id and returned as it is."""
    match = _SHORT.fullmatch(text)
    if match:
        number = 0
        for char in match.group(1).upper():
            number = number << 5 | _VALUES[char]
        if number < 1 << 128:
            return str(uuid.UUID(int=number))
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return text


def is_id(text: str) -> bool:
    """Whether this is an id in one of its two forms, and not a foreign one."""
    found = parsed(text)
    return found != text or _is_uuid(text)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def stored_endings(ending: str) -> list[str]:
    """How stored ids may end whose form for people, or whose own text, ends in ``ending``."""
    found = [ending]
    text = ending.upper()
    if len(text) <= 26 and all(char in _VALUES for char in text):
        number = 0
        for char in text:
            number = number << 5 | _VALUES[char]
        digits = min(32, len(text) * 5 // 4)
        found.append(_dashed(f"{number:040x}"[-digits:]))
    if ending.lower() != ending:
        found.append(ending.lower())
    return found


def _dashed(digits: str) -> str:
    """The last hexadecimal digits of a UUID with its dashes."""
    padded = digits.rjust(32)
    parts = (padded[:8], padded[8:12], padded[12:16], padded[16:20], padded[20:])
    return "-".join(parts).rpartition(" ")[2].lstrip("-")


def shows_ending(job_id: str, ending: str) -> bool:
    """Whether the form for people ends so; mistaken letters count as the digits that they look like."""
    text = ending.upper().translate(str.maketrans("ILO", "110"))
    return shown(job_id).endswith(text)


def check_name(text: str, what: str) -> str:
    """A name that may become part of a path: 1 to 128 letters, digits, ``.``, ``_``, ``-``. Raises ``InvalidValue``."""
    if not _NAME.fullmatch(text) or text in (".", ".."):
        raise InvalidValue(
            f"{what} {text[:140]!r} is not a name.",
            hint="Use 1 to 128 letters, digits, '.', '_' or '-'; '.' and '..' alone are not allowed.",
        )
    return text
