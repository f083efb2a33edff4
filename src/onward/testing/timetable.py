"""The schedule of a simulation: what is to be true of it at every commit, and of all its due times at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from onward.app import Onward
from onward.engine.schedule_book import FIELDS
from onward.engine.simulated_schedule import SimulatedSchedule
from onward.errors import InvalidSchedule
from onward.model.job import Job, Json
from onward.model.schedule import Decision, Schedule

NAME = "simulated"
_FIELDS = {*FIELDS, "catch_up"} - {"job_type", "params"}
_MOST_WAITED = timedelta(minutes=30)
"""So long after everything was healed the next due time is waited for."""


class Timetable:
    """One schedule that is played. ``given``: the arguments of ``schedules.add``; ``wrong`` is told of what is."""

    def __init__(self, app: Onward, given: Mapping[str, Any], wrong: Callable[[str], None]) -> None:
        self._app, self._given, self._wrong = app, dict(given), wrong
        self._begun = app.clock.now()
        self._furthest: datetime | None = None
        self._awaited: datetime | None = None
        self.decisions: list[Decision] = []

    def add(self, job_type: str, params: Mapping[str, Json]) -> None:
        """Have it start jobs from now on. Raises what ``schedules.add`` does, also for a field that there is not."""
        unknown = sorted(set(self._given) - _FIELDS)
        if unknown:
            text = f"{unknown[0]}: a schedule of a simulation has no such field."
            raise InvalidSchedule(text, hint=f"Fields: {', '.join(sorted(_FIELDS))}.")
        added = self._app.schedules.add(NAME, job_type, params=params, **self._given)
        self._row = SimulatedSchedule(self._app._store, added.id)

    def look(self) -> None:
        """After a commit: no more jobs are active than may be, and the plan has not gone back."""
        seen, active = self._row.look()
        if any(count > seen.max_instances for count in active.values()):
            self._wrong(
                f"{max(active.values())} jobs of the schedule are active, and at most {seen.max_instances} may be"
            )
        if seen.due_at is not None:
            if self._furthest is not None and seen.due_at < self._furthest:
                self._wrong(f"the plan went back from {self._furthest} to {seen.due_at}")
            self._furthest = seen.due_at

    def rewind(self) -> None:
        """Put the plan back to what was decided about, as one does who restores a row of yesterday."""
        decided = self._row.decided()
        if decided:
            self._furthest = decided[max(0, len(decided) - 3)].due_at
            self._row.put_back(self._furthest)

    def is_settled(self) -> bool:
        """Whether all that is due was decided about, and one due time at least since this was asked first."""
        now, seen = self._app.clock.now(), self._seen()
        if self._awaited is None:
            after = seen.rule(self._begun).next_after(now)
            self._awaited = now + _MOST_WAITED if after is None else min(after, now + _MOST_WAITED)
        return now >= self._awaited and (seen.due_at is None or seen.due_at > self._awaited)

    def close(self) -> None:
        """Have it start nothing more."""
        self._app.schedules.edit(NAME, enabled=False)

    # ---- judging --------------------------------------------------------------------------------------------

    def judge(self, jobs: Sequence[Job], note: Callable[[str], None]) -> None:
        """Each due time has one decision, and each decision is what the policies say. ``note`` is told of each."""
        seen = self._seen()
        self.decisions = decided = self._row.decided()
        for each in decided:
            note(f"{each.due_at} {'started' if each.job_id else each.reason}")
        if self._awaited is None or (seen.due_at is not None and seen.due_at <= self._awaited):
            self._wrong(f"what is due at {seen.due_at} is undecided long after everything was healed")
        self._judge_times(seen, [each.due_at for each in decided])
        self._judge_jobs(decided, jobs)
        for each in decided:
            self._judge_policy(seen, each)
        together = Counter(each.decided_at for each in decided if each.job_id is not None)
        most = 1 if seen.coalesce else seen.max_catch_up
        for at, count in together.items():
            if count > most:
                self._wrong(f"{count} jobs were started by the look at {at}, and at most {most} may be")

    def _judge_times(self, seen: Schedule, decided: Sequence[datetime]) -> None:
        """A clock that is ahead decides early; but nothing is left out, and nothing is decided twice."""
        last = max(decided, default=self._begun)
        if self._awaited is not None:
            last = max(last, self._awaited)
        wanted = list(_due(seen, self._begun, last))
        missing, strange = sorted(set(wanted) - set(decided)), sorted(set(decided) - set(wanted))
        if missing:
            self._wrong(f"{len(missing)} of {len(wanted)} due times have no decision, the first of them {missing[0]}")
        if strange:
            self._wrong(f"{len(strange)} decisions are about what is no due time, the first of them {strange[0]}")
        twice = [at for at, count in Counter(decided).items() if count > 1]
        if twice:
            self._wrong(f"{len(twice)} due times were decided about twice, the first of them {twice[0]}")

    def _judge_jobs(self, decided: Sequence[Decision], jobs: Sequence[Job]) -> None:
        by_decision = Counter((each.job_id, each.due_at) for each in decided if each.job_id is not None)
        by_job = Counter((job.id, job.due_at) for job in jobs if job.parent_id is None)
        if by_decision != by_job:
            self._wrong(f"{len(by_decision)} decisions have a job, and there are {len(by_job)} jobs")

    def _judge_policy(self, seen: Schedule, decision: Decision) -> None:
        late, grace = (decision.decided_at - decision.due_at).total_seconds(), seen.misfire_grace_seconds
        late -= seen.jitter_seconds
        if decision.job_id is None and decision.reason is None:
            self._wrong(f"{decision.due_at} was decided about without a job, and for no reason")
        elif decision.job_id is not None and grace is not None and late > grace:
            self._wrong(f"{decision.due_at} was started {late:.0f} s late, and its grace is {grace} s")

    def _seen(self) -> Schedule:
        return self._app.schedules.get(NAME)


def _due(seen: Schedule, after: datetime, until: datetime) -> Iterator[datetime]:
    """The due times of a schedule after one time, until another."""
    rule = seen.rule(after)
    at = rule.next_after(after)
    while at is not None and at <= until:
        yield at
        at = rule.next_after(at)
