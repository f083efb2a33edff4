"""A small process above a worker: starts it again when it dies, hands on signals, and ends with its exit code.

A worker process can be killed for its memory, crash in a library, or hold code that never returns; what it occupied
is free only when the process is gone. So the one that starts it again must be another process, and a simple one.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from onward import signals
from onward.clock import Clock

STUCK = 75
"""A worker's exit code when code that would not leave is still in it: the process ends, and a new one begins."""

_UNREACHABLE = 7
_FINAL = frozenset({0, 2, 3, 4, 5, 6})
"""Exit codes that another start would not change: done, wrong usage, wrong configuration."""

_STOPPED_EARLY = frozenset({-signal.SIGTERM, -signal.SIGINT, 128 + signal.SIGINT})
"""How a worker ends that is told to stop before it has begun."""

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_HEALTHY_SECONDS = 60.0


class Supervisor:
    """Runs ``command`` until it ends by itself or is told to.

    SIGTERM and SIGINT are handed on, each as often as it comes: a second one hurries the worker. The worker has a
    process group of its own, so that Ctrl-C on a terminal reaches it once, from here.
    """

    def __init__(self, command: Sequence[str], clock: Clock, tell: Callable[[str], None] | None = None) -> None:
        self._command = list(command)
        self._clock = clock
        self._tell = tell or _to_stderr
        self._stop_asked = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def run(self) -> int:
        """Start, and start again with growing pauses; the worker's exit code, 128 + n when signal n ended it."""
        pause = _FIRST_PAUSE
        with signals.heard(self._pass_on):
            while True:
                begun = self._clock.monotonic()
                code = self._run_once()
                if self._stop_asked.is_set() and code in _STOPPED_EARLY:
                    return 0
                if not self._is_abnormal(code):
                    return code if code >= 0 else 128 - code
                if self._clock.monotonic() - begun >= _HEALTHY_SECONDS:
                    pause = _FIRST_PAUSE
                self._tell(f"The worker {_ended(code)}; a new one starts in {pause:.0f} s.")
                if self._clock.wait(self._stop_asked, pause):
                    return 0
                pause = min(_LONGEST_PAUSE, pause * 2)

    def _run_once(self) -> int:
        self.starts += 1
        self._process = subprocess.Popen(self._command, process_group=0)  # noqa: S603 - our own program and arguments
        if self._stop_asked.is_set():
            self._process.terminate()
        return self._process.wait()

    def _is_abnormal(self, code: int) -> bool:
        if self._stop_asked.is_set() or code in _FINAL:
            return False
        # A database that was never there is a wrong address; one that has gone comes back.
        return not (code == _UNREACHABLE and self.starts == 1)

    def _pass_on(self, number: int) -> None:
        self._stop_asked.set()
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)


def _ended(code: int) -> str:
    if code == STUCK:
        return "ended because code in it would not leave"
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _to_stderr(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
