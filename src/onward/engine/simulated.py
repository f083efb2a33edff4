"""Workers and schedulers that are turned by hand, one job or look at a time, and whose way to the database can be cut.

Everything else is the real thing: claims, desks, writer, heartbeat, rescuer and their statements. Whoever turns it
decides when each has its turn, on a clock that he moves, so that the same turns give the same run.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Protocol, cast

from onward.engine.changes import Batch
from onward.engine.desk import Desk
from onward.engine.scheduler import Scheduler
from onward.engine.worker import Worker
from onward.engine.writer import Change
from onward.model import outcome
from onward.model.job import Job, Json
from onward.model.outcome import Outcome
from onward.store import Connection
from onward.store.engines import Engines


class Gate(Protocol):
    """Is passed on the way to the database and on the way back. It may raise, or let others have their turn."""

    def before(self) -> None:
        """Nothing has been done yet."""
        ...

    def written(self) -> None:
        """A transaction that may have changed something is committed."""
        ...

    def after(self) -> None:
        """It is done, and nobody has heard of it yet."""
        ...

    def alive(self) -> None:
        """On the way to the disk of this machine: the dead write nothing."""
        ...


class GatedEngines:
    """The ways into a database, each with a gate before and after it; within a transaction there is none."""

    def __init__(self, inner: Any, gate: Gate) -> None:
        self._inner, self._gate = inner, gate
        self._depth = 0
        self.dialect, self.engine, self.driver_errors = inner.dialect, inner.engine, inner.driver_errors

    @contextlib.contextmanager
    def writing(self, patience: float | None = None) -> Iterator[Connection]:
        with self._between(is_write=True), self._inner.writing(patience) as conn:
            yield conn

    @contextlib.contextmanager
    def writing_once(self, patience: float | None = None) -> Iterator[Connection]:
        with self._between(is_write=True), self._inner.writing_once(patience) as conn:
            yield conn

    @contextlib.contextmanager
    def reading(self, patience: float | None = None) -> Iterator[Connection]:
        with self._between(), self._inner.reading(patience) as conn:
            yield conn

    @contextlib.contextmanager
    def _between(self, *, is_write: bool = False) -> Iterator[None]:
        if self._depth:
            yield
            return
        self._gate.before()
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        if is_write:
            self._gate.written()
        self._gate.after()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class SimulatedWorker:
    """One worker. ``pause`` lets others have their turn; ``is_prompt`` says whether what nobody waits for is written
    at once; ``on_written`` is told of each change that the database has taken or refused. While that is away, the
    worker writes the journal of its machine, as it does outside."""

    def __init__(
        self,
        worker: Worker,
        host: str,
        gate: Gate,
        pause: Callable[[float], None],
        is_prompt: Callable[[], bool],
        on_written: Callable[[Change], None],
    ) -> None:
        self._worker, self._pause, self._is_prompt, self._gate = worker, pause, is_prompt, gate
        store = worker._store
        store.prepare()
        store._engines = cast(Engines, GatedEngines(store.engines, gate))
        # Others must see a machine of its own, whose processes they cannot look at.
        worker._identity = dataclasses.replace(worker._identity, boot_id=host)
        worker._rescuer._here = worker._identity
        worker.pool.put = self._take  # type: ignore[method-assign]  # here a run begins when it is told to
        worker._writer.put = self._put  # type: ignore[method-assign]  # here there is no thread that writes
        worker._executor._drive_child = self._run_child
        for pen in (worker._pen, worker._adopter._pen if worker._adopter is not None else None):
            if pen is not None:
                pen.commit = _telling(pen.commit, on_written)  # type: ignore[method-assign]  # to hear of each change
        self._put_plainly = type(worker._writer).put
        self.claimed: list[Desk] = []
        self._has_tried = False
        self.is_there = False
        """Whether it has entered: its services have their turns from then on."""

    @property
    def id(self) -> str:
        """The worker's id of the moment."""
        return self._worker.id

    def enter(self) -> None:
        """Write back what those before it on this machine have left, and enter. Raises ``StoreUnavailable``."""
        if self._worker._adopter is not None:
            self._worker._adopter.adopt()
        if self._has_tried:
            # Whether the word of it was lost nobody knows; the next process would have an id of its own.
            self._worker.id = self._worker._ids.new()
        self._has_tried = True
        self._worker._enter()
        self.is_there = True

    def leave(self) -> None:
        """Sign off."""
        self._worker._leave()

    def die(self) -> None:
        """The system lets go of what the process had open; what is in its journal stays there."""
        journal = self._worker._outage._journal
        if journal is not None:
            journal.close()

    def write_back(self) -> None:
        """One turn of the returner."""
        self._worker._outage.tick()

    def beat(self) -> None:
        """One turn of the heartbeat. Raises ``StoreUnavailable``."""
        self._worker._heartbeat.tick()

    def rescue(self) -> int:
        """One turn of the rescuer; how many jobs changed hands. Raises ``StoreUnavailable``."""
        return self._worker._rescuer.rescue()

    def claim(self) -> Desk | None:
        """The next job, if there is one. Raises ``StoreUnavailable``."""
        claimer = self._worker._claimer
        claimer._was_empty, claimer._next_due = False, None
        if not self.claimed:
            claimer.claim(1)
        return self.claimed.pop() if self.claimed else None

    def run(self, desk: Desk) -> None:
        """Run a job to its end, with all that it writes."""
        executor, active = self._worker._executor, self._worker.pool.active
        active[desk.claim.run_id] = desk
        try:
            if desk.is_async:
                asyncio.run(executor.run_async(desk))
            else:
                executor.run(desk)
            self.write()
        finally:
            active.pop(desk.claim.run_id, None)

    def write(self) -> None:
        """Have all written that waits to be: to the database, or while that is away to the journal."""
        writer = self._worker._writer
        while not writer.is_idle:
            self._gate.alive()
            writer.tick()
            if writer._is_stuck:
                self._pause(1.0)

    def _take(self, desk: Desk) -> None:
        self.claimed.append(desk)

    def _put(self, change: Change) -> None:
        self._put_plainly(self._worker._writer, change)
        if change.done is not None or change.on_done is not None or self._is_prompt():
            self.write()

    def _run_child(self, desk: Desk, _params: dict[str, Json]) -> Outcome:
        """What would run in a process of its own runs here."""
        return outcome.of_result(desk.job_type.func(**self._worker._executor._prepare(desk)))


