"""Does a worker keep its rate while 1,000,000 finished jobs are archived and pruned?

``python -m benchmarks.prune ADDRESS FOLDER`` is the process that prunes.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, Target
from benchmarks.million import _fill
from benchmarks.workload import (
    PAYLOAD,
    ROOT,
    first_began,
    kill,
    make_app,
    raw_connection,
    vacuum,
    wait_until,
    workers,
)

LEAST_SHARE = 0.8
MOST_SECONDS = 0.2
ROUNDS = 5
"""Pairs of rounds: alone, and beside the process that prunes."""


def measure(target: Target) -> list[Figure]:
    """The worker's rate in turn alone and while another process prunes, and how fast pruning goes in both cases.

    The rounds of a pair follow each other closely, and the share is the median of the pairs' shares: so what else the
    machine does in the meantime is in both.
    """
    rows, jobs = target.size(1_000_000, 30_000), target.size(20_000, 4000)
    _prepare(target, rows)
    alone, beside, pruned, seconds = [], [], 0, 0.0
    pause = target.folder / "pause"
    pause.touch()
    pruning = _start(target)
    try:
        wait_until(lambda: _pruned(target) > 0)
        for _ in range(ROUNDS):
            alone.append(_drain(target, jobs))
            before, begun = _pruned(target), time.monotonic()
            pause.unlink()
            beside.append(_drain(target, jobs))
            pause.touch()
            pruned, seconds = pruned + _pruned(target) - before, seconds + time.monotonic() - begun
        is_whole = pruning.poll() is None
        pause.unlink()
        before, begun = _pruned(target), time.monotonic()
        wait_until(lambda: pruning.poll() is not None, seconds=5400, every=0.05)
        idle = (_pruned(target) - before) / (time.monotonic() - begun)
    finally:
        if pruning.poll() is None:
            kill(pruning)
    report = json.loads((target.folder / "pruned.json").read_text())
    if not is_whole or report["jobs"] != rows:
        raise ValueError(f"pruned {report['jobs']} of {rows}, and the measuring was longer: {not is_whole}")
    share = statistics.median(two / one for one, two in zip(alone, beside, strict=True))
    return [
        Figure(f"no-op jobs, {rows:,} finished ones in the table", statistics.median(alone), "jobs/s"),
        Figure("no-op jobs while these are pruned", statistics.median(beside), "jobs/s"),
        Figure("the rate that the worker keeps", share, "of its rate", LEAST_SHARE),
        Figure("pruned beside a busy worker", pruned / seconds, "jobs/s"),
        Figure("pruned while nothing waits", idle, "jobs/s"),
        Figure("longest batch", report["longest_batch_seconds"], "s", MOST_SECONDS, "lower"),
    ]


def _prepare(target: Target, rows: int) -> None:
    app = make_app(target.url, target.folder)
    app.submit("noop", PAYLOAD)
    app.worker(concurrency=1).run(until_idle=True)
    app.database.query("UPDATE jobs SET completed_at = '2020-01-01 00:00:00.000000+00'")
    app.close()
    _fill(target, rows)
    connection = raw_connection(target)
    # The row that was copied is young by its id: it stays, as what has ended now would.
    connection.execute("UPDATE jobs SET completed_at = updated_at WHERE job_id > '00000001'")
    connection.close()
    vacuum(target)


def _drain(target: Target, count: int) -> float:
    """Jobs a second of one worker process; counting what has ended would count what is pruned."""
    app = make_app(target.url, target.folder)
    for _ in range(0, count, 1000):
        app.submit_many([("noop", PAYLOAD)] * 1000)
    app.close()
    for path in target.folder.glob("began.*"):
        path.unlink()
    connection = raw_connection(target)
    sql = "SELECT 1 FROM jobs WHERE status <> 'completed' LIMIT 1"
    with workers(target):
        ended = wait_until(lambda: connection.execute(sql).fetchone() is None, every=0.02)
    connection.close()
    return count / (ended - first_began(target.folder))


def _start(target: Target) -> subprocess.Popen[Any]:
    command = [sys.executable, "-m", "benchmarks.prune", target.url, str(target.folder)]
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True)


def _pruned(target: Target) -> int:
    path = target.folder / "pruned"
    return int(path.read_text() or 0) if path.exists() else 0


def main() -> None:
    address, folder = sys.argv[1], Path(sys.argv[2])
    app = make_app(address, folder)

    def tell(report: Any) -> None:
        (folder / "pruned.new").write_text(str(report.jobs))
        (folder / "pruned.new").rename(folder / "pruned")
        while (folder / "pause").exists():
            time.sleep(0.01)

    report = app.prune(timedelta(days=1), on_batch=tell)
    (folder / "pruned.json").write_text(json.dumps(report.as_json()))


if __name__ == "__main__":
    main()
