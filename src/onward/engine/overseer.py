"""The overseer: shows progress, sees who was cancelled or paused, and presses what does not leave."""

from __future__ import annotations

import logging
from collections.abc import Callable

from onward.clock import Clock
from onward.engine import families
from onward.engine.desk import Desk, cancelled, stopped
from onward.engine.pool import Pool
from onward.engine.service import Service
from onward.errors import JobLost
from onward.events import Bus, JobStalled
from onward.model.job import Progress
from onward.store import Connection, Store, chains, logs

_log = logging.getLogger("onward.engine")
_LOOK_SECONDS = 0.1


class Overseer(Service):
    """Watches the runs of this worker."""

    name = "overseer"

    def __init__(self, store: Store, pool: Pool, clock: Clock, bus: Bus, worker_id: Callable[[], str]) -> None:
        super().__init__(clock)
        self._store = store
        self._pool = pool
        self._bus = bus
        self._worker_id = worker_id
        self._shown_at = 0.0
        self._looked_at = 0.0
        self._rang = True

    def ring(self) -> None:
        """Something was committed: perhaps one of ours was cancelled."""
        self._rang = True

    def tick(self) -> float | None:
        desks = list(self._pool.active.values())
        now = self.clock.monotonic()
        if not desks:
            return self._store.settings.worker.progress_seconds
        if self._rang or now - self._looked_at >= 1.0:
            self._rang, self._looked_at = False, now
            self._look(desks)
        for desk in desks:
            self._watch(desk, now)
        if now - self._shown_at >= self._store.settings.worker.progress_seconds:
            self._shown_at = now
            self._show(desks, now)
        return _LOOK_SECONDS

    # ---- what people have asked for -------------------------------------------------------------------------

    def _look(self, desks: list[Desk]) -> None:
        with self._store.read() as conn:
            found = logs.changes_for(conn, self._store.dialect, self._worker_id())
        if not found:
            return
        by_job = {desk.claim.job_id: desk for desk in desks}
        for job_id, fence, status, paused_by in found:
            desk = by_job.get(job_id)
            if desk is None:
                continue
            if desk.claim.fence != fence:
                # Started fresh by somebody while this code had not left.
                desk.ask_to_leave(JobLost(f"Job {job_id} was started afresh."))
            elif status != "running":
                desk.ask_to_leave(cancelled(job_id))
            elif paused_by is not None:
                desk.ask_to_leave(stopped(job_id, f"paused by {paused_by}"))
            self._first_word(desk)

    def _first_word(self, desk: Desk) -> None:
        if desk.press_child is not None and desk.pressed == 0:
            desk.press_child(0)

    # ---- limits ---------------------------------------------------------------------------------------------

    def _watch(self, desk: Desk, now: float) -> None:
        job_type = desk.job_type
        if desk.is_told:
            desk.moved, desk.is_stalled = now, False
        if desk.interrupt is None:
            if job_type.timeout is not None and desk.thread_has_begun() and now - desk.begun > job_type.timeout:
                desk.is_late = True
                desk.ask_to_leave(stopped(desk.claim.job_id, "its time is over"))
                self._first_word(desk)
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
            self._first_word(desk)

    def _press(self, desk: Desk, now: float) -> None:
        """Harder step by step: a word, an exception or SIGTERM, and for processes SIGKILL."""
        half = self._store.settings.worker.kill_grace_seconds / 2
        waited = now - desk.pressed_at
        is_gentle = not desk.is_late and not isinstance(desk.interrupt, JobLost) and desk.is_draining
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

    # ---- progress -------------------------------------------------------------------------------------------

    def _show(self, desks: list[Desk], now: float) -> None:
        told: list[tuple[str, int, Progress]] = []
        phases: list[tuple[str, int, str | None]] = []
        parents: set[str] = set()
        for desk in desks:
            if not desk.is_told:
                continue
            desk.is_told = False
            desk.meter.measure(now)
            progress, claim = desk.meter.snapshot(), desk.claim
            told.append((claim.job_id, claim.fence, progress))
            if claim.parent_id is not None and claim.phase_share is not None and progress.percent is not None:
                overall = int(100 * (claim.phase_from or 0) + progress.percent * claim.phase_share)
                phases.append((claim.parent_id, overall, progress.message))
            elif claim.parent_id is not None and claim.family is not None:
                parents.add(claim.parent_id)
        if not told:
            return

        def work(conn: Connection) -> None:
            moment = self._store.now()
            logs.show_progress(
                conn, self._store.dialect, self._worker_id(), sorted(told, key=lambda item: item[0]), moment
            )
            chains.show_phase_progress(conn, self._store.dialect, phases, moment)

        self._store.write(work)
        families.show(self._store, sorted(parents))
        self._store.doorbell.ring()
