"""A worker whose services are turned by hand, one job at a time, and whose way to the database can be cut.

Everything else is the real thing: claims, desks, writer, heartbeat, rescuer and their statements. Whoever turns it
decides when each has its turn, on a clock that he moves, so that the same turns give the same run.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast

from onward.engine.desk import Desk
from onward.engine.worker import Worker
from onward.engine.writer import Change
from onward.errors import StoreUnavailable
from onward.model import outcome
from onward.model.job import Json
from onward.model.outcome import Outcome
from onward.store import Connection
from onward.store.engines import Engines


class Gate(Protocol):
    """Is passed on the way to the database and on the way back. It may raise, or let others have their turn."""

    def before(self) -> None:
        """Nothing has been done yet."""
        ...

    def after(self) -> None:
        """It is committed, and nobody has heard of it yet."""
        ...


class GatedEngines:
    """The ways into a database, each with a gate before and after it; within a transaction there is none."""

    def __init__(self, inner: Any, gate: Gate) -> None:
        self._inner, self._gate = inner, gate
        self._depth = 0
        self.dialect, self.engine, self.driver_errors = inner.dialect, inner.engine, inner.driver_errors

    @contextlib.contextmanager
    def writing(self, patience: float | None = None) -> Iterator[Connection]:
        with self._between(), self._inner.writing(patience) as conn:
            yield conn

    @contextlib.contextmanager
    def writing_once(self, patience: float | None = None) -> Iterator[Connection]:
        with self._between(), self._inner.writing_once(patience) as conn:
            yield conn

    @contextlib.contextmanager
    def reading(self, patience: float | None = None) -> Iterator[Connection]:
        with self._between(), self._inner.reading(patience) as conn:
            yield conn

    @contextlib.contextmanager
    def _between(self) -> Iterator[None]:
        if self._depth:
            yield
            return
        self._gate.before()
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        self._gate.after()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _stay_in_memory(error: StoreUnavailable) -> None:
    raise error


class SimulatedWorker:
    """One worker. ``pause`` lets others have their turn; ``is_prompt`` says whether what nobody waits for is written
    at once; ``on_written`` is told of each change that was."""

    def __init__(
        self,
        worker: Worker,
        host: str,
        gate: Gate,
        pause: Callable[[float], None],
        is_prompt: Callable[[], bool],
        on_written: Callable[[Change], None],
    ) -> None:
        self._worker, self._pause, self._is_prompt, self._on_written = worker, pause, is_prompt, on_written
        store = worker._store
        store.prepare()
        store._engines = cast(Engines, GatedEngines(store.engines, gate))
        # Others must see a machine of its own, whose processes they cannot look at.
        worker._identity = dataclasses.replace(worker._identity, boot_id=host)
        worker._rescuer._here = worker._identity
        worker.pool.put = self._take  # type: ignore[method-assign]  # here a run begins when it is told to
        worker._writer.put = self._put  # type: ignore[method-assign]  # here there is no thread that writes
        worker._executor._drive_child = self._run_child
        worker._outage.begin = _stay_in_memory  # type: ignore[method-assign]  # there is no disk here for a journal
        self._put_plainly = type(worker._writer).put
        self._waiting: list[Change] = []
        self.claimed: list[Desk] = []

    @property
    def id(self) -> str:
        """The worker's id of the moment."""
        return self._worker.id

    def enter(self) -> None:
        """Enter among the workers. Raises ``StoreUnavailable``."""
        self._worker._enter()

    def leave(self) -> None:
        """Sign off."""
        self._worker._leave()

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
        """Have all written that waits to be, however long the database is away."""
        writer = self._worker._writer
        while not writer.is_idle:
            changes = list(self._waiting)
            try:
                writer.tick()
            except StoreUnavailable:
                self._pause(1.0)
                continue
            for change in changes:
                self._waiting.remove(change)
                self._on_written(change)

    def _take(self, desk: Desk) -> None:
        self.claimed.append(desk)

    def _put(self, change: Change) -> None:
        self._put_plainly(self._worker._writer, change)
        self._waiting.append(change)
        if change.done is not None or change.on_done is not None or self._is_prompt():
            self.write()

    def _run_child(self, desk: Desk, _params: dict[str, Json]) -> Outcome:
        """What would run in a process of its own runs here."""
        return outcome.of_result(desk.job_type.func(**self._worker._executor._prepare(desk)))
