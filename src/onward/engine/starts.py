"""Starts by schedule, within a transaction: which may happen now, the jobs of those that do, and a record of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from onward.engine import transitions
from onward.engine.submission import NewJob, Submission
from onward.engine.submitter import Submitter
from onward.model import codec
from onward.model.ids import Ids, shown
from onward.model.job import Job
from onward.model.schedule import EVERY_BOT, Schedule
from onward.model.states import Waiting
from onward.model.verdict import Choice, Plan, Reason, overlap, plan_of
from onward.store import Connection, Store, jobs, schedules, turns
from onward.store.dialects import Dialect
from onward.store.schedules import Key
from onward.store.turns import Active

_TICK = timedelta(microseconds=1)
_JSON_SIZE = 1 << 16

Prepare = Callable[[Submission], NewJob]


@dataclass(slots=True)
class Start:
    """One due time of one bot: the choice, and the job that would be made or was."""

    schedule: Schedule
    choice: Choice
    bot_id: str | None
    new: NewJob | None = None
    is_queued: bool = False
    job: Job | None = None
    held_up_by: str | None = None
    """The active job for which it does not happen."""

    @property
    def bot(self) -> str:
        """The bot in the key of the decision."""
        return self.bot_id or ""

    @property
    def key(self) -> Key:
        """What is decided about once."""
        return (self.schedule.id, self.bot, self.choice.due_at)

    @property
    def is_by_hand(self) -> bool:
        """Whether somebody has set this due time."""
        return self.schedule.is_by_hand and self.choice.due_at == self.schedule.next_run_at


class Starts:
    """Writes starts. ``prepare`` checks a submission; ``bots`` lists the bots there are."""

    def __init__(
        self,
        store: Store,
        submitter: Submitter,
        prepare: Prepare,
        ids: Ids,
        bots: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        self._store = store
        self._submitter = submitter
        self._prepare = prepare
        self._ids = ids
        self._bots = bots

    def bots_of(self, seen: Schedule) -> list[str | None]:
        """The bots for which a schedule starts a job each; None for a job that is no bot's."""
        if seen.bot_id != EVERY_BOT or self._bots is None:
            return [seen.bot_id]
        return list(dict.fromkeys(self._bots()))

    def start_of(self, seen: Schedule, choice: Choice, bot_id: str | None) -> Start:
        """A start with its job checked. Raises what the check of a submission does."""
        return Start(seen, choice, bot_id, self._prepare(submission_of(seen, bot_id)))

    def taken(self, conn: Connection, starts: Sequence[Start]) -> set[Key]:
        if not starts:
            return set()
        dues = [start.choice.due_at for start in starts]
        ids = {start.schedule.id for start in starts}
        return set(schedules.decided(conn, self._store.dialect, ids, min(dues), max(dues)))

    def new_time(self, conn: Connection, start: Start, now: datetime) -> datetime:
        """The time that was set by hand, or if that was decided about before, the present one."""
        due = start.choice.due_at
        while (start.schedule.id, start.bot, due) in schedules.decided(
            conn, self._store.dialect, [start.schedule.id], due, due
        ):
            due = now if due < now else due + _TICK
        return due

    def settle_overlaps(self, conn: Connection, starts: Sequence[Start], now: datetime) -> None:
        """Which starts happen, wait for their turn, or not, with so many jobs active."""
        asked = [start for start in starts if start.choice.reason is None]
        if not asked:
            return
        active: dict[tuple[str, str], list[Active]] = {}
        for job in turns.active_jobs(conn, self._store.dialect, {start.schedule.id for start in asked}):
            active.setdefault((job.schedule_id, job.bot_id), []).append(job)
        # Several due times that are caught up at once do not stand in each other's way: they queue.
        coming: dict[tuple[str, str], int] = {}
        for start in asked:
            key = (start.schedule.id, start.bot)
            found = active.get(key, [])
            word = overlap(start.schedule, len(found))
            if word == "skip":
                start.choice, start.new = self._held_up(start, found[0]), None
                start.held_up_by = found[0].job_id
                continue
            if word == "cancel":
                self._cancel(conn, start.schedule, found, now)
                active[key] = found = [job for job in found if self._is_here(conn, job.job_id)]
            start.is_queued = len(found) + coming.get(key, 0) >= start.schedule.max_instances
            coming[key] = coming.get(key, 0) + 1

    def _held_up(self, start: Start, job: Active) -> Choice:
        if job.waiting_on == Waiting.RESOURCE:
            text = f"Job {shown(job.job_id)} of this schedule still waits for {job.blocked_by}."
            reason = Reason.WAITING_FOR_RESOURCE
        else:
            word = {"pending": "has not begun", "pending_hitl": "waits for an answer"}.get(job.status, "still runs")
            text = f"Job {shown(job.job_id)} of this schedule {word}; at most {start.schedule.max_instances} at a time."
            reason = Reason.STILL_RUNNING
        return replace(start.choice, reason=reason, text=text, next_at=start.choice.next_at or self._next_of(start))

    def _next_of(self, start: Start) -> datetime | None:
        return plan_of(start.schedule, start.schedule.rule(start.choice.due_at), start.choice.due_at).next_run_at

    def _cancel(self, conn: Connection, seen: Schedule, active: Iterable[Active], now: datetime) -> None:
        for job in active:
            if job.status in ("pending", "running", "pending_hitl"):
                transitions.cancel(
                    conn, self._store, job.job_id, now, actor=f"schedule {seen.name}", reason="The next one is due."
                )

    def _is_here(self, conn: Connection, job_id: str) -> bool:
        """Whether its code has not left, though it is cancelled."""
        job = jobs.get_job(conn, self._store.dialect, job_id)
        return job is not None and job.is_owned

    def make_jobs(self, conn: Connection, starts: Sequence[Start], *, is_due: bool = True) -> list[Job]:
        """Write the jobs of those starts that happen. ``is_due``: for their due times, not by somebody's word."""
        dialect = self._store.dialect
        making = [(start, start.new) for start in starts if start.new is not None]
        if not making:
            return []
        made = []
        for (start, _), job in zip(making, self._submitter.write(conn, [new for _, new in making]), strict=True):
            waiting = Waiting.SCHEDULE if start.is_queued else job.waiting_on
            due_at = start.choice.due_at if is_due else None
            start.job = replace(job, scheduled_job_id=start.schedule.id, due_at=due_at, waiting_on=waiting)
            made.append(start.job)
        marks = [(job.id, job.scheduled_job_id, dialect.time(job.due_at) if job.due_at else None) for job in made]
        schedules.mark_jobs(conn, dialect, marks)
        queued = [start.job.id for start, _ in making if start.is_queued and start.job is not None]
        if queued:
            turns.queue_jobs(conn, dialect, queued)
        return made

    def record(self, conn: Connection, starts: Sequence[Start], now: datetime) -> None:
        """Write what was decided, and the starts that do not happen."""
        if not starts:
            return
        dialect, when = self._store.dialect, self._store.dialect.time(now)
        skipped, decided = [], []
        run_ids = iter(self._ids.many(len(starts)))
        for start in starts:
            due_at, job_id, run_id = dialect.time(start.choice.due_at), None, None
            if start.job is not None:
                job_id = start.job.id
            else:
                run_id = next(run_ids)
                row = (
                    run_id, start.schedule.id, start.schedule.job_type, start.bot_id, when, when,
                    str(start.choice.reason), start.choice.text, _facts(start.choice),
                )  # fmt: skip
                skipped.append(row)
            word = "started" if job_id else "skipped"
            decided.append((start.schedule.id, start.bot, due_at, word, job_id, run_id, when))
        if skipped:
            schedules.insert_skipped(conn, dialect, skipped)
        schedules.insert_decisions(conn, dialect, decided)


