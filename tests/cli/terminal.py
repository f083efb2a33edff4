"""A pseudo-terminal in which a test types, as a person would."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from onward.clock import SystemClock

ROOT = Path(__file__).parents[2]


def play(
    args: Sequence[str], typed: Sequence[tuple[str, str]], env: Mapping[str, str], seconds: float = 100
) -> tuple[int, str]:
    """Run the command; when a text appears (after the one before), type the answer. Exit code and screen."""
    pid, terminal = pty.fork()
    if pid == 0:
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        os.environ.update(env | {"TERM": "xterm", "COLUMNS": "100", "LINES": "30", "PYTHONPATH": paths})
        # What runs in the background of a shell ignores it; a person's terminal does not.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execv(sys.executable, [sys.executable, "-m", "onward", *args])  # noqa: S606 - a child of a terminal is made so
    screen, at, left = "", 0, list(typed)
    clock = SystemClock()
    deadline = clock.monotonic() + seconds
    while clock.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                data = os.read(terminal, 65536)
            except OSError:
                break
            if not data:
                break
            screen += data.decode(errors="replace")
        if left and (found := screen.find(left[0][0], at)) >= 0:
            at = found + len(left[0][0])
            os.write(terminal, left.pop(0)[1].encode())
    else:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), screen
