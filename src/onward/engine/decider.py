"""The decider: makes jobs of what is due, and a record of every start that does not happen.

A due schedule is taken by a compare-and-set: it is read and judged first, and within the transaction that inserts its
jobs it must still be exactly as it was read. The decision has the schedule, the bot and the due time for its key. So
any number of schedulers, with whatever clocks, killed between any two statements, decide once about each due time.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from onward.authoring.registry import JobTypes
from onward.engine.starts import Start, Starts, write_plans
from onward.engine.submitter import Submitter
from onward.errors import InvalidSchedule, OnwardError, StoreUnavailable
from onward.events import Bus, StartSkipped
from onward.model import codec
from onward.model.job import Job
from onward.model.schedule import EVERY_BOT, Schedule
from onward.model.verdict import Choice, Reason, Verdict, decide, planned
from onward.store import Connection, Store, facts, schedules

_log = logging.getLogger("onward.engine")
_BATCH = 200
"""Schedules that are decided about in one transaction."""
_UNPLANNED = 500
PAUSED = "schedules_paused"
"""The fact that nothing is started by any schedule: who said so, and why."""


@dataclass(slots=True)
class _Case:
    """A due schedule with all that becomes of it."""

    seen: Schedule
    verdict: Verdict
    starts: list[Start] = field(default_factory=list)


class Decider:
    """Decides about due times, and starts what is due."""

    def __init__(self, store: Store, registry: JobTypes, submitter: Submitter, starts: Starts, bus: Bus) -> None:
        self._store = store
        self._registry = registry
        self._submitter = submitter
        self._starts = starts
        self._bus = bus

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
                schedules.write_plan(conn, self._store.dialect, planned(seen, now))
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
        found = facts.get_fact(conn, self._store.dialect, PAUSED)
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
        except Exception:  # noqa: BLE001 - told, and each of them gets its turn
            _log.warning("Schedules cannot be decided about together; each is tried alone.", exc_info=True)
            return [job for case in cases for job in self._alone(case, now, paused)]

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
            self._store.write(partial(schedules.set_fault, dialect=self._store.dialect, seen=seen, fault=str(error)))
            return None
        try:
            bots = self._starts.bots_of(seen)
        except Exception:  # noqa: BLE001 - a user's function; what is due stays due
            _log.exception("The bots cannot be listed; schedule %s stays due.", seen.name)
            return None
        case = _Case(seen, verdict)
        for choice in verdict.choices:
            if not bots:
                text = "No bot is known."
                none = choice if choice.reason else replace(choice, reason=Reason.NO_BOTS, text=text)
                case.starts.append(Start(seen, self._dated(case, none), EVERY_BOT))
            for bot in bots:
                case.starts.append(self._start(case, choice, bot))
        return case

    def _start(self, case: _Case, choice: Choice, bot: str | None) -> Start:
        if choice.reason is not None:
            return Start(case.seen, choice, bot)
        try:
            return self._starts.start_of(case.seen, choice, bot)
        except OnwardError as error:
            return Start(case.seen, self._cannot(case, choice, error), bot)

    def _cannot(self, case: _Case, choice: Choice, error: Exception) -> Choice:
        return self._dated(case, replace(choice, reason=Reason.CANNOT_START, text=str(error) or type(error).__name__))

    def _dated(self, case: _Case, choice: Choice) -> Choice:
        return choice if choice.next_at is not None else replace(choice, next_at=case.verdict.plan.next_run_at)

    # ---- within the transaction -----------------------------------------------------------------------------

    def _commit(self, cases: Sequence[_Case], now: datetime, paused: str | None) -> list[Job]:
        done: list[Start] = []

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

    def _write(self, conn: Connection, cases: Sequence[_Case], now: datetime) -> list[Start]:
        dialect = self._store.dialect
        starts = self._undecided(conn, cases, now)
        self._starts.settle_overlaps(conn, starts, now)
        self._starts.make_jobs(conn, starts)
        self._starts.record(conn, starts, now)
        started = {start.schedule.id for start in starts if start.job is not None}
        plans = [(case.seen, case.verdict.plan, now if case.seen.id in started else None) for case in cases]
        write_plans(conn, dialect, plans, now)
        for case in cases:
            if case.verdict.is_pause_over:
                schedules.end_pause(conn, dialect, case.seen.id, now)
        return starts

    def _undecided(self, conn: Connection, cases: Sequence[_Case], now: datetime) -> list[Start]:
        """What nobody has decided about before. A time set by hand is new, even if it was set before."""
        # Copies: the transaction may have to begin again.
        starts = [replace(start) for case in cases for start in case.starts]
        taken = self._starts.taken(conn, [start for start in starts if not start.is_by_hand])
        found = []
        for start in starts:
            if start.is_by_hand:
                start.choice = replace(start.choice, due_at=self._starts.new_time(conn, start, now))
            if start.key not in taken:
                taken.add(start.key)
                found.append(start)
        return found

    def settle(self, name: str) -> None:
        """Decide about the due times of one schedule that are over."""
        with self._store.read() as conn:
            found = schedules.get_schedules(conn, self._store.dialect, "name", [name])
        now = self._store.now()
        due = [seen for seen in found if seen.next_run_at is not None and seen.next_run_at <= now]
        if due:
            self._decide_about(due, now)

    def _tell(self, done: Sequence[Start], made: Sequence[Job]) -> None:
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
