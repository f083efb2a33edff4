"""A signal is heard wherever it meets the main thread, also while that holds the lock of what the signal sets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from onward import signals
from tests.app_fixtures import PATIENCE, until

MEETS_THE_LOCK = """
import os, signal, sys, threading, time
from onward import Onward

app = Onward(sys.argv[1])

def signalled(held):
    # As if the signal came while the main thread is within a wait or a clear of this event.
    with held._cond:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.2)

def begin(kind, name):
    real = getattr(kind, "start")
    def start(self):
        real(self)
        signalled(getattr(self, name))
    setattr(kind, "start", start)

if sys.argv[2] == "worker":
    from onward.engine.worker import Worker
    begin(Worker, "_news")
    sys.exit(app.worker(concurrency=1).run())
from onward.engine.scheduler import Scheduler
begin(Scheduler, "_stop_asked")
app.scheduler().run()
"""


def test_what_the_signal_sets_may_be_in_use() -> None:
    asked, numbers = threading.Event(), []

    def act(number: int) -> None:
        numbers.append(number)
        asked.set()

    before = signal.getsignal(signal.SIGTERM)
    with signals.heard(act):
        with asked._cond:  # type: ignore[attr-defined]
            os.kill(os.getpid(), signal.SIGTERM)
            threading.Event().wait(0.05)
        assert asked.wait(PATIENCE)
    assert numbers == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_changes_no_handler() -> None:
    found: list[object] = []

    def look() -> None:
        with signals.heard(lambda _number: None):
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGTERM)]


@pytest.mark.parametrize("what", ["worker", "scheduler"])
def test_a_service_ends_although_the_signal_meets_its_lock(tmp_path: Path, what: str) -> None:
    """Both once waited for themselves here, for ever."""
    (tmp_path / "meets.py").write_text(MEETS_THE_LOCK)
    command = [sys.executable, "meets.py", f"sqlite:///{tmp_path / 'onward.db'}", what]
    process = subprocess.Popen(command, cwd=tmp_path)
    try:
        until(lambda: process.poll() is not None, "the end")
    finally:
        process.kill()
    assert process.returncode == 0
