"""Running a job's function right here, without a database: for chains in a script, and for tests."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from onward.authoring.context import Context
from onward.authoring.inline_family import InlineFamily, RunRange
from onward.authoring.job_type import JobType, make_job_type
from onward.authoring.port import Point, RunFacts, Split, Wait
from onward.clock import Clock
from onward.errors import Interrupt, JobCancelled, JobParked, OnwardError, UnknownJobType
from onward.model import codec
from onward.model.family import WorkRange
from onward.model.ids import Ids
from onward.model.job import Json
from onward.model.progress import ProgressMeter
from onward.model.question import Asking
from onward.settings import Settings

_log = logging.getLogger("onward.job")


class People(Protocol):
    """Who answers the questions of a job that runs inline."""

    def answer_to(self, question: Asking) -> str | None:
        """The answer as JSON text, or None: then the job leaves as it would to wait for one."""


class Memory:
    """What a job has saved, kept in memory from one attempt to the next."""

    def __init__(self) -> None:
        self.checkpoint: str | None = None
        self.steps: dict[tuple[str, str], str] = {}
        self.partials: dict[str, list[str]] = {}
        self.saves = 0
        self.lines: list[tuple[str, str, dict[str, Any]]] = []
        self.people: People | None = None
        self.families: dict[str, InlineFamily[Memory]] = {}

    def keep(self, point: Point) -> None:
        """Take in a consistent point."""
        self.checkpoint = point.text
        self.saves += 1
        for name, (first, records) in point.partials.items():
            kept = self.partials.setdefault(name, [])
            del kept[first:]
            kept.extend(records)
        for key in [key for key in self.steps if key[0] in point.done_scopes]:
            del self.steps[key]


class InlinePort:
    """A run in the caller's own thread. Sleeps end at once; there is no database to hold resources in."""

    def __init__(
        self,
        facts: RunFacts,
        settings: Settings,
        clock: Clock,
        memory: Memory,
        *,
        is_async: bool = False,
        progress_callback: Callable[..., Any] | None = None,
        cancel_checker: Callable[[], bool] | None = None,
        runner: Callable[[Split], RunRange[Memory]] | None = None,
    ) -> None:
        self.facts = facts
        self.settings = settings
        self.clock = clock
        self.is_async = is_async
        self.meter = ProgressMeter()
        self.memory = memory
        self._progress_callback = progress_callback
        self._cancel_checker = cancel_checker
        self._interrupt: Interrupt | None = None
        self._runner = runner

    @property
    def interrupt(self) -> Interrupt | None:
        """Why the job must leave; asks the caller's own checker."""
        if self._interrupt is None and self._cancel_checker is not None and self._cancel_checker():
            self._interrupt = JobCancelled(f"Job {self.facts.job_id} was cancelled.")
        return self._interrupt

    @interrupt.setter
    def interrupt(self, value: Interrupt | None) -> None:
        self._interrupt = value

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
        self.meter.report(percent, message, done, total, phase)
        if self._progress_callback is not None:
            meter = self.meter
            if meter.total and meter.done is not None and percent is None:
                self._progress_callback(meter.done, meter.total, meter.message)
            else:
                self._progress_callback(meter.percent or 0, 100, meter.message)

    def save(self, point: Point, flush: bool) -> None:
        self.memory.keep(point)

    async def save_async(self, point: Point) -> None:
        self.memory.keep(point)

    def load_step(self, scope: str, name: str) -> str | None:
        return self.memory.steps.get((scope, name))

    def keep_step(self, scope: str, name: str, result: str, point: Point | None) -> None:
        self.memory.steps[scope, name] = result
        if point is not None:
            self.memory.keep(point)

    async def keep_step_async(self, scope: str, name: str, result: str, point: Point | None) -> None:
        self.keep_step(scope, name, result, point)

    def forget(self) -> None:
        self.memory.checkpoint = None
        self.memory.steps.clear()
        self.memory.partials.clear()
        self.memory.families.clear()

    def read_partial(self, name: str, count: int) -> Iterator[str]:
        return iter(self.memory.partials.get(name, [])[:count])

    def load_answer(self, question: Asking) -> str | None:
        if self.memory.people is None:
            raise OnwardError(
                f"A job that runs inline cannot ask anybody: question {question.name!r}.",
                hint="Submit it and let a worker run it; in a test give JobBench the answers.",
            )
        return self.memory.people.answer_to(question)

    def park(self, wait: Wait) -> Interrupt:
        return JobParked(f"Waits {wait}.")

    def split(self, split: Split) -> list[Json]:
        if self._runner is None:
            raise OnwardError("There are no job types here to fan out to.", hint="Submit the job.")
        family = self.memory.families.setdefault(split.family, InlineFamily(Memory))
        return family.results(split, self._runner(split))

    def read_range(self, family: str, name: str, place: list[int]) -> tuple[list[str], list[int] | None]:
        memories = self.memory.families[family].memories if family in self.memory.families else {}
        if place[0] not in memories:
            return [], None
        return memories[place[0]].partials.get(name, []), [place[0] + 1, 0]

    def log(self, level: str, message: str, fields: dict[str, Any]) -> None:
        self.memory.lines.append((level, message, fields))
        _log.log(getattr(logging, level, logging.INFO), "%s %s", message, fields or "")

    def transaction(self, point: Callable[[], Point]) -> contextlib.AbstractContextManager[Any]:
        raise OnwardError("A job that runs inline has no database.", hint="Submit it and let a worker run it.")

    def hold(self, resource: str, capacity: int, wait: bool) -> None:
        """Nothing else runs here, so everything is free."""

    def release(self, resource: str) -> None:
        """Nothing was taken."""

    def show_dimension(self, dimension: int | None, operation: str | None, pending: tuple[int, ...]) -> None:
        """Nobody looks."""


