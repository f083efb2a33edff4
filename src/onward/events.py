"""Every event that we tell, typed, and the bus that brings it to listeners: logs, metrics, pages, caches."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened; carries ids and plain values, never a record that may change."""


@dataclass(frozen=True, slots=True)
class JobEvent(Event):
    """Something that has happened to a job."""

    job_id: str
    job_type: str


@dataclass(frozen=True, slots=True)
class JobSubmitted(JobEvent):
    """A job was accepted and committed."""

    queue: str = "default"
    source_id: str | None = None


@dataclass(frozen=True, slots=True)
class JobCancelled(JobEvent):
    """Somebody cancelled a job; its code may still be leaving."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class JobResumed(JobEvent):
    """An ended job was made pending again; ``fresh`` without its checkpoint."""

    fresh: bool = False


@dataclass(frozen=True, slots=True)
class JobWaiting(JobEvent):
    """A job left its worker and waits; ``reason`` says for what."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunStarted(JobEvent):
    """A worker began a run; ``resumed`` from a checkpoint; ``waited_seconds`` since it was due."""

    run_id: str
    worker: str
    attempt: int = 1
    resumed: bool = False
    waited_seconds: float = 0


@dataclass(frozen=True, slots=True)
class RunEnded(JobEvent):
    """A run is over; ``outcome`` is a run status, ``error_type`` the exception's name where it failed."""

    run_id: str
    worker: str
    outcome: str
    duration_seconds: float
    attempt: int = 1
    error_type: str = ""
    statistics: tuple[tuple[str, float], ...] = ()
    """What the job has counted: of items_processed, items_updated, errors, duration those that its result has."""


@dataclass(frozen=True, slots=True)
class JobStalled(JobEvent):
    """A running job has made no progress for its ``stall_after``."""

    seconds: float


@dataclass(frozen=True, slots=True)
class CheckpointSaved(JobEvent):
    """A checkpoint was committed."""

    run_id: str
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class StartSkipped(Event):
    """A scheduled start did not happen."""

    schedule: str
    job_type: str
    reason: str


@dataclass(frozen=True, slots=True)
class WorkerStarted(Event):
    """A worker began to take jobs."""

    worker: str
    concurrency: int
    queues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerStopped(Event):
    """A worker has left in order; ``interrupted`` jobs go on elsewhere."""

    worker: str
    interrupted: int = 0


@dataclass(frozen=True, slots=True)
class WorkerLost(Event):
    """A worker died or fell silent; ``jobs`` were taken from it."""

    worker: str
    reason: str
    jobs: int = 0


@dataclass(frozen=True, slots=True)
class StoreDown(Event):
    """The database cannot be reached; running jobs go on and write to the journal."""

    reason: str


@dataclass(frozen=True, slots=True)
class StoreUp(Event):
    """The database is back; ``replayed`` journal records were written."""

    down_seconds: float
    replayed: int = 0


Listener = Callable[[Event], None]


class Bus:
    """Tells events to listeners, in the teller's thread and in the order of subscription.

    A listener that fails is logged once and never hurts the teller; it goes on being told.
    """

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._failed: tuple[Listener, ...] = ()  # compared by identity: a listener need not be hashable
        self._lock = threading.Lock()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell ``listener`` from now on; call what is returned to stop that."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = tuple(other for other in self._listeners if other is not listener)
                self._failed = tuple(other for other in self._failed if other is not listener)

        return unsubscribe

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens: whoever tells much may save itself the making of events."""
        return bool(self._listeners)

    def tell(self, event: Event) -> None:
        """Bring ``event`` to everybody who listens now."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # whoever tells must not be hurt by whoever listens
                if self._is_first_failure(listener):
                    log.exception("A listener failed at %s; this is said once.", type(event).__name__)

    def _is_first_failure(self, listener: Listener) -> bool:
        with self._lock:
            known = any(other is listener for other in self._failed)
            self._failed = self._failed if known else (*self._failed, listener)
        return not known
