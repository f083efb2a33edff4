"""How long does it take to look at a job that was just looked at?"""

from __future__ import annotations

import time

from benchmarks.figure import Figure, Target
from benchmarks.workload import PAYLOAD, make_app
from onward import Onward
from onward.manager import EmptyMemoryStore


def measure(target: Target) -> list[Figure]:
    """One job again and again, then a thousand jobs in turn; and the same job read from the database each time."""
    app = make_app(target.url, target.folder)
    jobs = [job.id for job in app.submit_many([("noop", PAYLOAD)] * 1000)]
    app.worker().run(until_idle=True)
    # The second look at a job begins to listen for changes; once that has begun, jobs are remembered.
    for _ in range(2):
        for job_id in jobs:
            app.get(job_id)
        time.sleep(0.5)
    count = target.size(20_000, 2000)
    one = _seconds(app, jobs[:1], count)
    many = _seconds(app, jobs, count)
    app.memory = EmptyMemoryStore()
    plain = _seconds(app, jobs[:1], count // 10)
    app.close()
    return [
        Figure("app.get of one finished job", one * 1e6, "µs", 10, "lower"),
        Figure("app.get of 1,000 finished jobs in turn", many * 1e6, "µs", 10, "lower"),
        Figure("the same without memory", plain * 1e6, "µs", None, "lower"),
    ]


def _seconds(app: Onward, jobs: list[str], count: int) -> float:
    get = app.get
    begun = time.perf_counter()
    for number in range(count):
        get(jobs[number % len(jobs)])
    return (time.perf_counter() - begun) / count
