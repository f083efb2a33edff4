"""What a value may look like: ``30s``, ``64MiB``, ``true``, lists; each kind reads one, or says why not."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from onward.settings.origin import hide_secrets

_SECONDS = {"ms": 0.001, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = dict.fromkeys(("", "b"), 1) | {"kb": 10**3, "mb": 10**6, "gb": 10**9}
_BYTES |= {"k": 2**10, "kib": 2**10, "m": 2**20, "mib": 2**20, "g": 2**30, "gib": 2**30}
_PATH = re.compile(r"(?<![:/])/.*")
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]*)")
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_DATABASES = ("sqlite", "postgres", "postgresql", "postgresql+psycopg")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value: how it is read (``ValueError`` says what was expected), shown and described."""

    name: str
    read: Callable[[Any], Any]
    schema: Mapping[str, Any]
    secret: bool = False

    def show(self, value: Any) -> Any:
        if self.secret and isinstance(value, tuple):
            # Whoever knows such an address may often speak there.
            return tuple(_PATH.sub("/***", item) for item in value)
        if not self.secret or not isinstance(value, str):
            return value
        return "***" if self is SECRET else hide_secrets(value)


def duration(unit: str) -> Kind:
    """A length of time, kept in ``unit``; a bare number is in that unit."""
    size = {"seconds": 1, "minutes": 60, "days": 86400}[unit]

    def read(value: Any) -> float | int:
        if isinstance(value, timedelta):
            return _plain(value.total_seconds() / size)
        if isinstance(value, str) and not _is_number(value):
            return _plain(_seconds(value) / size)
        return _number(value, f"a number of {unit}, or a length of time such as 30s, 15m, 2h, 7d")

    return Kind(unit, read, {"type": ["number", "string"]})


def _seconds(text: str) -> float:
    parts = _AMOUNT.findall(text.strip())
    if not parts or _AMOUNT.sub("", text).strip() or any(unit.lower() not in _SECONDS for _, unit in parts):
        raise ValueError("a length of time such as 500ms, 30s, 15m, 2h, 1h30m or 7d")
    return sum(float(amount) * _SECONDS[unit.lower()] for amount, unit in parts)


def _read_bytes(value: Any) -> int:
    expected = "a size such as 65536, 64KiB, 8MiB or 1GB"
    if isinstance(value, str):
        match = _AMOUNT.fullmatch(value.strip())
        if match is None or match[2].lower() not in _BYTES:
            raise ValueError(expected)
        value = float(match[1]) * _BYTES[match[2].lower()]
    number = _number(value, expected)
    if number != int(number):
        raise ValueError(expected)
    return int(number)


def _read_whole(value: Any) -> int:
    number = _number(value, "a whole number")
    if number != int(number):
        raise ValueError("a whole number")
    return int(number)


def _number(value: Any, expected: str) -> float | int:
    if isinstance(value, str) and _is_number(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(expected)
    return _plain(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _plain(number: float) -> float | int:
    return int(number) if float(number).is_integer() else number


def _read_truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise ValueError("true or false")
    return text in _TRUE


def _read_text(value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    if not isinstance(value, str) or not value:
        raise ValueError("a text that is not empty")
    return value


def _read_prefix(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"([A-Za-z_]\w*)?", value, re.ASCII):
        raise ValueError("letters, digits and underscores, not starting with a digit")
    return value


def _read_names(value: Any) -> tuple[str, ...]:
    expected = "a list of names, as JSON or with commas between"
    if isinstance(value, str):
        value = _parse_list(value, expected)
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) and name for name in value):
        raise ValueError(expected)
    return tuple(value)


def _read_hooks(value: Any) -> tuple[str, ...]:
    found = _read_names(value)
    if not all(item.startswith(("http://", "https://")) for item in found):
        raise ValueError("a list of addresses such as https://example.org/hook")
    return found


def _parse_list(text: str, expected: str) -> Any:
    if not text.lstrip().startswith("["):
        return [name.strip() for name in text.split(",") if name.strip()]
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError(expected) from None


def _read_address(value: Any) -> str:
    scheme, mark, _ = value.partition("://") if isinstance(value, str) else ("", "", "")
    if not mark or scheme not in _DATABASES:
        raise ValueError("a database address: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
    return str(value)


def _read_service(value: Any) -> str:
    scheme, mark, rest = value.partition("://") if isinstance(value, str) else ("", "", "")
    if not (scheme and mark and rest):
        raise ValueError("an address such as redis://HOST:6379/2 or sqlite:///FILE")
    return str(value)


def _read_web(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", value):
        raise ValueError("an address such as https://jobs.example.org")
    return value.rstrip("/")


def choice(*names: str, upper: bool = False) -> Kind:
    """One of a few names, written in any case."""

    def read(value: Any) -> str:
        name = str(value).upper() if upper else str(value).lower()
        if name not in names:
            raise ValueError("one of " + ", ".join(names))
        return name

    return Kind("name", read, {"enum": list(names)})


SECONDS = duration("seconds")
MINUTES = duration("minutes")
DAYS = duration("days")
BYTES = Kind("bytes", _read_bytes, {"type": ["integer", "string"]})
WHOLE = Kind("number", _read_whole, {"type": "integer"})
TRUTH = Kind("true or false", _read_truth, {"type": "boolean"})
TEXT = Kind("text", _read_text, {"type": "string"})
PREFIX = Kind("text", _read_prefix, {"type": "string"})
NAMES = Kind("list", _read_names, {"type": "array", "items": {"type": "string"}})
ADDRESS = Kind("address", _read_address, {"type": "string"}, secret=True)
WEB = Kind("address", _read_web, {"type": "string"})
SERVICE = Kind("address", _read_service, {"type": "string"}, secret=True)
HOOKS = Kind("list of addresses", _read_hooks, {"type": "array", "items": {"type": "string"}}, secret=True)
SECRET = Kind("secret", _read_text, {"type": "string", "writeOnly": True}, secret=True)
