"""Where a simulation is played: one thing happens at a time, in an order that the seed decides."""

from __future__ import annotations

import contextlib
import heapq
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from onward.app import Onward
from onward.authoring.job_type import JobType
from onward.clock import ManualClock
from onward.engine.desk import Desk
from onward.engine.simulated import SimulatedWorker
from onward.engine.writer import Change
from onward.errors import StoreUnavailable
from onward.model.job import Job, Json
from onward.settings import Settings
from onward.testing.plan import Chance, Fault, draw_submissions

_LATENCY_SECONDS = 4.0
_IDLE_SECONDS = 15.0
_BORN_SECONDS = 20.0
_CHECK_EVERY = 500
_LOOK_EVERY = 20
_DRAIN_SECONDS = 3600.0
_VERDICTS = ("completed", "failed", "cancelled")


class Killed(BaseException):
    """This worker is no more: whatever its code tries, it is told so."""


class Theatre:
    """One simulation: its clock, its database, its workers, and what was seen."""

    def __init__(self, settings: Settings, job_types: Sequence[JobType], seed: int, workers: int) -> None:
        self.time = ManualClock(seed=seed)
        self.settings, self.job_types, self.seed = settings, job_types, seed
        self.app = self._new_app(_Wall(self.time, seed))
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
        self.is_draining = False
        self._born = 0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self._players = [_Player(self, number) for number in range(workers)]

    def _new_app(self, clock: Any) -> Onward:
        app = Onward(settings=self.settings, clock=clock)
        for job_type in self.job_types:
            app.job_types.add(job_type)
        return app

    # ---- playing --------------------------------------------------------------------------------------------

    def play(self, name: str, params: dict[str, Json], seconds: float, jobs: int, faults: Sequence[Fault]) -> None:
        """Hours with faults, then everything is healed, and all must come to its end."""
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
        player = self._players[fault.worker % len(self._players)]
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
            case _:
                player.wall.skew = timedelta(seconds=fault.seconds)

    def _heal(self) -> None:
        self.is_draining = True
        self.outage_until = -1.0
        for player in self._players:
            player.heal()
        self.note("all", "is healed")

    def _is_done(self) -> bool:
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
        if len([job for job in jobs if job.parent_id is None]) != self.submitted:
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

    def close(self) -> None:
        """Close all connections."""
        for player in self._players:
            player.close()
        self.app.close()

    def births(self) -> int:
        """The number of the next process."""
        self._born += 1
        return self._born


class _Wall:
    """The clock of one machine: the time of all, its own wall clock, and chance from the seed."""

    def __init__(self, time: ManualClock, seed: int, wait: Callable[[float], None] | None = None) -> None:
        self._time, self._wait = time, wait
        self._bits = ManualClock(seed=seed)
        self.skew = timedelta()

    def now(self) -> datetime:
        return self._time.now() + self.skew

    def monotonic(self) -> float:
        return self._time.monotonic()

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        if self._wait is not None:
            self._wait(1.0 if seconds is None else seconds)
        return event.is_set()

    def random_bits(self, bits: int) -> int:
        return self._bits.random_bits(bits)

    def random_bytes(self, count: int) -> bytes:
        return self._bits.random_bytes(count)


