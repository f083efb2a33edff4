"""The six statuses of a job, the statuses of a run, and which moves are legal."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What a job is. Equal to its name: ``job.status == "running"``."""

    PENDING = "pending"
    RUNNING = "running"
    PENDING_HITL = "pending_hitl"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_ended(self) -> bool:
        """Completed, failed or cancelled."""
        return self in ENDED


ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})
ACTIVE = frozenset({Status.PENDING, Status.RUNNING, Status.PENDING_HITL})

LEGAL_MOVES: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.RUNNING, Status.CANCELLED}),
    Status.RUNNING: frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.PENDING, Status.PENDING_HITL}),
    Status.PENDING_HITL: frozenset({Status.PENDING, Status.CANCELLED, Status.FAILED}),
    # Only by resume or restart, which begin a new generation.
    Status.FAILED: frozenset({Status.PENDING}),
    Status.CANCELLED: frozenset({Status.PENDING}),
    Status.COMPLETED: frozenset(),
}


def is_legal(old: Status, new: Status) -> bool:
    """Whether a job may go from ``old`` to ``new``."""
    return new in LEGAL_MOVES[old]


class RunStatus(StrEnum):
    """How one attempt stands or ended."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    LOST = "lost"
    INTERRUPTED = "interrupted"
    PARKED = "parked"


class Waiting(StrEnum):
    """Why a job that is not ended has no worker now; ``None`` in the row means that it is ready."""

    TIME = "time"
    RESOURCE = "resource"
    OWNER = "owner"
    CHILDREN = "children"
    PAUSE = "pause"
    HOLD = "hold"
    PERSON = "person"
    OUTSIDE = "outside"
    SCHEDULE = "schedule"
