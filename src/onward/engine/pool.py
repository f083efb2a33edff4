"""Where runs are run: threads for plain functions, one private event loop for async ones."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Callable

from onward.engine.desk import Desk
from onward.engine.executor import Executor

_log = logging.getLogger("onward.engine")


class Pool:
    """So many slots. ``active`` holds every run that was put in and has not ended, by run id.

    Threads take the next run by themselves, without a round trip to anybody.
    """

    def __init__(self, slots: int, executor: Executor, on_left: Callable[[Desk], None]) -> None:
        self.slots = slots
        self.active: dict[str, Desk] = {}
        self._executor = executor
        self._on_left = on_left
        self._queue: queue.SimpleQueue[Desk | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._busy = 0
        self._leaked: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread: threading.Thread | None = None
        self._gate: asyncio.Semaphore | None = None
        self._stopped = False

    @property
    def waiting(self) -> int:
        """Runs that were put in and not begun, for threads."""
        return self._queue.qsize()

    @property
    def leaked(self) -> int:
        """Slots whose code does not leave."""
        return len(self._leaked)

    def leak(self, desk: Desk) -> None:
        """The code of this run does not leave: its slot is taken until the process ends."""
        self._leaked.add(desk.claim.run_id)

    def put(self, desk: Desk) -> None:
        """Take in a run."""
        self.active[desk.claim.run_id] = desk
        if desk.is_async:
            self._put_task(desk)
            return
        self._queue.put(desk)
        if len(self._threads) < self.slots and self._busy + self._queue.qsize() > len(self._threads):
            self._add_thread()

    def take_back(self) -> list[Desk]:
        """Runs that have not begun, taken out again."""
        found: list[Desk] = []
        with contextlib.suppress(queue.Empty):
            while True:
                desk = self._queue.get_nowait()
                if desk is not None:
                    del self.active[desk.claim.run_id]
                    found.append(desk)
        return found

    def stop(self) -> None:
        """End the threads and the loop once their runs have left."""
        self._stopped = True
        for _ in self._threads:
            self._queue.put(None)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _add_thread(self) -> None:
        with self._lock:
            if len(self._threads) >= self.slots:
                return
            name = f"onward-slot-{len(self._threads) + 1}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while True:
            desk = self._queue.get()
            if desk is None:
                return
            self._busy += 1
            try:
                self._executor.run(desk)
            except Exception:  # noqa: BLE001 - the slot must go on working for others
                _log.exception("The end of job %s could not be handed over.", desk.claim.job_id)
            finally:
                self._busy -= 1
                self._left(desk)

    def _left(self, desk: Desk) -> None:
        self.active.pop(desk.claim.run_id, None)
        self._leaked.discard(desk.claim.run_id)
        self._on_left(desk)

    # ---- the loop -------------------------------------------------------------------------------------------

    def _put_task(self, desk: Desk) -> None:
        if self._loop is None:
            self._start_loop()
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self._begin_task, desk)

    def _start_loop(self) -> None:
        ready = threading.Event()

        def run() -> None:
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
            self._gate = asyncio.Semaphore(self.slots)
            self._loop.call_soon(ready.set)
            self._loop.run_forever()
            self._loop.close()

        self._loop_thread = threading.Thread(target=run, name="onward-loop", daemon=True)
        self._loop_thread.start()
        ready.wait()

    def _begin_task(self, desk: Desk) -> None:
        loop = self._loop
        if loop is None:
            return
        task = loop.create_task(self._run_task(desk))

        # The loop keeps only weak references to tasks.
        def cancel() -> None:
            loop.call_soon_threadsafe(task.cancel)

        desk.cancel_task = cancel

    async def _run_task(self, desk: Desk) -> None:
        gate = self._gate
        if gate is None:
            return
        try:
            async with gate:
                await self._executor.run_async(desk)
        except asyncio.CancelledError:
            await self._executor.run_async(desk)
        finally:
            self._left(desk)
