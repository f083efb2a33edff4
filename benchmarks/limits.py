"""What can the disk and the database do with nothing on top?"""

# ruff: noqa: S608 - names of tables and numbers are our own
from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from benchmarks.figure import Figure, Target
from benchmarks.workload import raw_connection

BATCH = 250
ROW = '{"user":42,"kind":"mail","tags":["a","b"]}'


def measure(target: Target) -> list[Figure]:
    """Flushes of the disk, commits of one row, rows in one transaction, and rows claimed and finished in batches."""
    seconds = 2.0 if not target.quick else 0.5
    found = [Figure("flushes of 4 kB to disk", _flushes(target, seconds), "1/s")]
    connection = raw_connection(target)
    key = "integer PRIMARY KEY" if target.kind == "sqlite" else "bigserial PRIMARY KEY"
    connection.execute(f"CREATE TABLE bare (id {key}, status text NOT NULL, params text)")
    connection.execute("CREATE INDEX bare_waiting ON bare (id) WHERE status = 'waiting'")
    insert = f"INSERT INTO bare (status, params) VALUES ('waiting', '{ROW}')"
    found.append(Figure("commits of one row", _rate(lambda: connection.execute(insert), seconds), "1/s"))
    rows = target.size(100_000, 20_000)
    found.append(Figure("rows in one transaction", _bulk(target, connection, rows), "rows/s"))
    found.append(Figure(f"rows claimed and finished, {BATCH} at a time", _drain(target, connection), "rows/s"))
    connection.close()
    return found


def _rate(work: Callable[[], Any], seconds: float) -> float:
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        work()
        count += 1
    return count / (time.perf_counter() - begun)


def _flushes(target: Target, seconds: float) -> float:
    handle = os.open(target.folder / "flushed", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    sync = getattr(os, "fdatasync", os.fsync)

    def flush() -> None:
        os.write(handle, b"x" * 4096)
        sync(handle)

    try:
        return _rate(flush, seconds)
    finally:
        os.close(handle)


def _bulk(target: Target, connection: Any, rows: int) -> float:
    begun = time.perf_counter()
    if target.kind == "sqlite":
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO bare (status, params) VALUES ('waiting', ?)", [(ROW,)] * rows)
        connection.execute("COMMIT")
    else:
        with connection.cursor().copy("COPY bare (status, params) FROM STDIN") as copy:
            copy.write(f"waiting\t{ROW}\n" * rows)
    return rows / (time.perf_counter() - begun)


def _drain(target: Target, connection: Any) -> float:
    """The least that a worker can do: one transaction that claims a batch, one that finishes it."""
    skip = "" if target.kind == "sqlite" else " FOR UPDATE SKIP LOCKED"
    claim = (
        "UPDATE bare SET status = 'running' WHERE id IN (SELECT id FROM bare WHERE status = 'waiting' "
        f"ORDER BY id LIMIT {BATCH}{skip}) RETURNING id"
    )
    rounds = target.size(50, 20)
    begun = time.perf_counter()
    for _ in range(rounds):
        ids = [row[0] for row in connection.execute(claim).fetchall()]
        if target.kind == "sqlite":
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("UPDATE bare SET status = 'done' WHERE id = ?", [(each,) for each in ids])
            connection.execute("COMMIT")
        else:
            connection.execute("UPDATE bare SET status = 'done' WHERE id = ANY(%s)", (ids,))
    return BATCH * rounds / (time.perf_counter() - begun)
