"""A lock of PostgreSQL that ends with the session that holds it: whoever sees it held knows that its holder lives."""

from __future__ import annotations

import contextlib
from typing import Any

from onward.store.store import Store


class SessionLock:
    """An advisory lock on a connection of its own. Does nothing on SQLite and behind a transaction pooler."""

    def __init__(self, store: Store, key: int) -> None:
        self._store = store
        self._key = key
        self._connection: Any = None

    def hold(self, patience: float | None = None) -> None:
        """Take the lock, or see that it is still held. Raises ``StoreUnavailable``."""
        if self._store.is_sqlite or self._store.settings.database.pooled:
            return
        with self._store.in_our_words():
            if self._connection is not None:
                try:
                    raw = self._connection.driver_connection
                    with self._store.engines.watch(raw, patience):
                        raw.execute("SELECT 1")
                except self._store.engines.driver_errors:
                    # With the session the lock has gone: it is taken again on a new one.
                    self.let_go()
                else:
                    return
            connection: Any = self._store.engines.engine.raw_connection()
            raw = connection.driver_connection
            raw.autocommit = True
            with self._store.engines.watch(raw, patience):
                raw.execute("SET idle_session_timeout = 0")
                raw.execute("SELECT pg_try_advisory_lock(%s)", [self._key])
            self._connection = connection

    def let_go(self) -> None:
        """Give the lock back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.invalidate()
