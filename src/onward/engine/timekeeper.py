"""The timekeeper: limits of time, and pressing what does not leave. It never waits for the database.

``timeout`` and ``stall_after`` hold whether or not the database answers. A job whose type says
``on_store_loss="freeze"`` stands still before anybody else may take it over, and goes on when this worker has shown a
sign of life again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from onward.clock import Clock
from onward.engine.desk import Desk, cancelled, stopped
from onward.engine.pool import Pool
from onward.engine.service import Service
from onward.errors import JobLost
from onward.events import Bus, JobStalled
from onward.settings import Settings

_log = logging.getLogger("onward.engine")
_LOOK_SECONDS = 0.1
_MARGIN = 1 / 6
"""The part of a lease before its end at which a run stands still."""


class Timekeeper(Service):
    """Watches the runs of this worker. ``silence``: seconds since its last sign of life reached the database."""

    name = "timekeeper"

    def __init__(self, settings: Settings, pool: Pool, clock: Clock, bus: Bus, silence: Callable[[], float]) -> None:
        super().__init__(clock)
        self._settings = settings
        self._pool = pool
        self._bus = bus
        self._silence = silence

    def tick(self) -> float | None:
        now = self.clock.monotonic()
        lease = self._settings.worker.lease_seconds
        is_trusted = self._silence() <= lease * (1 - _MARGIN)
        desks = list(self._pool.active.values())
        for desk in desks:
            if desk.job_type.on_store_loss == "freeze":
                desk.thaw() if is_trusted else desk.freeze()
            self._watch(desk, now)
        return _LOOK_SECONDS if desks else self._settings.worker.progress_seconds

    def _watch(self, desk: Desk, now: float) -> None:
        job_type = desk.job_type
        if desk.has_moved:
            desk.has_moved, desk.moved, desk.is_stalled = False, now, False
        if desk.is_frozen:
            # Time that it stands still is not its own.
            return
        if desk.interrupt is None:
            if job_type.timeout is not None and desk.thread_has_begun() and now - desk.begun > job_type.timeout:
                desk.is_late = True
                desk.ask_to_leave(stopped(desk.claim.job_id, "its time is over"))
                desk.first_word()
            elif job_type.stall_after is not None and now - desk.moved > job_type.stall_after and not desk.is_stalled:
                self._stalled(desk, now)
        if desk.interrupt is not None and not desk.has_left:
            self._press(desk, now)

    def _stalled(self, desk: Desk, now: float) -> None:
        desk.is_stalled = True
        seconds = now - desk.moved
        desk.log("WARNING", f"No progress for {seconds:.0f} s.", {})
        self._bus.tell(JobStalled(job_id=desk.claim.job_id, job_type=desk.claim.job_type, seconds=seconds))
        if desk.job_type.on_stall == "cancel":
            desk.ask_to_leave(cancelled(desk.claim.job_id))
            desk.first_word()

    def _press(self, desk: Desk, now: float) -> None:
        """Harder step by step: a word, an exception or SIGTERM, and for processes SIGKILL."""
        # Who was told to go by force has no time to tidy up.
        half = 0.0 if desk.is_forced else self._settings.worker.kill_grace_seconds / 2
        waited = now - desk.pressed_at
        is_pressed = desk.is_late or desk.is_forced or isinstance(desk.interrupt, JobLost)
        is_gentle = desk.is_draining and not is_pressed
        if is_gentle:
            return
        if desk.cancel_task is not None and desk.pressed == 0:
            desk.pressed = 1
            desk.cancel_task()
        elif desk.pressed == 0 and waited > half:
            desk.pressed = 1
            self.press(desk, 1)
        elif desk.pressed == 1 and waited > 2 * half:
            desk.pressed = 2
            self.press(desk, 2)
            if desk.press_child is None:
                self._pool.leak(desk)
                _log.warning("Job %s does not leave; its slot is taken until this worker ends.", desk.claim.job_id)

    def press(self, desk: Desk, step: int) -> None:
        """One step of pressing."""
        if desk.press_child is not None:
            desk.press_child(step)
        elif desk.cancel_task is not None:
            desk.cancel_task()
        elif step == 1:
            desk.raise_in_thread()
