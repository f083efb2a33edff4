"""The jobs that are measured, the application that has them, and worker processes that run them.

``python -m benchmarks.workload ADDRESS FOLDER`` is a worker process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.figure import Target
from onward import Context, Onward

ROOT = Path(__file__).parents[1]
PAYLOAD: dict[str, Any] = {"user": 42, "kind": "mail", "tags": ["a", "b"]}
NAP_SECONDS = 0.05
WAIT_SECONDS = 120.0


def make_app(address: str, folder: Path) -> Onward:
    """An application with the jobs of the benchmarks; what they leave behind lies in ``folder``."""
    app = Onward(address)
    marked = False

    @app.job
    def noop(user: int, kind: str, tags: list[str]) -> int:
        """Does nothing; the first one of a process says when it began."""
        nonlocal marked
        if not marked:
            marked = True
            (folder / f"began.{os.getpid()}").write_text(repr(time.time()))
        return 1 if user and kind and tags else 0

    @app.job
    def echo(number: int) -> int:
        return number

    @app.job
    def mark(ctx: Context, count: int) -> float:
        """Seconds for one mark of a consistent point that is not yet durable."""
        ctx.state["done"] = 0
        begun = time.perf_counter()
        for _ in range(count):
            ctx.checkpoint()
        return (time.perf_counter() - begun) / count

    @app.job
    def flush(ctx: Context, count: int) -> float:
        """Seconds for one durable checkpoint, one after another."""
        begun = time.perf_counter()
        for done in range(count):
            ctx.checkpoint({"done": done, "folder": "texts"}, flush=True)
        return (time.perf_counter() - begun) / count

    @app.job
    def steps(ctx: Context, count: int) -> float:
        """Seconds for one kept step, one after another."""
        begun = time.perf_counter()
        for number in range(count):
            ctx.step(f"step-{number}", int, number)
        return (time.perf_counter() - begun) / count

    @app.job
    def walk(ctx: Context, count: int, name: str) -> int:
        """Kept steps that take a while, each with a line on disk that says who did it and when."""
        for number in range(count):
            ctx.step(f"step-{number}", _nap, folder / name, number)
        return count

    return app


def _nap(file: Path, number: int) -> int:
    time.sleep(NAP_SECONDS)
    line = f"{number} {os.getpid()} {time.time()!r}\n".encode()
    handle = os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(handle, line)
    os.close(handle)
    return number


def walked(file: Path) -> list[tuple[int, int, float]]:
    """What ``walk`` has done so far: number, process and time of each step."""
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError:
        return []
    return [(int(a), int(b), float(c)) for a, b, c in (line.split() for line in lines)]


def first_began(folder: Path) -> float:
    """When the first no-op job of any process began."""
    return min(float(path.read_text()) for path in folder.glob("began.*") if path.stat().st_size)


def start_worker(target: Target, *options: str) -> subprocess.Popen[bytes]:
    """A worker process in a session of its own."""
    command = [sys.executable, "-m", "benchmarks.workload", target.url, str(target.folder), *options]
    with (target.folder / "worker.log").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)


def kill(process: subprocess.Popen[Any]) -> None:
    """``kill -9`` of a process and of all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)


@contextlib.contextmanager
def workers(target: Target, count: int = 1, *options: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many worker processes, killed at the end."""
    started = [start_worker(target, *options) for _ in range(count)]
    try:
        yield started
    finally:
        for process in started:
            kill(process)


def wait_until(fact: Any, seconds: float = WAIT_SECONDS, every: float = 0.005) -> float:
    """Wait until ``fact()`` is true; the wall-clock time at which it was."""
    deadline = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} seconds")
        time.sleep(every)
    return time.time()


def settle(app: Onward) -> None:
    """Wait until a worker process answers: it has started and its code is warm."""
    for number in range(5):
        app.wait(app.submit("echo", {"number": number}).id, timeout=WAIT_SECONDS)


def raw_connection(target: Target) -> Any:
    """The database's own driver on the same database, committing each statement, durable as the workers are."""
    if target.kind == "postgresql":
        import psycopg

        return psycopg.connect(target.url, autocommit=True)
    import pysqlite3

    connection = pysqlite3.connect(target.url.removeprefix("sqlite:///"), isolation_level=None, timeout=30)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def vacuum(target: Target) -> None:
    """Statistics as a database has them that has lived for a while."""
    connection = raw_connection(target)
    connection.execute("VACUUM ANALYZE" if target.kind == "postgresql" else "ANALYZE")
    connection.close()


def finished(connection: Any) -> int:
    """How many jobs are recorded as completed."""
    return int(connection.execute("SELECT count(*) FROM jobs WHERE status = 'completed'").fetchone()[0])


def main() -> None:
    address, folder, *rest = sys.argv[1:]
    app = make_app(address, Path(folder))
    concurrency = int(rest[0]) if rest else None
    app.worker(concurrency=concurrency).run()


if __name__ == "__main__":
    main()
