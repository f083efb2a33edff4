"""The decider: makes jobs of what is due, and a record of every start that does not happen.

A due schedule is taken by a compare-and-set: it is read and judged first, and within the transaction that inserts its
jobs it must still be exactly as it was read. The decision has the schedule, the bot and the due time for its key. So
any number of schedulers, with whatever clocks, killed between any two statements, decide once about each due time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from onward.authoring.registry import JobTypes
from onward.engine import transitions
from onward.engine.submission import NewJob, Submission
from onward.engine.submitter import Submitter
from onward.errors import InvalidSchedule, OnwardError, StoreUnavailable
from onward.events import Bus, StartSkipped
from onward.model import codec
from onward.model.ids import Ids, shown
from onward.model.job import Job
from onward.model.schedule import EVERY_BOT, Schedule
from onward.model.states import Waiting
from onward.model.verdict import Choice, Plan, Reason, Verdict, decide, overlap, plan_of
from onward.store import Connection, Store, jobs, schedules, transfer, turns
from onward.store.dialects import Dialect
from onward.store.schedules import Key
from onward.store.turns import Active

_log = logging.getLogger("onward.engine")
_BATCH = 200
"""Schedules that are decided about in one transaction."""
_UNPLANNED = 500
PAUSED = "schedules_paused"
"""The fact that nothing is started by any schedule: who said so, and why."""
_TICK = timedelta(microseconds=1)
_JSON_SIZE = 1 << 16

Prepare = Callable[[Submission], NewJob]


@dataclass(slots=True)
class _Start:
    """One due time of one bot: the choice, and the job that would be made."""

    schedule: Schedule
    choice: Choice
    bot_id: str | None
    new: NewJob | None = None
    is_queued: bool = False
    job: Job | None = None

    @property
    def bot(self) -> str:
        """The bot in the key of the decision."""
        return self.bot_id or ""

    @property
    def is_by_hand(self) -> bool:
        """Whether somebody has set this due time."""
        return self.schedule.is_by_hand and self.choice.due_at == self.schedule.next_run_at


@dataclass(slots=True)
class _Case:
    """A due schedule with all that becomes of it."""

    seen: Schedule
    verdict: Verdict
    starts: list[_Start] = field(default_factory=list)


class Decider:
    """Decides about due times. ``prepare`` checks a submission; ``bots`` lists the bots there are."""

    def __init__(
        self,
        store: Store,
        registry: JobTypes,
        submitter: Submitter,
        prepare: Prepare,
        ids: Ids,
        bus: Bus,
        bots: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        self._store = store
        self._registry = registry
        self._submitter = submitter
        self._prepare = prepare
        self._ids = ids
        self._bus = bus
        self._bots = bots

    def tick(self, now: datetime | None = None, *, faulty: bool = False) -> list[Job]:
        """Start what is due; the jobs that were made. ``faulty``: look again at rules that could not be worked out."""
        now = self._store.now() if now is None else now
        while self.plan(now, faulty=faulty) == _UNPLANNED:
            faulty = False
        made: list[Job] = []
        avoid: set[str] = set()
        while True:
            with self._store.read() as conn:
                due = schedules.due_schedules(conn, self._store.dialect, now, self._known(), _BATCH + len(avoid))
            due = [item for item in due if item.id not in avoid]
            if not due:
                break
            done = self._decide_about(due, now)
            made += done
            # Whom another scheduler decides about now, or what cannot be decided, is for the next look.
            avoid |= {item.id for item in due}
        self._end_pauses(now)
        return made

    def next_due(self) -> datetime | None:
        """When something is due next, as far as is planned."""
        with self._store.read() as conn:
            return schedules.next_due(conn, self._store.dialect)

    def _known(self) -> list[str]:
        return list(self._registry.as_mapping())

    # ---- planning -------------------------------------------------------------------------------------------

    def plan(self, now: datetime, *, faulty: bool = False) -> int:
        """Work out the next time of schedules that have none; how many."""
        with self._store.read() as conn:
            found = schedules.unplanned(conn, self._store.dialect, _UNPLANNED, faulty=faulty)
        if not found:
            return 0

        def work(conn: Connection) -> int:
            locked = schedules.lock_schedules(conn, self._store.dialect, [item.id for item in found])
            mine = [seen for seen in found if locked.get(seen.id) == seen]
            for seen in mine:
                schedules.change_schedule(conn, self._store.dialect, seen.id, **planned(seen, now))
            return len(mine)

        return self._store.write(work)

    def _end_pauses(self, now: datetime) -> None:
        with self._store.read() as conn:
            due = schedules.next_due(conn, self._store.dialect)
        if due is not None and due <= now:
            self._store.write(lambda conn: schedules.end_pauses(conn, self._store.dialect, now))

    # ---- deciding -------------------------------------------------------------------------------------------

    def everything_paused(self, conn: Connection) -> str | None:
        """Why nothing is started by any schedule, or None."""
        if self._store.settings.automation_pause:
            return "AUTOMATION_PAUSE is set: schedules start nothing."
        found = transfer.get_fact(conn, self._store.dialect, PAUSED)
        if found is None:
            return None
        said = codec.decode(found)
        why = f": {said['reason']}" if said.get("reason") else ""
        return f"All schedules are paused by {said.get('by') or 'somebody'}{why}."

    def _decide_about(self, due: Sequence[Schedule], now: datetime) -> list[Job]:
        with self._store.read() as conn:
            paused = self.everything_paused(conn)
        cases = [case for case in (self._case(item, now, paused) for item in due) if case is not None]
        if not cases:
            return []
        try:
            return self._commit(cases, now, paused)
        except StoreUnavailable:
            raise
        except Exception:
            if len(cases) > 1:
                _log.warning("Schedules cannot be decided about together; each is tried alone.", exc_info=True)
                return [job for case in cases for job in self._alone(case, now, paused)]
            return self._alone(cases[0], now, paused)

    def _alone(self, case: _Case, now: datetime, paused: str | None) -> list[Job]:
        """One schedule by itself; where its jobs cannot be written, that is the decision."""
        try:
            return self._commit([case], now, paused)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - recorded, and the other schedules get their turn
            _log.warning("Schedule %s cannot start a job: %s", case.seen.name, error)
            for start in case.starts:
                if start.choice.reason is None:
                    start.choice, start.new = self._cannot(case, start.choice, error), None
            return self._commit([case], now, paused)

    def _case(self, seen: Schedule, now: datetime, paused: str | None) -> _Case | None:
        """What becomes of a due schedule; its jobs are checked before any transaction begins."""
        try:
            verdict = decide(seen, seen.rule(now), now, paused)
        except InvalidSchedule as error:
            self._store.write(
                lambda conn: schedules.change_schedule(
                    conn, self._store.dialect, seen.id, fault=str(error), next_run_at=None
                )
            )
            return None
        try:
            bots = self._bots_of(seen)
        except Exception:  # noqa: BLE001 - a user's function; what is due stays due
            _log.exception("The bots cannot be listed; schedule %s stays due.", seen.name)
            return None
        case = _Case(seen, verdict)
        for choice in verdict.choices:
            if not bots:
                text = "No bot is known."
                none = choice if choice.reason else replace(choice, reason=Reason.NO_BOTS, text=text)
                case.starts.append(_Start(seen, self._dated(case, none), EVERY_BOT))
            for bot in bots:
                case.starts.append(self._start(case, choice, bot))
        return case

    def _start(self, case: _Case, choice: Choice, bot: str | None) -> _Start:
        start = _Start(case.seen, choice, bot)
        if choice.reason is None:
            try:
                start.new = self._prepare(submission_of(case.seen, bot))
            except OnwardError as error:
                start.choice = self._cannot(case, choice, error)
        return start

    def _bots_of(self, seen: Schedule) -> list[str | None]:
        if seen.bot_id != EVERY_BOT or self._bots is None:
            return [seen.bot_id]
        return list(dict.fromkeys(self._bots()))

    def _cannot(self, case: _Case, choice: Choice, error: Exception) -> Choice:
        return self._dated(case, replace(choice, reason=Reason.CANNOT_START, text=str(error) or type(error).__name__))

    def _dated(self, case: _Case, choice: Choice) -> Choice:
        return choice if choice.next_at is not None else replace(choice, next_at=case.verdict.plan.next_run_at)

    # ---- within the transaction -----------------------------------------------------------------------------

    def _commit(self, cases: Sequence[_Case], now: datetime, paused: str | None) -> list[Job]:
        done: list[_Start] = []

        def work(conn: Connection) -> list[Job]:
            done.clear()
            locked = schedules.lock_schedules(conn, self._store.dialect, [case.seen.id for case in cases])
            if self.everything_paused(conn) != paused:
                return []
            mine = [case for case in cases if locked.get(case.seen.id) == case.seen]
            done.extend(self._write(conn, mine, now))
            return [start.job for start in done if start.job is not None]

        made = self._store.write(work)
        if done:
            self._store.doorbell.ring()
        self._tell(done, made)
        return made

    def _write(self, conn: Connection, cases: Sequence[_Case], now: datetime) -> list[_Start]:
        dialect = self._store.dialect
        starts = self._undecided(conn, cases, now)
        if starts:
            self._settle_overlaps(conn, starts, now)
            self.insert(conn, starts, now)
        changed = []
        for case in cases:
            plan, started = case.verdict.plan, any(start.job is not None for start in starts if start.schedule is case.seen)
            changed.append(_row(dialect, case.seen, plan, now if started else case.seen.last_run_at, now))
            if case.verdict.is_pause_over:
                schedules.change_schedule(conn, dialect, case.seen.id, **NOT_PAUSED, updated_at=now)
        if changed:
            schedules.change_many(conn, dialect, _PLANNED, changed)
        return starts

    def _undecided(self, conn: Connection, cases: Sequence[_Case], now: datetime) -> list[_Start]:
        """What nobody has decided about before. A time set by hand is new, even if it was set before."""
        # Copies: the transaction may have to begin again.
        starts = [replace(start) for case in cases for start in case.starts]
        taken = self._taken(conn, [start for start in starts if not start.is_by_hand])
        found = []
        for start in starts:
            if start.is_by_hand:
                start.choice = replace(start.choice, due_at=self._new_time(conn, start, now))
            key = (start.schedule.id, start.bot, start.choice.due_at)
            if key not in taken:
                taken.add(key)
                found.append(start)
        return found

    def _taken(self, conn: Connection, starts: Sequence[_Start]) -> set[Key]:
        if not starts:
            return set()
        dues = [start.choice.due_at for start in starts]
        ids = {start.schedule.id for start in starts}
        return set(schedules.decided(conn, self._store.dialect, ids, min(dues), max(dues)))

    def _new_time(self, conn: Connection, start: _Start, now: datetime) -> datetime:
        """The time that was set by hand, or if that was decided about before, the present one."""
        due = start.choice.due_at
        while (start.schedule.id, start.bot, due) in schedules.decided(
            conn, self._store.dialect, [start.schedule.id], due, due
        ):
            due = now if due < now else due + _TICK
        return due

    def _settle_overlaps(self, conn: Connection, starts: Sequence[_Start], now: datetime) -> None:
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
                continue
            if word == "cancel":
                self._cancel(conn, start.schedule, found, now)
                active[key] = found = [job for job in found if self._is_here(conn, job.job_id)]
            start.is_queued = len(found) + coming.get(key, 0) >= start.schedule.max_instances
            coming[key] = coming.get(key, 0) + 1

    def _held_up(self, start: _Start, job: Active) -> Choice:
        if job.waiting_on == Waiting.RESOURCE:
            text = f"Job {shown(job.job_id)} of this schedule still waits for {job.blocked_by}."
            reason = Reason.WAITING_FOR_RESOURCE
        else:
            word = {"pending": "has not begun", "pending_hitl": "waits for an answer"}.get(job.status, "still runs")
            text = f"Job {shown(job.job_id)} of this schedule {word}; at most {start.schedule.max_instances} at a time."
            reason = Reason.STILL_RUNNING
        return replace(start.choice, reason=reason, text=text, next_at=start.choice.next_at or self._next_of(start))

    def _next_of(self, start: _Start) -> datetime | None:
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

    def insert(self, conn: Connection, starts: Sequence[_Start], now: datetime) -> None:
        """Write jobs, what was decided, and the starts that do not happen."""
        dialect, when = self._store.dialect, self._store.dialect.time(now)
        making = [(start, start.new) for start in starts if start.new is not None]
        done = self._submitter.write(conn, [new for _, new in making]) if making else []
        for (start, _), job in zip(making, done, strict=True):
            start.job = replace(job, scheduled_job_id=start.schedule.id, due_at=start.choice.due_at)
        if done:
            due = [(start.job.id, start.schedule.id, dialect.time(start.choice.due_at)) for start, _ in making if start.job]
            schedules.mark_jobs(conn, dialect, due)
            queued = [start.job.id for start, _ in making if start.is_queued and start.job is not None]
            if queued:
                turns.queue_jobs(conn, dialect, queued)
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

    def _tell(self, done: Sequence[_Start], made: Sequence[Job]) -> None:
        self._submitter.tell(made)
        if self._bus.is_heard:
            for start in done:
                if start.job is None:
                    self._bus.tell(
                        StartSkipped(
                            schedule=start.schedule.name,
                            job_type=start.schedule.job_type,
                            reason=str(start.choice.reason),
                        )
                    )


NOT_PAUSED = {"enabled": True, "paused_by": None, "paused_reason": None, "paused_at": None, "paused_until": None}
_PLANNED = ("due_at", "planned_at", "next_run_at", "last_run_at", "ended_at", "updated_at")


def _row(dialect: Dialect, seen: Schedule, plan: Plan, last_run_at: datetime | None, now: datetime) -> list[object]:
    ended = now if plan.due_at is None else None
    values = (plan.due_at, plan.next_run_at, plan.next_run_at, last_run_at, ended, now)
    return [seen.id, *(None if value is None else dialect.time(value) for value in values)]


def planned(seen: Schedule, now: datetime) -> dict[str, object]:
    """The columns of a schedule that is planned anew, after ``now``: its next time, or why there is none."""
    anchored = replace(seen, anchor_at=seen.start_at or seen.anchor_at or seen.created_at or now)
    values: dict[str, object] = {"anchor_at": anchored.anchor_at, "created_at": seen.created_at or now}
    try:
        plan = plan_of(anchored, anchored.check(now), now)
    except InvalidSchedule as error:
        return {**values, "fault": str(error), "due_at": None, "planned_at": None, "next_run_at": None}
    return {
        **values,
        "fault": None,
        "due_at": plan.due_at,
        "planned_at": plan.next_run_at,
        "next_run_at": plan.next_run_at,
        "ended_at": now if plan.due_at is None else None,
    }


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
