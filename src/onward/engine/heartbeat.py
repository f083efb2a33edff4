"""The heartbeat: proves that this worker lives, apart from anything that its jobs do."""

from __future__ import annotations

import logging
from collections.abc import Callable

from onward.clock import Clock
from onward.engine.children import Children
from onward.engine.service import Service
from onward.store import Connection, Store, workers
from onward.store.session_lock import SessionLock

_log = logging.getLogger("onward.engine")


class Heartbeat(Service):
    """Renews the worker's lease four times in its length, and sees that its lock is still held.

    ``on_lost`` is called when the database says that others have taken this worker for dead.
    """

    name = "heartbeat"

    def __init__(
        self,
        store: Store,
        clock: Clock,
        worker_id: Callable[[], str],
        lock: SessionLock,
        children: Children,
        on_lost: Callable[[], None],
        on_wish: Callable[[str], None] = lambda _wish: None,
    ) -> None:
        super().__init__(clock)
        self._store = store
        self._worker_id = worker_id
        self._lock = lock
        self._children = children
        self._on_lost = on_lost
        self._on_wish = on_wish
        self._renewed_at = clock.monotonic()

    def silence(self) -> float:
        """Seconds since the last sign of life that has reached the database was sent."""
        return self.clock.monotonic() - self._renewed_at

    def tick(self) -> float | None:
        # The guard ends children when this process is stopped or starved; it is fed more often than the lease.
        self._children.beat()
        pause = self._store.settings.worker.lease_seconds / 4
        sent_at = self.clock.monotonic()
        # A server that does not answer is asked again before the next beat would be due.
        patience = max(1.0, min(pause, self._store.settings.database.call_timeout_seconds))
        self._lock.hold(patience)
        worker_id = self._worker_id()

        def beat(conn: Connection) -> tuple[bool, str | None]:
            dialect = self._store.dialect
            is_known = workers.beat(conn, dialect, worker_id, self._store.now())
            return is_known, workers.wish_of(conn, dialect, worker_id)

        is_known, wish = self._store.write(beat, patience=patience)
        if not is_known and not self.is_stopping:
            _log.warning("Worker %s was taken for dead; its jobs are with others.", worker_id)
            self._on_lost()
        # Only now: nothing is claimed before the worker is known again, under whichever id.
        self._renewed_at = sent_at
        if wish is not None and not self.is_stopping:
            self._on_wish(wish)
        return pause
