"""JSON that comes back as it went in, or is refused before anything is written.

Text is UTF-8 JSON (RFC 8259) with sorted-by-insertion keys. Refused: NaN and infinities, integers beyond 2^53,
NUL characters and lone surrogates (PostgreSQL cannot keep them), keys that are not strings, nesting deeper than
``depth`` and texts longer than ``size`` bytes. Tuples become lists.
"""

from __future__ import annotations

import math
import zlib
from typing import Any

import orjson

from onward.errors import InvalidValue

DEPTH = 64
SAFE_INTEGER = 2**53

_PLAIN: tuple[type[Any], ...] = (str, int, dict, list)

_OPTIONS = orjson.OPT_STRICT_INTEGER | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


def encode(value: Any, what: str, size: int, depth: int = DEPTH) -> str:
    """JSON text of ``value``; ``what`` names it in the error. Raises ``InvalidValue``."""
    if value is None:
        return "null"
    _check(value, what, depth)
    try:
        data = orjson.dumps(value, option=_OPTIONS)
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"{what} cannot be kept as JSON: {error}.", hint="Use plain JSON values.") from None
    if len(data) > size:
        raise InvalidValue(
            f"{what} has {len(data):,} bytes; {size:,} are allowed.",
            hint="Keep large data in a file or table and pass its name.",
        )
    return data.decode()


def decode(text: str | bytes | None) -> Any:
    """The value of JSON text; None for no text."""
    return None if text is None else orjson.loads(text)


def digest(text: str) -> str:
    """A checksum that notices any damage: length and CRC-32 of the UTF-8 bytes, in hexadecimal."""
    data = text.encode()
    return f"{len(data):x}-{zlib.crc32(data):08x}"


def _check(value: Any, what: str, depth: int) -> None:  # noqa: C901, PLR0912 - one branch a JSON type, on the hot path
    kind = type(value)
    if kind is str:
        _check_text(value, what)
    elif kind is int:
        if not -SAFE_INTEGER <= value <= SAFE_INTEGER:
            raise InvalidValue(
                f"{what} holds the integer {value}, which JSON readers round.", hint="Pass it as a string."
            )
    elif kind is float:
        if not math.isfinite(value):
            raise InvalidValue(f"{what} holds {value}, which JSON does not have.", hint="Use null or a string.")
    elif kind is dict:
        if depth <= 0:
            raise InvalidValue(f"{what} is nested deeper than {DEPTH} levels.", hint="Flatten it.")
        for key, item in value.items():
            if type(key) is not str:
                raise InvalidValue(f"{what} has the key {key!r}, which is not a string.", hint="Use string keys.")
            _check_text(key, what)
            _check(item, what, depth - 1)
    elif kind is list or kind is tuple:
        if depth <= 0:
            raise InvalidValue(f"{what} is nested deeper than {DEPTH} levels.", hint="Flatten it.")
        for item in value:
            _check(item, what, depth - 1)
    elif value is None or kind is bool:
        return
    elif (plain := next((base for base in _PLAIN if isinstance(value, base)), None)) is not None:
        # A subclass is written as what it is made of, and refused for the same reasons.
        _check(plain(value), what, depth)
    else:
        raise InvalidValue(
            f"{what} holds a {kind.__name__}, which is not JSON.",
            hint="Use None, bool, int, float, str, list or dict; a date as ISO text.",
        )


def _check_text(text: str, what: str) -> None:
    if text.isascii():
        if "\x00" in text:
            raise InvalidValue(f"{what} holds a NUL character.", hint="Take it out or encode it.")
        return
    if "\x00" in text:
        raise InvalidValue(f"{what} holds a NUL character.", hint="Take it out or encode it.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidValue(f"{what} holds a lone surrogate, which is not text.", hint="Decode it properly.") from None


def clean(text: str) -> str:
    """A text as every database can keep it: without NUL characters and lone surrogates."""
    return text.replace("\x00", "\\0").encode("utf-8", "replace").decode()


def is_count(value: Any) -> bool:
    """Whether a value counts something: a finite number from 0 on, and no truth."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def is_plain(value: Any) -> bool:
    """Whether a single value comes back from JSON as it went in: None, a truth, a safe integer, a finite number."""
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, bool) or (isinstance(value, int) and abs(value) < SAFE_INTEGER)
