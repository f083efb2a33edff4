from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from onward import Onward
from onward.server import run

PROGRAM = """
import sys, threading
from onward import Context, Onward

app = Onward(sys.argv[1])

@app.job
def long(ctx: Context) -> int:
    for at in ctx.each(range(100_000)):
        ctx.state["at"] = at
        threading.Event().wait(0.01)
    return 1

if __name__ == "__main__":
    app.serve(port=0)
"""


def test_server_that_is_told_to_end_brings_its_jobs_to_a_safe_point(tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(PROGRAM)
    url = f"sqlite:///{tmp_path / 'onward.db'}"
    app = Onward(url)
    app.database.upgrade()
    process = subprocess.Popen([sys.executable, "served.py", url], cwd=tmp_path)
    app.job_types.job(name="long")(_long)
    job = app.submit("long")
    deadline = time.monotonic() + 60
    while app.get(job.id).status != "running" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert app.get(job.id).status == "running"
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    assert process.returncode == 0
    left = app.get(job.id)
    assert (left.status, left.is_owned, left.has_checkpoint) == ("pending", False, True)
    app.close()


def _long() -> int:
    return 1


def test_signal_that_comes_while_the_worker_starts_ends_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the server listens to signals itself; it once went on for ever."""
    app = Onward(f"sqlite:///{tmp_path / 'onward.db'}")
    working = run._working

    @contextmanager
    def told_meanwhile(onward: Onward, worker: bool) -> Iterator[None]:
        with working(onward, worker):
            os.kill(os.getpid(), signal.SIGTERM)
            yield

    monkeypatch.setattr(run, "_working", told_meanwhile)
    run.serve(app, port=0)
    assert [worker.state for worker in app.workers.list()] == ["stopped"]
    app.close()
