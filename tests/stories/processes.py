"""Workers as real processes: started, watched, stopped and killed, each by its own id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from onward import Onward, StoreUnavailable
from onward.engine import proof
from tests.app_fixtures import quick_settings

JOBS = """
import os, signal, subprocess, sys, time
from pathlib import Path
from onward import Context, Onward
from tests.app_fixtures import quick_settings

FOLDER = Path(__file__).parent
app = Onward(settings=quick_settings({url!r}, worker={worker!r}))


def note(name, line):
    with open(FOLDER / name, "a") as file:
        file.write(f"{{line}}\\n")
        file.flush()
        os.fsync(file.fileno())


@app.job(max_losses=20)
def steps(ctx: Context, name: str, count: int = 20, pause: float = 0.02) -> list[int]:
    found = []
    for item in ctx.each(range(count)):
        def act(item=item):
            note(name, f"{{item}} {{ctx.fence}} {{os.getpid()}}")
            time.sleep(pause)
            return item * 2
        found = ctx.state.get("found", []) + [ctx.step("act", act)]
        ctx.state["found"] = found
    return ctx.state["found"]


@app.job()
def slow(ctx: Context, name: str) -> str:
    note(name, f"begun {{ctx.fence}} {{os.getpid()}}")
    while not (FOLDER / "go").exists():
        time.sleep(0.01)
    try:
        ctx.checkpoint({{"from": ctx.fence}}, flush=True)
    except BaseException as error:
        note(name, type(error).__name__)
        raise
    note(name, "saved")
    return f"fence {{ctx.fence}}"


@app.job(isolation="process")
def family(name: str, how: str) -> None:
    pids = [os.getpid()]
    if how == "grandchild":
        pids.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid)
    note(name, " ".join(map(str, pids)))
    if how == "busy":
        import re
        re.match("(a+)+$", "a" * 60 + "b")
    while True:
        time.sleep(1)


@app.job(max_losses=2)
def poison() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@app.job()
def stubborn(name: str) -> None:
    note(name, "begun")
    while True:
        try:
            time.sleep(0.01)
        except BaseException:
            pass


@app.job()
def questions(ctx: Context, name: str, count: int = 3) -> list:
    answers = []
    for number in range(count):
        note(name, f"asks {{number}} {{os.getpid()}}")
        try:
            answers.append(ctx.ask("confirm", number))
        finally:
            note(name, f"left {{number}} {{os.getpid()}}")
    return answers


@app.job()
def quick() -> int:
    return os.getpid()


@app.job(max_losses=20)
def count(ctx: Context, name: str, total: int = 100, pause: float = 0.01, flush: bool = False) -> int:
    first = ctx.state.get("done", 0)
    note(name, f"from {{first}}")
    for done in range(first, total):
        time.sleep(pause)
        ctx.progress(done=done + 1, total=total, message=f"item {{done + 1}}")
        ctx.checkpoint({{"done": done + 1}}, flush=flush or done % 10 == 9)
        note(name, f"did {{done}}")
    return total


@app.job()
def busy(name: str) -> None:
    note(name, "begun")
    while True:
        time.sleep(0.01)
"""


class Site:
    """A folder with a module of jobs, a database, and the worker processes on it."""

    def __init__(self, folder: Path, url: str, *, seen_at: str | None = None, **worker: float) -> None:
        """``seen_at``: the database's address for the test itself, where workers have another way to it."""
        self.folder = folder
        self.folder.mkdir(exist_ok=True)
        (folder / "story_jobs.py").write_text(JOBS.format(url=url, worker=worker))
        self.app = Onward(settings=quick_settings(seen_at or url))
        for name, function in _names.items():
            self.app.job(name=name, max_losses={"poison": 2, "steps": 20, "count": 20}.get(name, 5))(function)
        self.workers: list[subprocess.Popen[bytes]] = []

    def start(self, concurrency: int = 2, run: str = "", code: str = "") -> subprocess.Popen[bytes]:
        """A worker process; returns when it is online. ``code``: its whole program, instead of a plain worker's."""
        known = {worker.id for worker in self.app.workers.list()}
        code = code or (
            f"import sys; from story_jobs import app; sys.exit(app.worker(concurrency={concurrency}).run({run}))"
        )
        paths = os.pathsep.join([str(self.folder), *(path for path in sys.path if path), str(Path.cwd())])
        process = subprocess.Popen(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths}, stderr=subprocess.DEVNULL
        )
        self.workers.append(process)
        wait_until(
            lambda: any(w.id not in known and w.pid == process.pid for w in self.app.workers.list()), "the worker"
        )
        return process

    def freeze(self, process: subprocess.Popen[bytes]) -> None:
        """Stop it as a hanging machine does, but not while it holds SQLite's one lock: then everybody waits for it."""
        probe = Onward(settings=quick_settings(self.app.settings.database.url, database={"busy_timeout_seconds": 0.3}))
        for _ in range(20):
            process.send_signal(signal.SIGSTOP)
            try:
                probe.resources.set("probe", capacity=1)
            except StoreUnavailable:
                process.send_signal(signal.SIGCONT)
                time.sleep(0.02)
            else:
                break
        probe.close()

    def kill(self, process: subprocess.Popen[bytes]) -> float:
        """End it as a crash does; the time at which it was gone."""
        process.send_signal(signal.SIGKILL)
        process.wait()
        return time.monotonic()

    def lines(self, name: str) -> list[str]:
        """What jobs have noted in this file."""
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def close(self) -> None:
        for process in self.workers:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()
        self.app.close()


def wait_until(fact: object, what: str, seconds: float = 60) -> float:
    """The time it took until ``fact()`` was true."""
    begun = time.monotonic()
    while not fact():  # type: ignore[operator]
        assert time.monotonic() - begun < seconds, f"{what} has not come within {seconds} s"
        time.sleep(0.01)
    return time.monotonic() - begun


def lives(pid: int) -> bool:
    """Whether this process is there and no zombie."""
    return proof._started(pid) is not None


def _steps(ctx: object, name: str, count: int = 20, pause: float = 0.02) -> None:
    """Only submitted from here."""


def _count(ctx: object, name: str, total: int = 100, pause: float = 0.01, flush: bool = False) -> None:
    """Only submitted from here."""


def _questions(name: str, count: int = 3) -> None:
    """Only submitted from here."""


def _named(name: str) -> None:
    """Only submitted from here."""


def _family(name: str, how: str) -> None:
    """Only submitted from here."""


def _nothing() -> None:
    """Only submitted from here."""


_names = {
    "steps": _steps, "slow": _named, "stubborn": _named, "family": _family, "poison": _nothing, "quick": lambda: None,
    "count": _count, "busy": _named, "questions": _questions,
}  # fmt: skip


def tell(text: str) -> None:
    """Shown with ``pytest -rP``: how long it took."""
    sys.stdout.write(text + "\n")
