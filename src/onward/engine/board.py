"""Resources, as people see and steer them: who has what, who waits, and what a person keeps for themselves."""

from __future__ import annotations

import builtins
from typing import Any

from onward.engine.dimensions import Dimensions
from onward.errors import IllegalTransition, InvalidValue
from onward.model.ids import parsed, shown
from onward.model.job import Job, Need
from onward.store import Connection, Store, board, jobs, resources, workers
from onward.store.jobs import tell_events


class Resources:
    """What jobs occupy while they run."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._dimensions = Dimensions(store)

    def list(self) -> list[dict[str, Any]]:
        """Every known resource: ``name``, ``capacity``, ``token``, ``holders`` (job ids), ``waiting`` (how many), and
        ``held_by``, ``held_reason``, ``held_at`` where a person keeps it.
        """
        with self._store.read() as conn:
            dialect = self._store.dialect
            found = board.list_resources(conn, dialect)
            held = resources.holders(conn, dialect, [item["name"] for item in found]) if found else {}
            waiting = board.count_waiting(conn, dialect)
        for item in found:
            item["holders"] = [held[item["name"]][slot] for slot in sorted(held.get(item["name"], {}))]
            item["waiting"] = waiting.get(item["name"], 0)
        return found

    def board(self, *, idle: bool = False) -> builtins.list[dict[str, Any]]:
        """All as in ``get``; sources only while somebody has them or waits for them, unless ``idle`` is said."""
        with self._store.read() as conn:
            dialect = self._store.dialect
            holders, waiters = board.all_holders(conn, dialect), board.all_waiters(conn, dialect)
            waiting = board.count_waiting(conn, dialect)
            found = board.list_resources(conn, dialect)
        for item in found:
            item["holders"] = holders.get(item["name"], [])
            item["waiters"] = waiters.get(item["name"], [])
            item["waiting"] = waiting.get(item["name"], 0)
        return [
            item
            for item in found
            if idle or not item["name"].startswith("source:") or item["holders"] or item["waiting"] or item["held_by"]
        ]

    def get(self, name: str) -> dict[str, Any]:
        """One resource, as in ``list``, with ``holders`` and ``waiters`` (in order) told in full. ``InvalidValue``."""
        with self._store.read() as conn:
            dialect = self._store.dialect
            found = board.list_resources(conn, dialect, name)
            if not found:
                raise InvalidValue(f"No resource is called {name!r}.", hint="See `onward resource list`.")
            item = found[0] | {"holders": board.list_holders(conn, dialect, name)}
            item["waiters"] = board.list_waiters(conn, dialect, name)
            item["waiting"] = board.count_waiting(conn, dialect).get(name, 0)
        return item

    def set(self, name: str, *, capacity: int) -> None:
        """Say how many jobs may share a resource."""
        if capacity < 1:
            raise InvalidValue(f"A capacity of {capacity} is not possible.", hint="Use 1 or more.")

        def work(conn: Connection) -> None:
            resources.set_capacity(conn, self._store.dialect, name, capacity)
            resources.wake_waiters(conn, self._store.dialect, [name])

        self._store.write(work)
        self._store.doorbell.ring()

    def hold(self, name: str, by: str, reason: str = "") -> None:
        """Keep a resource from all jobs that do not have it already, until ``unhold``; for maintenance, say."""
        if not name or len(name) > 256 or not by:
            raise InvalidValue("A hold needs the name of a resource and who holds it.", hint="hold('gpu', by='ana')")

        def work(conn: Connection) -> None:
            resources.declare(conn, self._store.dialect, [Need(name)])
            board.hold_resource(conn, self._store.dialect, name, by, reason, self._store.now())

        self._store.write(work)

    def unhold(self, name: str) -> None:
        """Let jobs have it again. Raises ``InvalidValue`` when nobody has kept it."""

        def work(conn: Connection) -> bool:
            was_held = board.unhold_resource(conn, self._store.dialect, name)
            resources.wake_waiters(conn, self._store.dialect, [name])
            return was_held

        if not self._store.write(work):
            raise InvalidValue(f"Nobody holds {name!r}.", hint="See `onward resource list`.")
        self._store.doorbell.ring()

    def release(self, name: str, job_id: str, *, actor: str | None = None) -> None:
        """Take a resource from a job whose code is no more, as far as anybody can see.

        Raises ``IllegalTransition`` while it is alive or waits, ``InvalidValue`` when it does not have it.
        """
        found = parsed(job_id)

        def work(conn: Connection) -> None:
            dialect = self._store.dialect
            resources.lock(conn, dialect, [name])
            if found not in [holder["job_id"] for holder in board.list_holders(conn, dialect, name)]:
                raise InvalidValue(f"Job {shown(found)} does not have {name!r}.", hint="See `onward resource list`.")
            job = jobs.lock_job(conn, dialect, found)
            self._refuse_alive(conn, name, job)
            board.release(conn, dialect, name, found)
            if job is not None:
                when = dialect.time(self._store.now())
                told = (job.id, job.generation, "resource_released", when, job.fence, actor, None)
                tell_events(conn, dialect, [told])
            resources.wake_waiters(conn, dialect, [name])

        self._store.write(work)
        self._store.doorbell.ring()

    def dimensions(self) -> dict[int, dict[str, Any]]:
        """The dimension board; see ``app.dimensions``."""
        return self._dimensions.get_dimension_status()

    def _refuse_alive(self, conn: Connection, name: str, job: Job | None) -> None:
        if job is None:
            return
        alive = {
            worker.id: worker.name for worker in workers.list_workers(conn, self._store.dialect, ("online", "draining"))
        }
        why = ""
        if job.worker_id in alive:
            why = f"its code runs on worker {alive[job.worker_id or '']}, which is alive"
        elif job.worker_id is None and not job.status.is_ended:
            why = "it keeps it while it waits"
        elif resources.with_family_at_work(conn, self._store.dialect, [job.id]):
            why = "the code of its children has not left"
        if why:
            raise IllegalTransition(
                f"{name!r} cannot be taken from job {shown(job.id)} ({job.job_type}, {job.status}): {why}.",
                hint="Cancel the job; what it has is free when its code has left.",
            )
