"""What a ``Context`` asks of whoever runs the job: the engine, a child process, or a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from onward.clock import Clock
from onward.errors import Interrupt
from onward.model.job import Json
from onward.model.question import Asking
from onward.settings import Settings


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is running: fixed for the whole attempt.

    ``saved`` is the newest checkpoint's JSON text or None; ``steps`` whether there may be kept steps.
    """

    job_id: str
    job_type: str
    attempt: int = 1
    fence: int = 1
    generation: int = 1
    params: dict[str, Json] = field(default_factory=dict)
    source_id: str | None = None
    user_id: str | None = None
    bot_id: str | None = None
    parent_id: str | None = None
    worker_id: str | None = None
    saved: str | None = None
    saved_version: int = 1
    type_version: int = 1


@dataclass(frozen=True, slots=True)
class Point:
    """A consistent point: the checkpoint as JSON text, and the partial work up to it."""

    text: str
    percent: int | None = None
    partials: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    """Name to (number of records saved before, records since then as JSON texts)."""
    done_scopes: tuple[str, ...] = ()
    """Scopes of steps that the cursor has passed: their results are no longer needed."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a job waits for without a worker."""

    until: datetime | None = None
    question: Asking | None = None

    def __str__(self) -> str:
        if self.question is not None:
            return f"for an answer to {self.question.name!r}"
        return f"until {self.until.isoformat()}" if self.until else "for something"


class RunPort(Protocol):
    """One attempt, seen from the job's side. ``interrupt`` is what the job shall leave with, once it must."""

    facts: RunFacts
    clock: Clock
    settings: Settings
    interrupt: Interrupt | None
    is_async: bool

    def must_leave(self) -> bool:
        """Asked when there is an interrupt: whether to leave now; may wait while the job stands still."""

    def report(
        self,
        percent: float | None,
        message: str | None,
        done: int | None,
        total: int | None,
        phase: str | None,
    ) -> None:
        """Take in progress; memory only."""

    def save(self, point: Point, flush: bool) -> None:
        """Have the point written soon; with ``flush`` return when it is durable. ``JobLost`` if not ours."""

    async def save_async(self, point: Point) -> None:
        """The same as ``save(point, flush=True)`` without holding the loop."""

    def load_step(self, scope: str, name: str) -> str | None:
        """The kept result of a step as JSON text, or None."""

    def keep_step(self, scope: str, name: str, result: str, point: Point | None) -> None:
        """Keep a step's result, with the point reached by it; durable on return."""

    async def keep_step_async(self, scope: str, name: str, result: str, point: Point | None) -> None:
        """The same without holding the loop."""

    def forget(self) -> None:
        """Drop everything saved: checkpoint, steps and partial work."""

    def read_partial(self, name: str, count: int) -> Iterator[str]:
        """The first ``count`` saved records of partial work, as JSON texts."""

    def load_answer(self, question: Asking) -> str | None:
        """What a person has answered to the question of this scope and name, as JSON text, or None."""

    def park(self, wait: Wait) -> Interrupt:
        """What to raise so that the job waits for this without a worker."""

    def log(self, level: str, message: str, fields: dict[str, Any]) -> None:
        """Keep a log line with the job."""

    def transaction(self, point: Any) -> AbstractContextManager[Any]:
        """A database connection; ``point()`` is called at the end and saved in the same transaction."""

    def hold(self, resource: str, capacity: int) -> None:
        """Occupy one more resource, or ``ResourceBusy``."""

    def release(self, resource: str) -> None:
        """Give it back."""

    def show_dimension(self, dimension: int | None, operation: str | None, pending: tuple[int, ...]) -> None:
        """What the dimension board shows for this job."""
