"""How fast are preloaded no-op jobs finished, result and run record kept, by one worker process and by two?

From the first job's start to the last one recorded as completed, seen by asking the database every 20 ms.
"""

from __future__ import annotations

from benchmarks.figure import Figure, Target, per
from benchmarks.workload import (
    PAYLOAD,
    finished,
    first_began,
    make_app,
    raw_connection,
    vacuum,
    wait_until,
    workers,
)

POLL_SECONDS = 0.02


def measure(target: Target) -> list[Figure]:
    """Rate with one worker process, then with two."""
    count = target.size(20_000, 5_000)
    one = drain(target, count, 1)
    two = drain(target, count, 2)
    return [
        Figure("no-op jobs, one worker process", one, "jobs/s", per(target, 15_000, 11_700)),
        Figure("no-op jobs, two worker processes", two, "jobs/s"),
    ]


def drain(target: Target, count: int, processes: int, *options: str) -> float:
    """Jobs a second."""
    app = make_app(target.url, target.folder)
    for _ in range(0, count, 1000):
        app.submit_many([("noop", PAYLOAD)] * 1000)
    app.close()
    vacuum(target)
    for path in target.folder.glob("began.*"):
        path.unlink()
    connection = raw_connection(target)
    before = finished(connection)
    with workers(target, processes, *options):
        ended = wait_until(lambda: finished(connection) - before >= count, every=POLL_SECONDS)
    connection.close()
    return count / (ended - first_began(target.folder))
