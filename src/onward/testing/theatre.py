"""Where a simulation is played: one thing happens at a time, in an order that the seed decides."""

from __future__ import annotations

import contextlib
import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from onward.app import Onward
from onward.authoring.job_type import JobType
from onward.clock import ManualClock
from onward.engine.desk import Desk
from onward.engine.writer import Change
from onward.model.job import Job, Json
from onward.settings import Settings
from onward.testing.plan import Fault, draw_submissions
from onward.testing.player import Player, Wall
from onward.testing.scheduler_player import SchedulerPlayer
from onward.testing.timetable import Timetable
from onward.testing.worker_player import WorkerPlayer

_CHECK_EVERY = 500
_LOOK_EVERY = 20
_DRAIN_SECONDS = 3600.0
_VERDICTS = ("completed", "failed", "cancelled")


class Theatre:
    """One simulation: its clock, its database, its workers and schedulers, and what was seen.

    ``schedule``: how its jobs are started, as the arguments of ``schedules.add``, instead of by a client.
    """

    def __init__(
        self,
        settings: Settings,
        job_types: Sequence[JobType],
        seed: int,
        workers: int,
        schedulers: int = 0,
        schedule: Mapping[str, Any] | None = None,
    ) -> None:
        self.time = ManualClock(seed=seed)
        self.settings, self.job_types, self.seed = settings, job_types, seed
        self.app = self.new_app(Wall(self.time, seed), "client")
        self.app._store.prepare()
        self.log: list[str] = []
        self.problems: list[str] = []
        self.made: Counter[str] = Counter()
        self.results: list[Json] = []
        self.submitted = self.turns = 0
        self.passed_seconds = 0.0
        self.outage_until = -1.0
        self.names: dict[str, str] = {}
        self.acked: dict[str, int] = {}
        self.fences: dict[str, int] = {}
        self.kept: set[tuple[str, int, str, str]] = set()
        self.is_draining = self._is_closed = False
        self._born = 0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self.timetable = None if schedule is None else Timetable(self.app, schedule, self.wrong)
        self._players: list[Player] = [WorkerPlayer(self, number) for number in range(workers)]
        self._players += [SchedulerPlayer(self, number) for number in range(schedulers)]

    def new_app(self, clock: Any, machine: str) -> Onward:
        """An application of one process, on the one database; each machine has a disk of its own for journals."""
        folder = f"{self.settings.database.url.removeprefix('sqlite:///')}.{machine}"
        journal = replace(self.settings.journal, folder=folder)
        app = Onward(settings=replace(self.settings, journal=journal), clock=clock)
        for job_type in self.job_types:
            app.job_types.add(job_type)
        return app

    # ---- playing --------------------------------------------------------------------------------------------

    def play(self, name: str, params: dict[str, Json], seconds: float, jobs: int, faults: Sequence[Fault]) -> None:
        """Hours with faults, then everything is healed, and all must come to its end."""
        if self.timetable is not None:
            self.timetable.add(name, params)
        else:
            for at in draw_submissions(self.seed, seconds, jobs):
                self.at(at, lambda: self._submit(name, params))
        for fault in faults:
            self.at(fault.at, lambda fault=fault: self._make(fault))  # type: ignore[misc]  # a default binds it
        for player in self._players:
            player.be_born()
        while self._heap and self._heap[0][0] < seconds and not self.problems:
            self._step()
        self._heal()
        last = self.now + _DRAIN_SECONDS
        while not self.problems and self.now < last:
            if self.turns % _LOOK_EVERY == 0 and self._is_done():
                break
            self._step()
            if self.now >= last:
                last = self._latest_due() + _DRAIN_SECONDS
        self.passed_seconds = min(self.now, seconds)
        for player in self._players:
            player.end()

    @property
    def now(self) -> float:
        """Seconds since the beginning, in whole milliseconds: sums of fractions would never quite be there."""
        return round(self.time.monotonic(), 3)

    def at(self, when: float, act: Callable[[], None]) -> None:
        """Have something happen then."""
        self._order += 1
        heapq.heappush(self._heap, (round(when, 3), self._order, act))

    def note(self, who: str, what: str) -> None:
        """One line of the log of events."""
        self.log.append(f"{self.now:.3f} {who} {what}")

    def wrong(self, what: str) -> None:
        """A promise was broken."""
        self.problems.append(f"after {self.now:.1f} s: {what}")

    @contextlib.contextmanager
    def noting(self, where: str) -> Iterator[None]:
        """What is raised within is a problem."""
        try:
            yield
        except AssertionError as error:
            self.wrong(f"{where}: {error}")
            raise

    def named(self, job_id: str) -> str:
        """A job's number: ids hold random bits, and are long."""
        return self.names.setdefault(job_id, f"job {len(self.names) + 1}")

    def _step(self) -> None:
        when, _, act = heapq.heappop(self._heap)
        if when > self.now:
            self.time.advance(when - self.now)
        self.turns += 1
        act()
        if self.turns % _CHECK_EVERY == 0:
            self._check_database()

    def _submit(self, name: str, params: dict[str, Json]) -> None:
        job = self.app.submit(name, params, on_conflict="wait", resume=False)
        self.submitted += 1
        self.note("client", f"submits {self.named(job.id)}")

    # ---- faults ---------------------------------------------------------------------------------------------

    def _make(self, fault: Fault) -> None:
        if self.is_draining:
            return
        self.made[fault.kind] += 1
        self.note("fault", str(fault).strip())
        player = next(player for player in self._players if player.name == fault.player)
        match fault.kind:
            case "kill" | "kill after":
                player.doom = fault.kind
                self.at(self.now + self.settings.worker.lease_seconds, player.die_idle)
            case "stop":
                player.stopped_until = round(self.now + fault.seconds, 3)
            case "cut":
                player.cut_until = self.now + fault.seconds
            case "outage":
                self.outage_until = max(self.outage_until, self.now + fault.seconds)
            case "rewind":
                if self.timetable is not None:
                    self.timetable.rewind()
            case _:
                player.wall.skew = timedelta(seconds=fault.seconds)

    def _heal(self) -> None:
        self.is_draining = True
        self.outage_until = -1.0
        for player in self._players:
            player.heal()
        self.note("all", "is healed")

    def _is_done(self) -> bool:
        if self.timetable is not None and not self._is_closed:
            if not self.timetable.is_settled():
                return False
            self.timetable.close()
            self._is_closed = True
            self.note("all", "the schedule has ended")
        counts = self.app.counts()
        return not counts.get("pending") and not counts.get("running") and not any(p.is_busy for p in self._players)

    def _latest_due(self) -> float:
        """Until when a job waits by itself, in seconds since the beginning."""
        waits = [job.run_at for job in self.app.find(status="pending", limit=200) if job.run_at is not None]
        now = self.time.now()
        return max((self.now + (at - now).total_seconds() for at in waits), default=0.0)

    # ---- judging --------------------------------------------------------------------------------------------

    def judge(self, wanted: Sequence[Json]) -> None:
        """Compare what is there at the end with what was promised."""
        if self.problems:
            return
        self._check_database()
        jobs = self._all_jobs()
        if self.timetable is not None:
            self.timetable.judge(jobs, lambda what: self.note("schedule", what))
            self.submitted = sum(job.parent_id is None for job in jobs)
        elif len([job for job in jobs if job.parent_id is None]) != self.submitted:
            self.wrong(f"{self.submitted} jobs were submitted, and there are {len(jobs)}")
        for job in jobs:
            self._judge(job)
            if job.parent_id is None and job.status == "completed":
                self.results.append(job.result)
                if wanted and job.result != wanted[0]:
                    self.wrong(f"{self.named(job.id)} has returned {job.result!r}; undisturbed it is {wanted[0]!r}")

    def _all_jobs(self) -> list[Job]:
        found: list[Job] = []
        after = None
        while True:
            page = self.app.find(limit=200, after=after)
            found += page
            after = page.next
            if after is None:
                return found

    def _judge(self, job: Job) -> None:
        name = self.named(job.id)
        if not job.status.is_ended:
            why = job.waiting_reason.text if job.waiting_reason is not None else "for no reason"
            self.wrong(f"{name} is {job.status} long after everything was healed: {why}")
        elif job.status == "failed":
            self.wrong(f"{name} has failed: {job.error}")
        elif job.is_owned:
            self.wrong(f"{name} is {job.status} and still owned")
        verdicts = Counter(event.generation for event in self.app.history(job.id) if event.kind in _VERDICTS)
        if any(count > 1 for count in verdicts.values()):
            self.wrong(f"{name} has {dict(verdicts)} verdicts by generation")
        fences = [run.fence for run in self.app.runs(job.id)]
        if fences != sorted(set(fences)):
            self.wrong(f"{name} has the fences {fences}")

    def _check_database(self) -> None:
        for problem in self.app.database.check():
            self.wrong(problem)

    def was_claimed(self, desk: Desk) -> None:
        """A run begins: under a higher fence than any before, and not before what was acked."""
        claim = desk.claim
        if claim.fence <= self.fences.get(claim.job_id, 0):
            self.wrong(f"{self.named(claim.job_id)} was claimed under the fence {claim.fence} again")
        if claim.checkpoint_number < self.acked.get(claim.job_id, 0):
            saved = self.acked[claim.job_id]
            self.wrong(f"{self.named(claim.job_id)} goes on at {claim.checkpoint_number}, and {saved} was acked")
        self.fences[claim.job_id] = claim.fence

    def was_written(self, change: Change) -> None:
        """A change was acked: it must be of the newest run."""
        claim = change.owner.claim
        if change.is_refused:
            return
        if claim.fence < self.fences.get(claim.job_id, 0):
            self.wrong(f"{self.named(claim.job_id)} took a write under the old fence {claim.fence}")
        if change.point is not None:
            self.acked[claim.job_id] = max(self.acked.get(claim.job_id, 0), change.owner.number)
        if change.step is not None:
            key = (claim.job_id, claim.generation, *change.step[:2])
            if key in self.kept:
                self.wrong(f"{self.named(claim.job_id)} did the step {change.step[1]!r} again, which was kept")
            self.kept.add(key)

    def was_committed(self) -> None:
        """Somebody has committed something."""
        if self.timetable is not None:
            self.timetable.look()

    def close(self) -> None:
        """Close all connections."""
        for player in self._players:
            player.close()
        self.app.close()

    def births(self) -> int:
        """The number of the next process."""
        self._born += 1
        return self._born
