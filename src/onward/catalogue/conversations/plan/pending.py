"""Whether a graph has something left to do, from what its newest checkpoint says; nothing of it is brought to life.

LangGraph runs a node when a channel that triggers it has a value and a version that the node has not seen. Channels of
a graph that has ended have none. Where it cannot be told, it has something left: such a thread is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TASKS = "__pregel_tasks"
START = "__start__"
BRANCH = "branch:to:"
JOIN = "join:"
_NOT_NODES = ("__input__", "__interrupt__")


def is_waiting(
    values: Mapping[str, Any], versions: Mapping[str, Any], seen: Mapping[str, Any], has_writes: bool
) -> bool:
    """``values``: channels that have a value; those of joins and tasks with it, as ``plain_names`` or a list.

    ``versions`` and ``seen`` as in the checkpoint; ``has_writes``: something was written on top of it, by an
    interrupted, failed or running task.
    """
    if has_writes or START in values or any(name.startswith(BRANCH) for name in values):
        return True
    if values.get(TASKS):
        return True
    joins = {name: value for name, value in values.items() if name.startswith(JOIN)}
    if any(_is_complete(name, value) for name, value in joins.items()):
        return True
    return any(_is_news(node, marks, values, versions) for node, marks in seen.items() if node not in _NOT_NODES)


def _is_news(node: str, marks: Any, values: Mapping[str, Any], versions: Mapping[str, Any]) -> bool:
    if not isinstance(marks, Mapping) or (node.startswith("__") and node != START):
        return False
    return any(
        channel in values and not channel.startswith(JOIN) and str(versions.get(channel)) != str(version)
        for channel, version in marks.items()
    )


def _is_complete(join: str, names: Any) -> bool:
    """Whether all have come that a join waits for; its channel is called ``join:a+b:then``."""
    if not isinstance(names, list):
        return True
    awaited = join.removeprefix(JOIN).rpartition(":")[0]
    return bool(names) and sum(len(str(name)) for name in names) + len(names) - 1 == len(awaited)
