"""What does a checkpoint cost: the call alone, a durable one, a kept step, and durable ones of many jobs at once?"""

# ruff: noqa: S608 - names of tables and numbers are our own
from __future__ import annotations

import time

from benchmarks.figure import Figure, Target, per
from benchmarks.workload import WAIT_SECONDS, make_app, raw_connection
from onward import Onward

AT_ONCE = 8


def measure(target: Target) -> list[Figure]:
    """Each is measured inside a job; the bare commit writes a row of the same size."""
    app = make_app(target.url, target.folder)
    count = target.size(2000, 500)
    with app.worker(concurrency=AT_ONCE):
        _run(app, "flush", 20)
        call = _run(app, "mark", target.size(100_000, 20_000))
        durable = _run(app, "flush", count)
        kept = _run(app, "steps", count)
        begun = time.perf_counter()
        jobs = [app.submit("flush", {"count": count // 4}) for _ in range(AT_ONCE)]
        for job in jobs:
            app.wait(job.id, timeout=WAIT_SECONDS)
        shared = (time.perf_counter() - begun) / (AT_ONCE * (count // 4))
    app.close()
    most = per(target, 0.35, 0.6)
    return [
        Figure("call that is not yet durable", call * 1e6, "µs", 2, "lower"),
        Figure("durable checkpoint, one after another", durable * 1e3, "ms", most, "lower"),
        Figure("kept step, one after another", kept * 1e3, "ms", most, "lower"),
        Figure(f"durable checkpoint, {AT_ONCE} jobs at once, each", shared * 1e3, "ms", most, "lower"),
        Figure("bare commit of an equal row", _bare(target, count) * 1e3, "ms", None, "lower"),
    ]


def _run(app: Onward, job_type: str, count: int) -> float:
    job = app.wait(app.submit(job_type, {"count": count}).id, timeout=WAIT_SECONDS)
    assert isinstance(job.result, float), job.error
    return job.result


def _bare(target: Target, count: int) -> float:
    connection = raw_connection(target)
    connection.execute("CREATE TABLE bare_states (id integer PRIMARY KEY, state text, number integer)")
    connection.execute("INSERT INTO bare_states VALUES (1, '', 0)")
    mark = "?" if target.kind == "sqlite" else "%s"
    sql = f"UPDATE bare_states SET state = {mark}, number = {mark} WHERE id = 1"
    begun = time.perf_counter()
    for number in range(count):
        connection.execute(sql, ('{"state":{"done":1234,"folder":"texts"}}', number))
    seconds = time.perf_counter() - begun
    connection.close()
    return seconds / count
