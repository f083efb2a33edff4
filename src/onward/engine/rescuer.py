"""The rescuer: finds workers that are no more, by what the system and the database show, and takes over their jobs.

A process of this machine that has ended is known at once, from the process table or a file lock that was let go. On
PostgreSQL an advisory lock that is missing shows the death of a worker elsewhere. For all else there is the lease,
which expires by *observation*: this process has itself seen the same heartbeat for the whole lease on its own clock,
so that no wall clock of any machine decides.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from onward.clock import Clock
from onward.engine import families, proof
from onward.engine.adopter import Adopter
from onward.engine.service import Service
from onward.events import Bus, WorkerLost
from onward.model.codec import encode
from onward.model.ids import Ids
from onward.model.job import WorkerRecord
from onward.model.states import RunStatus, Status, Waiting
from onward.store import Connection, Store, claims, endings, jobs, resources, tallies, turns, workers
from onward.store.claims import Held
from onward.store.endings import Ending
from onward.store.jobs import tell_events

_log = logging.getLogger("onward.engine")
_LOCK_MISSING_SECONDS = 3.0
_RUNS_HERE = 4
"""Leases for which a process of this machine that runs, and is silent, is waited for."""
_SWEEP_SECONDS = 5.0
_GAP_SECONDS = 1.0
"""A pause between two looks that is longer than a few turns and this is no watching."""


@dataclass(slots=True)
class _Seen:
    """What was seen of a worker: its last heartbeat and since when, and its lock."""

    heartbeat: int
    since: float
    lock_era: object = None
    lock_missing_since: float | None = None


class Rescuer(Service):
    """Takes over from the dead. Everything is found by state, so that an error in one pass is mended by the next."""

    name = "rescuer"

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        bus: Bus,
        worker_id: Callable[[], str],
        life_folder: Path | None,
        adopter: Adopter | None = None,
    ) -> None:
        super().__init__(clock)
        self._store = store
        self._ids = ids
        self._bus = bus
        self._worker_id = worker_id
        self._life_folder = life_folder
        self._adopter = adopter
        self._here = proof.identity()
        self._seen: dict[str, _Seen] = {}
        self._swept_at = 0.0
        self._looked_at = clock.monotonic()

    def tick(self) -> float | None:
        self.rescue()
        now = self.clock.monotonic()
        if now - self._swept_at >= _SWEEP_SECONDS:
            self._swept_at = now
            self._sweep()
        return self._store.settings.worker.reap_seconds

    def rescue(self) -> int:
        """Look once at everybody; how many jobs changed hands."""
        mine = self._worker_id()
        now = self.clock.monotonic()
        if now - self._looked_at > 3 * self._store.settings.worker.reap_seconds + _GAP_SECONDS:
            # Suspended, stopped, or without the database: nobody was watched meanwhile, so all count anew.
            for seen in self._seen.values():
                seen.since, seen.lock_missing_since = now, None
        with self._store.read() as conn:
            others = workers.list_workers(conn, self._store.dialect, ("online", "draining"))
            orphaned = workers.orphans(conn, self._store.dialect)
            locks = self._locks(conn)
        self._looked_at = self.clock.monotonic()
        dead = {other.id: other.heartbeat_seq for other in others if other.id != mine and self._is_dead(other, locks)}
        for gone in self._seen.keys() - {other.id for other in others}:
            del self._seen[gone]
        # What the dead have left in their journals counts before anybody takes over from them: of all who are dead by
        # now, so it comes after the look.
        if self._adopter is not None:
            self._adopter.adopt()
        found = {worker_id: dead.get(worker_id) for worker_id in (*dead, *orphaned) if worker_id != mine}
        return sum(self.take_over(worker_id, heartbeat) for worker_id, heartbeat in found.items())

    def take_over(self, worker_id: str, heartbeat: int | None = None) -> int:
        """Give the jobs of a dead worker to others; how many there were.

        ``heartbeat``: its last sign of life that was seen. When it has given another one since, nothing is taken.
        """

        def work(conn: Connection) -> int | None:
            if not workers.declare_lost(conn, self._store.dialect, worker_id, heartbeat, self._store.now()):
                return None
            owned = claims.owned_by(conn, self._store.dialect, worker_id)
            for held in owned:
                self._take_over_one(conn, held, worker_id)
            return len(owned)

        count = self._store.write(work)
        if count is None:
            return 0
        if self._life_folder is not None:
            proof.forget(self._life_folder, worker_id)
        # The event is what services log; said here as well, it would stand there twice.
        _log.debug("Worker %s is no more; %d jobs go on elsewhere.", worker_id, count)
        self._bus.tell(WorkerLost(worker=worker_id, reason="no sign of life", jobs=count))
        self._store.doorbell.ring()
        return count

    # ---- who is dead ----------------------------------------------------------------------------------------

    def _is_dead(self, other: WorkerRecord, locks: tuple[object, dict[str, bool]]) -> bool:
        there = proof.Identity(other.host, other.boot_id, other.pid_namespace, other.pid, other.pid_started)
        gone = proof.is_gone(there, self._here)
        if gone:
            return True
        if self._life_folder is not None and proof.is_let_go(self._life_folder, other.id):
            return True
        now = self.clock.monotonic()
        seen = self._seen.get(other.id)
        if seen is None or seen.heartbeat != other.heartbeat_seq:
            kept = seen.lock_era if seen else None
            missing = seen.lock_missing_since if seen else None
            seen = self._seen[other.id] = _Seen(other.heartbeat_seq, now, kept, missing)
        era, held = locks
        is_held = held.get(other.id, False)
        if gone is None and self._lock_is_lost(seen, era, is_held, now):
            return True
        silent = now - seen.since
        # A session that is still open speaks for a worker elsewhere that only cannot renew; a process that runs on
        # this machine, even more: a call into C may hold its interpreter for long.
        patience = 2 if is_held and gone is None else 1
        if gone is False and not proof.is_stopped(other.pid):
            patience = _RUNS_HERE
        return silent > other.lease_seconds * patience

    def _lock_is_lost(self, seen: _Seen, era: object, is_held: bool, now: float) -> bool:
        """Whether a lock that this process has seen has gone while nothing else has changed."""
        if is_held:
            seen.lock_era, seen.lock_missing_since = era, None
            return False
        if era is None or seen.lock_era != era:
            return False
        if seen.lock_missing_since is None:
            seen.lock_missing_since = now
        return now - seen.lock_missing_since > _LOCK_MISSING_SECONDS

    def _locks(self, conn: Connection) -> tuple[object, dict[str, bool]]:
        """What ties sightings of locks together (this connection and the server's start), and who holds his."""
        if self._store.is_sqlite or self._store.settings.database.pooled:
            return None, {}
        dialect = self._store.dialect
        held = workers.lock_keys_held(conn, dialect)
        keys = workers.lock_keys(conn, dialect)
        return workers.server_started(conn, dialect), {worker_id: key in held for worker_id, key in keys.items()}

    # ---- taking over ----------------------------------------------------------------------------------------

    def _take_over_one(self, conn: Connection, held: Held, worker_id: str) -> None:
        dialect, now = self._store.dialect, self._store.now()
        new, waiting, error, losses = held.status, held.waiting_on, None, held.losses
        is_running = held.status is Status.RUNNING
        if is_running:
            losses += 1
            if losses >= held.max_losses:
                new, waiting = Status.FAILED, None
                text = f"Its worker was lost {losses} times in a row without a newer checkpoint."
                error = encode({"type": "WorkerLost", "message": text, "traceback": ""}, "The error", 4096)
            else:
                new, waiting = Status.PENDING, Waiting.HOLD if held.on_worker_lost == "hold" else None
        elif waiting is Waiting.OWNER:
            # Resumed while the old code had not left: now it has.
            waiting = None
        claims.take_over(
            conn,
            dialect,
            held.job_id,
            fence=held.fence,
            status=new,
            waiting_on=waiting,
            losses=losses,
            error=error,
            now=now,
        )
        when = dialect.time(now)
        told: list[jobs.Told] = [(held.job_id, held.generation, "worker_lost", when, held.fence, worker_id, None)]
        is_verdict = is_running and new is Status.FAILED
        if is_verdict:
            told.append((held.job_id, held.generation, "failed", when, held.fence, None, None))
        tell_events(conn, dialect, told)
        # Also of a job that has declared nothing: it may have held something for a while.
        resources.let_go(conn, dialect, [held.job_id], keep_wanting=new is Status.PENDING)
        if not is_running:
            resources.let_go_of_families(conn, dialect, [held.job_id])
        elif is_verdict and held.parent_id is not None:
            self._tell_parent(conn, held, held.parent_id, error)

    def _tell_parent(self, conn: Connection, held: Held, parent_id: str, error: str | None) -> None:
        store, now = self._store, self._store.now()
        parent = endings.lock_owned(conn, store.dialect, [parent_id]).get(parent_id)
        if parent is not None:
            ending = Ending(held.job_id, "", "", held.fence, Status.FAILED, RunStatus.LOST, 0, error=error)
            new_id, is_phase = self._ids.new, held.is_phase
            families.child_ended(conn, store, ending, parent_id, parent, now, new_id, is_phase=is_phase)

    def _sweep(self) -> None:
        """Wake whom a lost wake-up has left waiting, and keep the tallies short."""
        if families.wake_forgotten(self._store):
            self._store.doorbell.ring()
        self._let_on()
        self._fold_tallies()
        sql = "SELECT 1 FROM jobs WHERE blocked_by IS NOT NULL LIMIT 1"
        with self._store.read() as conn:
            if not self._store.dialect.query(conn, sql, []):
                return
        if self._store.write(lambda conn: resources.wake_for_free(conn, self._store.dialect)):
            self._store.doorbell.ring()

    def _fold_tallies(self) -> None:
        if self._store.is_sqlite:
            return
        with self._store.read() as conn:
            is_long = tallies.is_long(conn, self._store.dialect)
        if is_long:
            self._store.write(lambda conn: tallies.fold(conn, self._store.dialect))

    def _let_on(self) -> None:
        with self._store.read() as conn:
            waiting = turns.waiting_schedules(conn, self._store.dialect)
        if waiting:
            ready: int = self._store.write(lambda conn: turns.let_on(conn, self._store.dialect, waiting))
            if ready:
                self._store.doorbell.ring()
