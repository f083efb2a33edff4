"""The demo's pages: a server of its own process, and, when the story is told, a worker with something to steer."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from typing import IO, Self

from onward.cli.demo.place import Place
from onward.clock import Clock
from onward.errors import OnwardError

_APP = "onward.cli.demo.samples:app"
_PORT = 8811
_PATIENCE_SECONDS = 60
_LOOK_SECONDS = 0.1
_LEAVE_SECONDS = 8
_SERVING = re.compile(r"Serving (http://\S+)")


class Pages:
    """Serves the pages of the demo's database, and leaves nothing behind."""

    def __init__(self, place: Place, clock: Clock) -> None:
        self._place = place
        self._clock = clock
        self._started: list[tuple[subprocess.Popen[bytes], IO[bytes]]] = []
        self._never = threading.Event()

    def serve(self) -> str:
        """Begin to serve; the address. Raises ``OnwardError``."""
        path = self._place.folder / "pages.log"
        process = self._start(["serve", "--no-worker", "--port", str(_PORT if _is_free(_PORT) else 0)], "pages.log")
        deadline = self._clock.monotonic() + _PATIENCE_SECONDS
        while self._clock.monotonic() < deadline and process.poll() is None:
            found = _SERVING.search(path.read_text("utf-8", "replace"))
            if found:
                return found.group(1)
            self._clock.wait(self._never, _LOOK_SECONDS)
        raise OnwardError("The demo's pages could not be served.", hint=f"see {path}")

    def work(self) -> None:
        """Start a worker for what is done on the pages."""
        self._start(["worker", "--no-supervisor", "--name", "demo-pages", "--concurrency", "4"], "pages-worker.log")

    def stay(self) -> None:
        """Wait for Ctrl-C."""
        try:
            while all(process.poll() is None for process, _ in self._started):
                self._clock.wait(self._never, 1.0)
        except KeyboardInterrupt:
            return

    def _start(self, words: list[str], log_name: str) -> subprocess.Popen[bytes]:
        log = (self._place.folder / log_name).open("wb")
        process = subprocess.Popen(  # noqa: S603 - our own program and arguments
            [sys.executable, "-m", "onward", *words, "--leave-with", str(os.getpid()), "--app", _APP],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self._place.folder,
            env=self._place.environment(),
            process_group=0,
        )
        self._started.append((process, log))
        return process

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process, _log in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process, log in self._started:
            try:
                process.wait(_LEAVE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            log.close()


def _is_free(port: int) -> bool:
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
