"""``onward dev``: pages, scheduler and a worker that start again when the files of the application change."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from onward import signals
from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.nouns.worker import command_line
from onward.cli.target import AppNotFound, app_name, refuse_server
from onward.cli.told import say
from onward.clock import Clock, SystemClock

verbs = noun("dev", "Pages, scheduler and a worker that reload.")
_LOOK_SECONDS = 0.4
_GRACE_SECONDS = 5
_SKIPPED = {"__pycache__", "node_modules", "site-packages", "build", "dist"}
_WATCHED = {".py", ".toml", ".yaml", ".yml"}


@verb(verbs, "dev", "onward dev jobs.py", "onward dev myproject.jobs:app --concurrency 2")
def dev(
    here: Here,
    application: Annotated[str | None, typer.Argument(metavar="[FILE|MODULE]", help="The application.")] = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", min=1, metavar="N", help="Jobs at a time.")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, metavar="N", help="The port; 8811.")] = None,
) -> int:
    """Serve the pages, run jobs and schedules, and start again whenever a file of the application changes."""
    refuse_server(here.told)
    told = dataclasses.replace(here.told, app=application or app_name(here.told))
    folder = folder_of(told.app)
    say(f"Watching {folder}. Ctrl-C ends it; submit jobs on the pages, or from another terminal: onward run JOB_TYPE")
    os.environ["ONWARD_WORKER_GRACE_SECONDS"] = str(_GRACE_SECONDS)
    if concurrency is not None:
        os.environ["ONWARD_WORKER_CONCURRENCY"] = str(concurrency)
    command = command_line(told, {"--port": port}, words=["serve"])
    return Reloader(command, folder, SystemClock()).run()


def folder_of(application: str | None) -> Path:
    """Where the files of an application lie."""
    where = (application or "").partition(":")[0]
    if not where:
        return Path.cwd()
    if where.endswith(".py") or os.sep in where:
        if not Path(where).is_file():
            raise AppNotFound(f"There is no file {where}.", hint="check the path")
        return Path(where).resolve().parent
    sys.path.insert(0, str(Path.cwd()))
    try:
        spec = find_spec(where.partition(".")[0])
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise AppNotFound(f"There is no module {where!r}.", hint="start it in the folder that holds it, or name a file")
    return Path(spec.origin).resolve().parent if spec.origin else Path.cwd()


class Reloader:
    """Keeps one process at work, and replaces it when a file changes."""

    def __init__(self, command: list[str], folder: Path, clock: Clock) -> None:
        self._command, self._folder, self._clock = command, folder, clock
        self._stop = threading.Event()
        self.starts = 0

    def run(self) -> int:
        """Until Ctrl-C or SIGTERM."""
        with signals.heard(lambda _number: self._stop.set()):
            while not self._stop.is_set():
                self._once()
        return 0

    def _once(self) -> None:
        before = dict(stamps(self._folder))
        self.starts += 1
        process = subprocess.Popen(self._command, process_group=0)  # noqa: S603 - our own program and arguments
        told = False
        changed: list[str] = []
        while not self._stop.is_set() and not changed:
            self._clock.wait(self._stop, _LOOK_SECONDS)
            if process.poll() is not None and not told:
                say(f"It ended with code {process.returncode}; it starts again when a file changes.")
                told = True
            now = dict(stamps(self._folder))
            changed = sorted(path for path in now.keys() | before.keys() if now.get(path) != before.get(path))
        if changed:
            say(f"{Path(changed[0]).name} changed: starting again.")
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def stamps(folder: Path) -> Iterator[tuple[str, int]]:
    """Each watched file with the time of its last change."""
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _SKIPPED and not name.startswith(".") and name != "venv"]
        for name in files:
            path = Path(root, name)
            if path.suffix in _WATCHED:
                try:
                    yield str(path), path.stat().st_mtime_ns
                except OSError:
                    continue