class SimulatedScheduler:
    """One scheduler that looks when it is told to."""

    def __init__(self, scheduler: Scheduler, gate: Gate) -> None:
        store = scheduler._store
        store.prepare()
        store._engines = cast(Engines, GatedEngines(store.engines, gate))
        self._scheduler = scheduler
        self._made: list[Job] = []
        self._decide = scheduler._decider.tick
        scheduler._decider.tick = self._decide_and_keep  # type: ignore[method-assign]  # to hear of what was started

    def look(self) -> float:
        """One turn; the seconds until it wants the next. Raises ``StoreUnavailable``."""
        seconds = self._scheduler.tick()
        return self._scheduler._store.settings.scheduler.check_interval_seconds if seconds is None else seconds

    def made(self) -> list[Job]:
        """The jobs that it has started since it was asked last."""
        found, self._made = self._made, []
        return found

    def _decide_and_keep(self, now: datetime | None = None, *, faulty: bool = False) -> list[Job]:
        made = self._decide(now, faulty=faulty)
        self._made += made
        return made


def _telling(commit: Any, on_written: Callable[[Change], None]) -> Any:
    """The same, that tells of each change once it is committed."""

    def commit_and_tell(batch: Batch, settle: Callable[[Batch], None], then: Any = None) -> None:
        def settle_and_tell(done: Batch) -> None:
            settle(done)
            for change in done.changes:
                on_written(change)

        commit(batch, settle_and_tell, then)

    return commit_and_tell
