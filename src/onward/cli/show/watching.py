"""Following jobs: a live picture on a terminal, plain lines elsewhere, and what Ctrl-C does."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from onward.cli import exits
from onward.cli.door import Door
from onward.cli.show import bars
from onward.cli.show.phases import job_lines, phase_of
from onward.cli.show.picture import Picture
from onward.cli.told import Told, is_terminal, say
from onward.errors import JobNotFound, StoreUnavailable
from onward.model.ids import shown
from onward.model.job import Job
from onward.model.states import Status, Waiting

_REDRAW_SECONDS = 0.12
_LOOK_SECONDS = 0.5
_SECOND_CTRL_C = 2.0
_LAST_LINES = 20


@dataclass(slots=True)
class Wishes:
    """How to follow."""

    compact: bool = False
    logs: bool = False
    until_input: bool = False
    timeout: float | None = None
    interval: float = _LOOK_SECONDS
    may_cancel: bool = True


@dataclass(slots=True)
class Watcher:
    """Follows jobs until they have ended."""

    app: Door
    ids: Sequence[str]
    told: Told
    wishes: Wishes = field(default_factory=Wishes)
    jobs: dict[str, Job] = field(default_factory=dict)
    _logged: dict[str, int] = field(default_factory=dict)
    _is_lost: bool = False

    def follow(self) -> int:
        """Follow; the exit code is that of the jobs' outcome, the highest of them."""
        try:
            with Picture(self.told, self.app.clock) as picture:
                code = self._loop(picture)
        except KeyboardInterrupt:
            return self._stopped()
        self._tell_failures()
        if code == exits.WAITS_FOR_INPUT:
            for job in self.jobs.values():
                if self._asks(job):
                    say(f"It waits for an answer: onward input answer {shown(job.id)[-6:]}")
        return code

    # ---- looking --------------------------------------------------------------------------------------------

    def _loop(self, picture: Picture) -> int:
        clock, rang = self.app.clock, threading.Event()
        deadline = None if self.wishes.timeout is None else clock.monotonic() + self.wishes.timeout
        quit_listening = self.app.listen(rang.set)
        try:
            while True:
                rang.clear()
                if self._look():
                    self._show(picture)
                    codes = [self._code(job) for job in self.jobs.values()]
                    if None not in codes:
                        return max((code for code in codes if code is not None), default=exits.DONE)
                if deadline is not None and clock.monotonic() >= deadline:
                    say("--timeout was reached; the job goes on.")
                    return exits.TIMED_OUT
                clock.wait(threading.Event(), _REDRAW_SECONDS)
                clock.wait(rang, max(0.0, self.wishes.interval - _REDRAW_SECONDS))
        finally:
            quit_listening()

    def _look(self) -> bool:
        try:
            for job_id in self.ids:
                known = self.jobs.get(job_id)
                if known is None or self._code(known) is None:
                    self.jobs[job_id] = self.app.get(job_id)
        except StoreUnavailable as error:
            if not self.jobs:
                raise
            if not self._is_lost:
                say(f"{error.message} Watching goes on when it is back.")
            self._is_lost = True
            return False
        except JobNotFound:
            if not self.jobs:
                raise
            self.ids = [job_id for job_id in self.ids if job_id in self.jobs and self._exists(job_id)]
            return False
        self._is_lost = False
        return True

    def _exists(self, job_id: str) -> bool:
        try:
            self.app.get(job_id)
        except JobNotFound:
            say(f"{bars.name_of(self.jobs.pop(job_id))} was deleted.")
            return False
        return True

    def _code(self, job: Job) -> int | None:
        if job.waiting_on is Waiting.HOLD:
            return exits.INTERRUPTED
        if self.wishes.until_input and self._asks(job):
            return exits.WAITS_FOR_INPUT
        return outcome(job)

    def _asks(self, job: Job) -> bool:
        """Whether the job, or a phase of it, waits for a person."""
        if job.waiting_on is Waiting.CHILDREN:
            return any(child.status is Status.PENDING_HITL for child in self.app.children(job.id))
        return job.status is Status.PENDING_HITL

    # ---- showing --------------------------------------------------------------------------------------------

    def _show(self, picture: Picture) -> None:
        if self.wishes.logs:
            for job in self.jobs.values():
                for line in self._new_lines(job):
                    picture.note(line)
        now = self.app.clock.now()
        if picture.is_live:
            picture.draw([line for job in self.jobs.values() for line in self._lines(job, now)])
            return
        for job in self.jobs.values():
            phase = phase_of(job, self.app)
            tenth = -1 if job.progress.percent is None else job.progress.percent // 10
            line = bars.job_line(job, now, phase)
            picture.tell(job.id, (job.state, phase, tenth), line, is_over=outcome(job) is not None)

    def _lines(self, job: Job, now: datetime) -> list[str]:
        if self.wishes.compact:
            return [bars.job_line(job, now, phase_of(job, self.app))]
        return job_lines(job, self.app, now)

    def _new_lines(self, job: Job) -> Iterator[str]:
        for line in self.app.logs(job.id, after=self._logged.get(job.id, 0)):
            self._logged[job.id] = line.seq
            yield f"{job.job_type} {line.level:<7} {line.message}"

    def _tell_failures(self) -> None:
        if self.wishes.compact or self.wishes.logs:
            return
        for job in self.jobs.values():
            if job.status is Status.FAILED:
                failed = [child for child in self.app.children(job.id) if child.status is Status.FAILED] or [job]
                for one in failed:
                    for line in self.app.logs(one.id)[-_LAST_LINES:]:
                        say(f"    {line.level:<7} {line.message}")

    # ---- Ctrl-C ---------------------------------------------------------------------------------------------

    def _stopped(self) -> int:
        running = [job for job in self.jobs.values() if outcome(job) is None]
        plural = len(running) > 1
        if not running or not is_terminal(sys.stderr) or not self.wishes.may_cancel:
            say("Stopped watching.")
            return exits.CTRL_C
        try:
            say(
                f"Stopped watching; the {'jobs keep' if plural else 'job keeps'} running. "
                f"Press again within {_SECOND_CTRL_C:.0f} s to cancel {'them' if plural else 'it'}."
            )
            self.app.clock.wait(threading.Event(), _SECOND_CTRL_C)
        except KeyboardInterrupt:
            for job in running:
                self.app.cancel(job.id, reason="Ctrl-C")
                say(f"{bars.name_of(job)} is cancelled.")
            return exits.CANCELLED
        return exits.CTRL_C


def outcome(job: Job) -> int | None:
    """The exit code of a job that has ended."""
    if job.status is Status.FAILED:
        return exits.INTERRUPTED if job.error and job.error.type == "WorkerLost" else exits.FAILED
    return {Status.COMPLETED: exits.DONE, Status.CANCELLED: exits.CANCELLED}.get(job.status)
