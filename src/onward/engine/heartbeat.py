"""The heartbeat: proves that this worker lives, apart from anything that its jobs do."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Any

from onward.clock import Clock
from onward.engine.children import Children
from onward.engine.service import Service
from onward.store import Store, workers

_log = logging.getLogger("onward.engine")


class Heartbeat(Service):
    """Renews the worker's lease four times in its length, and holds its advisory lock on PostgreSQL.

    ``on_lost`` is called when the database says that others have taken this worker for dead.
    """

    name = "heartbeat"

    def __init__(
        self,
        store: Store,
        clock: Clock,
        worker_id: Callable[[], str],
        lock_key: int,
        children: Children,
        on_lost: Callable[[], None],
    ) -> None:
        super().__init__(clock)
        self._store = store
        self._worker_id = worker_id
        self._lock_key = lock_key
        self._children = children
        self._on_lost = on_lost
        self._lock_conn: Any = None
        self.renewed_at = clock.monotonic()

    def tick(self) -> float | None:
        # The guard ends children when this process is stopped or starved; it is fed more often than the lease.
        self._children.beat()
        pause = self._store.settings.worker.lease_seconds / 4
        sent = self.clock.monotonic()
        self.hold_lock()
        worker_id = self._worker_id()
        is_known = self._store.write(lambda conn: workers.beat(conn, self._store.dialect, worker_id, self._store.now()))
        if is_known:
            self.renewed_at = sent
        elif not self.is_stopping:
            _log.warning("Worker %s was taken for dead; its jobs are with others.", worker_id)
            self._on_lost()
        return pause

    def hold_lock(self) -> None:
        """Take the advisory lock, or see that it is still held."""
        if self._store.is_sqlite or self._store.settings.database.pooled:
            return
        if self._lock_conn is not None:
            try:
                self._lock_conn.driver_connection.execute("SELECT 1")
            except Exception:  # noqa: BLE001 - whatever ended the session, the lock is gone with it
                self.let_go()
            else:
                return
        connection = self._store.engines.engine.raw_connection()
        raw: Any = connection.driver_connection
        raw.autocommit = True
        raw.execute("SET idle_session_timeout = 0")
        raw.execute("SELECT pg_try_advisory_lock(%s)", [self._lock_key])
        self._lock_conn = connection

    def let_go(self) -> None:
        """Give the advisory lock back."""
        connection, self._lock_conn = self._lock_conn, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.invalidate()
