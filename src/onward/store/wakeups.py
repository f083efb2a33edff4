"""Wake-ups carry no data and may be lost: they only shorten the wait until the next look at the database.

On PostgreSQL a ``NOTIFY`` at commit takes a lock of the whole database, so it is sent from a thread of its own, many
commits in one, and never in the transaction that it tells of. On SQLite the change counter of the file
(``PRAGMA data_version``) says that somebody else has committed; reading it costs a microsecond or two.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable
from typing import Any, Protocol

from onward.clock import Clock
from onward.errors import StoreUnavailable
from onward.settings import Settings
from onward.store.engines import Engines

CHANNEL = "onward"
_MERGE_SECONDS = 0.002
_SLACK_SECONDS = 1.0
"""How much later than expected the listener may look and still count as hearing."""


class _Home(Protocol):
    """The part of a store that wake-ups need."""

    settings: Settings
    clock: Clock

    @property
    def engines(self) -> Engines: ...
    @property
    def is_sqlite(self) -> bool: ...


class Doorbell:
    """Rings at everybody who shares the database, and at once at those in this process.

    ``epoch`` is another object after every ring and after every commit of this process: what was read in the present
    epoch was changed by nobody of whom is known. ``heard_until`` is the monotonic time until which it is sure that
    rings of others are heard.
    """

    def __init__(self, home: _Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._ears: list[Callable[[], None]] = []
        self._due = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._stopped = threading.Event()
        self._ringer: threading.Thread | None = None
        self._listener: threading.Thread | None = None
        self._listening: Any = None
        self.epoch = object()
        self.heard_until = -math.inf

    def ring(self) -> None:
        """Something has been committed that others may wait for."""
        self.renew()
        for ear in self._ears:
            ear()
        if self._home.is_sqlite:
            return
        self._idle.clear()
        self._due.set()
        if self._ringer is None:
            with self._lock:
                if self._ringer is None:
                    self._ringer = threading.Thread(target=self._ring_on, name="onward-doorbell", daemon=True)
                    self._ringer.start()

    def renew(self) -> None:
        """Something has been committed here: what was read before may be otherwise now."""
        self.epoch = object()

    def listen(self, ear: Callable[[], None]) -> Callable[[], None]:
        """Call ``ear`` (quick, from any thread) at every ring; returns how to stop that."""
        with self._lock:
            self._ears.append(ear)
        self.attend()

        def stop() -> None:
            with self._lock, contextlib.suppress(ValueError):
                self._ears.remove(ear)

        return stop

    def attend(self) -> None:
        """Begin to hear the rings of others."""
        with self._lock:
            if self._listener is None:
                self._stopped.clear()
                target = self._watch_counter if self._home.is_sqlite else self._hear
                self._listener = threading.Thread(target=target, name="onward-listener", daemon=True)
                self._listener.start()

    def close(self) -> None:
        """Stop ringing and listening; what is due is rung first."""
        if self._ringer is not None:
            self._idle.wait(1.0)
        self._stopped.set()
        self._due.set()
        for thread in (self._listener, self._ringer):
            if thread is not None and thread is not threading.current_thread():
                thread.join(2.0)
        self._listener = self._ringer = None
        self.heard_until = -math.inf

    def _tell_ears(self) -> None:
        self.renew()
        for ear in list(self._ears):
            ear()

    def _hears_for(self, seconds: float) -> None:
        self.heard_until = self._home.clock.monotonic() + seconds + _SLACK_SECONDS

    # ---- PostgreSQL -----------------------------------------------------------------------------------------

    def _ring_on(self) -> None:
        while not self._stopped.is_set():
            self._due.wait()
            if self._stopped.is_set():
                return
            self._due.clear()
            try:
                with self._home.engines.reading() as conn:
                    cursor = conn.connection.cursor()
                    # Its own commit need not reach the disk: a lost ring costs one interval of polling.
                    cursor.execute(f"BEGIN; SET LOCAL synchronous_commit = off; NOTIFY {CHANNEL}; COMMIT")
            except Exception:  # noqa: BLE001 - a ring that fails is a ring that is lost, which is allowed
                self._home.clock.wait(self._stopped, 1.0)
            if not self._due.is_set():
                self._idle.set()
            self._home.clock.wait(self._stopped, _MERGE_SECONDS)

    def _hear(self) -> None:
        floor = self._home.settings.database.pooled or None
        while not self._stopped.is_set():
            try:
                if floor:
                    self._home.clock.wait(self._stopped, 0.25)
                    self._tell_ears()
                    self._hears_for(_SLACK_SECONDS)
                    continue
                self._hear_once()
            except Exception:  # noqa: BLE001 - whatever ended the connection, a new one is opened
                self.heard_until = -math.inf
                self._tell_ears()
                self._home.clock.wait(self._stopped, 1.0)

    def _hear_once(self) -> None:
        engine = self._home.engines.engine
        connection = engine.raw_connection()
        try:
            raw: Any = connection.driver_connection
            raw.autocommit = True
            with self._home.engines.watch(raw):
                raw.execute(f"LISTEN {CHANNEL}")
            floor = self._home.settings.worker.poll_floor_seconds
            self._tell_ears()
            self._hears_for(floor)
            silent = 0.0
            while not self._stopped.is_set():
                heard = False
                for _ in raw.notifies(timeout=0.5, stop_after=1):
                    heard = True
                if heard:
                    silent = 0.0
                    self._tell_ears()
                    self._hears_for(floor)
                    continue
                silent += 0.5
                if silent >= floor:
                    # The look at the database is due anyway, and the connection shows whether it still lives.
                    with self._home.engines.watch(raw):
                        raw.execute("SELECT 1")
                    silent = 0.0
                    self._tell_ears()
                    self._hears_for(floor)
        finally:
            connection.invalidate()

    # ---- SQLite ---------------------------------------------------------------------------------------------

    def _watch_counter(self) -> None:
        while not self._stopped.is_set():
            try:
                with self._home.engines.reading() as conn:
                    cursor = conn.connection.cursor()
                    seen = None
                    while not self._stopped.is_set():
                        now = self._home.clock.monotonic()
                        counter = cursor.execute("PRAGMA data_version").fetchone()[0]
                        if counter != seen:
                            seen = counter
                            self._tell_ears()
                        self.heard_until = now + _SLACK_SECONDS
                        self._home.clock.wait(self._stopped, self._home.settings.worker.poll_seconds)
            except (StoreUnavailable, Exception):  # noqa: BLE001 - the file may be away for a while
                self.heard_until = -math.inf
                self._tell_ears()
                self._home.clock.wait(self._stopped, 1.0)
