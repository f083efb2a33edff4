"""What does a worker cost that has nothing to do?"""

from __future__ import annotations

import time

import psutil

from benchmarks.figure import Figure, Target
from benchmarks.workload import make_app, settle, workers


def measure(target: Target) -> list[Figure]:
    """Share of a core and resident memory of an idle worker process with all that it started."""
    app = make_app(target.url, target.folder)
    with workers(target) as (process,):
        settle(app)
        app.close()
        time.sleep(2)
        seconds = float(target.size(20, 6))
        worker = psutil.Process(process.pid)
        before = _cpu(worker)
        time.sleep(seconds)
        share = (_cpu(worker) - before) / seconds * 100
        memory = sum(each.memory_info().rss for each in _all(worker)) / 2**20
    return [
        Figure("share of a core", share, "%", 1, "lower"),
        Figure("resident memory", memory, "MB", 60, "lower"),
    ]


def _all(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _cpu(process: psutil.Process) -> float:
    return sum(sum(each.cpu_times()[:2]) for each in _all(process))
