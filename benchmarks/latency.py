"""How long from submitting to seeing the job finished, when the worker is idle?"""

from __future__ import annotations

import time

from benchmarks.figure import Figure, Target, per, percentile
from benchmarks.workload import WAIT_SECONDS, make_app, settle, workers
from onward import Onward


def measure(target: Target) -> list[Figure]:
    """The worker in the submitter's process, then in one of its own, then in one that has idled for a while."""
    count = target.size(300, 100)
    app = make_app(target.url, target.folder)
    with app.worker():
        settle(app)
        same = _samples(app, count, 0.01)
    app.close()
    app = make_app(target.url, target.folder)
    with workers(target):
        settle(app)
        other = _samples(app, count, 0.01)
        gap = float(target.size(30, 3))
        idled = _samples(app, target.size(6, 4), gap)
    app.close()
    two = [per(target, 15, 4), per(target, 40, 10)]
    one = [per(target, 2, 4), per(target, 6, 10)]
    return [
        Figure("one process, p50", percentile(same, 0.5), "ms", one[0], "lower"),
        Figure("one process, p99", percentile(same, 0.99), "ms", one[1], "lower"),
        Figure("two processes, p50", percentile(other, 0.5), "ms", two[0], "lower"),
        Figure("two processes, p99", percentile(other, 0.99), "ms", two[1], "lower"),
        Figure(f"two processes, after {gap:.0f} s idle, p50", percentile(idled, 0.5), "ms", two[0], "lower"),
        Figure(f"two processes, after {gap:.0f} s idle, worst", max(idled), "ms", two[1], "lower"),
    ]


def _samples(app: Onward, count: int, pause: float) -> list[float]:
    found = []
    for number in range(count):
        # Not in step with anything that polls.
        time.sleep(pause + (number * 7919 % 997) / 997 * 0.02)
        begun = time.perf_counter()
        job = app.wait(app.submit("echo", {"number": number}).id, timeout=WAIT_SECONDS)
        found.append((time.perf_counter() - begun) * 1000)
        assert job.result == number
    return found
