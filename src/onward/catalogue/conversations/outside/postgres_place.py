"""Conversations in PostgreSQL, as LangGraph's savers keep them: the full one and the shallow one.

A thread is read, judged and deleted from in one transaction on one snapshot: what a run saves meanwhile is neither
seen nor deleted.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from onward.catalogue.conversations.extras import load
from onward.catalogue.conversations.outside.place import Manners, Tally
from onward.catalogue.conversations.plan import moments, pending, values
from onward.catalogue.conversations.plan.thread import Head, Policy, Saved, Verdict, Why, heads, judge
from onward.clock import Clock
from onward.errors import OnwardError

_log = logging.getLogger(__name__)
_PAGE = 500
_TRIES = 3
_COMMAND = "pip install 'onward[postgres]'"
_THREADS = """
SELECT DISTINCT thread_id FROM checkpoints WHERE thread_id > %s ORDER BY thread_id LIMIT %s
"""
_FOUND = """
SELECT checkpoint_ns, {id}, {parent}, checkpoint ->> 'ts', checkpoint -> 'v',
    metadata -> 'parents' ->> '',
    metadata ? 'counters_since_delta_snapshot' OR metadata ? 'delta_writes_versioned',
    pg_column_size(checkpoint) + pg_column_size(metadata)
FROM checkpoints WHERE thread_id = %s
"""
_HEAD = """
SELECT coalesce(checkpoint -> 'channel_versions', '{{}}'), coalesce(checkpoint -> 'versions_seen', '{{}}'),
    (SELECT coalesce(jsonb_object_agg(key, value = 'true'), '{{}}')
        FROM jsonb_each(coalesce(checkpoint -> 'channel_values', '{{}}'))),
    EXISTS (SELECT 1 FROM checkpoint_writes w
        WHERE w.thread_id = c.thread_id AND w.checkpoint_ns = c.checkpoint_ns AND w.checkpoint_id = c.{id})
FROM checkpoints c WHERE thread_id = %s AND checkpoint_ns = %s AND c.{id} = %s
"""
_HEAD_BLOBS = """
SELECT b.channel, CASE WHEN b.channel LIKE 'join:%%' OR b.channel = '__pregel_tasks' THEN b.blob END
FROM checkpoint_blobs b
WHERE b.thread_id = %s AND b.checkpoint_ns = %s AND b.type <> 'empty' AND {version}
"""
_WRITES = """
DELETE FROM checkpoint_writes WHERE thread_id = %s AND checkpoint_ns = %s AND checkpoint_id = ANY(%s)
RETURNING pg_column_size(blob)
"""
_DELETE = """
WITH gone AS (
    DELETE FROM checkpoints WHERE thread_id = %s AND checkpoint_ns = %s AND checkpoint_id = ANY(%s)
    RETURNING checkpoint -> 'channel_versions' AS versions)
SELECT DISTINCT v.key, v.value FROM gone CROSS JOIN LATERAL jsonb_each_text(gone.versions) AS v
"""
_PARENTLESS = """
UPDATE checkpoints SET parent_checkpoint_id = NULL
WHERE thread_id = %s AND checkpoint_ns = %s AND parent_checkpoint_id = ANY(%s)
"""
_USED = """
SELECT DISTINCT v.key, v.value FROM checkpoints
CROSS JOIN LATERAL jsonb_each_text(checkpoint -> 'channel_versions') AS v
WHERE thread_id = %s AND checkpoint_ns = %s
"""
_BLOBS = """
DELETE FROM checkpoint_blobs b USING unnest(%s::text[], %s::text[]) AS gone (channel, version)
WHERE b.thread_id = %s AND b.checkpoint_ns = %s AND b.channel = gone.channel AND b.version = gone.version
RETURNING coalesce(pg_column_size(b.blob), 0)
"""
_LEFT_OVER = """
SELECT DISTINCT w.checkpoint_ns, w.checkpoint_id FROM checkpoint_writes w
WHERE w.thread_id = %s AND NOT EXISTS (SELECT 1 FROM checkpoints c
    WHERE c.thread_id = w.thread_id AND c.checkpoint_ns = w.checkpoint_ns AND {id} = w.checkpoint_id)
