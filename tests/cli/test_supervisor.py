from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from onward.clock import SystemClock
from onward.engine.supervisor import STUCK, Supervisor


class Impatient(SystemClock):
    """Waits a thousandth of what it is asked to, and remembers how long that was."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        self.waited.append(seconds or 0)
        return event.wait((seconds or 0) / 1000)


def counting(path: Path, codes: list[str]) -> list[str]:
    """A program that ends differently each time: by the codes, in order."""
    text = (
        "import os, signal, sys\n"
        f"path = {str(path)!r}\n"
        "n = len(open(path).read()) if os.path.exists(path) else 0\n"
        "open(path, 'a').write('x')\n"
        f"code = {codes!r}[n]\n"
        "os.kill(os.getpid(), signal.SIGKILL) if code == 'kill' else sys.exit(int(code))\n"
    )
    return [sys.executable, "-c", text]


def supervised(tmp_path: Path, codes: list[str]) -> tuple[int, int, list[str], list[float]]:
    clock, told = Impatient(), list[str]()
    supervisor = Supervisor(counting(tmp_path / "n", codes), clock, told.append)
    return supervisor.run(), supervisor.starts, told, clock.waited


def test_killed_worker_is_started_again(tmp_path: Path) -> None:
    code, starts, told, _ = supervised(tmp_path, ["kill", "0"])
    assert (code, starts) == (0, 2)
    assert "was ended by SIGKILL" in told[0]


def test_worker_with_code_that_does_not_leave_is_replaced(tmp_path: Path) -> None:
    code, starts, told, _ = supervised(tmp_path, [str(STUCK), "0"])
    assert (code, starts) == (0, 2)
    assert "would not leave" in told[0]


def test_pauses_grow(tmp_path: Path) -> None:
    _, starts, _, waited = supervised(tmp_path, ["1", "1", "1", "0"])
    assert starts == 4
    assert waited == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("code", ["0", "2", "6"])
def test_worker_that_would_end_the_same_way_is_not_started_again(code: str, tmp_path: Path) -> None:
    assert supervised(tmp_path, [code])[:2] == (int(code), 1)


def test_database_that_was_never_there_is_told_and_one_that_has_gone_is_waited_for(tmp_path: Path) -> None:
    assert supervised(tmp_path, ["7"])[:2] == (7, 1)
    (tmp_path / "n").unlink()
    assert supervised(tmp_path, ["kill", "7", "0"])[:2] == (0, 3)


def test_signals_are_handed_on_each_as_often_as_it_comes(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    text = (
        "import os, signal, sys, threading\n"
        "done = threading.Event()\n"
        "def hear(number, frame):\n"
        f"    open({str(heard)!r}, 'a').write(f'{{number}} ')\n"
        f"    len(open({str(heard)!r}).read().split()) > 1 and done.set()\n"
        "signal.signal(signal.SIGTERM, hear)\n"
        f"open({str(tmp_path / 'ready')!r}, 'w').close()\n"
        "while not done.wait(0.05): pass\n"
        "sys.exit(3)\n"
    )
    supervisor = Supervisor([sys.executable, "-c", text], SystemClock(), lambda _: None)

    def interrupt() -> None:
        clock, never = SystemClock(), threading.Event()
        while not (tmp_path / "ready").exists():
            clock.wait(never, 0.02)
        for number in (1, 2):
            os.kill(os.getpid(), signal.SIGTERM)
            while not heard.exists() or len(heard.read_text().split()) < number:
                clock.wait(never, 0.02)

    interrupting = threading.Thread(target=interrupt, daemon=True)
    interrupting.start()
    assert supervisor.run() == 3
    interrupting.join()
    assert supervisor.starts == 1
    assert heard.read_text().split() == [str(int(signal.SIGTERM))] * 2
