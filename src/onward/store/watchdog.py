"""Ends calls that a server never answers.

A connection can be half open: the other side is gone, and nothing says so. No timeout of libpq or of the server ends
a call on it, since both wait for an answer that cannot come. So each call is watched from a thread here, and when its
time is over the socket is shut down, which the waiting call sees at once as a lost connection.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

from onward.clock import Clock

_TURN_SECONDS = 0.25


class Watchdog:
    """Watches calls on PostgreSQL connections. ``seconds`` is the patience where a call names none."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self.seconds = seconds
        self._lock = threading.Lock()
        self._watched: dict[int, tuple[float, Any]] = {}
        self._tokens = itertools.count()
        self._has_some = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self.ended = 0
        """Calls that were ended."""

    @contextlib.contextmanager
    def watch(self, raw: Any, seconds: float | None = None) -> Iterator[None]:
        """While this lasts: end what is going on over the driver's connection after so many seconds."""
        patience = self.seconds if seconds is None else seconds
        if patience == math.inf:
            yield
            return
        token = next(self._tokens)
        self._watched[token] = (self._clock.monotonic() + patience, raw)
        if not self._has_some.is_set():
            self._begin()
        try:
            yield
        finally:
            with self._lock:
                self._watched.pop(token, None)

    def close(self) -> None:
        """Watch no more."""
        self._stopped.set()
        self._has_some.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def _begin(self) -> None:
        with self._lock:
            self._has_some.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="onward-watchdog", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._has_some.wait()
            self._clock.wait(self._stopped, _TURN_SECONDS)
            now = self._clock.monotonic()
            with self._lock:
                for token, (deadline, raw) in list(self._watched.items()):
                    if now >= deadline:
                        del self._watched[token]
                        self.ended += cut(raw)
                if not self._watched:
                    self._has_some.clear()


def cut(raw: Any) -> bool:
    """Shut the socket of a psycopg connection down, so that whoever waits for it goes on; whether there was one."""
    try:
        number = os.dup(raw.pgconn.socket)
    except Exception:  # noqa: BLE001 - a connection that is closed already needs no cutting
        return False
    with contextlib.suppress(OSError), socket.socket(fileno=number) as found:
        found.shutdown(socket.SHUT_RDWR)
    return True
