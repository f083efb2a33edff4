"""A time without the database: what would have been written is in the journal, and is written back in order.

The journal is a file on local disk. It is made when the database first goes away and removed when the worker ends with
nothing left in it. If the worker dies meanwhile, whoever starts in its place writes the journal back (``adopter``).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from onward.clock import Clock
from onward.engine import records
from onward.engine.changes import Batch, Owner
from onward.engine.pen import Pen
from onward.engine.replay import Replay
from onward.engine.service import Service
from onward.engine.teller import Teller
from onward.errors import StoreUnavailable
from onward.model.ids import Ids
from onward.store import Store, journals
from onward.store.journal import Journal, place_of

_log = logging.getLogger("onward.engine")
_TRY_SECONDS = 0.5


class Outage(Service):
    """Knows whether the database is away for this worker, keeps the journal meanwhile, and writes it back.

    ``gate`` is held while something goes into the journal, so that its end is not overlooked. As a service it is the
    returner: it tries to write back until everything is written.
    """

    name = "returner"

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        pen: Pen,
        worker_id: Callable[[], str],
        teller: Teller,
    ) -> None:
        super().__init__(clock)
        self.gate = threading.RLock()
        self.is_on = False
        self._store = store
        self._ids = ids
        self._pen = pen
        self._worker_id = worker_id
        self._teller = teller
        self._journal: Journal | None = None
        self._replay: Replay | None = None
        self._owners: dict[str, Owner] = {}
        self._since = 0.0

    def begin(self, error: StoreUnavailable) -> None:
        """The database has just been found to be away."""
        with self.gate:
            if self.is_on:
                return
            self.is_on, self._since = True, self.clock.monotonic()
        _log.warning("writer: %s What jobs write goes to the journal until it is back.", error)
        self._teller.down(str(error))
        self.wake()

    def keep(self, batch: Batch) -> None:
        """Put a batch into the journal; on the disk when this returns. Raises ``JournalUnavailable``."""
        if not batch.changes and not batch.logs:
            return
        journal = self._journal or self._open()
        kept = [records.of_change(change, self._worker_id()) for change in batch.changes]
        kept += records.of_lines(batch.logs)
        journal.append([records.to_bytes(record) for record in kept])
        for change in batch.changes:
            self._owners[change.owner.claim.run_id] = change.owner

    def tick(self) -> float | None:
        if not self.is_on:
            return None
        try:
            self._write_back()
        except StoreUnavailable:
            return _TRY_SECONDS
        return None

    def close(self) -> None:
        """The worker ends: an empty journal goes, one with something in it stays for the next in this place."""
        with self.gate:
            journal, self._journal = self._journal, None
            if journal is None:
                return
            if self.is_on and journal.size:
                _log.warning("The journal %s stays; the next worker in this place writes it back.", journal.path)
                journal.close()
                return
            journal.remove()

    def _open(self) -> Journal:
        settings = self._store.settings.journal
        folder = place_of(self._store)
        self._journal = Journal.create(folder, self._ids.new(), settings.max_bytes)
        return self._journal

    def _write_back(self) -> None:
        self._store.write(lambda conn: journals.try_to_write(conn, self._store.dialect))
        self._run()
        with self.gate:
            # Nothing can be added now; what came while the last record was written is written here.
            self._run()
            written, refused = self._finish()
            self.is_on = False
            self._owners.clear()
        seconds = self.clock.monotonic() - self._since
        _log.warning(
            "The database is back after %.1f s: %d records of the journal written, %d refused.",
            seconds,
            written,
            refused,
        )
        self._teller.up(seconds, written)
        self._store.doorbell.ring()

    def _run(self) -> None:
        if self._replay is None and self._journal is not None:
            self._replay = Replay(self._store, self._pen, self._journal, self._owners.get, self._teller.ended)
        if self._replay is not None:
            self._replay.run()

    def _finish(self) -> tuple[int, int]:
        replay, self._replay = self._replay, None
        if replay is None:
            return 0, 0
        if replay.is_damaged:
            self._journal = None
        replay.finish(keep_file=True)
        return replay.written, replay.refused
