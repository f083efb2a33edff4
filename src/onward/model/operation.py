"""One verb on many jobs, as people look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Action = Literal[
    "resume", "fresh", "again", "pause", "unpause", "cancel", "force-stop", "ack", "discard", "delete", "change"
]


@dataclass(frozen=True, slots=True)
class Operation:
    """One verb on many jobs; ``state`` is ``running``, ``done`` or ``stopped``; ``counts`` are outcomes.

    An outcome is ``done``, ``skipped`` (the verb does not fit the job), ``gone`` or ``failed``.
    """

    id: str
    action: str
    query: str | None
    reason: str
    state: str
    total: int
    created_by: str | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None
    stop_asked: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Of a change: ``priority``, ``queue`` and ``add_tags``, as far as they shall be otherwise."""


@dataclass(frozen=True, slots=True)
class OperationItem:
    """What became of one job; without an outcome nothing has yet."""

    job_id: str
    outcome: str | None = None
    message: str | None = None
