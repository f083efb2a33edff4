"""``Remote``: the verbs of ``Onward`` on jobs, done by a server. Who does them is whoever the key belongs to.

``actor`` and ``by`` are taken, so that callers need not know which of the two they speak to, and are not sent.
"""

from __future__ import annotations

import threading
import urllib.error
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from onward.authoring.registry import JobTypes
from onward.clock import Clock, SystemClock
from onward.errors import OnwardError
from onward.model.chain import ChainIssue, ChainReport, JobPhase
from onward.model.ids import parsed, shown
from onward.model.job import Conflict, EventRecord, Job, Json, LogLine, Page, Run
from onward.model.query import JobQuery, cursor, place
from onward.records.details import JobDetail
from onward.records.reading import moment, read_event, read_job, read_log, read_run
from onward.remote.rooms import AnswerLinks, Checkpoints, Keys, Questions, Queues, Resources, Templates, Workers
from onward.remote.schedules import Schedules
from onward.remote.types import read_types, write_phase
from onward.remote.wire import Wire

_TOPICS = "jobs,progress,inputs"
_AGAIN_SECONDS = 2.0


class Remote:
    """An application that a server has: what ``Onward`` does with jobs, over HTTP.

    Errors are those of ``Onward``; besides, ``ServerUnreachable``, and ``Refused`` for what only a server refuses.
    """

    def __init__(
        self, address: str, key: str | None = None, *, timeout: float = 30, clock: Clock | None = None
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.wire = wire = Wire(address, key, timeout)
        self.schedules = Schedules(wire, self.clock)
        self.templates = Templates(wire)
        self.questions = Questions(wire)
        self.answer_links = AnswerLinks(wire)
        self.resources = Resources(wire)
        self.queues = Queues(wire, self.clock)
        self.workers = Workers(wire)
        self.checkpoints = Checkpoints(wire)
        self.keys = Keys(wire)
        self._closed = threading.Event()

    @cached_property
    def job_types(self) -> JobTypes:
        """The job types that the server knows."""
        return read_types(self.wire.get("job-types"))

    # ---- submitting -----------------------------------------------------------------------------------------

    def submit(
        self,
        job_type: str,
        params: Mapping[str, Json] | None = None,
        *,
        delay: float | timedelta | None = None,
        idempotency_key: str | None = None,
        tags: Sequence[str] = (),
        **more: Any,
    ) -> Job:
        """Have a job done; see ``Onward.submit``. ``IncompleteJobFound`` carries the facts in ``resume``."""
        seconds = delay.total_seconds() if isinstance(delay, timedelta) else delay
        body = {"job_type": job_type, "params": dict(params or {}), "tags": list(tags), "delay": seconds}
        given = {name: value for name, value in more.items() if value is not None}
        return read_job(self.wire.post("jobs", body=body | given | {"key": idempotency_key}))

    def submit_chain(
        self,
        phases: Sequence[JobPhase],
        *,
        source_id: str | None = None,
        name: str | None = None,
        resume: bool | None = None,
        keep: bool = False,
        on_conflict: str | None = None,
    ) -> Job:
        """Run job types one after the other as one job."""
        body = {
            "phases": [write_phase(phase) for phase in phases],
            "source_id": source_id,
            "name": name,
            "resume": resume,
            "keep": keep,
            "on_conflict": on_conflict,
        }
        return self.get(self.wire.post("chains", "run", body=body)["job_id"])

    def validate_chain(self, phases: Sequence[JobPhase], *, source_id: str | None = None) -> ChainReport:
        """What is wrong with a chain, and what is merely odd."""
        body = {"phases": [write_phase(phase) for phase in phases], "source_id": source_id}
        told = self.wire.post("chains", "validate", body=body)
        return ChainReport(
            [ChainIssue(**issue) for issue in told["errors"]], [ChainIssue(**issue) for issue in told["warnings"]]
        )

    # ---- looking --------------------------------------------------------------------------------------------

    def get(self, job_id: str) -> Job:
        """The job as it is now, and why it waits if it does."""
        return read_job(self.wire.get("jobs", shown(job_id)))

    def detail(self, job_id: str) -> JobDetail:
        """The job with all that is known of it."""
        found: JobDetail = self.wire.get("jobs", shown(job_id))
        return found

    def find(
        self,
        *,
        status: str | Sequence[str] | None = None,
        job_type: str | None = None,
        source_id: str | None = None,
        user_id: str | None = None,
        tag: str | None = None,
        since: datetime | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[Job]:
        """A page of jobs, newest first; ``after`` is the ``next`` of the page before."""
        statuses = (status,) if isinstance(status, str) else tuple(status or ())
        query = JobQuery(statuses, job_type, source_id, user_id, tag, since=since)
        last = None if after is None else shown(place(query, after).id)
        asked = _asked(statuses, job_type, source_id, user_id, tag, since)
        records = [*self.wire.items("jobs", limit=limit + 1, after=last, deep=True, **asked)]
        jobs = [read_job(record) for record in records[:limit]]
        return Page(jobs, cursor(query, jobs[-1].id) if len(records) > limit else None)

    def count(
        self,
        *,
        status: str | Sequence[str] | None = None,
        job_type: str | None = None,
        source_id: str | None = None,
        user_id: str | None = None,
        tag: str | None = None,
        since: datetime | None = None,
    ) -> int:
        """How many jobs match the filters of ``find``, counted up to 10,000."""
        statuses = (status,) if isinstance(status, str) else tuple(status or ())
        asked = _asked(statuses, job_type, source_id, user_id, tag, since)
        found: int = self.wire.get("jobs", limit=1, deep=True, count="capped", **asked)["count"]["value"]
        return found

    def interrupted(self, limit: int = 1000) -> list[Job]:
        """Jobs that stopped before their end with a checkpoint, newest first."""
        return [
            read_job(record)
            for record in self.wire.items("jobs", limit=limit, state="interrupted", parent_id="none", deep=True)
        ]

    def find_by_ending(self, ending: str) -> list[str]:
        """The ids that end so; newest first, at most a few."""
        return [parsed(found) for found in self.wire.get("job-ids", ending=ending)]

    def runs(self, job_id: str) -> list[Run]:
        """The attempts at a job, in order."""
        job = self.get(job_id)
        return [read_run(record, job) for record in self.wire.get("jobs", shown(job_id), "runs")["items"]]

    def logs(self, job_id: str, *, after: int = 0, limit: int = 1000) -> list[LogLine]:
        """The captured log lines of a job, in order; ``after``: the ``seq`` of the last one known."""
        found = self.wire.items("jobs", shown(job_id), "logs", limit=limit, after=str(after))
        return [read_log(record) for record in found]

    def history(self, job_id: str) -> list[EventRecord]:
        """Everything that happened to a job, in order."""
        found = self.wire.get("jobs", shown(job_id), "history")
        return [read_event(record, parsed(job_id)) for record in found["items"]]

    def conflicts(self, job_id: str) -> list[Conflict]:
        """What runs of a job wanted to write after an outage and was refused, newest first."""
        return [
            Conflict(**{**record, "job_id": parsed(record["job_id"]), "at": moment(record["at"])}, worker_id=None)
            for record in self.wire.get("jobs", shown(job_id), "refused")["items"]
        ]

    def children(self, job_id: str) -> list[Job]:
        """The jobs of a chain's phases or of a fan-out's ranges, in order."""
        return [read_job(record) for record in self.wire.get("jobs", shown(job_id), "children")["items"]]

    # ---- steering -------------------------------------------------------------------------------------------

    def cancel(self, job_id: str, *, actor: str | None = None, reason: str = "") -> Job:
        """Stop a job: it leaves at its next safe point, with its checkpoint saved."""
        return self._do(job_id, "cancel", reason=reason)

    def resume(self, job_id: str, *, actor: str | None = None) -> Job:
        """Go on with a failed, cancelled or held job from its checkpoint."""
        return self._do(job_id, "resume")

    def restart(self, job_id: str, *, keep: bool = False, actor: str | None = None) -> Job:
        """Start a failed, cancelled or held job fresh; ``keep``: as a new job, what the old one saved stays."""
        return self._do(job_id, "fresh", keep=keep)

    def discard(self, job_id: str, *, actor: str | None = None) -> Job:
        """Drop what an interrupted job has saved; its record stays."""
        return self._do(job_id, "discard")

    def pause(self, job_id: str, *, actor: str | None = None, reason: str = "") -> Job:
        """Keep a job from being run; a running one stops at its next safe point."""
        return self._do(job_id, "pause", reason=reason)

    def unpause(self, job_id: str, *, actor: str | None = None) -> Job:
        """Let a paused job go on."""
        return self._do(job_id, "unpause")

    def force_stop(self, job_id: str, *, actor: str | None = None) -> Job:
        """Cancel a job, and press code that does not leave at once."""
        return self._do(job_id, "force-stop")

    def acknowledge(self, job_id: str, *, by: str | None = None, note: str = "") -> Job:
        """Take note that a job failed, was cancelled or was cut off."""
        return self._do(job_id, "ack", reason=note)

    def run_again(self, job_id: str) -> Job:
        """A new job with the same parameters."""
        return self._do(job_id, "again")

    def delete(self, job_id: str) -> None:
        """Delete the record of an ended job with all that belongs to it."""
        self.wire.delete("jobs", shown(job_id))

    def answer(
        self, job_id: str, response: Json, *, question_id: str, answered_by: str | None = None, reason: str = ""
    ) -> Job:
        """Answer what a job asks; the first answer counts."""
        body = {"response": response, "reason": reason}
        return read_job(self.wire.post("inputs", shown(question_id, "inp"), "answer", body=body))

    def _do(self, job_id: str, verb: str, **body: Any) -> Job:
        return read_job(self.wire.post("jobs", shown(job_id), verb, body=body))

    # ---- listening ------------------------------------------------------------------------------------------

    def listen(self, ear: Callable[[], None]) -> Callable[[], None]:
        """Call ``ear`` when the server tells of a change; returns how to stop that.

        A connection that is lost is made again; whoever listens looks by themselves in between.
        """
        stopped = threading.Event()

        def follow() -> None:
            while not (stopped.is_set() or self._closed.is_set()):
                try:
                    with self.wire.listen(_TOPICS) as lines:
                        for line in lines:
                            if stopped.is_set():
                                return
                            if line.startswith((b"retry:", b"data:")):  # it begins, or something is told
                                ear()
                except (OSError, ValueError, OnwardError, urllib.error.URLError):
                    pass
                self.clock.wait(stopped, _AGAIN_SECONDS)

        threading.Thread(target=follow, name="onward-events", daemon=True).start()
        return stopped.set

    def close(self) -> None:
        """Listen no more."""
        self._closed.set()

    def __repr__(self) -> str:
        return f"Remote({self.wire.address!r})"


def _asked(
    statuses: Sequence[str],
    job_type: str | None,
    source_id: str | None,
    user_id: str | None,
    tag: str | None,
    since: datetime | None,
) -> dict[str, Any]:
    return {
        "status": ",".join(statuses) or None,
        "job_type": job_type,
        "source_id": source_id,
        "user_id": user_id,
        "tag": tag,
        "created": None if since is None else f"{since.isoformat()}..",
    }
