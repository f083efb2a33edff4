"""Writing a journal back: record by record in order, each exactly once, each under the fence of its run.

What is committed and how far the journal is written are one transaction, so neither a crash nor a lost reply writes
anything twice. The database wins: what a run wanted to write to a job that has been taken over meanwhile is refused,
and kept as a conflict that people see.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence

from onward.engine import records
from onward.engine.changes import Batch, Change, Owner
from onward.engine.pen import Pen, was_written
from onward.engine.records import Entry
from onward.errors import StoreUnavailable
from onward.model.codec import clean
from onward.store import Connection, Store, journals
from onward.store.endings import Ending
from onward.store.journal import Damage, Journal, Record
from onward.store.journals import Refused

_log = logging.getLogger("onward.engine")
_MOST_RECORDS = 200
_MOST_BYTES = 4 << 20

OwnerOf = Callable[[str], Owner | None]
Act = Callable[[Entry], str | None]
"""Does a request that was journalled; why not, if that is no longer possible."""


class Replay:
    """Writes one journal back. ``run`` may be called again after ``StoreUnavailable``; ``finish`` ends the file."""

    def __init__(
        self,
        store: Store,
        pen: Pen,
        journal: Journal,
        owner_of: OwnerOf,
        on_end: Callable[[Sequence[Ending]], None],
        act: Act | None = None,
    ) -> None:
        self._store = store
        self._pen = pen
        self._journal = journal
        self._owner_of = owner_of
        self._on_end = on_end
        self._act = act
        self._at = 0
        self._applied: int | None = None
        self._damages: list[Damage] = []
        self._entries: dict[int, Entry] = {}
        self._torn: list[int] = []
        self.written = 0
        self.refused = 0

    def run(self) -> None:
        """Write what is not written yet. Raises ``StoreUnavailable``; nothing is lost or done twice then."""
        if self._applied is None:
            name = self._journal.name
            with self._store.read() as conn:
                self._applied = journals.applied(conn, self._store.dialect, name)
        try:
            for group, end in self._groups():
                self._write(group)
                self._at = end
        except StoreUnavailable:
            # Whether the last transaction was committed is known to the database alone.
            self._applied = None
            raise

    def finish(self, *, keep_file: bool = False) -> None:
        """Everything is written: empty the file, or remove it; a damaged one is kept under another name."""
        journal = self._journal
        if self._damages:
            lost = sum(damage.end - damage.start for damage in self._damages)
            aside = journal.set_aside()
            _log.error("The journal %s had %d bytes that cannot be read; it is kept as %s.", journal.path, lost, aside)
        elif keep_file:
            journal.clear()
        else:
            journal.remove()
        # The file first: without it the row says nothing, without the row the file would be written again.
        with contextlib.suppress(StoreUnavailable):
            self._store.write(lambda conn: journals.forget(conn, self._store.dialect, journal.name))

    @property
    def is_damaged(self) -> bool:
        """Whether some of it cannot be read."""
        return bool(self._damages)

    def _groups(self) -> Iterator[tuple[list[Record], int]]:
        """Records that fit into one transaction, and where the next group begins."""
        group: list[Record] = []
        size, end = 0, self._at
        for found in self._journal.read(self._at):
            end = found.end
            if isinstance(found, Damage):
                if found not in self._damages:
                    self._damages.append(found)
                continue
            if found.seq <= (self._applied or 0):
                continue
            group.append(found)
            size += len(found.payload)
            if len(group) >= _MOST_RECORDS or size >= _MOST_BYTES:
                yield group, end
                group, size = [], 0
        if group or end > self._at:
            yield group, end

    def _write(self, group: Sequence[Record]) -> None:
        batch = Batch()
        self._entries.clear()
        for record in group:
            try:
                entry = records.from_bytes(record.payload)
            except ValueError:
                # Whole, and yet not of our making: kept with the file for a person to look at.
                self._damages.append(Damage(record.end - len(record.payload), record.end, is_tail=False))
                batch.seq = record.seq
                continue
            self._entries[record.seq] = entry
            if entry.request is not None:
                # A request is a transaction of its own, after all that was written before it.
                self._commit(batch)
                batch = Batch()
                self._request(entry, record.seq)
                continue
            batch.seq = record.seq
            batch.logs += entry.lines
            if entry.is_change:
                batch.changes.append(self._change(entry, record.seq))
                if not self._may_write(entry):
                    batch.changes[-1].point = None
                    self._torn.append(record.seq)
        self._commit(batch)

    def _commit(self, batch: Batch) -> None:
        if batch.seq is not None:
            self._pen.commit(batch, self._settle, self._then)

    def _change(self, entry: Entry, seq: int) -> Change:
        owner = self._owner_of(entry.run_id) or records.Heir(entry)
        change = records.to_change(entry, owner)
        change.seq = seq
        return change

    def _may_write(self, entry: Entry) -> bool:
        """After damage a piece of partial work may have no beginning: it is shown, and not written."""
        return not (self._damages and entry.point is not None and entry.point.partials)

    def _then(self, conn: Connection, batch: Batch) -> None:
        now = self._store.now()
        refused = [
            self._refusal(change)
            for change in batch.changes
            if change.is_refused and not (change.ending is not None and was_written(conn, self._store, change.ending))
        ]
        refused += [
            self._refusal(change, "What came before it in the journal is damaged.")
            for change in batch.changes
            if change.seq in self._torn and not change.is_refused
        ]
        if refused:
            journals.note_conflicts(conn, self._store.dialect, refused, now)
        if batch.seq is not None:
            journals.mark(conn, self._store.dialect, self._journal.name, batch.seq, now)

    def _refusal(self, change: Change, reason: str = "The job was no longer this run's.") -> Refused:
        entry = self._entries[change.seq or 0]
        return Refused(
            entry.job_id, entry.run_id, entry.fence, entry.worker_id, entry.kind, reason, records.shown(entry)
        )

    def _settle(self, batch: Batch) -> None:
        for change in batch.changes:
            if change.is_refused:
                self.refused += 1
                change.owner.lose()
            else:
                self.written += 1
        if batch.seq is not None:
            self._applied = max(self._applied or 0, batch.seq)
        if batch.ended:
            self._on_end(batch.ended)

    def _request(self, entry: Entry, seq: int) -> None:
        why = self._act(entry) if self._act is not None else "Nobody here can do it."

        def work(conn: Connection) -> None:
            now = self._store.now()
            if why is not None:
                refused = Refused(
                    entry.job_id,
                    None,
                    0,
                    None,
                    str((entry.request or {}).get("verb")),
                    clean(why),
                    records.shown(entry),
                )
                journals.note_conflicts(conn, self._store.dialect, [refused], now)
            journals.mark(conn, self._store.dialect, self._journal.name, seq, now)

        self._store.write(work)
        self._applied = seq
        self.refused += why is not None
        self.written += why is None
