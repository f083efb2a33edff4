"""``Context``: everything a running job may ask for. Its verbs are short; the work is done by its rooms.

The file is long because every verb of the public interface has its documentation here.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NoReturn, TypeVar
from weakref import WeakKeyDictionary

from onward.authoring.asking import Schema, make_asking
from onward.authoring.fan_out import RangeRecords, asked
from onward.authoring.free_first import free_first
from onward.authoring.iterate import Items, Iteration
from onward.authoring.job_log import JobLog
from onward.authoring.partial import Partial
from onward.authoring.port import Point, RunFacts, RunPort, Wait
from onward.authoring.steps import Steps
from onward.clock import Clock
from onward.errors import DuplicateStep, OnwardError
from onward.model import codec, doubt
from onward.model.doubt import Doubt
from onward.model.family import WorkRange
from onward.model.job import Json
from onward.model.question import Asking, OnTimeout
from onward.settings import Settings

T = TypeVar("T")

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


def _turn() -> asyncio.Lock:
    """The lock of the running loop under which its jobs have their transactions."""
    return _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())


def _type_name(job_type: str | Callable[..., Any]) -> str:
    return job_type if isinstance(job_type, str) else getattr(job_type, "__name__", str(job_type))


_CHEAP_BYTES = 2048
"""A point of so many bytes is taken at every item; larger ones in proportion more seldom."""


class Context:
    """What a job is given as its first argument.

    What is saved is the state as of the last *consistent point*: the end of an item of ``each``, a call of
    ``checkpoint`` or the end of a ``step``. What the job changed after it is dropped at an interruption and done
    again.
    """

    def __init__(
        self,
        port: RunPort,
        *,
        every: int | None = None,
        seconds: float | None = None,
        on_changed_inputs: Literal["restart", "continue", "ask"] = "restart",
    ) -> None:
        self._port = port
        self._every = every or port.settings.checkpoint.every_items
        self._seconds = seconds or port.settings.checkpoint.every_seconds
        self._on_changed_inputs = on_changed_inputs
        self._settings: Settings | None = None
        self._since = 0
        self._saved_at = port.clock.monotonic()
        self._text: str | None = None
        self._text_cost = 0
        self._is_behind = False
        self._partials: dict[str, Partial] = {}
        self._used_names: dict[str, int] = {}
        self._steps = Steps(port)
        self._used_questions: set[tuple[str, str]] = set()
        self._inside = False
        self._is_unawaited = False
        saved = codec.decode(port.facts.saved) or {}
        self._resumed = bool(saved)
        self.state: dict[str, Json] = saved.get("state", {})
        self._cursors: dict[str, dict[str, Json]] = saved.get("cursors", {})
        self._partial_counts: dict[str, int] = saved.get("partials", {})
        self._fingerprint: str | None = saved.get("fingerprint")
        self._agreed: str | None = saved.get("agreed")
        self.log = JobLog(port)
        self._used_families: set[str] = set()
        self.range = WorkRange(*(port.facts.range or ()))

    # ---- facts ----------------------------------------------------------------------------------------------

    @property
    def facts(self) -> RunFacts:
        """All that is fixed for this attempt."""
        return self._port.facts

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self._port.facts.job_id

    @property
    def attempt(self) -> int:
        """1 for the first attempt."""
        return self._port.facts.attempt

    @property
    def fence(self) -> int:
        """Rises with every claim: hand it to outside systems, so that they can refuse an overtaken worker."""
        return self._port.facts.fence

    @property
    def source_id(self) -> str | None:
        """The source that the job works on."""
        return self._port.facts.source_id

    @property
    def user_id(self) -> str | None:
        """Who submitted the job."""
        return self._port.facts.user_id

    @property
    def bot_id(self) -> str | None:
        """The bot for which the job runs."""
        return self._port.facts.bot_id

    @property
    def params(self) -> dict[str, Json]:
        """The parameters as plain JSON."""
        return self._port.facts.params

    @property
    def resumed(self) -> bool:
        """Whether this attempt goes on from a checkpoint."""
        return self._resumed

    @property
    def settings(self) -> Settings:
        """The application's settings; those of services that jobs use, such as ``vault``, as they are at this run.

        So what was configured in a file or in ``.env`` is used without a restart.
        """
        if self._settings is None:
            self._settings = self._port.settings.renewed()
        return self._settings

    @property
    def clock(self) -> Clock:
        """The clock to use instead of ``time`` and ``datetime.now``."""
        return self._port.clock

    def idempotency_key(self, step: str = "") -> str:
        """A key that is the same at every attempt: hand it to outside systems that can refuse repetitions."""
        return f"{self.job_id}:{self._port.facts.generation}:{self._steps.scope}:{step}"

    # ---- stopping -------------------------------------------------------------------------------------------

    @property
    def cancelled(self) -> bool:
        """Whether the job was asked to leave: cancelled, lost, or the worker is shutting down."""
        return self._is_leaving()

    @property
    def should_stop(self) -> bool:
        """The same as ``cancelled``."""
        return self._is_leaving()

    def check(self) -> None:
        """Leave here if the job was asked to: raises ``JobCancelled`` or one of its kin (``BaseException``)."""
        if self._port.interrupt is not None and self._port.must_leave():
            raise self._port.interrupt

    def _is_leaving(self) -> bool:
        return self._port.interrupt is not None and self._port.must_leave()

    @property
    def cancel_checker(self) -> Callable[[], bool]:
        """A plain callable for code that wants one: true once the job was asked to leave."""
        return self._is_leaving

    @property
    def progress_callback(self) -> Callable[..., None]:
        """A plain callable ``(done, total, message="")`` for code that wants one."""

        def tell(done: float = 0, total: float | None = None, message: str = "") -> None:
            if total:
                self.progress(message=message, done=int(done), total=int(total))
            else:
                self.progress(percent=done, message=message)

        return tell

    # ---- progress -------------------------------------------------------------------------------------------

    def progress(
        self,
        percent: float | None = None,
        message: str | None = None,
        *,
        done: int | None = None,
        total: int | None = None,
        phase: str | None = None,
    ) -> None:
        """Say how far the job is; costs about a microsecond, so call it as often as you like.

        ``percent`` 0 to 100, or ``done`` of ``total`` items; what is left out stays as it was.
        """
        self._port.report(percent, message, done, total, phase)

    def dimension(
        self,
        dimension: int | None,
        operation: str | None = None,
        *,
        pending: tuple[int, ...] | list[int] = (),
    ) -> None:
        """What the board of vector databases shows: ``dimension(768, "index")``; ``dimension(None)`` when done."""
        self._port.show_dimension(dimension, operation, tuple(pending))

    # ---- checkpoints ----------------------------------------------------------------------------------------

    def checkpoint(self, state: dict[str, Json] | None = None, *, flush: bool = False) -> None:
        """Mark a consistent point; it is saved by policy, or now and durably with ``flush=True``.

        ``state`` replaces the whole state. Leaves here if the job was asked to. Raises ``InvalidValue`` when the
        state is not plain JSON or too large.
        """
        if state is not None:
            self.state = state
        self._mark(force=flush)
        if flush:
            self._refuse_on_loop("checkpoint(flush=True)", "await ctx.flush()")
            self._save(flush=True)
        self._passed(1)

    async def flush(self, state: dict[str, Json] | None = None) -> None:
        """For async jobs: mark a consistent point and return when it is durable."""
        if state is not None:
            self.state = state
        self._mark(force=True)
        await self._port.save_async(self._take_point())
        self._passed(0)

    def each(
        self,
        items: Items[T],
        key: Callable[[T], Any] | None = None,
        *,
        name: str | None = None,
        batch: int | None = None,
        total: int | None = None,
        every: int | None = None,
        seconds: float | None = None,
    ) -> Iteration[T]:
        """Go over ``items`` from where the job was; use it with ``for`` (or ``async for``).

        ``items``: an iterable, or a function of the last finished key that gives the rest. ``key``: a function that
        names an item by a string or number; with it the order must be the same each time. Without it the index is
        the cursor. ``batch=100`` gives lists. ``total`` when ``items`` has no length. Saves every ``every`` items
        (2,000) or ``seconds`` (60). An item is done when the next one is asked for.

        Raises ``CursorLost`` when the last key has gone from items that are not sorted.
        """
        if every is not None:
            self._every = every
        if seconds is not None:
            self._seconds = seconds
        return Iteration(self, self._named(name, "each"), items, key, total, batch)

    def partial(self, name: str = "partial") -> Partial:
        """Append-only partial work of this name: ``append(record)``, iteration, ``path``."""
        if name not in self._partials:
            self._partials[name] = Partial(self._port, name, self._partial_counts.get(name, 0))
        return self._partials[name]

    def fingerprint(self, **facts: Json) -> Any:
        """What the checkpoint depends on (model, chunk size, version of the source), compared with what was saved.

        When it has changed, the job type's ``on_changed_inputs`` decides: ``restart`` drops what was saved,
        ``continue`` goes on, ``ask`` fails the job with both choices named; resuming it then is the consent. In an
        async job ``await`` it.
        """
        if self._port.is_async:
            self._is_unawaited = True
            return self._fingerprint_async(facts)
        if self._has_changed(facts):
            self._port.forget()
            self._start_over()
        return None

    async def _fingerprint_async(self, facts: dict[str, Json]) -> None:
        self._is_unawaited = False
        if self._has_changed(facts):
            await asyncio.to_thread(self._port.forget)
            self._start_over()

    def _has_changed(self, facts: dict[str, Json]) -> bool:
        """Whether what was saved is to be dropped."""
        now = codec.digest(codec.encode(dict(sorted(facts.items())), "The fingerprint", 65536))
        before, self._fingerprint = self._fingerprint, now
        if before is None or before == now or self._on_changed_inputs == "continue":
            return False
        if self._on_changed_inputs == "restart":
            self.log.warning("The inputs have changed since the checkpoint: starting from the beginning.")
            return True
        if self._agreed != now:
            self._agreed, self._fingerprint = now, before
            self._mark(force=True)
            raise OnwardError(
                "The inputs have changed since the checkpoint was saved.",
                hint="Resume the job to go on with it all the same, or start it fresh.",
            )
        return False

    # ---- steps, sleep, resources ----------------------------------------------------------------------------

    def step(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run ``function`` once: its JSON result is kept durably, and returned without a call at every later attempt.

        Names are scoped by the item of the enclosing ``each``. In an async job ``await`` it. Raises
        ``DuplicateStep`` for a name used twice in one scope.
        """
        if self._port.is_async:
            return self._step_async(name, function, *args, **kwargs)
        kept = self._steps.begin(name)
        if kept is not None:
            return codec.decode(kept)
        return self._keep_step(name, function(*args, **kwargs))

    async def _step_async(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        kept = self._steps.begin(name)
        if kept is not None:
            return codec.decode(kept)
        return await self._keep_step_async(name, function(*args, **kwargs))

    def once(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A ``step`` that is never done twice without a person's word: a payment, an email, a write that adds up.

        Its beginning is durable before ``function`` is called. When the run ends before its result is kept (killed,
        or by an exception, since a request that timed out may have been carried out), nobody can say whether it
        happened: at the next attempt the job asks, without a worker and without end, whether to do it again or to skip
        it, and then with which result. The kind of the question is ``in_doubt``. A fresh start forgets what has begun.

        It costs one more durable write than ``step``. Names have at most 150 characters. In an async job ``await`` it.
        Raises ``DuplicateStep`` for a name used twice in one scope.
        """
        self._refuse_inside("once")
        if self._port.is_async:
            return self._once_async(name, function, *args, **kwargs)
        kept = self._steps.begin_once(name)
        if kept is not None:
            return codec.decode(kept)
        before = self._steps.last_beginning(name)
        answer = self._settle(before) if before else {}
        if answer.get("decision") == doubt.SKIP:
            return self._keep_step(name, doubt.result_of(answer))
        self._port.keep_step(*self._steps.next_beginning(name, before), None)
        return self._keep_step(name, function(*args, **kwargs))

    async def _once_async(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        kept = self._steps.begin_once(name)
        if kept is not None:
            return codec.decode(kept)
        before = self._steps.last_beginning(name)
        answer = await self._settle(before) if before else {}
        if answer.get("decision") == doubt.SKIP:
            return await self._keep_step_async(name, doubt.result_of(answer))
        await self._port.keep_step_async(*self._steps.next_beginning(name, before), None)
        return await self._keep_step_async(name, function(*args, **kwargs))

    def _settle(self, before: Doubt) -> Any:
        """What a person says of a step that has begun."""
        return self.ask(
            doubt.KIND, before.data, prompt=before.prompt, schema=doubt.ANSWER, timeout=None, name=before.question
        )

    def sleep(self, seconds: float) -> Any:
        """Wait durably: the worker is free meanwhile, and the job is called again when the time has come.

        The call then returns at once; what stands before it is not repeated if it is a ``step`` or in ``each``. In an
        async job ``await`` it.
        """
        self._refuse_inside("sleep")
        name, until, text = self._begin_sleep(seconds)
        if self._port.is_async:
            return self._sleep_async(name, until, text)
        if text is not None:
            self._port.keep_step(self._steps.scope, name, text, None)
        self._end_sleep(until)
        return None

    async def _sleep_async(self, name: str, until: datetime, text: str | None) -> None:
        if text is not None:
            await self._port.keep_step_async(self._steps.scope, name, text, None)
        self._end_sleep(until)

    def _begin_sleep(self, seconds: float) -> tuple[str, datetime, str | None]:
        """The sleep's name, when it ends, and what of that is yet to be kept."""
        name = self._named(None, f"sleep {self._steps.scope}")
        kept = self._port.load_step(self._steps.scope, name)
        if kept is not None:
            return name, datetime.fromisoformat(codec.decode(kept)), None
        until = self._port.clock.now() + timedelta(seconds=seconds)
        return name, until, codec.encode(until.isoformat(), "The time", 100)

    def _end_sleep(self, until: datetime) -> None:
        self._steps.use_scope()
        if until > self._port.clock.now():
            raise self._port.park(Wait(until))

    def ask(
        self,
        kind: str,
        data: Json = None,
        *,
        prompt: str = "",
        schema: Schema = None,
        timeout: float | timedelta | None = 3600,
        on_timeout: OnTimeout = "fail",
        default: Json = None,
        hold: bool = False,
        assigned_to: str | None = None,
        name: str | None = None,
    ) -> Any:
        """Ask a person and return what they answer; the job leaves its worker meanwhile and is called again then.

        ``kind`` says what is wanted: ``clarify``, ``confirm``, ``preview``, ``validate`` or a word of your own;
        ``data`` is what the person shall see. ``schema``: the JSON Schema of the answer, or a Pydantic model.
        ``timeout`` in seconds (None: no end); then the job fails, is cancelled, or goes on with ``default``, by
        ``on_timeout``. ``hold=True`` keeps what the job occupies. ``name`` tells questions of one scope apart (an
        item of ``each``, or the job); it is the kind and its number when not given. In an async job ``await`` it.

        Each question is asked once: at a later attempt the call returns the answer at once. What stands before it
        is not repeated if it is a ``step`` or in ``each``. Raises ``InvalidValue`` for what cannot be asked, and
        ``DuplicateStep`` for a name used twice in one scope.
        """
        self._refuse_inside("ask")
        self.check()
        asking = make_asking(
            self._port.settings,
            scope=self._steps.scope,
            name=self._question_name(kind, name),
            kind=kind,
            data=data,
            prompt=prompt,
            schema=schema,
            timeout=timeout,
            on_timeout=on_timeout,
            default=default,
            hold=hold,
            assigned_to=assigned_to,
        )
        if self._port.is_async:
            return self._ask_async(asking)
        return self._answer_to(asking, self._port.load_answer(asking))

    async def _ask_async(self, asking: Asking) -> Any:
        return self._answer_to(asking, await asyncio.to_thread(self._port.load_answer, asking))

    def _answer_to(self, asking: Asking, text: str | None) -> Any:
        if text is None:
            raise self._port.park(Wait(question=asking))
        return codec.decode(text)

    def fan_out(
        self,
        job_type: str | Callable[..., Any],
        total: int,
        parts: int,
        params: Mapping[str, Json] | None = None,
        name: str | None = None,
    ) -> Any:
        """Have items 0 to ``total`` done in ``parts`` ranges, each a job of its own; their results in range order.

        The ranges run on any workers, each with its own checkpoint and partial work; meanwhile this job needs no
        worker and keeps what it occupies. When all have ended it is called again, and the call returns. Fewer items
        than ``parts`` make fewer ranges, none give ``[]``. The child reads ``ctx.range``. ``name`` tells several
        fan-outs of a job apart (default: the job type's name, by order of use). In an async job ``await`` it.

        Raises ``RangeFailed`` when ranges have failed or were cancelled, once the others have ended: resuming this
        job does only those again. ``InvalidValue`` for numbers that cannot be, ``UnknownJobType``,
        ``InvalidParams``, ``DuplicateStep`` for a name used twice.
        """
        self._refuse_inside("fan_out")
        split = asked(self._family(name, job_type), job_type, total, parts, params)
        if split.family in self._used_families:
            raise DuplicateStep(
                f"The fan-out {split.family!r} is used twice in this job.", hint="Give each a name= of its own."
            )
        self._used_families.add(split.family)
        if self._port.is_async:
            return asyncio.to_thread(self._port.split, split)
        return self._port.split(split)

    def range_partials(self, name: str | Callable[..., Any], partial: str = "partial") -> RangeRecords:
        """The records that the ranges of a finished fan-out have appended to their partial work, in range order.

        ``name``: that of the fan-out (without one: its job type). Go over it with ``for``, in an async job with
        ``async for``; a piece at a time is in memory. The records are kept until this job has completed.
        """
        return RangeRecords(self._port, self._scoped(_type_name(name)), partial)

    def _family(self, name: str | None, job_type: str | Callable[..., Any]) -> str:
        return self._scoped(name) if name is not None else self._named(None, self._scoped(_type_name(job_type)))

    def _scoped(self, name: str) -> str:
        return f"{self._steps.scope}/{name}" if self._steps.scope else name

    def hold(self, resource: str, *, capacity: int = 1, wait: bool = False) -> Any:
        """Occupy one more resource for a while: ``with ctx.hold("gpu"): ...``, in async jobs ``async with``.

        Raises ``ResourceBusy``.

        With ``wait`` a job that finds it taken waits without a worker: it gives back all that it has, and is called
        again when it can have everything at once, this resource too. What it did before is done again, as after a
        ``sleep``.
        """
        self._refuse_inside("hold")
        return (
            self._held_async(resource, capacity, wait) if self._port.is_async else self._held(resource, capacity, wait)
        )

    @contextlib.asynccontextmanager
    async def _held_async(self, resource: str, capacity: int, wait: bool) -> AsyncIterator[None]:
        await asyncio.to_thread(self._port.hold, resource, capacity, wait)
        try:
            yield
        finally:
            await asyncio.to_thread(self._port.release, resource)

    def free_first(
        self, dimensions: Sequence[int], operation: str = "index", *, name: str | None = None
    ) -> Iterator[int]:
        """Go over dimensions, one that is free first: ``for dimension in ctx.free_first([384, 768]): ...``.

        In the body the job holds ``vectors:DIMENSION``, and the board shows it with ``operation``. When all that are
        left are taken, the job waits without a worker until one of them is free, giving back what it has. A dimension
        is done, and a consistent point, when the next is asked for.
        """
        self._refuse_inside("free_first")
        return free_first(self, self._named(name, "free_first"), list(dimensions), operation)

    @contextlib.contextmanager
    def _held(self, resource: str, capacity: int, wait: bool) -> Iterator[None]:
        self._port.hold(resource, capacity, wait)
        try:
            yield
        finally:
            self._port.release(resource)

    def transaction(self) -> Any:
        """A connection to onward's own database: its writes and the current checkpoint commit together or not at all.

        ``with ctx.transaction() as connection:`` gives a SQLAlchemy connection (``async with`` in async jobs). Keep
        it short: it is warned of after 1 s and ended after 10 s. Raises ``JobLost`` if the worker no longer owns the
        job, ``StoreUnavailable`` in an outage.
        """
        self._refuse_inside("transaction")
        return self._transaction_async() if self._port.is_async else self._transaction()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Any]:
        def point() -> Point:
            self._mark(force=True)
            return self._take_point()

        before = self._text, self._is_behind, {name: p.snapshot() for name, p in self._partials.items()}
        self._inside = True
        try:
            with self._port.transaction(point) as connection:
                yield connection
        except BaseException:
            self._undo(*before)
            raise
        finally:
            self._inside = False
        self._passed(0)

    def _undo(self, text: str | None, is_behind: bool, partials: dict[str, tuple[int, int, list[str]]]) -> None:
        """The transaction was rolled back, and with it every point within it."""
        self._text, self._is_behind = text, is_behind
        for name, partial in self._partials.items():
            partial.restore(partials.get(name, (self._partial_counts.get(name, 0), 0, [])))

    @contextlib.asynccontextmanager
    async def _transaction_async(self) -> AsyncIterator[Any]:
        # One at a time on a loop: SQLite has one writer, which knows its turn by its thread.
        async with _turn():
            with self._transaction() as connection:
                yield connection

    # ---- for the engine and the iteration -------------------------------------------------------------------

    def cursor(self, name: str) -> dict[str, Json] | None:
        """Where the iteration of this name was."""
        return self._cursors.get(name)

    def wait_for_any(self, resources: Sequence[str]) -> NoReturn:
        """Leave until one of these vector databases is free."""
        raise self._port.park(Wait(any_of=tuple(resources)))

    def enter(self, name: str, cursor: Json) -> None:
        """An item begins: steps within it have their names for themselves."""
        self._steps.scope = f"{name}:{cursor}"

    def move(self, name: str, cursor: dict[str, Json], done: int, total: int | None, items: int) -> None:
        """An item is finished: a consistent point."""
        self._cursors[name] = cursor
        self._steps.leave_scope()
        self._port.report(None, None, done, total, None)
        self._mark()
        self._passed(items)

    def latest_point(self) -> Point | None:
        """The last consistent point that is not saved yet, if any: the engine saves it when the job leaves."""
        return self._take_point() if self._text is not None else None

    def mark_end(self) -> None:
        """The function has returned: everything counts."""
        self._mark(force=True)

    @property
    def has_partials(self) -> bool:
        """Whether there is partial work, which the merge of a fan-out will read."""
        return bool(self._partials or self._partial_counts)

    def _mark(self, force: bool = False) -> None:
        if self._is_unawaited:
            raise OnwardError("ctx.fingerprint() was not awaited.", hint="Use `await ctx.fingerprint(...)`.")
        # A large state is not written out again for every small item: at most _CHEAP_BYTES a call on average.
        self._text_cost -= _CHEAP_BYTES
        self._is_behind = self._text_cost > 0 and not force
        if self._is_behind:
            return
        counts = {name: partial.mark() for name, partial in self._partials.items()} if self._partials else {}
        value: dict[str, Json] = {"state": self.state, "cursors": self._cursors}
        if counts or self._partial_counts:
            value["partials"] = self._partial_counts | counts
        if self._fingerprint is not None:
            value["fingerprint"] = self._fingerprint
            value["agreed"] = self._agreed
        self._text = codec.encode(value, "The state", self._port.settings.limits.checkpoint_bytes)
        self._text_cost = len(self._text)

    def _take_point(self) -> Point:
        if self._text is None:
            self._mark(force=True)
        text, self._text = self._text or "{}", None
        self._text_cost = 0
        partials = {name: p.pending() for name, p in self._partials.items() if p.pending()[1]}
        for partial in self._partials.values():
            partial.saved()
        self._since = 0
        self._saved_at = self._port.clock.monotonic()
        return Point(text, None, partials, self._steps.take_done_scopes())

    def _save(self, flush: bool) -> None:
        self._port.save(self._take_point(), flush)

    def on_point(self) -> None:
        """Called at every consistent point, once it is marked; tests step in here."""

    def _passed(self, items: int) -> None:
        self.on_point()
        if self._port.interrupt is not None and self._port.must_leave():
            if self._is_behind:
                self._mark(force=True)
            raise self._port.interrupt
        self._since += items
        if self._since and (
            self._since >= self._every or self._port.clock.monotonic() - self._saved_at >= self._seconds
        ):
            if self._text is None or self._is_behind:
                self._mark(force=True)
            self._save(flush=False)

    def _start_over(self) -> None:
        self.state, self._cursors, self._partial_counts = {}, {}, {}
        self._resumed, self._text = False, None
        for partial in self._partials.values():
            partial.clear()

    def _named(self, name: str | None, kind: str) -> str:
        if name is not None:
            return name
        count = self._used_names[kind] = self._used_names.get(kind, 0) + 1
        return kind if count == 1 else f"{kind} {count}"

    def _question_name(self, kind: str, name: str | None) -> str:
        if name is None:
            place = f"ask {self._steps.scope} {kind}"
            count = self._used_names[place] = self._used_names.get(place, 0) + 1
            name = kind if count == 1 else f"{kind} {count}"
        if (self._steps.scope, name) in self._used_questions:
            raise DuplicateStep(
                f"The question {name!r} is asked twice in {self._steps.scope or 'the job'}.",
                hint="Give each question a name of its own, for instance with a counter.",
            )
        self._used_questions.add((self._steps.scope, name))
        return name

    def _keep_step(self, name: str, result: Any) -> Any:
        text = self._ended_step(name, result)
        self._port.keep_step(self._steps.scope, name, text, self._take_point())
        self._passed(0)
        return codec.decode(text)

    async def _keep_step_async(self, name: str, result: Any) -> Any:
        if inspect.isawaitable(result):
            result = await result
        text = self._ended_step(name, result)
        await self._port.keep_step_async(self._steps.scope, name, text, self._take_point())
        self._passed(0)
        return codec.decode(text)

    def _ended_step(self, name: str, result: Any) -> str:
        text = self._steps.text_of(name, result)
        # Within an item the cursor stands at its beginning, so the state of this moment goes with it.
        self._mark(force=True)
        return text

    def _refuse_on_loop(self, verb: str, instead: str) -> None:
        if self._port.is_async:
            raise OnwardError(f"{verb} would block the event loop.", hint=f"Use `{instead}`.")

    def _refuse_inside(self, verb: str) -> None:
        if self._inside:
            raise OnwardError(f"{verb} is not possible inside a transaction.", hint="Leave the `with` block first.")
