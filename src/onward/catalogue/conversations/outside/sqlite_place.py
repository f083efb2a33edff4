"""Conversations in a SQLite file, as LangGraph's saver keeps them.

It is opened with the same library that the saver uses: two libraries in one process would take each other's locks
away. What a checkpoint says of its channels is read as plain data.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from onward.catalogue.conversations.outside.place import Manners, Tally
from onward.catalogue.conversations.plan import moments, pending, values
from onward.catalogue.conversations.plan.thread import Head, Policy, Saved, Verdict, Why, judge
from onward.clock import Clock
from onward.errors import OnwardError

_PAGE = 500
_OF_CHANNELS = ("channel_values", "channel_versions", "versions_seen")
_LOCKED_SECONDS = 0.05
"""How long the file is locked at most, before others have their turn; a single thread may take longer."""
_FOUND = """
SELECT checkpoint_ns, checkpoint_id, parent_checkpoint_id, substr(checkpoint, 1, 4), metadata,
    length(checkpoint) + length(metadata)
FROM checkpoints WHERE thread_id = ?
"""


class SqlitePlace:
    """See ``Place``. Needs no first look: the tables are in order already."""

    name = "sqlite"

    def __init__(self, path: str | Path, clock: Clock, manners: Manners) -> None:
        if not Path(path).is_file():
            raise OnwardError(f"There is no file {path}.", hint="Look at ONWARD_LANGGRAPH_URL (langgraph.url).")
        self._clock = clock
        self._manners = manners
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        tables = {row[0] for row in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"checkpoints", "writes"} <= tables:
            self._db.close()
            raise OnwardError(f"There are no tables of LangGraph in {path}.", hint="Look at the file's name.")

    def survey(self, policy: Policy) -> int:  # noqa: ARG002 - there is nothing to look for beforehand
        """How many threads there are."""
        return int(self._db.execute("SELECT count(DISTINCT thread_id) FROM checkpoints").fetchone()[0])

    def threads(self, after: str | None) -> Iterator[str]:
        """Names of threads in the order of their text."""
        last = after or ""
        while True:
            rows = self._db.execute(
                "SELECT DISTINCT thread_id FROM checkpoints WHERE thread_id > ? ORDER BY thread_id LIMIT ?",
                (last, _PAGE),
            ).fetchall()
            yield from (row[0] for row in rows)
            if len(rows) < _PAGE:
                return
            last = rows[-1][0]

    def clean(self, threads: Sequence[str], policy: Policy, *, dry_run: bool) -> Tally:
        """Judge these threads and delete from them, a few in each transaction."""
        tally = Tally()
        waiting = [thread for thread in threads if policy.means(thread)]
        while waiting:
            begun = self._clock.monotonic()
            with self._transaction(write=not dry_run):
                while waiting and self._clock.monotonic() - begun < _LOCKED_SECONDS:
                    self._judge(waiting.pop(0), policy, tally, dry_run)
            self._manners.rest(self._clock.monotonic() - begun)
        return tally

    def used_bytes(self) -> int:
        """The size of the file. It does not shrink by itself: ``VACUUM`` makes it smaller."""
        pages, size = (self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        return int(pages * size)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def _transaction(self, write: bool) -> Iterator[None]:
        # Locked before it is read, so nobody changes it between the judgement and the deletion.
        self._db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _judge(self, thread: str, policy: Policy, tally: Tally, dry_run: bool) -> None:
        rows = self._db.execute(_FOUND, (thread,)).fetchall()
        found = [_saved(*row[:5]) for row in rows]
        verdict = judge(thread, found, lambda newest: [self._head(thread, saved) for saved in newest], policy)
        tally.count(verdict.why)
        tally.processed += len(found)
        tally.undated += sum(saved.at is None for saved in found)
        tally.deleted += len(verdict.gone)
        tally.records += len(verdict.gone)
        tally.freed_bytes += sum(row[5] or 0 for row in rows if (row[0], row[1]) in verdict.gone)
        if dry_run:
            return
        if verdict.why is Why.WHOLE:
            self._delete_writes("thread_id = ?", (thread,), tally)
            self._db.execute("DELETE FROM checkpoints WHERE thread_id = ?", (thread,))
            return
        self._delete_some(thread, verdict, tally)
        if verdict.why not in (Why.SPARED, Why.DELTA):
            self._delete_left_over(thread, {saved.place for saved in found} - verdict.gone, policy, tally)

    def _delete_some(self, thread: str, verdict: Verdict, tally: Tally) -> None:
        where = "thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?"
        for place in verdict.gone:
            self._delete_writes(where, (thread, *place), tally)
            self._db.execute(f"DELETE FROM checkpoints WHERE {where}", (thread, *place))
            self._db.execute(
                "UPDATE checkpoints SET parent_checkpoint_id = NULL"
                " WHERE thread_id = ? AND checkpoint_ns = ? AND parent_checkpoint_id = ?",
                (thread, *place),
            )

    def _delete_writes(self, where: str, values_of_where: tuple[str, ...], tally: Tally) -> None:
        rows, size = self._db.execute(
            f"SELECT count(*), coalesce(sum(length(value)), 0) FROM writes WHERE {where}", values_of_where
        ).fetchone()
        if rows:
            self._db.execute(f"DELETE FROM writes WHERE {where}", values_of_where)
            tally.records += rows
            tally.freed_bytes += size

    def _delete_left_over(self, thread: str, kept: set[tuple[str, str]], policy: Policy, tally: Tally) -> None:
        """What was written on top of checkpoints that are no more."""
        rows = self._db.execute(
            "SELECT DISTINCT checkpoint_ns, checkpoint_id FROM writes WHERE thread_id = ?", (thread,)
        ).fetchall()
        for place in rows:
            at = moments.of_id(place[1])
            if place not in kept and at is not None and at < policy.before:
                where = "thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?"
                self._delete_writes(where, (thread, *place), tally)

    def _head(self, thread: str, saved: Saved) -> Head:
        place = (thread, saved.namespace, saved.id)
        where = "thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?"
        blob = self._db.execute(f"SELECT checkpoint FROM checkpoints WHERE {where}", place).fetchone()[0]
        has_writes = bool(self._db.execute(f"SELECT 1 FROM writes WHERE {where} LIMIT 1", place).fetchone())
        try:
            content = values.read(blob)
            channels, versions, seen = (content[name] for name in _OF_CHANNELS)
            known = {name: values.needed_value(name, value) for name, value in channels.items()}
            is_waiting = pending.is_waiting(known, versions, seen, has_writes)
        except (values.Unreadable, LookupError, TypeError, AttributeError):
            # Encrypted, perhaps. Nobody can tell whether it waits, so it is kept as if it did.
            return Head(is_waiting=True)
        is_delta = any(values.is_snapshot(value) for value in channels.values())
        return Head(is_waiting, is_delta)


def _saved(
    namespace: str, identity: str, parent: str | None, start: bytes | None, metadata: bytes | str | None
) -> Saved:
    try:
        facts = json.loads(metadata or "{}")
    except ValueError:
        facts = {}
    # A checkpoint begins with its format: a map of msgpack, the text "v", a small number.
    version = start[3] if start and start[1:3] == b"\xa1v" else 1
    root = values.root_of(facts)
    return Saved(namespace, identity, moments.of_id(identity), parent, version, root, values.is_delta(facts))
