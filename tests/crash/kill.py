"""A process that ends itself without a word before or after its n-th word with the database, or that loses it there."""

from __future__ import annotations

import importlib
import os
import signal
from typing import Any

from onward.store.engines import sqlite_module


class Trap:
    """Counts statements and commits. Place ``2 n`` is before the n-th, ``2 n + 1`` after it.

    With ``until`` the process lives on, and every word from ``at`` to there fails as if the database were away, or
    its disk full.
    """

    def __init__(self) -> None:
        self.place = 0
        self.at: int | None = None
        self.until: int | None = None
        self.is_set = False
        self.failed = 0
        self.error: type[Exception] = OSError

    def passed(self) -> None:
        if not self.is_set:
            return
        place, self.place = self.place, self.place + 1
        if self.at is not None and self.until is not None and self.at <= place < self.until:
            self.failed += 1
            raise self.error("away, as the test wants it: database or disk is full")
        if place == self.at and self.until is None:
            os.kill(os.getpid(), signal.SIGKILL)


def watch(url: str, trap: Trap) -> None:
    """Have every statement of this process pass the trap."""
    if url.startswith("sqlite"):
        _watch_sqlite(trap)
    else:
        _watch_postgres(trap)


def _watch_sqlite(trap: Trap) -> None:
    module: Any = sqlite_module()
    trap.error = module.OperationalError

    class Cursor(module.Cursor):  # type: ignore[misc]
        def execute(self, *given: Any) -> Any:
            return _between(trap, super().execute, *given)

        def executemany(self, *given: Any) -> Any:
            return _between(trap, super().executemany, *given)

    class Connection(module.Connection):  # type: ignore[misc]
        def cursor(self, *given: Any) -> Any:
            return super().cursor(Cursor)

        def execute(self, *given: Any) -> Any:
            return self.cursor().execute(*given)

        def commit(self) -> None:
            _between(trap, super().commit)

        def rollback(self) -> None:
            _between(trap, super().rollback)

    connect = module.connect
    module.connect = lambda *given, **named: connect(*given, **{"factory": Connection, **named})


def _watch_postgres(trap: Trap) -> None:
    psycopg = importlib.import_module("psycopg")
    trap.error = psycopg.OperationalError
    for kind, names in ((psycopg.Cursor, ("execute", "executemany")), (psycopg.Connection, ("commit", "rollback"))):
        for name in names:
            setattr(kind, name, _wrapped(trap, getattr(kind, name)))


def _wrapped(trap: Trap, plain: Any) -> Any:
    return lambda *given, **named: _between(trap, plain, *given, **named)


def _between(trap: Trap, plain: Any, *given: Any, **named: Any) -> Any:
    trap.passed()
    try:
        return plain(*given, **named)
    finally:
        trap.passed()
