"""What people see of a job: immutable snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from onward.model.codec import digest
from onward.model.family import WorkRange
from onward.model.states import RunStatus, Status, Waiting

Json = Any
"""A plain JSON value: None, bool, int, float, str, list or dict with string keys."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is.

    ``percent`` is a whole number from 0 to 100, rounded down, or None when no total is known; ``rate`` is items
    a second; ``eta_seconds`` is None while it cannot be told.
    """

    percent: int | None = None
    message: str = ""
    done: int | None = None
    total: int | None = None
    rate: float | None = None
    eta_seconds: float | None = None
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed: the exception's class name, its message, and the traceback as text."""

    type: str
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What a job asks of a person; ``response`` is None until it is answered."""

    id: str
    name: str
    type: str
    prompt: str = ""
    data: Json = None
    schema: Json = None
    response: Json = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WaitingReason:
    """Why a job waits: a stable ``code``, a sentence, and the ids of what it names."""

    code: str
    text: str
    refs: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Need:
    """A resource that a job occupies while it runs; ``capacity`` is how many may share it."""

    resource: str
    capacity: int = 1


@dataclass(frozen=True, slots=True)
class Job:
    """One request to do a job type's work, as the database had it at ``as_of``.

    Times are aware and in UTC. ``params`` and ``result`` are plain JSON values.
    """

    id: str
    job_type: str
    status: Status
    label: str = ""
    params: dict[str, Json] = field(default_factory=dict)
    source_id: str | None = None
    user_id: str | None = None
    bot_id: str | None = None
    tags: tuple[str, ...] = ()
    queue: str = "default"
    priority: int = 0
    progress: Progress = field(default_factory=Progress)
    result: Json = None
    error: JobError | None = None
    attempt: int = 0
    max_attempts: int = 1
    losses: int = 0
    fence: int = 0
    generation: int = 1
    created_at: datetime | None = None
    run_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    updated_at: datetime | None = None
    parent_id: str | None = None
    position: int | None = None
    hitl: Question | None = None
    resources: tuple[Need, ...] = ()
    worker_id: str | None = None
    waiting_on: Waiting | None = None
    blocked_by: str | None = None
    paused_by: str | None = None
    paused_reason: str | None = None
    waiting_reason: WaitingReason | None = None
    current_dimension: int | None = None
    current_operation: str | None = None
    pending_dimensions: tuple[int, ...] = ()
    has_checkpoint: bool = False
    checkpoint_at: datetime | None = None
    checkpoint_number: int = 0
    superseded_by: str | None = None
    task_description: str = ""
    type_version: int = 1
    idempotency_key: str | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    acknowledged_note: str = ""
    family: str | None = None
    """Of a range: the name of the fan-out that made it."""
    range: WorkRange | None = None
    scheduled_job_id: str | None = None
    """The schedule that has started it."""
    due_at: datetime | None = None
    """The due time for which its schedule has started it; a late start does not change it."""
    stale: bool = False
    as_of: datetime | None = None

    @property
    def is_owned(self) -> bool:
        """Whether a worker still has its hands on it, also after a cancel."""
        return self.worker_id is not None

    @property
    def is_interrupted(self) -> bool:
        """Ended or held before its end with a checkpoint left, and not resumed, superseded or discarded."""
        return self.is_left and self.superseded_by is None

    @property
    def is_left(self) -> bool:
        """Ended or held before its end with a checkpoint left, whether or not another job has its work by now."""
        stopped = self.status in (Status.FAILED, Status.CANCELLED) or self.waiting_on is Waiting.HOLD
        return stopped and self.has_checkpoint

    @property
    def is_part(self) -> bool:
        """Whether it is a phase of a chain or a range of a fan-out, which its parent steers."""
        return self.position is not None or self.family is not None

    @property
    def version(self) -> str:
        """A short text that changes with every move and change of the job, and not with its progress."""
        facts = (
            self.status, self.generation, self.fence, self.paused_by, self.acknowledged_by, self.superseded_by,
            self.has_checkpoint, self.queue, self.priority, self.tags, self.run_at, self.is_owned,
            self.hitl and self.hitl.response,
        )  # fmt: skip
        return digest(repr(facts))

    @property
    def state(self) -> str:
        """The word that people read, derived from the status and its circumstances."""
        if self.is_interrupted:
            return "interrupted"
        if self.status is Status.PENDING:
            return _pending_state(self)
        if self.status is Status.RUNNING and self.waiting_on is Waiting.CHILDREN and self.paused_by is not None:
            return "paused"
        return {Status.PENDING_HITL: "input", Status.COMPLETED: "succeeded"}.get(self.status, str(self.status))


def _pending_state(job: Job) -> str:
    match job.waiting_on:
        case Waiting.PAUSE:
            return "paused"
        case Waiting.RESOURCE:
            return "blocked"
        case Waiting.TIME:
            return "retrying" if job.attempt else "scheduled"
        case _:
            return "queued"


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt at a job, by one worker."""

    id: str
    job_id: str | None
    job_type: str
    status: RunStatus
    attempt: int
    fence: int
    generation: int
    worker_id: str | None
    started_at: datetime
    finished_at: datetime | None = None
    duration_ms: int | None = None
    result: Json = None
    error: JobError | None = None
    bot_id: str | None = None
    scheduled_job_id: str | None = None

    @property
    def error_message(self) -> str | None:
        """The error's message, or None."""
        return self.error.message if self.error else None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One captured log line of a job."""

    seq: int
    at: datetime
    level: str
    message: str
    attempt: int
    fields: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One change of a job, as it was written with the change."""

    seq: int
    job_id: str
    generation: int
    kind: str
    at: datetime
    fence: int
    actor: str | None = None
    data: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that a run wanted to write after an outage and that was refused: its job was somebody else's.

    ``kind``: ``ending``, ``checkpoint``, ``step``, ``columns``, ``submit`` or ``answer``; ``data`` is what was to be
    written.
    """

    seq: int
    job_id: str
    run_id: str | None
    fence: int
    worker_id: str | None
    kind: str
    reason: str
    at: datetime
    data: Json = None


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A process that runs jobs, as the database has it."""

    id: str
    name: str
    host: str
    pid: int
    queues: tuple[str, ...]
    job_types: tuple[str, ...]
    """Names with their versions: ``embed@2``."""
    slots: int
    state: str
    version: str
    started_at: datetime
    seen_at: datetime
    lease_seconds: float
    heartbeat_seq: int = 0
    boot_id: str = ""
    pid_namespace: str = ""
    pid_started: float = 0.0


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; ``next`` is the cursor for ``after=``, or None at the end; ``prev`` goes back.

    ``searched``: only so many of the newest were looked at, as no index finds what was asked for; None: all.
    """

    items: list[T]
    next: str | None = None
    prev: str | None = None
    searched: int | None = None

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> T:
        return self.items[index]
