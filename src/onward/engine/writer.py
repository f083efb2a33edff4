"""The writer: changes of all jobs of this process, committed together.

What a job hands over (saves, steps, logs, its ending) waits here in order. One transaction takes all that has come
since the last one, so a thousand jobs a second do not cost a thousand flushes of the disk. While the database is away,
it goes to the journal instead, which counts as durable; the returner writes it back.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from onward.clock import Clock
from onward.engine.changes import Batch, Change, Owner
from onward.engine.outage import Outage
from onward.engine.pen import Pen
from onward.engine.service import Service
from onward.engine.teller import Teller
from onward.errors import JournalUnavailable, StoreUnavailable
from onward.store import Connection, Store
from onward.store.logs import NewLine

_log = logging.getLogger("onward.engine")

_GATHER_SECONDS = 0.003
"""How long a busy writer waits for more; an idle one commits at once."""
_BUSY = 8
"""Changes in the last transaction from which on the writer counts as busy."""
_MOST = 2000
"""Changes in one transaction, at most: what a commit may hold up."""
_MOST_WAITING = 4000
"""Changes that wait in memory when neither database nor journal takes them; then whoever brings more waits, too."""
_AFTER_OUTAGE = 0.5

__all__ = ["Change", "Owner", "Writer"]


class Writer(Service):
    """Commits the changes of all runs of this process."""

    name = "writer"

    def __init__(
        self,
        store: Store,
        clock: Clock,
        pen: Pen,
        outage: Outage,
        teller: Teller,
        on_idle: Callable[[], None],
    ) -> None:
        super().__init__(clock)
        self._store = store
        self._pen = pen
        self._outage = outage
        self._teller = teller
        self._on_idle = on_idle
        self._lock = threading.Lock()
        self._has_room = threading.Condition(self._lock)
        self._changes: list[Change] = []
        self._logs: list[NewLine] = []
        self._is_writing = False
        self._is_stuck = False
        self._last = 0
        self._urgent = False

    def put(self, change: Change) -> None:
        """Have a change written soon; sooner when somebody waits for it."""
        with self._lock:
            is_first = not self._changes
            self._changes.append(change)
            if change.done is not None or change.on_done is not None:
                self._urgent = is_first = True
        if is_first:
            self.wake()
        if self._is_stuck:
            self._wait_for_room()

    def put_log(self, line: NewLine) -> None:
        """Have a log line written with the next transaction, at the latest in a second."""
        with self._lock:
            self._logs.append(line)

    @property
    def is_away(self) -> bool:
        """Whether the database is away, or what was put into the journal meanwhile is not written back yet."""
        return self._outage.is_on

    @property
    def is_idle(self) -> bool:
        """Whether everything that was handed over is committed, or in the journal."""
        with self._lock:
            return not self._changes and not self._is_writing

    def tick(self) -> float | None:
        if self._outage.is_on:
            return self._tick_away()
        if self._last >= _BUSY and not self._urgent and not self.is_stopping:
            # More is on its way: one larger transaction costs less than two.
            self.clock.wait(self._stopped, _GATHER_SECONDS)
        batch = self._take()
        if not batch.changes and not batch.logs:
            self._last = 0
            return 1.0
        try:
            self._pen.commit(batch, self._settle)
        except StoreUnavailable as error:
            self._give_back(batch)
            self._outage.begin(error)
            return 0.0
        self._last = len(batch.changes)
        return self._has_written()

    def _tick_away(self) -> float | None:
        """The database is away: to the journal with it."""
        with self._outage.gate:
            if not self._outage.is_on:
                return 0.0
            batch = self._take()
            try:
                self._outage.keep(batch)
            except JournalUnavailable as error:
                self._give_back(batch)
                if not self._is_stuck:
                    _log.error("%s Jobs wait.", error)
                self._is_stuck = True
                return _AFTER_OUTAGE
        self._is_stuck = False
        for change in batch.changes:
            change.settle()
        return self._has_written()

    def _has_written(self) -> float:
        with self._lock:
            self._is_writing = False
            is_idle = not self._changes
            self._is_stuck = False
            self._has_room.notify_all()
        if is_idle:
            self._on_idle()
            return 1.0
        return 0.0

    def drain(self, timeout: float) -> bool:
        """Write everything that is left; whether that was possible in the time."""
        deadline = self.clock.monotonic() + timeout
        while not self.is_idle and self.clock.monotonic() < deadline:
            self.wake()
            self.clock.wait(threading.Event(), 0.002)
        stopped = self.stop(max(0.1, deadline - self.clock.monotonic()))
        # The last lines of log, and what an outage has given back, once more.
        for _ in range(2):
            if stopped and (self._changes or self._logs):
                self.tick()
        return stopped and self.is_idle

    def write_now(self, conn: Connection, change: Change) -> None:
        """Write a change within somebody's open transaction. Raises ``JobLost``."""
        self._pen.write_now(conn, change)

    def _wait_for_room(self) -> None:
        with self._has_room:
            self._has_room.wait_for(lambda: not self._is_stuck or len(self._changes) < _MOST_WAITING)

    def _take(self) -> Batch:
        with self._lock:
            changes, self._changes = self._changes[:_MOST], self._changes[_MOST:]
            lines, self._logs = self._logs, []
            self._urgent = False
            self._is_writing = bool(changes)
        return Batch(changes, lines)

    def _give_back(self, batch: Batch) -> None:
        """What was not written comes first again."""
        with self._lock:
            self._changes[:0] = [change for change in batch.changes if not change.is_settled]
            self._logs[:0] = batch.logs
            self._is_writing = False

    def _settle(self, batch: Batch) -> None:
        for change in batch.changes:
            if change.is_refused:
                change.owner.lose()
            change.is_settled = True
            change.settle()
        self._teller.saved(batch)
        ended = batch.ended
        if ended:
            self._store.doorbell.ring()
            self._teller.ended(ended)
