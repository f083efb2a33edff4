"""The engine's side of a ``Context``: one for each run, between the job's thread, the writer and the overseer."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from onward.authoring.context import Context
from onward.authoring.job_type import JobType
from onward.authoring.port import Point, RunFacts, Split, Wait
from onward.clock import Clock
from onward.engine.changes import Change
from onward.engine.job_clock import JobClock
from onward.engine.splitter import Splitter
from onward.engine.writer import Writer
from onward.errors import Interrupt, JobCancelled, JobLost, JobParked, JobStopped, ResourceBusy, StoreUnavailable
from onward.model import codec
from onward.model.job import Json, Need, Progress
from onward.model.progress import ProgressMeter
from onward.model.question import Asking
from onward.settings import Settings
from onward.store import Store, checkpoints, endings, families, questions, resources
from onward.store.claims import Claim
from onward.store.logs import NewLine

T = TypeVar("T")

_TRANSACTION_WARNING = 1.0
_TRANSACTION_END = 10.0
_FROZEN_SECONDS = 0.05
_AGAIN_SECONDS = 0.5
"""How often a run looks whether the database is back when it cannot go on without it."""


class Desk:
    """One run: ``interrupt`` is read by the job at every check; ``begun`` and ``moved`` are monotonic times."""

    __slots__ = (
        "_held_before", "_open", "_splitter", "_steps", "_store", "_writer", "begun", "cancel_task", "claim", "clock",
        "context", "facts", "has_left", "has_moved", "interrupt", "is_async", "is_draining", "is_forced", "is_frozen",
        "is_late", "is_stalled", "is_told", "job_type", "leave_lock", "meter", "moved", "number", "press_child",
        "pressed", "pressed_at", "settings", "signal_child", "thread_id", "wait",
    )  # fmt: skip

    def __init__(
        self, claim: Claim, job_type: JobType, store: Store, writer: Writer, clock: Clock, splitter: Splitter
    ) -> None:
        self.claim = claim
        self.job_type = job_type
        self.clock: Clock = JobClock(store, clock)
        self.settings: Settings = store.settings
        self.interrupt: Interrupt | None = None
        self.is_async = job_type.isolation == "async"
        self.number = claim.checkpoint_number
        self.facts: RunFacts
        self.context: Context | None = None
        self.meter = ProgressMeter(claim.percent, claim.done, claim.total)
        self.is_told = False
        self.has_moved = False
        self.is_frozen = False
        self.signal_child: Callable[[int], None] | None = None
        self.begun = self.moved = clock.monotonic()
        self.wait: Wait | None = None
        self.pressed = 0
        self.pressed_at = 0.0
        self.thread_id: int | None = None
        self.leave_lock = threading.Lock()
        self.has_left = False
        self.cancel_task: Callable[[], None] | None = None
        self.press_child: Callable[[int], None] | None = None
        self.is_late = False
        self.is_stalled = False
        self.is_draining = False
        self.is_forced = False
        self._store = store
        self._writer = writer
        self._splitter = splitter
        self._steps: dict[tuple[str, str], str] | None = None
        self._open: Any = None
        self._held_before: dict[str, int] = {}

    # ---- what the overseer and the writer do ----------------------------------------------------------------

    def lose(self) -> None:
        """The database says that the run no longer owns its job."""
        self._let_go_on(JobLost(f"This worker no longer owns job {self.claim.job_id}."))
        self.pressed_at = self.clock.monotonic()

    def ask_to_leave(self, why: Interrupt) -> None:
        """Have the job leave at its next check."""
        if self.interrupt is None or self.is_frozen:
            self._let_go_on(why)
            self.pressed_at = self.clock.monotonic()

    def how_far(self) -> Progress | None:
        """The progress that the job has told, if any."""
        return self.meter.snapshot() if self.meter.was_told else None

    def first_word(self) -> None:
        """Tell a child process that it shall leave."""
        if self.press_child is not None and self.pressed == 0:
            self.press_child(0)

    def freeze(self) -> None:
        """Have the job stand still at its next check, its process at once: others may soon take it over."""
        if self.is_async:
            # The loop has others' jobs, too: this one leaves, and goes on when the database is back.
            self.ask_to_leave(stopped(self.claim.job_id, "the database is away"))
        elif self.interrupt is None:
            self.is_frozen, self.interrupt = True, JobStopped("The database is away.")
            if self.signal_child is not None:
                self.signal_child(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self.is_frozen:
            self._let_go_on(None)

    def _let_go_on(self, why: Interrupt | None) -> None:
        self.is_frozen, self.interrupt = False, why
        if self.signal_child is not None:
            self.signal_child(signal.SIGCONT)

    def must_leave(self) -> bool:
        while self.is_frozen:
            self.clock.wait(threading.Event(), _FROZEN_SECONDS)
        return self.interrupt is not None

    def thread_has_begun(self) -> bool:
        """Whether the run is under way, not only put in."""
        return self.thread_id is not None or self.is_async

    def raise_in_thread(self) -> bool:
        """Raise the interrupt in the job's thread, unless it is leaving already; whether that was done.

        It takes effect at the next step of Python code: a call into C, such as a long sleep, ends first.
        """
        with self.leave_lock:
            if self.has_left or self.thread_id is None or self.interrupt is None:
                return False
            kind = ctypes.py_object(type(self.interrupt))
            return bool(ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread_id), kind) == 1)

    # ---- RunPort --------------------------------------------------------------------------------------------

    def report(
        self,
        percent: float | None,
        message: str | None,
        done: int | None,
        total: int | None,
        phase: str | None,
    ) -> None:
        self.meter.report(percent, message, done, total, phase)
        self.is_told = self.has_moved = True

    def save(self, point: Point, flush: bool) -> None:
        if self._open is not None:
            # Within a transaction the point is saved by its end.
            return
        self._hand_over(Change(self, point=self._with_percent(point)), flush)

    async def save_async(self, point: Point) -> None:
        if self._open is not None:
            # Within a transaction the point is saved by its end.
            return
        await self._hand_over_async(Change(self, point=self._with_percent(point)))

    def load_step(self, scope: str, name: str) -> str | None:
        if not self.claim.has_saved:
            return None
        if self._steps is None:
            self._steps = self.patiently(self._load_steps)
        return self._steps.get((scope, name))

    def _load_steps(self) -> dict[tuple[str, str], str]:
        with self._store.read() as conn:
            return checkpoints.load_steps(conn, self._store.dialect, self.claim.job_id)

    def patiently(self, act: Callable[[], T]) -> T:
        """What ``act`` returns; while the database is away, again and again until the job must leave."""
        while True:
            try:
                return act()
            except StoreUnavailable:
                if self.interrupt is not None:
                    raise
                self.clock.wait(threading.Event(), _AGAIN_SECONDS)

    def keep_step(self, scope: str, name: str, result: str, point: Point | None) -> None:
        change = Change(self, point=self._with_percent(point) if point else None, step=(scope, name, result))
        if self._open is not None:
            self._writer.write_now(self._open, change)
            return
        self._hand_over(change, True)

    async def keep_step_async(self, scope: str, name: str, result: str, point: Point | None) -> None:
        change = Change(self, point=self._with_percent(point) if point else None, step=(scope, name, result))
        if self._open is not None:
            self._writer.write_now(self._open, change)
            return
        await self._hand_over_async(change)

    def forget(self) -> None:
        def work(conn: Any) -> None:
            self._require_owner(conn)
            checkpoints.drop_saved(conn, self._store.dialect, [self.claim.job_id])
            questions.forget(conn, self._store.dialect, [self.claim.job_id])
            families.start_over(conn, self._store.dialect, self.claim.job_id)

        self.patiently(lambda: self._store.write(work))
        self._steps = {}

    def read_partial(self, name: str, count: int) -> Iterator[str]:
        if self._open is None:
            self.patiently(self.require_written)
        read = 0
        while read < count:
            piece = self.patiently(partial(self._read_piece, name, read))
            yield from piece[: count - read]
            read += len(piece)

    def _read_piece(self, name: str, first: int) -> list[str]:
        with self._store.read() as conn:
            return checkpoints.read_piece(conn, self._store.dialect, self.claim.job_id, name, first)

    def load_answer(self, question: Asking) -> str | None:
        with self._store.read() as conn:
            return questions.find_answer(conn, self._store.dialect, self.claim.job_id, question.scope, question.name)

    def park(self, wait: Wait) -> Interrupt:
        self.wait = wait
        return JobParked(f"Waits {wait}.")

    def split(self, split: Split) -> list[Json]:
        found = self._splitter.ask(self.claim, split)
        if isinstance(found, Wait):
            raise self.park(found)
        return found

    def read_range(self, family: str, name: str, place: list[int]) -> tuple[list[str], list[int] | None]:
        with self._store.read() as conn:
            return families.read_piece(conn, self._store.dialect, self.claim.job_id, family, name, place)

    def log(self, level: str, message: str, fields: dict[str, Any]) -> None:
        limit = self.settings.limits.log_line_bytes
        text = message if len(message) <= limit else message[: limit - 1] + "…"
        shown: str | None = None
        if fields:
            plain = {
                codec.clean(name): value if codec.is_plain(value) else codec.clean(str(value))[: 4 * limit]
                for name, value in fields.items()
            }
            shown = codec.encode(plain, "The fields of a log line", 1 << 24)
        # What a database cannot keep must not end a job that only logs.
        text = codec.clean(text)
        self._writer.put_log(NewLine(self.claim.job_id, self.claim.attempt, self.clock.now(), level, text, shown))

    @contextlib.contextmanager
    def transaction(self, point: Callable[[], Point]) -> Iterator[Any]:
        begun = self.clock.monotonic()
        self.require_written()
        with self._store.transaction(patience=_TRANSACTION_END) as conn:
            self._writer.write_now(conn, Change(self))
            self._open = conn
            timer = threading.Timer(_TRANSACTION_END, self._store.engines.cut, [conn])
            timer.daemon = True
            timer.start()
            try:
                yield conn
                seconds = self.clock.monotonic() - begun
                if seconds > _TRANSACTION_WARNING:
                    self.log("WARNING", f"A transaction was open for {seconds:.1f} s; others wait meanwhile.", {})
                self._writer.write_now(conn, Change(self, point=self._with_percent(point())))
            finally:
                timer.cancel()
                self._open = None
        self._store.doorbell.ring()

    def require_written(self) -> None:
        """What was handed over before is in the database: what comes now stands on it, and must not be overtaken."""
        if not self._writer.is_idle:
            self._hand_over(Change(self), True)
        if self._writer.is_away:
            raise StoreUnavailable(
                "What was written while the database was away is not written back yet.", hint="Try again in a moment."
            )

    def _require_owner(self, conn: Any) -> None:
        owned = endings.lock_owned(conn, self._store.dialect, [self.claim.job_id])
        if not endings.is_owner(owned.get(self.claim.job_id), self.claim.fence):
            raise JobLost(f"This worker no longer owns job {self.claim.job_id}.")

    def hold(self, resource: str, capacity: int, wait: bool) -> None:
        job_id, need = self.claim.job_id, Need(resource, capacity)

        def work(conn: Any) -> str | None:
            self._require_owner(conn)
            return resources.hold(conn, self._store.dialect, job_id, need, self._store.now())

        holder = self.patiently(lambda: self._store.write(work))
        if holder == job_id:
            # It has it already, by declaration or from an outer block, and keeps it afterwards.
            self._held_before[resource] = self._held_before.get(resource, 0) + 1
            return
        if holder is not None and wait:
            self.claim.has_needs = True
            raise self.park(Wait(resource=(resource, capacity)))
        if holder is not None:
            raise ResourceBusy(
                f"{resource!r} is held by {holder}.",
                hint="Try again later, or declare it.",
                resource=resource,
            )
        self.claim.has_needs = True

    def release(self, resource: str) -> None:
        if self._held_before.get(resource):
            self._held_before[resource] -= 1
            return
        change = Change(self, release=resource, done=threading.Event())
        self._writer.put(change)
        self._await(change)
        self._store.doorbell.ring()

    def show_dimension(self, dimension: int | None, operation: str | None, pending: tuple[int, ...]) -> None:
        columns = {
            "current_dimension": dimension,
            "current_operation": operation,
            "pending_dimensions": codec.encode(list(pending), "The dimensions", 4096) if pending else None,
        }
        self._writer.put(Change(self, columns=columns))

    # ---- handing over ---------------------------------------------------------------------------------------

    def save_last(self) -> None:
        """Have the last consistent point written: the job is leaving."""
        point = self.last_point()
        if point is not None:
            self._writer.put(Change(self, point=point))

    def last_point(self) -> Point | None:
        """The last consistent point, if it was not handed over yet."""
        point = self.context.latest_point() if self.context is not None else None
        return self._with_percent(point) if point is not None else None

    def _with_percent(self, point: Point) -> Point:
        return Point(point.text, self.meter.percent, point.partials, point.done_scopes)

    def _hand_over(self, change: Change, flush: bool) -> None:
        if not flush:
            self._writer.put(change)
            return
        change.done = threading.Event()
        self._writer.put(change)
        self._await(change)
        self._check_refused(change)

    def _await(self, change: Change) -> None:
        while change.done is not None and not change.done.wait(1.0):
            # An asynchronous exception can only come between two waits.
            if isinstance(self.interrupt, JobLost):
                return

    async def _hand_over_async(self, change: Change) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()

        def settle() -> None:
            loop.call_soon_threadsafe(lambda: None if future.done() else future.set_result(None))

        change.on_done = settle
        self._writer.put(change)
        await future
        self._check_refused(change)

    def _check_refused(self, change: Change) -> None:
        if change.is_refused or isinstance(self.interrupt, JobLost):
            raise JobLost(f"This worker no longer owns job {self.claim.job_id}.")


def cancelled(job_id: str) -> JobCancelled:
    """Why a cancelled job leaves."""
    return JobCancelled(f"Job {job_id} was cancelled.")


def stopped(job_id: str, why: str) -> JobStopped:
    """Why a job leaves that goes on later."""
    return JobStopped(f"Job {job_id} stops here: {why}.")
