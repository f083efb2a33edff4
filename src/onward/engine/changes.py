"""What a run wants written: one change, and a batch of them that is committed together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from onward.authoring.port import Point
from onward.model.job import Progress
from onward.store.endings import Ending
from onward.store.logs import NewLine


class Right(Protocol):
    """By what right something is written: the run, and its fence."""

    job_id: str
    job_type: str
    run_id: str
    fence: int
    generation: int
    parent_id: str | None
    phase_share: float | None
    type_version: int
    scheduled_job_id: str | None


class Owner(Protocol):
    """The run that a change belongs to, as far as writing is concerned."""

    number: int

    @property
    def claim(self) -> Right:
        """By what right it writes."""

    def how_far(self) -> Progress | None:
        """The progress that it has told, if any."""

    def lose(self) -> None:
        """The run no longer owns its job."""


@dataclass(slots=True)
class Change:
    """One thing to write for one run. ``done`` is set when it is durable or refused."""

    owner: Owner
    point: Point | None = None
    step: tuple[str, str, str] | None = None
    ending: Ending | None = None
    columns: dict[str, Any] | None = None
    release: str | None = None
    """A resource that the run gives back before its end."""
    progress: Progress | None = None
    """How far the run was, where only the journal can tell."""
    done: threading.Event | None = None
    on_done: Callable[[], None] | None = None
    is_refused: bool = False
    is_settled: bool = False
    worker_id: str | None = None
    """Who wanted it, where that is not the worker that writes it."""
    seq: int | None = None
    """Its number in a journal, if it comes out of one."""

    def settle(self) -> None:
        """Tell whoever waits."""
        if self.done is not None:
            self.done.set()
        if self.on_done is not None:
            self.on_done()


@dataclass(slots=True)
class Batch:
    """Changes and log lines of one transaction. ``verdicts``: the endings that ended their jobs for good."""

    changes: list[Change] = field(default_factory=list)
    logs: list[NewLine] = field(default_factory=list)
    verdicts: list[Ending] = field(default_factory=list)
    seq: int | None = None
    """How far a journal is written with it, if it comes out of one."""

    @property
    def ended(self) -> list[Ending]:
        """How runs ended, of those that were not refused."""
        return [change.ending for change in self.changes if change.ending is not None and not change.is_refused]
