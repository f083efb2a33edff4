"""A child process: runs one job's function with a ``Context`` whose other side is the worker.

Started as ``python -m onward.engine.child READ WRITE`` with the numbers of two pipes. When the worker's end of the
pipe closes, the child ends itself and all that it has started.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any

import orjson

from onward.authoring.context import Context
from onward.authoring.job_type import make_job_type
from onward.authoring.port import Point, RunFacts, Split, Wait
from onward.clock import Clock, SystemClock
from onward.engine.lines import write_line
from onward.errors import Interrupt, JobCancelled, JobLost, JobParked, JobStopped, OnwardError
from onward.model import outcome
from onward.model.job import Json
from onward.model.question import Asking
from onward.settings import Settings
from onward.store import Store, checkpoints, endings

_KINDS: dict[str, type[Interrupt]] = {k.__name__: k for k in (JobCancelled, JobLost, JobParked, JobStopped)}
_TELL_SECONDS = 0.1
_SAVE_SECONDS = 1.0
"""A child hands its last point to the worker so often: what a kill costs at most."""


class ChildPort:
    """What a context in a child speaks with: a line for each request, an answer where one is waited for."""

    is_async = False

    def __init__(self, reader: Any, writer: Any, begin: dict[str, Any]) -> None:
        self.facts = RunFacts(**begin["facts"])
        self.settings = Settings(**begin["settings"])
        self.clock: Clock = SystemClock()
        self.interrupt: Interrupt | None = None
        self.context: Context | None = None
        self._url = begin["url"]
        self._reader = reader
        self._writer = writer
        self._lock = threading.Lock()
        self._calls = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._answered = threading.Condition()
        self._told_at = 0.0
        self._saved_at = self.clock.monotonic()
        self._store: Store | None = None
        self._open: Any = None
        self._is_telling = False
        self._is_pressed = False

    # ---- the pipe -------------------------------------------------------------------------------------------

    def listen(self) -> None:
        """Take what the worker sends; end with it."""
        for line in self._reader:
            message = orjson.loads(line)
            if message["op"] == "interrupt":
                self.interrupt = _KINDS.get(message["kind"], JobCancelled)("The worker asks the job to leave.")
                continue
            with self._answered:
                self._answers[message["call"]] = message
                self._answered.notify_all()
        # The worker is gone: so is the right to go on.
        os.killpg(0, signal.SIGKILL)

    def _tell(self, op: str, **values: Any) -> None:
        line = orjson.dumps({"op": op, **values})
        if threading.current_thread() is not threading.main_thread():
            self._send(line)
            return
        # A signal is dealt with in this thread, wherever it is: not within a line, of which half would have gone.
        self._is_telling = True
        try:
            self._send(line)
        finally:
            self._is_telling = False
        if self._is_pressed:
            self.leave()

    def _send(self, line: bytes) -> None:
        with self._lock:
            write_line(self._writer, line)

    def end(self, line: bytes) -> None:
        """The last line; what comes now is too late to be heard."""
        self._is_telling = True
        self._send(line)

    def leave(self) -> None:
        """SIGTERM: the second step of pressing. Raised where the job is, after the line that it is writing."""
        self._is_pressed = self._is_telling
        if self.interrupt is None:
            self.interrupt = JobStopped("The process was asked to end.")
        if not self._is_telling:
            raise self.interrupt

    def _ask(self, op: str, **values: Any) -> Any:
        call = next(self._calls)
        self._tell(op, call=call, **values)
        with self._answered:
            while call not in self._answers:
                self._answered.wait()
            answer = self._answers.pop(call)
        if "interrupt" in answer:
            self.interrupt = _KINDS.get(answer["interrupt"], JobLost)(answer["message"])
            raise self.interrupt
        if "error" in answer:
            kind = getattr(importlib.import_module("onward.errors"), answer["error"], OnwardError)
            raise kind(answer["message"], hint=answer["hint"])
        return answer["value"]

    # ---- RunPort --------------------------------------------------------------------------------------------

    def must_leave(self) -> bool:
        return self.interrupt is not None

    def report(
        self,
        percent: float | None,
        message: str | None,
        done: int | None,
        total: int | None,
        phase: str | None,
    ) -> None:
        now = self.clock.monotonic()
        is_last = done is not None and done == total
        if now - self._told_at < _TELL_SECONDS and message is None and phase is None and not is_last:
            return
        self._told_at = now
        self._tell("report", values=[percent, message, done, total, phase])
        if self.context is not None and now - self._saved_at >= _SAVE_SECONDS:
            self._saved_at = now
            point = self.context.latest_point()
            if point is not None:
                self._ask("save", point=_plain(point), flush=False)

    def save(self, point: Point, flush: bool) -> None:
        if self._open is None:
            self._ask("save", point=_plain(point), flush=flush)

    async def save_async(self, point: Point) -> None:
        raise OnwardError("A child process runs no event loop.", hint="Use checkpoint(flush=True).")

    def load_step(self, scope: str, name: str) -> str | None:
        found: str | None = self._ask("load_step", scope=scope, name=name)
        return found

    def keep_step(self, scope: str, name: str, result: str, point: Point | None) -> None:
        if self._open is not None:
            self._check_fence(self._open)
            store, facts = self._database(), self.facts
            now = store.now()
            checkpoints.keep_step(self._open, store.dialect, facts.job_id, scope, name, result, facts.fence, now)
            return
        self._ask("keep_step", scope=scope, name=name, result=result, point=_plain(point) if point else None)

    async def keep_step_async(self, scope: str, name: str, result: str, point: Point | None) -> None:
        raise OnwardError("A child process runs no event loop.", hint="Use a plain function.")

    def forget(self) -> None:
        self._ask("forget")

    def read_partial(self, name: str, count: int) -> Iterator[str]:
        return iter(self._ask("read_partial", name=name, count=count))

    def load_answer(self, question: Asking) -> str | None:
        found: str | None = self._ask("load_answer", question=dataclasses.asdict(question))
        return found

    def park(self, wait: Wait) -> Interrupt:
        question = dataclasses.asdict(wait.question) if wait.question else None
        until = wait.until.isoformat() if wait.until else None
        self._ask("park", wait={"until": until, "question": question, "any_of": wait.any_of})
        return JobParked(f"Waits {wait}.")

    def split(self, split: Split) -> list[Json]:
        kind = split.job_type
        name = kind if isinstance(kind, str) else f"{kind.__module__}:{kind.__qualname__}"
        found: list[Json] = self._ask("split", split={**dataclasses.asdict(split), "job_type": name})
        return found

    def read_range(self, family: str, name: str, place: list[int]) -> tuple[list[str], list[int] | None]:
        texts, after = self._ask("read_range", family=family, name=name, place=place)
        return texts, after

    def log(self, level: str, message: str, fields: dict[str, Any]) -> None:
        self._tell("log", level=level, message=message, fields={k: _logged(v) for k, v in fields.items()})

    @contextlib.contextmanager
    def transaction(self, point: Callable[[], Point]) -> Iterator[Any]:
        self._ask("written")
        store, facts = self._database(), self.facts
        with store.transaction(patience=10) as conn:
            number = self._check_fence(conn)
            self._open = conn
            try:
                yield conn
                saved = point()
                for name, (first, records) in saved.partials.items():
                    checkpoints.append_partial(conn, store.dialect, facts.job_id, name, first, records, facts.fence)
                checkpoints.save_checkpoint(
                    conn,
                    store.dialect,
                    facts.job_id,
                    number=number + 1,
                    state=saved.text,
                    type_version=facts.type_version,
                    percent=None,
                    fence=facts.fence,
                    now=store.now(),
                )
            finally:
                self._open = None

    def _check_fence(self, conn: Any) -> int:
        owned = endings.lock_owned(conn, self._database().dialect, [self.facts.job_id]).get(self.facts.job_id)
        if owned is None or not endings.is_owner(owned, self.facts.fence):
            self.interrupt = JobLost(f"This worker no longer owns job {self.facts.job_id}.")
            raise self.interrupt
        return owned.number

    def _database(self) -> Store:
        if self._store is None:
            self._store = Store(self._url, self.settings, self.clock)
        return self._store

    def hold(self, resource: str, capacity: int, wait: bool) -> None:
        self._ask("hold", resource=resource, capacity=capacity, wait=wait)

    def release(self, resource: str) -> None:
        self._ask("release", resource=resource)

    def show_dimension(self, dimension: int | None, operation: str | None, pending: tuple[int, ...]) -> None:
        self._tell("dimension", dimension=dimension, operation=operation, pending=list(pending))


def _plain(point: Point) -> dict[str, Any]:
    return {
        "text": point.text,
        "percent": point.percent,
        "partials": {name: [first, records] for name, (first, records) in point.partials.items()},
        "done_scopes": list(point.done_scopes),
    }


def _logged(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _end(found: outcome.Outcome) -> dict[str, Any]:
    error = found.error
    bases = [f"{k.__module__}.{k.__qualname__}" for k in type(found.exception).__mro__] if found.exception else []
    return {
        "op": "end",
        "kind": str(found.kind),
        "result": found.result,
        "error": [error.type, error.message, error.traceback] if error else None,
        "bases": bases,
    }


def main(read: int, write: int) -> None:
    """Run the one job that the worker sends."""
    with open(read, "rb") as reader, open(write, "wb", buffering=0) as writer:
        begin = orjson.loads(reader.readline())
        port = ChildPort(reader, writer, begin)
        signal.signal(signal.SIGTERM, lambda *_: port.leave())
        threading.Thread(target=port.listen, name="onward-parent", daemon=True).start()
        try:
            module = importlib.import_module(begin["module"])
            function: Any = reduce(getattr, begin["function"].split("."), module)
            job_type = make_job_type(function, isolation="process")
            arguments = job_type.arguments(job_type.validate(port.facts.params))
            if job_type.context_name is not None:
                port.context = Context(
                    port,
                    every=begin["every"],
                    seconds=begin["seconds"],
                    on_changed_inputs=begin["on_changed_inputs"],
                )
                arguments[job_type.context_name] = port.context
            found = outcome.of_result(job_type.func(**arguments))
            _keep_partials(port, found)
            message = orjson.dumps(_end(found))
        except BaseException as error:  # noqa: BLE001 - whatever a job raises is how it ended
            found = outcome.of_exception(error)
            message = orjson.dumps(_end(found))
        if found.kind is not outcome.Kind.SUCCESS and port.context is not None:
            point = port.context.latest_point()
            if point is not None:
                with contextlib.suppress(Interrupt):
                    port.save(point, False)
        port.end(message)
        sys.stdout.flush()
        sys.stderr.flush()
        # Threads that the job left behind do not hold the end up.
        os._exit(0)


def _keep_partials(port: ChildPort, found: outcome.Outcome) -> None:
    """A range's partial work will be read by its parent: all of it counts now."""
    context = port.context
    if port.facts.range is None or context is None or not context.has_partials:
        return
    if found.kind is outcome.Kind.SUCCESS:
        context.mark_end()
        point = context.latest_point()
        if point is not None:
            port.save(point, False)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
