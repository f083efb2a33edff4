"""A bench for one job: it is run in this thread without a database, interrupted where you like, and resumed.

A job that asks gets its answers up front, ``JobBench(job, answers={"confirm": True})``, or leaves, and goes on after
``bench.answer(True)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from onward.authoring.context import Context
from onward.authoring.inline import Memory, run_inline
from onward.authoring.job_type import JobType, make_job_type
from onward.authoring.registry import JobTypes
from onward.clock import Clock, ManualClock, SystemClock
from onward.errors import Interrupt, JobStopped, OnwardError
from onward.model.codec import decode, encode
from onward.model.job import Json, Question
from onward.model.question import Asking
from onward.model.schema import check_answer
from onward.settings import Settings

__all__ = ["Interrupted", "JobBench", "ManualClock"]


class Interrupted:
    """What ``JobBench.run`` returns when the job left before its end; ``state`` is what it had saved."""

    def __init__(self, reason: Interrupt, state: dict[str, Json]) -> None:
        self.reason = reason
        self.state = state

    def __repr__(self) -> str:
        return f"Interrupted({type(self.reason).__name__}, state={self.state!r})"


class JobBench:
    """One job, run in this thread without a database; what it saves is carried from one ``run`` to the next.

    ``job``: a function or a ``JobType``; ``params``: plain JSON values; ``clock``: for instance a ``ManualClock``.
    ``answers``: what people say, by the names of the questions; the first question of a kind is called as its kind.
    ``job_types``: where ``fan_out`` finds job types by name; it may be given functions without. Ranges run one after
    the other.
    """

    def __init__(
        self,
        job: Callable[..., Any] | JobType,
        params: Mapping[str, Json] | None = None,
        *,
        source_id: str | None = None,
        settings: Settings | None = None,
        clock: Clock | None = None,
        answers: Mapping[str, Json] | None = None,
        job_types: JobTypes | None = None,
    ) -> None:
        self.job_type = job if isinstance(job, JobType) else make_job_type(job)
        self.params = dict(params or {})
        self.source_id = source_id
        self.settings = settings or Settings()
        self.clock: Clock = clock or SystemClock()
        self.job_types = job_types
        self.memory = Memory()
        self.people = self.memory.people = _People(answers or {}, self.settings)
        self.attempt = 0
        self.progress: list[tuple[float, float, str]] = []

    def run(self, *, interrupt_at: int | None = None) -> Any:
        """Call the job. Its result, or ``Interrupted`` when it left; an error of the job is raised.

        ``interrupt_at``: how many consistent points (items of ``each``, checkpoints, steps) it may pass.
        """
        self.attempt += 1
        self.people.open = None
        points = _Points(interrupt_at)

        def before(context: Context) -> None:
            points.watch(context)

        try:
            return run_inline(
                self.job_type,
                self.params,
                settings=self.settings,
                clock=self.clock,
                source_id=self.source_id,
                memory=self.memory,
                attempt=self.attempt,
                progress_callback=lambda done, total, message: self.progress.append((done, total, message)),
                before=before,
                resolve=self.job_types.resolve if self.job_types is not None else None,
            )
        except Interrupt as reason:
            return Interrupted(reason, self.state)

    def run_in_pieces(self, every: int = 1) -> Iterator[Any]:
        """Run again and again, interrupted after every so many points, until the job has ended; yields each outcome."""
        while True:
            outcome = self.run(interrupt_at=every)
            yield outcome
            if not isinstance(outcome, Interrupted):
                return

    @property
    def question(self) -> Question | None:
        """What the job asked when it left, or None."""
        asked = self.people.open
        if asked is None:
            return None
        return Question(
            id=f"{asked.scope}:{asked.name}",
            name=asked.name,
            type=asked.kind,
            prompt=asked.prompt,
            data=decode(asked.data),
            schema=decode(asked.schema),
        )

    def answer(self, response: Json) -> None:
        """Answer what the job asked when it left; the next ``run`` gets it. Raises ``InvalidAnswer``."""
        if self.people.open is None:
            raise OnwardError("The job has not asked anything.", hint="Call run() first.")
        self.people.take(self.people.open, response)

    @property
    def state(self) -> dict[str, Json]:
        """The state as it was saved last."""
        saved = decode(self.memory.checkpoint) or {}
        state: dict[str, Json] = saved.get("state", {})
        return state

    @property
    def log(self) -> list[tuple[str, str, dict[str, Any]]]:
        """The lines that the job has logged: level, message, fields."""
        return self.memory.lines


class _People:
    """Gives the answers that the test has handed in, and keeps each for later runs."""

    def __init__(self, answers: Mapping[str, Json], settings: Settings) -> None:
        self._answers = answers
        self._settings = settings
        self._kept: dict[tuple[str, str], str] = {}
        self.open: Asking | None = None

    def answer_to(self, question: Asking) -> str | None:
        """See ``onward.authoring.inline.People``."""
        place = question.scope, question.name
        if place not in self._kept and question.name in self._answers:
            self.take(question, self._answers[question.name])
        if place not in self._kept:
            self.open = question
        return self._kept.get(place)

    def take(self, question: Asking, response: Json) -> None:
        """Keep an answer that fits."""
        check_answer(question.name, decode(question.schema), response)
        size = self._settings.limits.payload_bytes
        self._kept[question.scope, question.name] = encode(response, "The answer", size)
        self.open = None


class _Points:
    """Counts consistent points, and has the job leave at the one that was asked for."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._seen = 0

    def watch(self, context: Context) -> None:
        if self._limit is None:
            return
        passed = context.on_point

        def count() -> None:
            passed()
            self._seen += 1
            if self._seen >= (self._limit or 0):
                raise JobStopped(f"Interrupted by the test at point {self._seen}.")

        context.on_point = count  # type: ignore[method-assign]  # the one place where a test steps in