Resolve = Callable[[str | Callable[..., Any]], tuple[JobType, dict[str, Json]]]


def _by_function(job_type: str | Callable[..., Any]) -> tuple[JobType, dict[str, Json]]:
    if isinstance(job_type, str):
        raise UnknownJobType(f"No job type is called {job_type!r} here.", hint="Give the function itself.")
    return make_job_type(job_type), {}


def run_inline(
    job_type: JobType,
    params: Mapping[str, Json] | None,
    *,
    settings: Settings,
    clock: Clock,
    source_id: str | None = None,
    memory: Memory | None = None,
    attempt: int = 1,
    progress_callback: Callable[..., Any] | None = None,
    cancel_checker: Callable[[], bool] | None = None,
    before: Callable[[Context], None] | None = None,
    resolve: Resolve | None = None,
    part: WorkRange | None = None,
) -> Json:
    """Call a job type's function and return its result; what it raises is raised, interrupts too.

    ``memory`` carries what it saves from one call to the next; ``before`` is given the context before the call;
    ``resolve`` finds the job types of a fan-out, whose ranges run one after the other; ``part``: it is such a range.
    """

    def runner(split: Split) -> RunRange[Memory]:
        kind, preset = (resolve or _by_function)(split.job_type)
        given = {**preset, **split.params}
        kind.validate(given)

        def run_range(part: WorkRange, memory: Memory) -> Json:
            return run_inline(
                kind,
                given,
                settings=settings,
                clock=clock,
                source_id=source_id,
                memory=memory,
                cancel_checker=cancel_checker,
                resolve=resolve,
                part=part,
            )

        return run_range

    memory = memory or Memory()
    model = job_type.validate(params or {})
    facts = RunFacts(
        job_id=Ids(clock).new(),
        job_type=job_type.name,
        attempt=attempt,
        fence=attempt,
        params=job_type.dump(model),
        source_id=source_id,
        saved=memory.checkpoint,
        type_version=job_type.version,
        range=(part.worker_id, part.total_workers, part.start, part.end or 0) if part is not None else None,
    )
    port = InlinePort(
        facts,
        settings,
        clock,
        memory,
        is_async=job_type.isolation == "async",
        progress_callback=progress_callback,
        cancel_checker=cancel_checker,
        runner=runner,
    )
    arguments = job_type.arguments(model)
    context = Context(port, every=job_type.checkpoint_every, on_changed_inputs=job_type.on_changed_inputs)
    if job_type.context_name is not None:
        arguments[job_type.context_name] = context
    if before is not None:
        before(context)
    try:
        result = job_type.func(**arguments)
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
    except BaseException:
        point = context.latest_point()
        if point is not None:
            memory.keep(point)
        raise
    if part is None:
        port.forget()
    else:
        context.mark_end()
        memory.keep(context.latest_point() or Point("{}"))
    return codec.decode(codec.encode(result, "The result", settings.limits.result_bytes))
