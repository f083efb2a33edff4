"""Stored values as plain data: JSON and msgpack, in which whatever wants to become an object stays bytes."""

from __future__ import annotations

import json
from typing import Any

import orjson

from onward.catalogue.conversations.extras import load
from onward.catalogue.conversations.plan.pending import JOIN, TASKS

DELTA_SNAPSHOT = 7
"""The code of msgpack's extension by which LangGraph marks the value of a delta channel."""
DELTA_MARKS = ("counters_since_delta_snapshot", "delta_writes_versioned")
"""Entries of a checkpoint's metadata that only threads with delta channels have."""
_DEEP = 8
_LARGE = 2**18


class Unreadable(ValueError):
    """Neither JSON nor msgpack: it is encrypted, pickled or damaged."""


def read(data: bytes) -> Any:
    """JSON or msgpack as plain data. Raises ``Unreadable``; runs nothing, whatever the data say."""
    if data[:1] in (b"{", b"["):
        try:
            # The fast reader takes room for twelve times the text.
            return orjson.loads(data) if len(data) < _LARGE else json.loads(data)
        except (ValueError, RecursionError):
            pass
    msgpack = load("msgpack")
    try:
        # An extension stays a pair of number and bytes; without a hook nothing is made of it.
        return msgpack.unpackb(data, raw=False, strict_map_key=False, unicode_errors="replace", timestamp=1)
    except Exception as error:
        raise Unreadable(f"{type(error).__name__}") from error


def is_snapshot(value: Any) -> bool:
    """Whether a channel's value is the snapshot of a delta channel."""
    if isinstance(value, dict):
        return value.get("__delta_snapshot__") is True
    return getattr(value, "code", None) == DELTA_SNAPSHOT


def is_delta(metadata: Any) -> bool:
    """Whether a checkpoint's metadata show delta channels."""
    return isinstance(metadata, dict) and any(mark in metadata for mark in DELTA_MARKS)


def version_of(value: Any) -> int:
    """The format of a checkpoint; the oldest where it cannot be told, as that needs most to be kept."""
    return value if isinstance(value, int) and 0 <= value < 2**31 else 1


def root_of(metadata: Any) -> str | None:
    """The checkpoint of the root graph at which a subgraph began."""
    parents = metadata.get("parents") if isinstance(metadata, dict) else None
    return text_or_none(parents.get("")) if isinstance(parents, dict) else None


def text_or_none(value: Any) -> str | None:
    """A text, or nothing for anything else."""
    return value if isinstance(value, str) else None


def has_delta_mark(value: Any, depth: int = _DEEP) -> bool:
    """Whether there is a mark of delta channels anywhere in a value."""
    if isinstance(value, dict):
        if is_delta(value) or is_snapshot(value):
            return True
        inner: Any = value.values()
    elif isinstance(value, list):
        inner = value
    else:
        return not isinstance(value, str | int | float) and is_snapshot(value)
    return depth > 0 and any(has_delta_mark(one, depth - 1) for one in inner if not isinstance(one, str))


def needed_value(channel: str, value: Any) -> Any:
    """What ``is_waiting`` wants to know of a channel's value; nothing of most."""
    if channel == TASKS:
        return value
    return plain_names(value) if channel.startswith(JOIN) else None


def plain_names(value: Any) -> list[str] | None:
    """The names within a set, however it was stored; None when it cannot be told."""
    if isinstance(value, list):
        return value
    try:
        if getattr(value, "code", None) is not None:
            _, name, items = read(value.data)
            return list(items) if name == "set" else None
        if isinstance(value, dict):
            items = value.get("kwargs", {}).get("__set_items__")
            return list(value["args"][0]) if items is None else list(items)
    except (Unreadable, ValueError, LookupError, TypeError, AttributeError):
        return None
    return None
