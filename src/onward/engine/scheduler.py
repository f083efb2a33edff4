"""The scheduler: a loop that has what is due started, and sleeps until the next due time.

Any number may run, on any machines; none is the leader. A change of a schedule wakes them all.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from onward import signals
from onward.clock import Clock
from onward.engine.decider import Decider
from onward.engine.service import Service
from onward.store import Store, turns

_log = logging.getLogger("onward.engine")
_REST_SECONDS = 0.05
"""The shortest sleep: on a busy database every commit wakes everybody."""
_AGAIN_SECONDS = 1.0
"""The sleep while something is due about which nothing can be decided here."""


class Scheduler(Service):
    """Starts what is due. ``run`` blocks and handles signals; as a context manager it runs in the background.

    ``prepare`` is called once at the start: schedules that ship, and those of the configured file. The services
    ``beside`` it begin and end with it.
    """

    name = "scheduler"

    def __init__(
        self,
        store: Store,
        clock: Clock,
        decider: Decider,
        prepare: Callable[[], None],
        beside: Sequence[Service] = (),
    ) -> None:
        super().__init__(clock)
        self._beside = beside
        self._store = store
        self._decider = decider
        self._prepare = prepare
        self._is_prepared = False
        self._faulty_at = 0.0
        self._looked_at = -_REST_SECONDS
        self._stop_listening: Callable[[], None] | None = None
        self._stop_asked = threading.Event()

    def tick(self) -> float | None:
        if not self._is_prepared:
            self._prepare()
            self._is_prepared = True
        self._rest()
        interval = self._store.settings.scheduler.check_interval_seconds
        elapsed = self.clock.monotonic()
        faulty = elapsed >= self._faulty_at
        if faulty:
            self._faulty_at = elapsed + interval
        made = self._decider.tick(faulty=faulty)
        if made:
            _log.info("Started %d job%s by schedule.", len(made), "" if len(made) == 1 else "s")
        self._let_on()
        due = self._decider.next_due()
        self._looked_at = self.clock.monotonic()
        if due is None:
            return interval
        left = (due - self._store.now()).total_seconds()
        return min(interval, left if left > 0 else _AGAIN_SECONDS)

    def _let_on(self) -> None:
        """Jobs of schedules whose turn has come, where no worker has seen to it."""
        with self._store.read() as conn:
            waiting = turns.waiting_schedules(conn, self._store.dialect)
        if not waiting:
            return
        ready: int = self._store.write(lambda conn: turns.let_on(conn, self._store.dialect, waiting))
        if ready:
            self._store.doorbell.ring()

    # ---- running --------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Work until told to stop (SIGTERM, SIGINT, ``stop``)."""
        with signals.heard(lambda _number: self.ask_to_stop()):
            self.start()
            try:
                while not self._stop_asked.is_set():
                    self.clock.wait(self._stop_asked, 1.0)
            finally:
                self.stop()

    def start(self) -> None:
        """Begin, in the background. Raises ``StoreUnavailable``, ``InvalidConfig`` for a file that is refused."""
        self._store.prepare()
        self._prepare()
        self._is_prepared = True
        self._stop_listening = self._store.doorbell.listen(self.wake)
        super().start()
        for service in self._beside:
            service.start()

    def stop(self, timeout: float | None = 5.0) -> bool:
        """End after what is being decided now; whether it has ended."""
        self._stop_asked.set()
        if self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None
        has_ended = super().stop(timeout)
        others = [service.stop(timeout) for service in self._beside]
        return has_ended and all(others)

    def ask_to_stop(self) -> None:
        """Have ``run`` come to an end."""
        self._stop_asked.set()

    def _rest(self) -> None:
        """Between two looks there is a little time, whoever rings."""
        left = self._looked_at + _REST_SECONDS - self.clock.monotonic()
        if left > 0:
            self.clock.wait(self._stopped, left)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
