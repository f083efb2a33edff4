"""What a ``Context`` asks of whoever runs the job: the engine, a child process, or a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    range: tuple[int, int, int, int] | None = None
    """Of a range of a fan-out: its number, how many there are, and its items, the end excluded."""


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
class Split:
    """Work to be done in ranges: by which job type, with which parameters, how much, and in how many parts."""

    family: str
    job_type: str | Callable[..., Any]
    total: int
    parts: int
    params: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    """What a job waits for without a worker."""

    until: datetime | None = None
    question: Asking | None = None
    family: dict[str, Json] | None = None
    """The ranges of a fan-out, as they are to be made: plain JSON."""
    resource: tuple[str, int] | None = None
    """One more resource, with its capacity, that is to be had when it goes on."""
    any_of: tuple[str, ...] = ()
    """Vector databases of which one is to be free when it goes on; which, it sees then."""

    def __str__(self) -> str:
        if self.question is not None:
            return f"for an answer to {self.question.name!r}"
        if self.family is not None:
            return f"for the ranges of {self.family['name']}"
        if self.resource is not None:
            return f"for {self.resource[0]}"
        if self.any_of:
            return f"for one of {', '.join(self.any_of)}"
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

    def split(self, split: Split) -> list[Json]:
        """The results of all ranges in order, or what ``park`` gives is raised; ``RangeFailed``."""

    def read_range(self, family: str, name: str, place: list[int]) -> tuple[list[str], list[int] | None]:
        """Some records of the ranges' partial work from a place on, as JSON texts, and the place after them."""

    def log(self, level: str, message: str, fields: dict[str, Any]) -> None:
        """Keep a log line with the job."""

    def transaction(self, point: Any) -> AbstractContextManager[Any]:
        """A database connection; ``point()`` is called at the end and saved in the same transaction."""

    def hold(self, resource: str, capacity: int, wait: bool) -> None:
        """Occupy one more resource; else ``ResourceBusy``, or with ``wait`` what ``park`` gives is raised."""

    def release(self, resource: str) -> None:
        """Give it back."""

    def show_dimension(self, dimension: int | None, operation: str | None, pending: tuple[int, ...]) -> None:
        """What the dimension board shows for this job."""
