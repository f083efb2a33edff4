"""Ranges on a Dask cluster of real worker processes, one of which is killed; the result is that of an undisturbed run."""

from __future__ import annotations

import importlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onward import InvalidConfig, MissingExtra, Onward
from onward.engine import cluster
from tests.app_fixtures import QUICK, run_all, until
from tests.stories.processes import tell, wait_until

pytest.importorskip("distributed")

TOTAL, PARTS = 1200, 6

JOBS = """
import os, time
from onward import Context, JobTypes

types = JobTypes()


@types.job(max_losses=20)
def portion(ctx: Context) -> int:
    for item in ctx.each(ctx.range.items, every=20):
        ctx.partial().append([item, os.getpid()])
        if item % 10 == 0:
            time.sleep(0.02)
    return ctx.range.size


@types.job()
def whole(ctx: Context, total: int, parts: int) -> dict:
    sizes = ctx.fan_out(portion, total, parts)
    records = list(ctx.range_partials(portion))
    return {"sizes": sizes, "items": [record[0] for record in records], "pids": sorted({record[1] for record in records})}
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Dask:
    """A scheduler and worker processes, each ended by its own id."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self._start("scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--dashboard-address", ":0")

    def worker(self) -> None:
        """One more worker of one thread."""
        self._start("worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard")

    def _start(self, *words: str) -> None:
        paths = os.pathsep.join([str(self.folder), *(path for path in sys.path if path), str(Path.cwd())])
        self.processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "dask", *words],
                env={**os.environ, "PYTHONPATH": paths},
                cwd=self.folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )

    def close(self) -> None:
        for process in reversed(self.processes):
            if process.poll() is None:
                process.kill()
                process.wait()


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Dask]:
    (tmp_path / "cluster_jobs.py").write_text(JOBS)
    made = Dask(tmp_path)
    yield made
    made.close()


def make_app(url: str, address: str) -> Onward:
    from onward import Settings

    groups: dict[str, Any] = {**QUICK, "database": {**QUICK["database"], "url": url}}
    groups["cluster"] = {"address": address, "app": "cluster_jobs:types"}
    return Onward(settings=Settings(**groups))


def test_ranges_run_on_a_dask_cluster_whose_worker_is_killed(
    dask: Dask, prepared_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("cluster_jobs", None)
    for _ in range(2):
        dask.worker()
    app = make_app(prepared_url, dask.address)
    app.include(importlib.import_module("cluster_jobs").types)
    with app.worker(concurrency=2, queues=["default"]):
        job = app.submit("whole", {"total": TOTAL, "parts": PARTS})

        def busy() -> list[int]:
            there = {worker.id: worker.pid for worker in app.workers.list(alive=True)}
            mine = [child.worker_id for child in app.children(job.id) if child.progress.done]
            return [there[one] for one in mine if one in there and there[one] != os.getpid()]

        wait_until(busy, "a range on the cluster", 60)
        victim = busy()[0]
        assert victim in [process.pid for process in dask.processes]
        os.kill(victim, signal.SIGKILL)
        dask.worker()
        done = app.wait(job.id, timeout=90)
        assert done.error is None
        assert done.result["items"] == list(range(TOTAL))
        assert done.result["sizes"] == [TOTAL // PARTS] * PARTS
        assert os.getpid() not in done.result["pids"]
        runs = [run for child in app.children(job.id) for run in app.runs(child.id)]
        tell(f"{sum(run.status == 'lost' for run in runs)} runs were lost; processes {done.result['pids']}")
        assert {child.queue for child in app.children(job.id)} == {"cluster"}
        assert any(run.status == "lost" for run in runs)
    app.close()


@pytest.mark.parametrize("prepared_url", ["sqlite"], indirect=True)  # the database makes no difference
def test_cluster_that_is_away_is_told_once_and_waited_for(
    prepared_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(cluster, "_AFTER_FAILURE", 0.05)
    app = make_app(prepared_url, f"tcp://127.0.0.1:{_free_port()}")
    app.job(name="part", queue="cluster")(lambda: None)
    app.submit("part")
    with app.worker(concurrency=1, queues=["default"]):
        until(lambda: "is away" in caplog.text)
        time.sleep(0.5)
    assert caplog.text.count("is away") == 1
    app.close()


def test_worker_of_all_queues_leaves_the_clusters_to_the_cluster(
    prepared_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 0.2)
    app = make_app(prepared_url, "tcp://127.0.0.1:1")
    app.job(name="part", queue="cluster")(lambda: "there")
    app.job(name="other", queue="rare")(lambda: "here")
    left, done = app.submit("part"), app.submit("other")
    assert run_all(app) == 0
    assert (app.get(left.id).status, app.get(done.id).result) == ("pending", "here")
    # Whoever names the queue means it.
    app.worker(concurrency=1, queues=["cluster"]).run(until_idle=True)
    assert app.get(left.id).result == "there"
    app.close()


def test_job_types_are_found_by_module_and_by_attribute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cluster_found.py").write_text(JOBS)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "portion" in cluster.job_types(["cluster_found"])
    assert "portion" in cluster.job_types(["cluster_found:types"])
    with pytest.raises(InvalidConfig, match="cluster_found:nothing"):
        cluster.job_types(["cluster_found:nothing"])


def test_missing_library_is_named(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra, match="onward\\[dask\\]"):
        make_app(sqlite_url, "tcp://127.0.0.1:1").worker(concurrency=1).start()
