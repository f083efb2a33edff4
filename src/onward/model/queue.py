"""A queue as people look at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue as it is now; ``waiting`` counts what is ready, up to 10,000 in all queues."""

    name: str
    waiting: int = 0
    running: int = 0
    oldest_at: datetime | None = None
    workers: int = 0
    slots: int = 0
    paused_by: str | None = None
    paused_reason: str = ""
    paused_at: datetime | None = None
