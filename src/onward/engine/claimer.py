"""The claimer: asks for work when there is room for it, as much at once as will be done in a moment."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from onward.authoring.registry import JobTypes
from onward.clock import Clock
from onward.engine.executor import Executor
from onward.engine.pool import Pool
from onward.engine.service import Service
from onward.errors import UnknownJobType
from onward.model.ids import Ids
from onward.store import Connection, Store, claims, ready, rows
from onward.store.claims import Claim

_AHEAD_SECONDS = 0.05
"""Work is claimed ahead for so long, as runs have been taking lately."""
_SILENT_SECONDS = 0.02
"""Until it is looked again whether a sign of life has reached the database."""
_LINGER_SECONDS = 0.2
"""What was claimed ahead and could not begin in this time is handed back to others."""


class Claimer(Service):
    """Keeps the pool's slots busy."""

    name = "claimer"

    def __init__(
        self,
        store: Store,
        registry: JobTypes,
        pool: Pool,
        executor: Executor,
        clock: Clock,
        ids: Ids,
        worker_id: Callable[[], str],
        queues: Sequence[str],
        *,
        silence: Callable[[], float],
    ) -> None:
        super().__init__(clock)
        self._silence = silence
        self._store = store
        self._registry = registry
        self._pool = pool
        self._executor = executor
        self._ids = ids
        self._worker_id = worker_id
        self._queues = tuple(queues)
        cluster = store.settings.cluster
        self._without = cluster.queue if cluster.address else None
        self._lock = threading.Lock()
        self._pace: float | None = None
        self._next_due: float | None = None
        self._was_empty = False
        self._moved_at = 0.0
        self.is_open = True
        self.claimed = 0
        """Runs that were ever claimed here."""
        self.low_water = 0
        """Runs in the pool at which more are wanted."""

    def ran(self, seconds: float) -> None:
        """A run has taken so long: the measure of how much to claim ahead."""
        last = max(seconds, 1e-5)
        self._pace = last if self._pace is None else 0.8 * self._pace + 0.2 * last
        self._moved_at = self.clock.monotonic()

    def tick(self) -> float | None:
        if not self.is_open:
            return None
        if self._is_silent():
            return _SILENT_SECONDS
        lingering = self._hand_back_lingering()
        room = self._room()
        if room <= 0:
            return lingering
        found = self.claim(room)
        if found >= room:
            return 0.0
        if found:
            return 0.01
        pause = self._pause()
        return pause if lingering is None else min(pause, lingering)

    def claim(self, limit: int) -> int:
        """Claim so many jobs and put them into the pool; how many there were."""
        if not self._registry.as_mapping() or self._is_silent():
            return 0
        now = self._store.now()
        is_due = self._next_due is not None and self.clock.monotonic() >= self._next_due
        if self._was_empty and not is_due and not self._something_ready():
            # What another thread has just claimed is in the pool once it lets go of the lock.
            with self._lock:
                return 0

        def work(conn: Connection) -> list[Claim]:
            if is_due or self._next_due is None:
                ready.promote_due(conn, self._store.dialect, now)
            run_ids = self._ids.many(limit)
            return claims.claim_jobs(conn, self._store.dialect, limit=limit, now=now, run_ids=run_ids, **self._wanted())

        with self._lock:
            if not self.is_open:
                return 0
            found = self._store.write(work)
            if found:
                self._moved_at = self.clock.monotonic()
            for claim in found:
                with contextlib.suppress(UnknownJobType):
                    self._pool.put(self._executor.desk(claim))
            self.claimed += len(found)
        if is_due:
            self._next_due = None
        # Another look costs a read; another claim that finds nothing would take the lock of all writers.
        self._was_empty = len(found) < limit
        return len(found)

    def is_anything_left(self) -> bool:
        """Whether a job is this worker's or could be claimed by it, as the database says.

        ``claim`` passes over rows that others hold for a moment, and what is being handed back is nowhere for one.
        """
        wanted = self._wanted()
        if not wanted["job_types"]:
            return False
        with self._store.read() as conn:
            return ready.is_any_left(conn, self._store.dialect, **wanted)

    def _is_silent(self) -> bool:
        """Whether others may soon take this worker for dead, and what it would claim now with it.

        So it is after it stood still: a sign of life comes first then.
        """
        return self._silence() > self._store.settings.worker.lease_seconds / 2

    def _wanted(self) -> dict[str, Any]:
        types = self._registry.as_mapping()
        return {
            "worker_id": self._worker_id(),
            "queues": self._queues,
            # Former names too: jobs that were submitted under them are still there.
            "job_types": tuple(types),
            "versions": {name: kind.version for name, kind in types.items() if kind.version != 1},
            "without": self._without,
        }

    def close(self) -> None:
        """Claim nothing more, and give back what has not begun."""
        with self._lock:
            self.is_open = False
        self.hand_back()

    def hand_back(self) -> int:
        """Give back what has not begun; how many."""
        desks = self._pool.take_back()
        if desks:
            given = [desk.claim for desk in desks]
            now = self._store.now()
            self._store.write(lambda conn: claims.hand_back(conn, self._store.dialect, given, now))
            self._store.doorbell.ring()
        return len(desks)

    def _room(self) -> int:
        pool = self._pool
        # Nothing is claimed ahead before it is known how long runs take.
        ahead = 0 if self._pace is None else int(pool.slots * _AHEAD_SECONDS / self._pace)
        most = pool.slots if ahead <= 1 else min(self._store.settings.worker.prefetch, pool.slots + ahead)
        # Not for every job that ends when there is more ahead: only when half of it is used up.
        self.low_water = pool.slots - 1 if most == pool.slots else most // 2
        return most - len(pool.active) if len(pool.active) <= self.low_water else 0

    def _hand_back_lingering(self) -> float | None:
        if not self._pool.waiting:
            return None
        waited = self.clock.monotonic() - self._moved_at
        if waited < _LINGER_SECONDS:
            return _LINGER_SECONDS - waited
        self._pace = 1.0
        self.hand_back()
        return None

    def _something_ready(self) -> bool:
        with self._store.read() as conn:
            return ready.is_any_ready(conn, self._store.dialect)

    def _pause(self) -> float:
        """How long nothing can become due, unless somebody rings."""
        floor = self._store.settings.worker.poll_floor_seconds
        with self._store.read() as conn:
            value: Any = ready.next_due(conn, self._store.dialect)
        due: datetime | None = rows.moment(value)
        if due is None:
            self._next_due = self.clock.monotonic() + floor
            return floor
        wait = max(0.001, (due - self._store.now()).total_seconds())
        self._next_due = self.clock.monotonic() + min(wait, floor)
        return min(wait, floor)
