"""Keeping secrets out of what is written: by the names they stand under, and by their values where those are known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from onward.settings import Settings, hide_secrets
from onward.settings.record import all_rules, value_of

HIDDEN = "***"
_NAME = re.compile(
    r"(?:^|[_\-.])(?:pass(?:word|wd|phrase)?|secrets?|tokens?|api_?key|access_?key|private_?key|credentials?|"
    r"authorization|cookie|dsn)(?:$|[_\-.])|apikey$|password$|token$|secret$",
    re.IGNORECASE,
)
_SAID = re.compile(
    r"""(?P<name>\b[\w-]*(?:password|passwd|secret|token|api_?key|authorization)["']?\s*[:=]\s*["']?(?:Bearer\s+)?)"""
    r"""(?P<value>[^\s"',;&)}\]]+)""",
    re.IGNORECASE,
)
"""``password=…`` and ``'api_key': '…'`` within a text."""
_SHORTEST = 6
"""Shorter values are words that occur anyway; hiding them would make lines unreadable and tell what they are."""


class Secrets:
    """Hides secrets in values of any shape. ``values`` are those that are known."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        known = sorted({value for value in values if len(value) >= _SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def hide(self, value: Any) -> Any:
        """The same value without secrets: passwords in addresses, known values, what stands under a telling name."""
        if isinstance(value, str):
            return self.hide_in_text(value)
        if isinstance(value, bytes):
            return self.hide_in_text(value.decode("utf-8", "replace"))
        if isinstance(value, Mapping):
            return {str(key): self._under(str(key), inner) for key, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.hide(inner) for inner in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.hide_in_text(str(value))

    def hide_in_text(self, text: str) -> str:
        """The text without secrets."""
        text = _SAID.sub(rf"\g<name>{HIDDEN}", hide_secrets(text) if "://" in text else text)
        return self._known.sub(HIDDEN, text) if self._known else text

    def _under(self, name: str, value: Any) -> Any:
        return HIDDEN if value not in (None, "") and is_telling(name) else self.hide(value)


def is_telling(name: str) -> bool:
    """Whether what stands under this name is a secret."""
    return _NAME.search(name) is not None


def known_values(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """The secrets of the settings and of variables with telling names."""
    return list(_known(settings, environ))


def _known(settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    addresses = [value for value in environ.values() if "://" in value]
    for key, rule in all_rules().items():
        value = value_of(settings, key)
        if rule.kind.secret and isinstance(value, str):
            addresses.append(value)
            if "://" not in value:
                yield value
    for name, value in environ.items():
        if is_telling(name):
            yield value.strip()
    for address in addresses:
        yield from _password(address)


def _password(address: str) -> Iterator[str]:
    try:
        password = urlsplit(address).password
    except ValueError:
        return
    if password:
        yield password
        yield unquote(password)