def submission_of(seen: Schedule, bot_id: str | None) -> Submission:
    """What a schedule has done: it waits behind others for its source, and goes on with what was interrupted."""
    return Submission(
        job_type=seen.job_type,
        params=seen.params,
        source_id=seen.source_id,
        bot_id=bot_id,
        on_conflict="wait",
        resume=True,
    )


def _facts(choice: Choice) -> str:
    facts = {
        "reason": str(choice.reason),
        "due_at": choice.due_at.isoformat(),
        "next_at": choice.next_at.isoformat() if choice.next_at else None,
    }
    return codec.encode(facts, "The facts", _JSON_SIZE)


_PLANNED = ("due_at", "planned_at", "next_run_at", "last_run_at", "ended_at", "updated_at")


def write_plans(
    conn: Connection, dialect: Dialect, plans: Sequence[tuple[Schedule, Plan, datetime | None]], now: datetime
) -> None:
    """Write what is due next, and when each was last started."""
    rows = []
    for seen, plan, last_run_at in plans:
        ended_at = None if plan.due_at else now
        values = (plan.due_at, plan.next_run_at, plan.next_run_at, last_run_at or seen.last_run_at, ended_at, now)
        rows.append([seen.id, *(None if value is None else dialect.time(value) for value in values)])
    if rows:
        schedules.change_many(conn, dialect, _PLANNED, rows)