"""
_TABLES = ("checkpoints", "checkpoint_writes", "checkpoint_blobs")


class PostgresPlace:
    """See ``Place``. Needs no first look: the tables are in order already."""

    name = "postgresql"

    def __init__(self, url: str, clock: Clock, manners: Manners) -> None:
        self._psycopg = load("psycopg", _COMMAND)
        self._clock = clock
        self._manners = manners
        plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._connection: Any = self._psycopg.connect(plain, autocommit=True, application_name="onward clean-up")
        self._connection.isolation_level = self._psycopg.IsolationLevel.REPEATABLE_READ
        columns = self._columns()
        if not columns:
            self._connection.close()
            raise OnwardError(
                "There is no table checkpoints of LangGraph in this database.",
                hint="Look at the address and its search_path; the saver's setup() makes the tables.",
            )
        self._is_shallow = "checkpoint_id" not in columns
        self._id = "checkpoint ->> 'id'" if self._is_shallow else "checkpoint_id"

    def survey(self, policy: Policy) -> int:  # noqa: ARG002 - there is nothing to look for beforehand
        """How many threads there are."""
        row = self._connection.execute("SELECT count(DISTINCT thread_id) FROM checkpoints").fetchone()
        return int(row[0])

    def threads(self, after: str | None) -> Iterator[str]:
        """Names of threads in the order that the database has for text."""
        last = after or ""
        while True:
            rows = self._connection.execute(_THREADS, (last, _PAGE)).fetchall()
            yield from (row[0] for row in rows)
            if len(rows) < _PAGE:
                return
            last = rows[-1][0]

    def clean(self, threads: Sequence[str], policy: Policy, *, dry_run: bool) -> Tally:
        """Judge each thread, and delete from it, in a transaction of its own."""
        tally = Tally()
        for thread in threads:
            if policy.means(thread):
                begun = self._clock.monotonic()
                self._clean_thread(thread, policy, tally, dry_run)
                self._manners.rest(self._clock.monotonic() - begun)
        return tally

    def used_bytes(self) -> int:
        """The room of the three tables with their indexes."""
        row = self._connection.execute(
            "SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%s::text[]) AS name", (list(_TABLES),)
        ).fetchone()
        return int(row[0] or 0)

    def close(self) -> None:
        """Leave the server."""
        self._connection.close()

    def _columns(self) -> set[str]:
        rows = self._connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('checkpoints') AND attnum > 0"
        )
        return {row[0] for row in rows}

    def _clean_thread(self, thread: str, policy: Policy, tally: Tally, dry_run: bool) -> None:
        errors = self._psycopg.errors
        for _ in range(_TRIES):
            once = Tally()
            try:
                with self._connection.transaction():
                    self._judge(thread, policy, once, dry_run)
            except (errors.SerializationFailure, errors.DeadlockDetected):
                continue  # somebody has just changed it: look again
            except errors.DataError as error:
                _log.warning("A thread was left as it is, as its checkpoints are damaged: %s", error)
                return
            tally.add(once)
            return
        tally.busy += 1

    def _judge(self, thread: str, policy: Policy, tally: Tally, dry_run: bool) -> None:
        parent = "NULL" if self._is_shallow else "parent_checkpoint_id"
        rows = self._connection.execute(_FOUND.format(id=self._id, parent=parent), (thread,)).fetchall()
        found = [
            Saved(
                row[0],
                row[1],
                moments.of_value(row[3]) or moments.of_id(row[1]),
                row[2],
                values.version_of(row[4]),
                row[5],
                row[6],
            )
            for row in rows
        ]
        verdict = judge(thread, found, lambda newest: [self._head(thread, saved) for saved in newest], policy)
        tally.count(verdict.why)
        tally.processed += len(found)
        tally.undated += sum(saved.at is None for saved in found)
        tally.deleted += len(verdict.gone)
        sizes = {(row[0], row[1]): int(row[7] or 0) for row in rows}
        tally.freed_bytes += sum(sizes[place] for place in verdict.gone)
        tally.records += len(verdict.gone)
        if dry_run:
            return
        if verdict.why is Why.WHOLE:
            self._delete_whole(thread, tally)
            return
        if verdict.gone:
            self._delete_some(thread, verdict, heads(found), tally)
        if verdict.why not in (Why.SPARED, Why.DELTA):
            self._delete_left_over(thread, found, policy, tally)

    def _head(self, thread: str, saved: Saved) -> Head:
        place = (thread, saved.namespace, saved.id)
        versions, seen, inline, has_writes = self._connection.execute(_HEAD.format(id=self._id), place).fetchone()
        parameters: tuple[Any, ...] = (thread, saved.namespace)
        query = _HEAD_BLOBS.format(version="true")
        if not self._is_shallow:
            query = _HEAD_BLOBS.format(version="b.version = (%s::jsonb ->> b.channel)")
            parameters += (load("psycopg.types.json").Jsonb(versions),)
        blobs = self._connection.execute(query, parameters).fetchall()
        present = dict.fromkeys(inline) | {name: _read(name, blob) for name, blob in blobs}
        # A snapshot of a delta channel is marked by a plain true, and lies in a blob.
        is_delta = any(inline.get(name) is True for name, _ in blobs)
        return Head(pending.is_waiting(present, versions, seen, has_writes), is_delta)

    def _delete_whole(self, thread: str, tally: Tally) -> None:
        for table in _TABLES[1:]:
            rows = self._connection.execute(
                f"DELETE FROM {table} WHERE thread_id = %s RETURNING coalesce(pg_column_size(blob), 0)", (thread,)
            ).fetchall()
            _count(rows, tally)
        self._connection.execute("DELETE FROM checkpoints WHERE thread_id = %s", (thread,))

    def _delete_some(self, thread: str, verdict: Verdict, newest: dict[str, Saved], tally: Tally) -> None:
        by_namespace: dict[str, list[str]] = {}
        for namespace, identity in verdict.gone:
            by_namespace.setdefault(namespace, []).append(identity)
        for namespace, ids in by_namespace.items():
            is_all = newest[namespace].id in ids
            self._delete_at(thread, namespace, ids, is_all, tally)

    def _delete_at(self, thread: str, namespace: str, ids: list[str], is_all: bool, tally: Tally) -> None:
        place = (thread, namespace)
        _count(self._connection.execute(_WRITES, (*place, ids)).fetchall(), tally)
        if self._is_shallow:
            # One checkpoint a namespace: what goes is a call of a subgraph, with all its values.
            self._connection.execute("DELETE FROM checkpoints WHERE thread_id = %s AND checkpoint_ns = %s", place)
            self._connection.execute("DELETE FROM checkpoint_blobs WHERE thread_id = %s AND checkpoint_ns = %s", place)
            return
        freed = self._connection.execute(_DELETE, (*place, ids)).fetchall()
        used = set() if is_all else set(self._connection.execute(_USED, place).fetchall())
        garbage = [pair for pair in freed if pair not in used]
        if not is_all:
            self._connection.execute(_PARENTLESS, (*place, ids))
        if garbage:
            channels, versions = zip(*garbage, strict=True)
            rows = self._connection.execute(_BLOBS, (list(channels), list(versions), *place)).fetchall()
            _count(rows, tally)

    def _delete_left_over(self, thread: str, found: Sequence[Saved], policy: Policy, tally: Tally) -> None:
        """What was written on top of checkpoints that are no more: the shallow saver replaces them and leaves it."""
        now = {saved.namespace: saved.id for saved in found} if self._is_shallow else {}
        rows = self._connection.execute(_LEFT_OVER.format(id="c." + self._id), (thread,)).fetchall()
        for namespace, identity in rows:
            at = moments.of_id(identity)
            if at is not None and at < policy.before and identity < now.get(namespace, "~"):
                _count(self._connection.execute(_WRITES, (thread, namespace, [identity])).fetchall(), tally)


def _count(rows: Sequence[tuple[Any, ...]], tally: Tally) -> None:
    tally.records += len(rows)
    tally.freed_bytes += sum(int(row[0] or 0) for row in rows)


def _read(channel: str, blob: bytes | None) -> Any:
    """What ``is_waiting`` wants to know of a value in a blob; what cannot be read counts as something."""
    if blob is None:
        return None
    try:
        return values.needed_value(channel, values.read(blob))
    except values.Unreadable:
        return ["unreadable"] if channel == pending.TASKS else None
