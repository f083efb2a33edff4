"""Where a value comes from, and what of it may be shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_USER_PART = re.compile(r"(?P<start>[a-zA-Z][\w+.-]*://[^/?#\s:]*:)(?P<secret>[^/?#\s]*)(?=@)")
_RAW_USER_PART = re.compile(r"(?P<start>[a-zA-Z][\w+.-]*://[^/?#\s:@]*:)(?P<secret>\S*)(?=@)")
_QUERY_PART = re.compile(
    r"(?P<start>[?&](?:password|sslpassword|passfile|token|secret|api_?key)=)[^&\s]*", re.IGNORECASE
)


def hide_secrets(text: str) -> str:
    """The same text with the password part of every address replaced by ``***``.

    A password with an unquoted ``/`` or ``@`` is hidden too: all up to the last ``@`` counts as password.
    """
    for pattern in (_USER_PART, _RAW_USER_PART, _QUERY_PART):
        text = pattern.sub(r"\g<start>***", text)
    return text


@dataclass(frozen=True, slots=True)
class Origin:
    """One setting: its value as it may be shown, where that was said, and what it hides."""

    key: str
    value: Any
    origin: str
    overridden: tuple[str, ...] = ()
    redacted: bool = False
