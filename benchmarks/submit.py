"""How fast are jobs submitted: one call each, beside bare commits of an equal row, and many in one call?"""

# ruff: noqa: S608 - names of tables and numbers are our own
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from benchmarks.figure import Figure, Target, per
from benchmarks.workload import PAYLOAD, make_app, raw_connection

BLOCK = 100


def measure(target: Target) -> list[Figure]:
    """Single submissions and bare commits in turn, so that the machine's noise falls on both; then bulk."""
    app = make_app(target.url, target.folder)
    connection = raw_connection(target)
    app.submit("noop", PAYLOAD)
    bare = _bare_insert(target, connection)
    ours = raw = 0.0
    blocks = target.size(30, 10)
    for _ in range(blocks):
        ours += _seconds(lambda: app.submit("noop", PAYLOAD))
        raw += _seconds(bare)
    connection.close()
    bulk = []
    for size, calls in ((1000, 5), (10_000, target.size(4, 2))):
        begun = time.perf_counter()
        for _ in range(calls):
            app.submit_many([("noop", PAYLOAD)] * size)
        bulk.append(size * calls / (time.perf_counter() - begun))
    app.close()
    count = blocks * BLOCK
    return [
        Figure("one at a time", count / ours, "jobs/s"),
        Figure("bare commits of an equal row", count / raw, "commits/s"),
        Figure("one at a time, share of bare commits", raw / ours * 100, "%", 80),
        Figure("in bulk, 1,000 a call", bulk[0], "jobs/s"),
        Figure("in bulk, 10,000 a call", bulk[1], "jobs/s", per(target, 100_000, 60_000)),
    ]


def _seconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    for _ in range(BLOCK):
        work()
    return time.perf_counter() - begun


def _bare_insert(target: Target, connection: Any) -> Callable[[], Any]:
    """Commits a row equal to that of a job into a table of the same columns, with its key and no other index."""
    cursor = connection.cursor()
    cursor.execute("SELECT * FROM jobs")
    names = [column[0] for column in cursor.description]
    row = dict(zip(names, cursor.fetchone(), strict=True))
    used = [name for name in names if row[name] is not None]
    mark = "?" if target.kind == "sqlite" else "%s"
    connection.execute("CREATE TABLE bare_jobs AS SELECT * FROM jobs LIMIT 0")
    connection.execute("CREATE UNIQUE INDEX bare_jobs_key ON bare_jobs (job_id)")
    sql = f"INSERT INTO bare_jobs ({', '.join(used)}) VALUES ({', '.join([mark] * len(used))})"
    number = 0

    def insert() -> None:
        nonlocal number
        number += 1
        row["job_id"] = f"01a00000-0000-7000-8000-{number:012x}"
        connection.execute(sql, [row[name] for name in used])

    return insert
