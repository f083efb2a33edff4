"""What happens in the demo, in order: submit, watch, kill, go on, ask."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import onward
from onward.cli.demo.workers import Workers
from onward.cli.show import bars
from onward.cli.show.phases import job_lines, phase_of
from onward.cli.show.picture import Picture
from onward.cli.show.times import length
from onward.errors import OnwardError
from onward.model.ids import shown
from onward.model.job import Job
from onward.model.states import Status

INDEX = "index_offline"
_HALF = 50
_LOOK_SECONDS = 0.12
_PATIENCE_SECONDS = 600


@dataclass(slots=True)
class Story:
    """One run of the demo's job, with a crash in the middle unless it is not wanted."""

    app: onward.Onward
    workers: Workers
    picture: Picture
    crash: bool

    def tell(self, job_id: str) -> Job:
        """Follow the job to its end; what became of it."""
        note = self.picture.note
        note(f"Submitted {shown(job_id)}, a chain of jobs that are kept in a database.")
        note(f"Started worker {self.workers.start()}, a process of its own.")
        job = self._until(job_id, self._is_over_or_half if self.crash else _is_over)
        if self.crash and job.status.is_ended:
            note("It was done before it could be killed half-way; more pages take longer: --pages 100")
        elif self.crash:
            self._kill(job)
            job = self._until(job_id, _is_over)
        return job

    def _kill(self, job: Job) -> None:
        before = self._phase(job)
        pid = self.workers.kill()
        killed_at = self.app.clock.monotonic()
        self.picture.note(
            f"Killed worker {pid} with SIGKILL at {job.progress.percent}%, in the middle of {before.job_type}: "
            "it could not say or save a word."
        )
        self.picture.note(f"Started worker {self.workers.start()}. It finds out that the other has died.")
        self._until(job.id, lambda now: _is_over(now) or self._goes_on(now, before))
        child = self._phase(self.app.get(job.id))
        took = length(self.app.clock.monotonic() - killed_at)
        self.picture.note(f"Going on from {self.app.get(job.id).progress.percent}% ({_kept(child)}); that took {took}.")

    def _goes_on(self, job: Job, before: Job) -> bool:
        child = self._phase(job)
        return child.id != before.id or (child.fence > before.fence and child.is_owned)

    def _phase(self, job: Job) -> Job:
        """The phase at work."""
        children = self.app.children(job.id)
        return next((child for child in children if not child.status.is_ended), children[-1] if children else job)

    def _is_over_or_half(self, job: Job) -> bool:
        if _is_over(job):
            return True
        child = self._phase(job)
        is_indexing = child.job_type == INDEX and child.status is Status.RUNNING
        return is_indexing and (job.progress.percent or 0) >= _HALF

    # ---- looking --------------------------------------------------------------------------------------------

    def _until(self, job_id: str, is_reached: Callable[[Job], bool]) -> Job:
        clock = self.app.clock
        deadline = clock.monotonic() + _PATIENCE_SECONDS
        while True:
            job = self.app.get(job_id)
            self._show(job, clock.now())
            if is_reached(job):
                return job
            self.workers.check()
            if clock.monotonic() > deadline:
                raise OnwardError("The demo takes too long here.", hint="try fewer pages: onward demo --pages 15")
            clock.wait(threading.Event(), _LOOK_SECONDS)

    def _show(self, job: Job, now: datetime) -> None:
        if job.waiting_reason is not None and job.waiting_reason.code == "no-worker":
            return  # ours is just starting
        if self.picture.is_live:
            self.picture.draw(job_lines(job, self.app, now))
            return
        phase = phase_of(job, self.app)
        news = (job.state, phase, (job.progress.percent or 0) // 10)
        self.picture.tell(job.id, news, bars.job_line(job, now, phase), is_over=job.status.is_ended)


def _kept(child: Job) -> str:
    if child.checkpoint_number:
        return f"checkpoint {child.checkpoint_number} of {child.job_type}"
    return f"{child.job_type} finds what it has indexed, and adds what is missing"


def _is_over(job: Job) -> bool:
    return job.status.is_ended
