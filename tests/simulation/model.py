"""What the database must say, kept in plain dictionaries: the second opinion against which the engine is held.

Written from the promises, not from the statements: a job has one owner at most, a fence that only grows, one verdict
in each generation, and what was acked stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

ENDED = ("completed", "failed", "cancelled")


@dataclass
class Kind:
    """What the model knows of a job type."""

    name: str
    needs: tuple[tuple[str, int], ...] = ()
    max_attempts: int = 1
    max_losses: int = 5
    holds_when_lost: bool = False
    holds_while_parked: bool = False
    phases: tuple[str, ...] = ()


@dataclass
class Question:
    """What a job asks now, and what becomes of it without an answer."""

    id: str
    name: str
    then: str
    expires_at: datetime


@dataclass
class JobModel:
    """One job as it must be. ``why`` is why it is not ready: time, owner, children, pause, hold, person, or nothing."""

    id: str
    kind: Kind
    needs: tuple[tuple[str, int], ...]
    source: str | None
    payload: object
    run_at: datetime
    priority: int = 0
    key: str | None = None
    has_digest: bool = False
    parent: str | None = None
    status: str = "pending"
    why: str = ""
    owner: str | None = None
    fence: int = 0
    run_fence: int = 0
    generation: int = 1
    attempt: int = 0
    failures: int = 0
    losses: int = 0
    is_paused: bool = False
    keeps: bool = False
    saved: str | None = None
    number: int = 0
    is_marked: bool = False
    is_superseded: bool = False
    steps: dict[str, str] = field(default_factory=dict)
    partial: list[str] = field(default_factory=list)
    question: Question | None = None
    answers: dict[str, str] = field(default_factory=dict)
    phases: list[str | None] = field(default_factory=list)
    phases_done: int = 0

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED


class Model:
    """All jobs, and the moves that they make."""

    def __init__(self) -> None:
        self.jobs: dict[str, JobModel] = {}
        self.kinds: dict[str, Kind] = {}
        self.fence_floor = 0
        self.now = datetime.min.replace(tzinfo=UTC)

    def kind(self, name: str) -> Kind:
        return self.kinds[name]

    # ---- questions ------------------------------------------------------------------------------------------

    def family(self, job: JobModel) -> Iterator[JobModel]:
        return (other for other in self.jobs.values() if other.parent == job.id)

    def is_occupied(self, job: JobModel) -> bool:
        """Whether code may be at work on what this job needs."""
        return job.status == "running" or job.owner is not None or any(c.owner for c in self.family(job))

    def holds(self, job: JobModel) -> bool:
        return self.is_occupied(job) or (job.keeps and job.status in ("pending", "pending_hitl"))

    def wants(self, job: JobModel) -> bool:
        return not job.has_ended or self.is_occupied(job)

    def in_the_way(self, name: str) -> list[str]:
        """Who has or wants a resource: holders first, oldest first."""
        found = [
            (not self.holds(job), job.id)
            for job in self.jobs.values()
            if self.wants(job) and any(name == need for need, _ in job.needs)
        ]
        return [job_id for _, job_id in sorted(found)]

    def is_blocked(self, job: JobModel) -> bool:
        """Whether others have what it needs."""
        others = [other for other in self.jobs.values() if other is not job and self.holds(other)]
        return any(sum(name in dict(other.needs) for other in others) >= most for name, most in job.needs)

    def incomplete(self, kind: Kind, source: str) -> JobModel | None:
        """Unfinished work of this type on this source."""
        found = [
            job
            for job in self.jobs.values()
            if job.kind is kind
            and job.source == source
            and job.parent is None
            and (job.status in ("failed", "cancelled") or job.why == "hold")
            and job.is_marked
            and not job.is_superseded
        ]
        return max(found, key=lambda job: job.id) if found else None

    def is_claimable(self, job: JobModel) -> bool:
        early = job.why == "time" and job.run_at > self.now
        return job.status == "pending" and job.why in ("", "time") and not early and job.owner is None

    # ---- a worker's moves -----------------------------------------------------------------------------------

    def claim(self, job: JobModel, worker: str) -> None:
        job.status, job.why, job.owner, job.keeps = "running", "", worker, False
        job.fence += 1
        job.attempt += 1
        job.run_fence = job.fence

    def save(self, job: JobModel, text: str) -> None:
        job.saved, job.is_marked, job.losses = text, True, 0
        job.number += 1

    def keep(self, job: JobModel, name: str, result: str) -> None:
        job.steps.setdefault(name, result)
        job.is_marked, job.losses = True, 0

    def forget(self, job: JobModel) -> None:
        job.saved = None
        job.steps, job.partial = {}, []

    def leave(self, job: JobModel) -> None:
        """The code of a job that somebody else has moved is out of it."""
        job.owner = None
        if job.why == "owner":
            job.why = ""

    def wait(self, job: JobModel, why: str, run_at: datetime | None = None) -> None:
        """A run ends, and its job goes on later."""
        job.status, job.owner = "pending", None
        job.why = "pause" if job.is_paused else why
        job.run_at = run_at or job.run_at

    def ask(self, job: JobModel, question: Question) -> None:
        job.status, job.why, job.owner, job.question = "pending_hitl", "person", None, question

    def complete(self, job: JobModel) -> None:
        job.status, job.why, job.owner = "completed", "", None
        self.forget(job)
        job.is_marked = False

    def fail(self, job: JobModel) -> None:
        job.status, job.why, job.owner = "failed", "", None

    def lose(self, job: JobModel) -> None:
        """Its worker is no more."""
        job.fence += 1
        if job.status != "running":
            self.leave(job)
            return
        job.losses += 1
        if job.losses >= job.kind.max_losses:
            self.fail(job)
            self.end_phase(job)
        else:
            held = job.kind.holds_when_lost
            job.status, job.owner = "pending", None
            job.why = "hold" if held else "pause" if job.is_paused else ""

    # ---- chains ---------------------------------------------------------------------------------------------

    def begin(self, job: JobModel) -> None:
        if job.status != "running":
            self.leave(job)
            return
        job.owner = None
        job.why = "children"
        self.go_on(job)

    def go_on(self, job: JobModel) -> None:
        """The next phase starts, or goes on; which job it is becomes known when the database is read."""
        if job.phases_done == len(job.phases):
            self.complete(job)
            return
        child_id = job.phases[job.phases_done]
        child = self.jobs.get(child_id) if child_id else None
        if child is not None and child.status in ("failed", "cancelled"):
            self._again(child)

    def end_phase(self, child: JobModel) -> None:
        parent = self.jobs.get(child.parent or "")
        if parent is None or parent.status != "running" or parent.why != "children":
            return
        if child.status == "completed":
            parent.phases_done += 1
            parent.is_marked = parent.phases_done < len(parent.phases)
            self.go_on(parent)
        else:
            parent.status, parent.why = child.status, ""
            self._mark_chain(parent)

    def _mark_chain(self, parent: JobModel) -> None:
        parent.is_marked = parent.is_marked or any(
            child.is_marked and not child.is_superseded for child in self.family(parent)
        )

    # ---- a person's moves -----------------------------------------------------------------------------------

    def answer(self, job: JobModel, response: str) -> None:
        assert job.question is not None
        job.answers[job.question.name] = response
        job.question = None
        job.status, job.why = "pending", "pause" if job.is_paused else ""

    def expire(self, job: JobModel) -> None:
        """Nobody has answered in time."""
        assert job.question is not None
        then = job.question.then
        if then == "default":
            self.answer(job, '"default"')
            return
        job.question = None
        if then == "cancel":
            self.cancel(job)
        else:
            job.is_paused = False
            self.fail(job)
            self.end_phase(job)

    def cancel(self, job: JobModel) -> None:
        if job.has_ended:
            return
        for child in list(self.family(job)):
            if not child.has_ended:
                child.status, child.why, child.is_paused, child.question = "cancelled", "", False, None
        job.status, job.why, job.is_paused, job.keeps, job.question = "cancelled", "", False, False, None
        if job.phases:
            self._mark_chain(job)
        if job.parent is not None:
            self.end_phase(job)

    def resume(self, job: JobModel) -> None:
        if job.why == "hold":
            job.why, job.losses, job.failures = "pause" if job.is_paused else "", 0, 0
        else:
            self._again(job)

    def _again(self, job: JobModel) -> None:
        job.status, job.why = "pending", "owner" if job.owner else ""
        job.generation += 1
        job.failures = job.losses = 0
        job.is_superseded = job.is_paused = False
        job.run_at = self.now

    def restart(self, job: JobModel) -> None:
        self.forget(job)
        job.answers = {}
        for child in self.family(job):
            child.is_superseded = True
        job.phases = [None] * len(job.phases)
        job.phases_done = 0
        self.resume(job)
        job.fence += 1
        job.attempt, job.number, job.is_marked = 0, 0, False

    def discard(self, job: JobModel) -> None:
        for each in (job, *self.family(job)):
            self.forget(each)
            each.answers = each.answers if each.status == "completed" else {}
            each.is_marked = False
        if job.why == "hold":
            self.cancel(job)

    def pause(self, job: JobModel) -> None:
        job.is_paused = True
        if job.status == "pending" and job.why != "hold":
            job.why = "pause"

    def unpause(self, job: JobModel) -> None:
        job.is_paused = False
        if job.why == "pause":
            job.why = "owner" if job.owner else "time" if job.run_at > self.now else ""

    def delete(self, job: JobModel) -> None:
        for child in list(self.family(job)):
            self.delete(child)
        self.fence_floor = max(self.fence_floor, job.fence)
        del self.jobs[job.id]


def is_legal(model: Model, verb: str, job: JobModel) -> bool:
    """Whether a person may do this to the job now."""
    stopped = job.status in ("failed", "cancelled") or job.why == "hold"
    parent = model.jobs.get(job.parent or "")
    is_free = not any(each.owner for each in (job, *model.family(job)))
    return {
        "cancel": job.status not in ("completed", "failed"),
        "resume": stopped if parent is None else parent.status in ("failed", "cancelled"),
        "restart": stopped and parent is None,
        "discard": job.has_ended or job.why == "hold",
        "pause": job.status in ("pending", "running", "pending_hitl") and job.why != "children",
        "unpause": job.is_paused and not job.has_ended,
        "delete": job.has_ended and is_free and parent is None,
    }[verb]


def backoff(failures: int) -> timedelta:
    """The wait after so many failures, as the job types here declare it."""
    return timedelta(seconds=5 * 2 ** (failures - 1))
