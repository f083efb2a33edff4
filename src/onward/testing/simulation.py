"""Simulated hours of workers and schedulers that die, stop and lose their database, on a clock from a seed.

One thing happens at a time, and what happens next is drawn from the seed; so a seed that shows a fault shows it again.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from onward.app import Onward
from onward.authoring.job_type import JobType, make_job_type
from onward.clock import ManualClock, SystemClock
from onward.errors import OnwardError
from onward.model.job import Json
from onward.settings import Settings
from onward.testing.plan import KINDS, OF_SCHEDULES, Fault, draw_faults
from onward.testing.scheduler_player import SchedulerPlayer
from onward.testing.theatre import Theatre
from onward.testing.worker_player import WorkerPlayer

_TRIES = 60
_MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory; a folder of our own is made in it
_SETTINGS: dict[str, Any] = {"worker.lease_seconds": 60, "worker.reap_seconds": 15, "worker.grace_seconds": 30}


class SimulationFailed(AssertionError):
    """A promise was broken in a simulation; the text says how, and how to see it again."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What came of a simulation. ``problems`` is empty when every promise was kept.

    ``digest`` is the same for two runs of a seed. ``faults`` are those that were made, or the few that suffice.
    ``decisions``: the due times that were decided about, of a simulation with a schedule.
    """

    job_type: str
    seed: int
    hours: float
    simulated_hours: float
    jobs: int
    events: int
    seconds: float
    digest: str
    problems: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    planned_faults: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    command: str = ""
    decisions: int | None = None

    @property
    def is_good(self) -> bool:
        """Whether every promise was kept, and all was done that was planned."""
        return not self.problems

    def raise_if_bad(self) -> Simulated:
        """This, or ``SimulationFailed`` (an ``AssertionError``)."""
        if self.problems:
            raise SimulationFailed(self.text())
        return self

    def text(self) -> str:
        """For people: what was done and found, and the command that does it again."""
        rate = self.events / max(self.seconds, 1e-6)
        lines = [
            f"{self.job_type}, seed {self.seed}: {self.simulated_hours:.1f} / {self.hours:g} simulated hours, "
            f"{self.jobs} jobs, {'' if self.decisions is None else f'{self.decisions} due times, '}"
            f"{self.events} events, {rate:.0f} events a second",
            f"faults {sum(self.counts.values())} / {self.planned_faults}: "
            + (", ".join(f"{kind} {count}" for kind, count in sorted(self.counts.items())) or "none"),
            f"event log {self.digest}",
            f"problems {len(self.problems)} / 0",
        ]
        lines += [f"  {problem}" for problem in self.problems[:20]]
        if self.problems:
            lines += ["faults that suffice:", *(f"  {fault}" for fault in self.faults), f"again: {self.command}"]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Cast:
    """Who plays what, and for how long."""

    job_type: JobType
    known: Sequence[JobType]
    params: dict[str, Json]
    seed: int
    seconds: float
    workers: int
    jobs: float
    schedulers: int = 0
    schedule: Mapping[str, Any] | None = None


def simulate(
    job: str | Callable[..., Any] | JobType,
    params: Mapping[str, Json] | None = None,
    *,
    app: Onward | None = None,
    seed: int = 0,
    hours: float = 1.0,
    workers: int = 3,
    jobs_per_hour: float = 20,
    faults_per_hour: float = 30,
    only: Sequence[int] | None = None,
    check: Callable[[Onward], None] | None = None,
    same_result: bool = True,
    schedule: Mapping[str, Any] | None = None,
    schedulers: int = 3,
) -> Simulated:
    """Run a job type many times on simulated workers that are killed, stopped and cut off; see what came of it.

    ``job``: a function, a ``JobType``, or the name of one of ``app``. ``params``: plain JSON values. ``hours`` of
    simulated time, which a job passes by what it asks of its context: it must not sleep by itself. ``only``: the
    numbers of the faults to make, of those that the seed draws. ``check`` is called at the end with an application
    on the simulated database, and may raise ``AssertionError``. ``same_result``: every job must return what an
    undisturbed one returns.

    ``schedule``: the jobs are started by a schedule with these arguments of ``schedules.add`` (``{"cron": …}``,
    ``{"interval_seconds": 60, "overlap": "queue"}``), and ``jobs_per_hour`` says nothing. So many ``schedulers`` look
    at it; they are killed, stopped and cut off as well, and their clocks jump. Every due time must have one decision.

    Whatever the job writes outside the database is really written, and more than once where it is interrupted.
    A run that breaks a promise is made smaller, fault by fault, until none can be left out.
    """
    job_type = _job_type(job, app)
    known = [*app.job_types.as_mapping().values()] if app is not None else []
    cast = _Cast(job_type, known, dict(params or {}), seed, hours * 3600, workers, jobs_per_hour * hours)
    names = [f"{WorkerPlayer.kind} {number}" for number in range(workers)]
    if schedule is not None:
        cast = replace(cast, schedule=schedule, schedulers=schedulers)
        names += [f"{SchedulerPlayer.kind} {number}" for number in range(schedulers)]
    kinds = KINDS if schedule is None else OF_SCHEDULES
    lease = _SETTINGS["worker.lease_seconds"]
    planned = draw_faults(seed, hours * 3600, names, lease, faults_per_hour, kinds)
    chosen = [fault for fault in planned if only is None or fault.number in only]
    clock = SystemClock()
    begun = clock.monotonic()
    # First one job to which nothing happens: what it returns is what all must return.
    alone = replace(cast, seconds=60.0, workers=1, jobs=1.0, schedule=None, schedulers=0)
    played = _play(alone, [], (), None)
    wanted, shown = tuple(played.results) if same_result else (), chosen
    if played.problems:
        shown = []
    else:
        played = _play(cast, chosen, wanted, check)
    seconds = clock.monotonic() - begun
    if played.problems and shown:
        shown = _fewer(chosen, lambda faults: bool(_play(cast, faults, wanted, check).problems))
    return Simulated(
        job_type=job_type.name,
        seed=seed,
        hours=hours,
        simulated_hours=played.passed_seconds / 3600,
        jobs=played.submitted,
        events=played.turns,
        seconds=seconds,
        digest=hashlib.sha256("\n".join(played.log).encode()).hexdigest(),
        problems=tuple(played.problems),
        faults=tuple(shown),
        planned_faults=len(chosen),
        counts=dict(played.made),
        command=_command(cast, hours, jobs_per_hour, faults_per_hour, shown),
        decisions=None if played.timetable is None else len(played.timetable.decisions),
    )


def _job_type(job: str | Callable[..., Any] | JobType, app: Onward | None) -> JobType:
    if isinstance(job, JobType):
        return job
    if app is not None:
        return app.job_types.resolve(job)[0]
    if isinstance(job, str):
        raise OnwardError(f"{job!r} is the name of no job type.", hint="Give app=, or the function itself.")
    return make_job_type(job)


def _play(
    cast: _Cast, faults: Sequence[Fault], wanted: Sequence[Json], check: Callable[[Onward], None] | None
) -> Theatre:
    with _quiet(), _folder() as folder:
        path = folder / "onward.db"
        path.write_bytes(_empty_database())
        settings = Settings.load(code={**_SETTINGS, "database.url": f"sqlite:///{path}"})
        theatre = Theatre(
            settings, [*cast.known, cast.job_type], cast.seed, cast.workers, cast.schedulers, cast.schedule
        )
        try:
            theatre.play(cast.job_type.name, cast.params, cast.seconds, round(cast.jobs), faults)
            theatre.judge(wanted)
            if check is not None and not theatre.problems:
                with contextlib.suppress(AssertionError), theatre.noting("the check of the caller"):
                    check(theatre.app)
        finally:
            theatre.close()
    return theatre


def _fewer(faults: Sequence[Fault], fails: Callable[[Sequence[Fault]], bool]) -> list[Fault]:
    """Leave out what can be left out, larger parts first."""
    left, size, tries = list(faults), len(faults) // 2, 0
    while size:
        at = 0
        while at < len(left) and tries < _TRIES:
            fewer = [*left[:at], *left[at + size :]]
            tries += 1
            if fails(fewer):
                left = fewer
            else:
                at += size
        size //= 2
    return left


def _command(cast: _Cast, hours: float, jobs: float, per_hour: float, faults: Sequence[Fault]) -> str:
    words = ["onward simulate", f"--job {cast.job_type.name}", f"--seed {cast.seed}", f"--hours {hours:g}"]
    words.append(f"--workers {cast.workers}")
    if cast.schedule is None:
        words.append(f"--jobs-per-hour {jobs:g}")
    else:
        words += [f"--schedule {_typed(key, value)}" for key, value in cast.schedule.items()]
        words.append(f"--schedulers {cast.schedulers}")
    words.append(f"--faults-per-hour {per_hour:g}")
    words += [f"-a {_typed(key, value)}" for key, value in cast.params.items()]
    words.append("--only " + (",".join(str(fault.number) for fault in faults) or "none"))
    return " ".join(words)


def _typed(name: str, value: Any) -> str:
    return shlex.quote(f"{name}={value if isinstance(value, str) else json.dumps(value)}")


@functools.cache
def _empty_database() -> bytes:
    """A SQLite file with the schema in it: it is made once, for many plays."""
    with _folder() as folder:
        path = folder / "onward.db"
        app = Onward(f"sqlite:///{path}", clock=ManualClock())
        app.database.upgrade()
        app.close()
        return path.read_bytes()


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A folder in memory where there is one: every commit waits for its disk."""
    parent = _MEMORY if _MEMORY.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="onward-simulation-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Every loss of a worker is told; here there are thousands."""
    log = logging.getLogger("onward")
    before, log.level = log.level, logging.CRITICAL
    try:
        yield
    finally:
        log.level = before
