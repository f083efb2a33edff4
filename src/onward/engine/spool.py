"""The spool: requests that callers have asked to be kept when the database is away, done in order when it is back.

It is a journal of its own in the same place. If the process ends before the database is back, the next worker in that
place does what it says.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Literal

from onward.clock import Clock
from onward.engine import records
from onward.engine.pen import Pen
from onward.engine.records import Entry
from onward.engine.replay import Replay
from onward.engine.service import Service
from onward.errors import OnwardError, StoreUnavailable
from onward.model.ids import Ids
from onward.model.job import Json
from onward.store import Store
from onward.store.journal import Journal, place_of

_log = logging.getLogger("onward.engine")
_TRY_SECONDS = 0.5

WhenUnavailable = Literal["raise", "journal"]
Do = Callable[[dict[str, Json]], object]
"""Does what a request says; raises an ``OnwardError`` when that is not possible."""


def doing(do: Do) -> Callable[[Entry], str | None]:
    """A request of a journal is done by this; why not, if it is refused."""

    def act(entry: Entry) -> str | None:
        try:
            do(entry.request or {})
        except StoreUnavailable:
            raise
        except OnwardError as error:
            return str(error)
        return None

    return act


class Spool(Service):
    """Keeps requests until the database is back. Safe to share by threads."""

    name = "spool"

    def __init__(self, store: Store, clock: Clock, ids: Ids, do: Do) -> None:
        super().__init__(clock)
        self._store = store
        self._ids = ids
        self._do = do
        self._gate = threading.RLock()
        self._journal: Journal | None = None
        self._replay: Replay | None = None

    def keep(self, job_id: str, request: dict[str, Json]) -> None:
        """Keep a request; on the disk when this returns. Raises ``JournalUnavailable``."""
        with self._gate:
            if self._journal is None:
                most = self._store.settings.journal.max_bytes
                self._journal = Journal.create(place_of(self._store), self._ids.new(), most)
                self.start()
            self._journal.append([records.to_bytes(Entry(job_id=job_id, request=request))])
        self.wake()

    @property
    def is_empty(self) -> bool:
        """Whether everything has been done."""
        return self._journal is None

    def tick(self) -> float | None:
        try:
            self._run()
            with self._gate:
                self._run()
                if self._replay is not None:
                    self._replay.finish()
                    _log.warning("The database is back: %d requests done, %d refused.", *self._counts())
                self._journal = self._replay = None
        except StoreUnavailable:
            return _TRY_SECONDS
        # Nothing is left; the next request begins anew.
        self._stopped.set()
        return None

    def close(self) -> None:
        """Leave what is not done to the next worker in this place."""
        self.stop()
        with self._gate:
            if self._journal is not None:
                self._journal.close()
                self._journal = self._replay = None

    def _run(self) -> None:
        if self._journal is None:
            return
        if self._replay is None:
            pen = Pen(self._store, self._ids, lambda: "")
            self._replay = Replay(self._store, pen, self._journal, _no_owner, _nobody_to_tell, doing(self._do))
        self._replay.run()

    def _counts(self) -> tuple[int, int]:
        return (self._replay.written, self._replay.refused) if self._replay is not None else (0, 0)


def _no_owner(_run_id: str) -> None:
    return None


def _nobody_to_tell(_ended: Sequence[object]) -> None:
    """Requests end no runs."""
