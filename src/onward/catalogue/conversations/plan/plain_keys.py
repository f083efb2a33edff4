"""Plain keys ``checkpoint:{thread}:{checkpoint}``: what they and their values say, of thread and time.

Both parts may hold colons, as ISO times do. So the thread is what the value says, else what stands before a time or
an id at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from onward.catalogue.conversations.plan import moments, values

PREFIX = "checkpoint:"
_TIME_NAMES = ("ts", "timestamp", "checkpoint_ts", "created_at", "updated_at", "saved_at", "time", "date", "datetime")
_INNER_NAMES = ("checkpoint", "metadata", "data", "state", "value", "config", "configurable")
_THREAD_NAMES = ("thread_id", "thread", "session_id")
_END = re.compile(
    r":(?P<id>\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class PlainFacts:
    """What one plain key says."""

    thread: str
    id: str
    at: float | None
    is_delta: bool = False


def facts(key: str, data: bytes | None) -> PlainFacts:
    """What a key and its value say; ``data`` None: the value is too large to be read."""
    content: Any = None
    if data is not None:
        try:
            content = values.read(data)
        except values.Unreadable:
            content = None
    thread, identity = split(key, _thread_of(content))
    at = _time_of(content)
    if at is None:
        at = moments.of_text(identity)
    if at is None:
        at = moments.of_id(identity)
    return PlainFacts(thread, identity, at, values.has_delta_mark(content))


def split(key: str, thread: str | None = None) -> tuple[str, str]:
    """Thread and checkpoint of a key; ``thread`` where it is known already."""
    rest = key.removeprefix(PREFIX)
    if thread and rest.startswith(f"{thread}:"):
        return thread, rest[len(thread) + 1 :]
    if found := _END.search(rest):
        return rest[: found.start()], found["id"]
    before, _, identity = rest.rpartition(":")
    return (before, identity) if before else (identity, "")


def _thread_of(content: Any) -> str | None:
    for inner in _mappings(content):
        for name in _THREAD_NAMES:
            if isinstance(inner.get(name), str):
                return str(inner[name])
    return None


def _time_of(content: Any) -> float | None:
    for inner in _mappings(content):
        for name in _TIME_NAMES:
            at = moments.of_value(inner.get(name))
            if at is not None:
                return at
        at = moments.of_id(inner["id"]) if isinstance(inner.get("id"), str) else None
        if at is not None:
            return at
    return None


def _mappings(content: Any, depth: int = 4) -> Iterator[dict[str, Any]]:
    """A value, and what lies in it under the usual names, outermost first; of a list the first entries."""
    if isinstance(content, list):
        inner = [entry for entry in content[:4] if isinstance(entry, dict)]
    elif isinstance(content, dict):
        yield content
        inner = [content[name] for name in _INNER_NAMES if isinstance(content.get(name), dict)]
    else:
        return
    for value in inner if depth else ():
        yield from _mappings(value, depth - 1)
