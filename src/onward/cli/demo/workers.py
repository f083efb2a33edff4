"""The demo's workers: real processes, one of which is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import IO, Self

from onward.cli.demo.place import Place
from onward.errors import OnwardError

_LEAVE_SECONDS = 8


class Workers:
    """Starts workers one after the other, and leaves none behind."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._started: list[subprocess.Popen[bytes]] = []
        self._logs: list[IO[bytes]] = []

    def start(self) -> int:
        """One more; its process id."""
        number = len(self._started) + 1
        log = self._place.log(number).open("wb")
        self._logs.append(log)
        command = [sys.executable, "-m", "onward", "worker", "--no-supervisor", "--leave-with", str(os.getpid())]
        process = subprocess.Popen(  # noqa: S603 - our own program and arguments
            [*command, "--name", f"demo-{number}", "--concurrency", "2"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self._place.folder,
            env=self._place.environment(),
            process_group=0,
        )
        self._started.append(process)
        return process.pid

    def kill(self) -> int:
        """Kill the newest as the machine would: at once, without a word. Its process id."""
        process = self._started[-1]
        process.send_signal(signal.SIGKILL)
        process.wait()
        return process.pid

    def check(self) -> None:
        """Raise ``OnwardError`` if the newest has ended by itself."""
        code = self._started[-1].poll()
        if code is not None:
            log = self._place.log(len(self._started))
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise OnwardError(
                f"The demo's worker ended with code {code}: {lines[-1] if lines else 'it said nothing'}",
                hint=f"see {log}",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            if process.poll() is None:
                process.terminate()
        for process in self._started:
            try:
                process.wait(_LEAVE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for log in self._logs:
            log.close()
