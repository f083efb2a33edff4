"""Child processes, from the worker's side: each runs one job and speaks with its desk over two pipes.

Children are started by exec, never by fork, and each leads a process group of its own, so that it can be ended with
all that it has started. Lines are JSON.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

import orjson

from onward.authoring.port import Point, Split, Wait
from onward.engine import guard
from onward.engine.desk import Desk
from onward.engine.lines import write_line
from onward.errors import Interrupt, JobStopped, OnwardError
from onward.model import outcome
from onward.model.job import JobError, Json
from onward.model.outcome import Kind, Outcome
from onward.model.question import Asking
from onward.settings import Settings

_log = logging.getLogger("onward.engine")


class Children:
    """Starts children and drives them; with them the guard that ends them should this process die."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._url = url
        self._settings = settings
        self._guard: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._feeder: threading.Thread | None = None
        self._groups: set[int] = set()
        self._ended_by_guard: set[int] = set()

    def drive(self, desk: Desk, params: dict[str, Json]) -> Outcome:
        """Run a job in a child of its own, from its start to its end."""
        to_read, child_writes = os.pipe()
        child_reads, to_write = os.pipe()
        command = [sys.executable, "-m", "onward.engine.child", str(child_reads), str(child_writes)]
        try:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter with our own module
                command,
                pass_fds=(child_reads, child_writes),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=_environment(),
            )
        finally:
            os.close(child_reads)
            os.close(child_writes)
        try:
            self._tell_guard(f"+{process.pid}")
            with open(to_read, "rb") as reader, open(to_write, "wb", buffering=0) as writer:
                found = _Talk(desk, process, reader, writer).run(self._begin(desk, params))
                return found or self._died(desk, process)
        finally:
            _kill(process.pid, signal.SIGKILL)
            process.wait()
            self._tell_guard(f"-{process.pid}")

    def beat(self) -> None:
        """A sign of life for the guard."""
        self._tell_guard(".")

    def close(self) -> None:
        """Let the guard go."""
        self._closed.set()
        with self._lock:
            if self._guard is not None:
                self._let_go(self._guard)
                self._guard = None

    def _begin(self, desk: Desk, params: dict[str, Json]) -> dict[str, Any]:
        facts, func = desk.facts, desk.job_type.func
        return {
            "module": func.__module__,
            "function": func.__qualname__,
            "url": self._url,
            "settings": self._settings.renewed().as_mapping(),
            "every": desk.job_type.checkpoint_every,
            "seconds": desk.job_type.checkpoint_seconds,
            "on_changed_inputs": desk.job_type.on_changed_inputs,
            "facts": {
                "job_id": facts.job_id,
                "job_type": facts.job_type,
                "attempt": facts.attempt,
                "fence": facts.fence,
                "generation": facts.generation,
                "params": params,
                "source_id": facts.source_id,
                "user_id": facts.user_id,
                "bot_id": facts.bot_id,
                "parent_id": facts.parent_id,
                "worker_id": facts.worker_id,
                "saved": facts.saved,
                "saved_version": facts.saved_version,
                "type_version": facts.type_version,
                "range": facts.range,
            },
        }

    def _tell_guard(self, line: str) -> None:
        with self._lock:
            if line[0] != ".":
                (self._groups.add if line[0] == "+" else self._groups.discard)(int(line[1:]))
            if self._guard is None:
                if line[0] == ".":
                    return
                self._guard = self._start_guard()
            try:
                _write(self._guard, line)
            except BrokenPipeError:
                # Somebody has killed it. It has ended nothing: its end is not that of this process.
                _log.warning("The guard of the child processes has died; there is a new one.")
                self._let_go(self._guard)
                self._guard = self._start_guard()
                for group in self._groups:
                    _write(self._guard, f"+{group}")

    def _start_guard(self) -> subprocess.Popen[bytes]:
        path = str(Path(guard.__file__))
        lease = str(self._settings.worker.lease_seconds)
        started = subprocess.Popen(  # noqa: S603 - our own interpreter with our own file
            [sys.executable, "-I", "-S", path, lease], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        if started.stdout is not None:
            os.set_blocking(started.stdout.fileno(), False)
        if self._closed.is_set() or self._feeder is None:
            self._closed.clear()
            self._feeder = threading.Thread(target=self._feed, name="onward-feeder", daemon=True)
            self._feeder.start()
        return started

    def _let_go(self, ended: subprocess.Popen[bytes]) -> None:
        """Close the pipes of a guard, which ends it; what it has said it ended is known then."""
        if ended.stdin is not None:
            with contextlib.suppress(OSError):
                ended.stdin.close()
        ended.wait()
        if ended.stdout is not None:
            self._ended_by_guard.update(map(int, (ended.stdout.read() or b"").split()))
            ended.stdout.close()

    def _feed(self) -> None:
        """Signs of life for the guard that wait for no database: silent is only who is stopped or starved."""
        while not self._closed.wait(self._settings.worker.lease_seconds / 4):
            self.beat()

    def _was_ended_by_guard(self, group: int) -> bool:
        """Whether the guard has had no sign of life for a lease, and ended this child: it says so before it does."""
        with self._lock:
            if self._guard is not None and self._guard.stdout is not None:
                self._ended_by_guard.update(map(int, (self._guard.stdout.read() or b"").split()))
            was_ended = group in self._ended_by_guard
            self._ended_by_guard.discard(group)
        return was_ended

    def _died(self, desk: Desk, process: subprocess.Popen[bytes]) -> Outcome:
        """The child is gone without a word; what it saved last counts."""
        if desk.interrupt is not None:
            return outcome.of_exception(desk.interrupt)
        code = process.wait()
        if code == -signal.SIGKILL and self._was_ended_by_guard(process.pid):
            # Not the job's doing: it uses no attempt, and goes on.
            return outcome.of_exception(JobStopped("The worker was stopped, and its guard has ended the child."))
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        error = JobError("ProcessDied", f"The job's process ended with {how}.")
        return Outcome(Kind.FAILURE, None, error, RuntimeError(error.message))


class _Talk:
    """One child: its requests are answered in the thread of the run."""

    def __init__(self, desk: Desk, process: subprocess.Popen[bytes], reader: IO[bytes], writer: IO[bytes]) -> None:
        self._desk = desk
        self._process = process
        self._reader = reader
        self._writer = writer
        self._write_lock = threading.Lock()

    def run(self, begin: dict[str, Any]) -> Outcome | None:
        """Tell the child what to do, answer it, and return how it ended; None when it died without a word."""
        with contextlib.suppress(BrokenPipeError):
            # It may have been ended already: then there is nothing to read below.
            self._send(begin)
        self._desk.press_child = self._press
        self._desk.signal_child = partial(_kill, self._process.pid)
        try:
            for line in self._reader:
                if not line.endswith(b"\n"):
                    # It died while it was writing.
                    return None
                message = orjson.loads(line)
                if message["op"] == "end":
                    return _outcome(message)
                self._answer(message)
        finally:
            self._desk.press_child = self._desk.signal_child = None
        return None

    def _press(self, step: int) -> None:
        """Ask the child to leave: a word, SIGTERM, SIGKILL of its whole group."""
        if step == 0:
            kind = type(self._desk.interrupt).__name__ if self._desk.interrupt else "JobCancelled"
            with contextlib.suppress(OSError):
                self._send({"op": "interrupt", "kind": kind})
        else:
            _kill(self._process.pid, signal.SIGTERM if step == 1 else signal.SIGKILL)

    def _answer(self, message: dict[str, Any]) -> None:
        try:
            do = self._do_family if message["op"] in ("split", "read_range") else self._do
            answer = {"value": do(message)}
        except Interrupt as error:
            answer = {"interrupt": type(error).__name__, "message": str(error)}
        except OnwardError as error:
            answer = {"error": type(error).__name__, "message": error.message, "hint": error.hint}
        if "call" in message:
            with contextlib.suppress(OSError):
                self._send({"op": "answer", "call": message["call"], **answer})

    def _do(self, message: dict[str, Any]) -> Any:  # noqa: C901 - one branch a request
        desk, given = self._desk, message
        match message["op"]:
            case "report":
                desk.report(*given["values"])
            case "save":
                desk.save(_point(given["point"]), given["flush"])
            case "load_step":
                return desk.load_step(given["scope"], given["name"])
            case "keep_step":
                point = _point(given["point"]) if given["point"] else None
                desk.keep_step(given["scope"], given["name"], given["result"], point)
            case "written" | "forget":
                desk.forget() if message["op"] == "forget" else desk.require_written()
            case "read_partial":
                return list(desk.read_partial(given["name"], given["count"]))
            case "log":
                desk.log(given["level"], given["message"], given["fields"])
            case "hold":
                desk.hold(given["resource"], given["capacity"], given["wait"])
            case "release":
                desk.release(given["resource"])
            case "dimension":
                desk.show_dimension(given["dimension"], given["operation"], tuple(given["pending"]))
            case "load_answer":
                return desk.load_answer(Asking(**given["question"]))
            case "park":
                desk.park(_wait(given["wait"]))
        return None

    def _do_family(self, given: dict[str, Any]) -> Any:
        if given["op"] == "split":
            return self._desk.split(Split(**given["split"]))
        return self._desk.read_range(given["family"], given["name"], given["place"])

    def _send(self, message: dict[str, Any]) -> None:
        with self._write_lock:
            write_line(self._writer, orjson.dumps(message))


def _point(value: dict[str, Any]) -> Point:
    partials = {name: (first, records) for name, (first, records) in value["partials"].items()}
    return Point(value["text"], value["percent"], partials, tuple(value["done_scopes"]))


def _wait(value: dict[str, Any]) -> Wait:
    return Wait(
        until=datetime.fromisoformat(value["until"]) if value["until"] else None,
        question=Asking(**value["question"]) if value["question"] else None,
        any_of=tuple(value["any_of"]),
    )


def _outcome(message: dict[str, Any]) -> Outcome:
    kind = Kind(message["kind"])
    error = JobError(*message["error"]) if message["error"] else None
    exception = _exception(message["bases"], error) if error else None
    return Outcome(kind, message["result"], error, exception)


def _exception(bases: list[str], error: JobError) -> BaseException:
    """An exception of the nearest class that is known here, so that a retry policy can look at it."""
    for base in bases:
        module, _, name = base.rpartition(".")
        found = getattr(sys.modules.get(module), name, None)
        if isinstance(found, type) and issubclass(found, BaseException):
            # Without calling its constructor, which may want anything.
            exception = found.__new__(found)
            exception.args = (error.message,)
            return exception
    return RuntimeError(error.message)


def _environment() -> dict[str, str]:
    """Ours, with the modules that are importable here importable there."""
    paths = [path for path in sys.path if path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _write(ear: subprocess.Popen[bytes], line: str) -> None:
    if ear.stdin is not None:
        ear.stdin.write(line.encode() + b"\n")
        ear.stdin.flush()


def _kill(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
