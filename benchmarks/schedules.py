"""What do schedules cost: added, looked at while nothing is due, and started when many are due at once?

Adding is timed in one call and one by one; the look and the start with 100,000 schedules in the table. A start counts
when its job, the decision and the next due time are committed. On a busy machine the time of the processor says more
than the clock.
"""

from __future__ import annotations

import statistics
import time
from datetime import timedelta

from sqlalchemy import text

from benchmarks.figure import Figure, Target
from benchmarks.workload import PAYLOAD, make_app, vacuum
from onward import Onward

TOTAL, QUICK = 100_000, 20_000
ADDED = 10_000
DUE = 1_000
LOOKS = 21


def measure(target: Target) -> list[Figure]:
    """Seconds to add, milliseconds of an idle look, seconds until all that is due is started."""
    total = target.size(TOTAL, QUICK)
    app = make_app(target.url, target.folder)
    app.counts()
    added = _add(app, 0, ADDED)
    one = _add_one_by_one(app, 200)
    for start in range(ADDED, total, ADDED):
        _add(app, start, min(ADDED, total - start))
    vacuum(target)
    app.schedules.tick()
    idle = statistics.median(_idle(app) for _ in range(LOOKS))
    with app.connect() as connection:
        names = "', '".join(f"s{number}" for number in range(0, total, total // DUE))
        past = "now() - interval '1 minute'" if target.kind == "postgresql" else "datetime('now', '-1 minute')"
        sql = f"UPDATE scheduled_jobs SET next_run_at = {past} WHERE name IN ('{names}')"  # noqa: S608 - our own names
        connection.execute(text(sql))
    began, cpu = time.perf_counter(), time.process_time()
    jobs = app.schedules.tick()
    started = time.perf_counter() - began, time.process_time() - cpu
    if len(jobs) != DUE:
        raise RuntimeError(f"{len(jobs)} jobs were started, not {DUE}")
    app.close()
    return [
        Figure(f"{ADDED:,} schedules added in one call", added[0], "s", 1.0, "lower"),
        Figure(f"{ADDED:,} schedules added in one call, CPU of the process", added[1], "s", None, "lower"),
        Figure("one schedule added by itself", one * 1000, "ms", None, "lower"),
        Figure(f"look with nothing due, {total:,} schedules", idle * 1000, "ms", 10.0, "lower"),
        Figure(f"{DUE:,} due at once, started, {total:,} schedules", started[0], "s", 1.0, "lower"),
        Figure(f"{DUE:,} due at once, started, CPU of the process", started[1], "s", None, "lower"),
    ]


def _add(app: Onward, start: int, count: int) -> tuple[float, float]:
    """Seconds by the clock, and of the processor."""
    entries = [
        {
            "name": f"s{number}",
            "job_type": "noop",
            "cron": f"{number % 60} {number // 60 % 24} * * *",
            "params": PAYLOAD,
            "start_at": app.clock.now() + timedelta(days=1),
        }
        for number in range(start, start + count)
    ]
    began, cpu = time.perf_counter(), time.process_time()
    app.schedules.add_many(entries)
    return time.perf_counter() - began, time.process_time() - cpu


def _add_one_by_one(app: Onward, count: int) -> float:
    began = time.perf_counter()
    for number in range(count):
        app.schedules.add(f"alone{number}", "noop", cron="0 0 1 1 *", params=PAYLOAD)
    return (time.perf_counter() - began) / count


def _idle(app: Onward) -> float:
    began = time.perf_counter()
    app.schedules.tick()
    return time.perf_counter() - began
