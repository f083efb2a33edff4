"""The overseer: shows progress, and sees who was cancelled or paused."""

from __future__ import annotations

from collections.abc import Callable

from onward.clock import Clock
from onward.engine import families
from onward.engine.desk import Desk, cancelled, stopped
from onward.engine.drawer import Drawer, Mark
from onward.engine.pool import Pool
from onward.engine.service import Service
from onward.errors import JobLost, StoreUnavailable
from onward.model.job import Progress
from onward.store import Connection, Store, auditing, chains, logs

_LOOK_SECONDS = 0.1


class Overseer(Service):
    """Watches the runs of this worker."""

    name = "overseer"

    def __init__(self, store: Store, pool: Pool, clock: Clock, worker_id: Callable[[], str]) -> None:
        super().__init__(clock)
        self._store = store
        self._pool = pool
        self._worker_id = worker_id
        self._shown_at = 0.0
        self._looked_at = 0.0
        self._rang = True
        self._drawer = Drawer(store)

    def ring(self) -> None:
        """Something was committed: perhaps one of ours was cancelled."""
        self._rang = True

    def tick(self) -> float | None:
        desks = list(self._pool.active.values())
        now = self.clock.monotonic()
        if not desks:
            # Others may go on with a chain of which a phase ran here.
            self._drawer.forget_others(())
            return self._store.settings.worker.progress_seconds
        if self._rang or now - self._looked_at >= 1.0:
            self._rang, self._looked_at = False, now
            self._look(desks)
        if now - self._shown_at >= self._store.settings.worker.progress_seconds:
            self._shown_at = now
            self._show(desks, now)
        return _LOOK_SECONDS

    # ---- what people have asked for -------------------------------------------------------------------------

    def _look(self, desks: list[Desk]) -> None:
        with self._store.read() as conn:
            found = logs.changes_for(conn, self._store.dialect, self._worker_id())
            ended = [job_id for job_id, _fence, status, _paused in found if status != "running"]
            forced = auditing.force_stops(conn, self._store.dialect, ended) if ended else {}
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
                desk.is_forced = forced.get(job_id, -1) >= desk.claim.fence
            elif paused_by is not None:
                desk.ask_to_leave(stopped(job_id, f"paused by {paused_by}"))
            desk.first_word()

    # ---- progress -------------------------------------------------------------------------------------------

    def _show(self, desks: list[Desk], now: float) -> None:
        told: list[tuple[str, int, Progress]] = []
        phases: list[tuple[str, int, str | None]] = []
        marks: list[Mark] = []
        # The time at which it was so: writing it may take as long as an outage does.
        seen_at = self._store.now().timestamp()
        parents: set[str] = set()
        for desk in desks:
            if not desk.is_told:
                continue
            desk.is_told = False
            desk.meter.measure(now)
            progress, claim = desk.meter.snapshot(), desk.claim
            told.append((claim.job_id, claim.fence, progress))
            marks.append(Mark(claim.job_id, (self._worker_id(), claim.fence), progress.percent, progress.done))
            if claim.parent_id is not None and claim.phase_share is not None and progress.percent is not None:
                overall = int(100 * (claim.phase_from or 0) + progress.percent * claim.phase_share)
                phases.append((claim.parent_id, overall, progress.message))
                marks.append(Mark(claim.parent_id, None, overall, None))
            elif claim.parent_id is not None and claim.family is not None:
                parents.add(claim.parent_id)
        self._drawer.forget_others({name for desk in desks for name in (desk.claim.job_id, desk.claim.parent_id)})
        if not told:
            return

        def work(conn: Connection) -> None:
            at = self._store.now()
            logs.show_progress(conn, self._store.dialect, self._worker_id(), sorted(told, key=lambda item: item[0]), at)
            chains.show_phase_progress(conn, self._store.dialect, phases, at)
            self._drawer.draw(conn, marks, seen_at)

        try:
            self._store.write(work)
            self._drawer.settle()
            families.show(self._store, sorted(parents))
        except StoreUnavailable:
            for desk in desks:
                desk.is_told = desk.is_told or desk.meter.was_told
            raise
        self._store.doorbell.ring()