class _Player:
    """One worker through its lives: a thread that goes on only when it is its turn."""

    def __init__(self, theatre: Theatre, number: int) -> None:
        self.theatre, self.number = theatre, number
        self.chance = Chance(theatre.seed * 1000 + number)
        self.wall = _Wall(theatre.time, theatre.seed * 1000 + number, self.pause)
        self.doom = ""
        self.is_dead = True
        self.is_busy = False
        self.stopped_until = self.cut_until = -1.0
        self._app: Onward | None = None
        self._worker: SimulatedWorker | None = None
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._thread: threading.Thread | None = None
        self._is_inside = False
        self._life = 0

    def be_born(self) -> None:
        """A new process with a thread that works."""
        self._life = self.theatre.births()
        self.doom, self.is_dead, self.is_busy = "", False, False
        self.stopped_until = -1.0
        self.wall.skew = timedelta()
        self._thread = threading.Thread(target=self._live, name=f"simulated-{self._life}", daemon=True)
        self._thread.start()
        self.theatre.at(self.theatre.now, self._turn)
        life = self._life
        lease = self.theatre.settings.worker.lease_seconds
        self._every(lease / 4, life, lambda: self._serve(lambda worker: worker.beat()))
        self._every(self.theatre.settings.worker.reap_seconds, life, lambda: self._serve(self._rescue))

    def heal(self) -> None:
        """Nothing keeps it any more; one that is to die dies later, or not at all."""
        self.stopped_until = self.cut_until = -1.0
        self.wall.skew = timedelta()
        self.doom = ""

    def die_idle(self) -> None:
        """One that was to die at its next word with the database, and had none, dies now."""
        if self.doom and not self.is_dead and not self.is_busy:
            self._die()

    def end(self) -> None:
        """Let its thread end."""
        self.is_dead = True
        if self._thread is not None and self._thread.is_alive():
            self._go.release()
            self._thread.join(10)

    def close(self) -> None:
        """Close its connections."""
        self.end()
        if self._app is not None:
            self._app.close()

    # ---- turns ----------------------------------------------------------------------------------------------

    def pause(self, seconds: float) -> None:
        """Let others have their turns for so long."""
        if not self._is_inside:
            return
        self.theatre.at(self.theatre.now + max(0.0, seconds), self._turn)
        self._yield()

    def before(self) -> None:
        """On the way to the database."""
        if self.is_dead:
            raise Killed
        if self._is_inside:
            self.pause(self.chance.between(0.1, 2) * _LATENCY_SECONDS)
            if self.doom == "kill":
                self._die()
                raise Killed
        if self.theatre.now < max(self.cut_until, self.theatre.outage_until):
            raise StoreUnavailable("The database is away, as the simulation wants it.")

    def after(self) -> None:
        """It was committed; the word of it is on its way."""
        if self.is_dead:
            raise Killed
        if not self._is_inside:
            return
        if self.doom == "kill after":
            self._die()
            raise Killed
        if self.theatre.now < max(self.cut_until, self.theatre.outage_until):
            raise StoreUnavailable("The word of the commit was lost, as the simulation wants it.")

    def _turn(self) -> None:
        thread = self._thread
        if thread is None or not thread.is_alive():
            return
        if not self.is_dead and self.theatre.now < self.stopped_until:
            self.theatre.at(self.stopped_until, self._turn)
            return
        self._is_inside = True
        self._go.release()
        self._back.acquire()
        self._is_inside = False

    def _yield(self) -> None:
        self._back.release()
        self._go.acquire()
        if self.is_dead:
            raise Killed

    def _every(self, seconds: float, life: int, act: Callable[[], None]) -> None:
        def turn() -> None:
            if self._life != life or self.is_dead:
                return
            if self.theatre.now < self.stopped_until:
                self.theatre.at(self.stopped_until, turn)
                return
            act()
            self.theatre.at(self.theatre.now + seconds, turn)

        self.theatre.at(self.theatre.now + seconds, turn)

    def _serve(self, act: Callable[[SimulatedWorker], None]) -> None:
        """A turn of a service, which does not wait for the job."""
        if self._worker is not None:
            with contextlib.suppress(StoreUnavailable):
                act(self._worker)

    def _rescue(self, worker: SimulatedWorker) -> None:
        count = worker.rescue()
        if count:
            self.theatre.note(f"worker {self.number}", f"takes over {count}")

    def _die(self) -> None:
        self.theatre.note(f"worker {self.number}", "dies")
        self.is_dead, self.doom = True, ""
        wait = self.chance.between(0.1, 2) * _BORN_SECONDS
        self.theatre.at(self.theatre.now + wait, self._again)

    def _again(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            # It is to hear of its death before another takes its place.
            self._turn()
        if self._app is not None:
            self._app.close()
        self.be_born()

    # ---- the thread -----------------------------------------------------------------------------------------

    def _live(self) -> None:
        self._go.acquire()
        try:
            if not self.is_dead:
                self._work()
        except Killed:
            pass
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in the engine is what was looked for
            self.theatre.wrong(f"worker {self.number}: {type(error).__name__}: {error}")
        finally:
            self.is_busy = False
            self._back.release()

    def _work(self) -> None:
        app = self._app = self.theatre._new_app(self.wall)
        self._worker = worker = SimulatedWorker(
            app.worker(concurrency=1), f"host-{self._life}", self, self.pause,
            lambda: self.chance.fraction() < 0.5, self.theatre.was_written,
        )  # fmt: skip
        self._patiently(worker.enter)
        while True:
            found: list[Desk | None] = []
            self._patiently(lambda: found.append(worker.claim()))  # noqa: B023 - called at once
            desk = found[-1]
            if desk is None:
                self.pause(_IDLE_SECONDS)
                continue
            self.is_busy = True
            claim = desk.claim
            self.theatre.was_claimed(desk)
            self.theatre.note(f"worker {self.number}", f"runs {self.theatre.named(claim.job_id)} fence {claim.fence}")
            worker.run(desk)
            self.theatre.note(f"worker {self.number}", f"has left {self.theatre.named(claim.job_id)}")
            self.is_busy = False

    def _patiently(self, act: Callable[[], None]) -> None:
        while True:
            try:
                act()
            except StoreUnavailable:
                self.pause(1.0)
            else:
                return
