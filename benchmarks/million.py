"""Do claims, submissions, lists and counts keep their speed with 1,000,000 finished jobs in the table?"""

# ruff: noqa: S608 - names of tables and numbers are our own
from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.drain import drain
from benchmarks.figure import Figure, Target
from benchmarks.workload import PAYLOAD, make_app, raw_connection, vacuum

MOST_FACTOR = 1.5
COPIED = {"jobs": ("job_id",), "job_runs": ("id", "job_id"), "job_events": ("job_id",)}


def measure(target: Target) -> list[Figure]:
    """Seconds of each with 2,000 finished jobs, and how many times that with all of them."""
    rows = target.size(1_000_000, 100_000)
    jobs = target.size(6000, 3000)
    few = _look(target, jobs)
    begun = time.perf_counter()
    _fill(target, rows)
    filled = time.perf_counter() - begun
    vacuum(target)
    many = _look(target, jobs)
    found = [Figure(f"filling in {rows:,} finished jobs", filled, "s", None, "lower")]
    for name, before in few.items():
        found.append(Figure(f"{name}, few rows", before * 1e3, "ms", None, "lower"))
        found.append(Figure(f"{name}, {rows:,} rows: as long", many[name] / before, "times", MOST_FACTOR, "lower"))
    return found


def _look(target: Target, jobs: int) -> dict[str, float]:
    drained = drain(target, jobs, 1)
    app = make_app(target.url, target.folder)
    app.submit("noop", PAYLOAD)
    first = app.find(limit=50)
    last = first.items[-1].id if first.items else ""
    found = {
        "claim and finish one job": 1 / drained,
        "submit one": _median(lambda: app.submit("noop", PAYLOAD), 300),
        "list the newest 50": _median(lambda: app.find(limit=50), 100),
        "list 50 completed": _median(lambda: app.find(status="completed", limit=50), 100),
        "list the next page": _median(lambda: app.find(limit=50, after=first.next), 100),
        "look at one": _median(lambda: app.get(last), 100),
        "count by status": _median(app.counts, 20),
    }
    app.worker().run(until_idle=True)
    app.close()
    return found


def _median(work: Callable[[], Any], count: int) -> float:
    found = []
    for _ in range(count):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return statistics.median(found)


def _fill(target: Target, rows: int) -> None:
    """Copies of one finished job with its run and events, older than all others."""
    connection = raw_connection(target)
    job_id = connection.execute("SELECT job_id FROM jobs WHERE status = 'completed' LIMIT 1").fetchone()[0]
    if target.kind == "sqlite":
        number = "printf('%012x', n)"
        numbers = f"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows}) SELECT"
        source = "s"
    else:
        number = "lpad(to_hex(n), 12, '0')"
        numbers = "SELECT"
        source = f"generate_series(1, {rows}) AS s(n)"
    connection.execute("BEGIN")
    for table, keys in COPIED.items():
        cursor = connection.cursor()
        cursor.execute(f"SELECT * FROM {table} LIMIT 1")
        names = [column[0] for column in cursor.description if column[0] != "seq"]
        values = [f"'00000000-0000-7000-8000-' || {number}" if name in keys else name for name in names]
        connection.execute(
            f"INSERT INTO {table} ({', '.join(names)}) {numbers} {', '.join(values)} FROM {source}, "
            f"(SELECT * FROM {table} WHERE job_id = '{job_id}') AS one"
        )
    connection.execute("COMMIT")
    connection.close()
