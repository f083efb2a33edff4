"""The room of queues: how much waits in each, who serves it, and pausing it."""

from __future__ import annotations

import builtins

from onward.engine.submission import check_text
from onward.errors import InvalidValue
from onward.model.queue import Queue
from onward.store import Connection, Store, queues, workers


class Queues:
    """The queues that jobs wait in."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self) -> builtins.list[Queue]:
        """Every queue in which something waits or runs, that a worker serves, or that is paused; by name."""
        with self._store.read() as conn:
            dialect = self._store.dialect
            depths, running = queues.depths(conn, dialect), queues.running(conn, dialect)
            paused = queues.paused(conn, dialect)
            alive = workers.list_workers(conn, dialect, ("online",))
        names = {"default", *depths, *running, *paused, *(name for worker in alive for name in worker.queues)}
        found = []
        for name in sorted(names):
            serving = [worker for worker in alive if not worker.queues or name in worker.queues]
            waiting, oldest = depths.get(name, (0, None))
            slots = sum(worker.slots for worker in serving)
            facts = paused.get(name, {})
            found.append(Queue(name, waiting, running.get(name, 0), oldest, len(serving), slots, **facts))
        return found

    def pause(self, name: str, by: str, reason: str = "") -> None:
        """Have nothing of it begun until ``resume``; what runs goes on. Raises ``InvalidValue``."""
        check_text("queue", name)
        check_text("name of a person", by)
        self._store.write(
            lambda conn: queues.pause(conn, self._store.dialect, name, by, reason[:4000], self._store.now())
        )
        self._store.doorbell.ring()

    def resume(self, name: str) -> None:
        """Let its jobs begin again. Raises ``InvalidValue`` when it is not paused."""

        def work(conn: Connection) -> bool:
            return queues.resume(conn, self._store.dialect, name)

        if not self._store.write(work):
            raise InvalidValue(f"The queue {name!r} is not paused.", hint="See: onward queue list.")
        self._store.doorbell.ring()
