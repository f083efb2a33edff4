"""Plain functions as jobs of this process: a worker of its own runs them, and they end with it.

A function that was handed over as it is cannot be found again by another process, nor can its arguments. So its job
goes into a queue that only this process serves, is lost at the first loss of it, and is never resumed.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onward.authoring.context import Context
from onward.authoring.job_type import JobType, make_job_type
from onward.authoring.registry import JobTypes
from onward.chains import accepted
from onward.clock import Clock
from onward.engine import submission, transitions
from onward.engine.spool import Do
from onward.engine.submission import Submission
from onward.engine.submitter import Submitter
from onward.engine.worker import Worker
from onward.errors import IllegalTransition, StoreUnavailable
from onward.events import Bus
from onward.model.ids import Ids
from onward.model.job import Job
from onward.model.older import IN_PROCESS
from onward.store import Connection, Store, outside, workers

_SLOTS = 32
"""Functions at a time; each has a thread, as the caller expects."""


@dataclass(frozen=True, slots=True)
class _Call:
    func: Callable[..., Any]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]


class InProcess:
    """Runs functions here. Nothing is started before the first one; ``close`` drains like any worker."""

    def __init__(self, store: Store, submitter: Submitter, clock: Clock, ids: Ids, bus: Bus, do: Do) -> None:
        self._do = do
        self._store, self._submitter, self._clock, self._ids, self._bus = store, submitter, clock, ids, bus
        self._types = JobTypes()
        self._calls: dict[str, _Call] = {}
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._queue = f"{IN_PROCESS}{ids.new()}"

    def submit(
        self, job_type: str, source_id: str | None, func: Callable[..., Any], args: Sequence[Any], kwargs: Any
    ) -> Job:
        """A job for this call, which begins at once. Raises ``ResourceBusy``, ``StoreUnavailable``."""
        self._start()
        kind = self._kind(job_type)
        job_id = self._ids.new()
        given = Submission(job_type=kind.name, source_id=source_id, queue=self._queue, id=job_id, resume=False)
        new = submission.check(given, self._types, self._store.settings, job_id)
        self._calls[job_id] = _Call(func, args, kwargs)
        try:
            return self._submitter.submit([new])[0]
        except BaseException:
            self._calls.pop(job_id, None)
            raise

    def close(self) -> None:
        """Let what runs here leave as at any shutdown; what does not come to its end is cancelled."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is None:
            return
        with contextlib.suppress(StoreUnavailable):
            worker.stop()
            self._store.write(self._cancel_mine)
            self._store.doorbell.ring()

    def _cancel_mine(self, conn: Connection) -> None:
        self._cancel(conn, [job_id for job_id, _ in self._left(conn, self._queue)])

    def _cancel_left_behind(self, conn: Connection) -> None:
        """Jobs that wait for a process which is no more can never begin."""
        served = {
            queue
            for worker in workers.list_workers(conn, self._store.dialect, ("online", "draining"))
            for queue in worker.queues
        }
        self._cancel(conn, [job_id for job_id, queue in self._left(conn, IN_PROCESS) if queue not in served])

    def _left(self, conn: Connection, beginning: str) -> list[tuple[str, str]]:
        return outside.queues_left_behind(conn, self._store.dialect, beginning)

    def _cancel(self, conn: Connection, job_ids: Sequence[str]) -> None:
        for job_id in job_ids:
            with contextlib.suppress(IllegalTransition):
                transitions.cancel(conn, self._store, job_id, self._store.now(), reason="its process has ended")

    def _start(self) -> None:
        with self._lock:
            if self._worker is not None:
                return
            self._worker = Worker(
                self._store,
                self._types,
                self._clock,
                self._ids,
                self._bus,
                concurrency=_SLOTS,
                queues=[self._queue],
                name=f"functions of process {os.getpid()}",
                do=self._do,
            )
            self._worker.start()
            _leave_at_exit(self)
            self._store.write(self._cancel_left_behind)

    def _kind(self, name: str) -> JobType:
        if name not in self._types:
            self._types.add(make_job_type(self._run, name=name, max_losses=1))
        return self._types.get(name)

    def _run(self, ctx: Context) -> Any:
        """A function that was handed over as it is; it ends with its process."""
        call = self._calls.pop(ctx.job_id)
        offered = {"progress_callback": ctx.progress_callback, "cancel_checker": ctx.cancel_checker}
        return call.func(*call.args, **{**accepted(call.func, call.args, call.kwargs, offered), **call.kwargs})


def _leave_at_exit(here: InProcess) -> None:
    known = weakref.ref(here)

    def leave() -> None:
        found = known()
        if found is not None:
            found.close()

    atexit.register(leave)
