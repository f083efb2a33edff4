"""Looking at jobs: one, many, counts, history, and waiting for what happens next."""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from onward.clock import Clock
from onward.engine import explainer
from onward.engine.hot import Hot
from onward.engine.keeping import not_found
from onward.engine.questions import with_questions
from onward.engine.reasons import with_reasons
from onward.errors import InvalidValue, JobNotFound, SchemaMismatch, StoreUnavailable
from onward.model.curve import Curve, CurvePoint
from onward.model.ids import parsed, shows_ending, stored_endings
from onward.model.job import Conflict, EventRecord, Job, LogLine, Page, Run
from onward.model.query import JobQuery, cursor, place
from onward.model.states import Status
from onward.store import Connection, Store, curves, finding, jobs, journals, tallies

_SOME = 20
_FLOOR_SECONDS = 10.0
"""How long it is good which jobs are the newest."""
_LOOK_SECONDS = 1.0
"""How often a waiting caller looks even when nobody rings."""


class Reader:
    """Reads what the database says of jobs, one by its id from memory where that is as good. Threads may share it."""

    def __init__(self, store: Store, clock: Clock, hot: Hot) -> None:
        self._store = store
        self._clock = clock
        self._hot = hot
        self._floor_id: str | None = None
        self._floor_until = -math.inf

    def get(self, job_id: str) -> Job:
        """The job of this id, in either form. Raises ``JobNotFound``.

        While the database is away it is the job as it was last seen here, with ``stale`` set, if it was.
        """
        hot = self._hot
        found = hot.hit(job_id)
        if found is not None:
            return found
        stored = parsed(job_id)
        hot.expect(stored)
        epoch = hot.epoch
        try:
            job = self._explain(stored)
        except SchemaMismatch:
            raise
        except StoreUnavailable:
            known = hot.last_known(stored)
            if known is None:
                raise
            return known
        if job is None:
            hot.forget(stored)
            raise self._not_found(job_id)
        return hot.keep(job, epoch)

    def _explain(self, job_id: str) -> Job | None:
        with self._store.read() as conn:
            job = jobs.get_job(conn, self._store.dialect, job_id)
            if job is None:
                return None
            [job] = with_questions(conn, self._store, [job])
            return dataclasses.replace(
                job, waiting_reason=explainer.explain(conn, self._store, job), as_of=self._store.now()
            )

    def _not_found(self, job_id: str) -> JobNotFound:
        where = "in memory, the database or the archive" if self._hot.memory.keeps else "in the database or the archive"
        with self._store.read() as conn:
            return not_found(conn, self._store, job_id, where)

    def find(self, query: JobQuery, limit: int, after: str | None) -> Page[Job]:
        """A page of jobs, newest first."""
        if not 1 <= limit <= 10_000:
            raise InvalidValue(f"A limit of {limit} is not possible.", hint="Use 1 to 10,000.")
        at = place(query, after) if after is not None else None
        with self._store.read() as conn:
            floor = None if query.is_deep else self._floor(conn)
            found = finding.find_jobs(conn, self._store.dialect, query, limit, at, floor)
            listed = with_reasons(conn, self._store, with_questions(conn, self._store, found.jobs))
        self._hot.notice(listed)
        if not listed:
            return Page([], searched=found.searched)
        is_back = at is not None and at.is_back
        first, last = listed[0], listed[-1]
        has_next, has_prev = (True, found.is_more) if is_back else (found.is_more, at is not None)
        return Page(
            listed,
            cursor(query, last.id, query.place_of(last)) if has_next else None,
            cursor(query, first.id, query.place_of(first), is_back=True) if has_prev else None,
            found.searched,
        )

    def _floor(self, conn: Connection) -> str | None:
        """The id from which on the newest jobs are, as it was a moment ago."""
        now = self._clock.monotonic()
        if now >= self._floor_until:
            self._floor_id = finding.newest_floor(conn, self._store.dialect)
            self._floor_until = now + _FLOOR_SECONDS
        return self._floor_id

    def count(self, query: JobQuery, cap: int = finding.COUNT_CAP) -> int:
        """How many match, at most ``cap``."""
        with self._store.read() as conn:
            floor = None if query.is_deep else self._floor(conn)
            return finding.count_jobs(conn, self._store.dialect, query, cap, floor)

    def counts(self) -> dict[str, int]:
        """How many jobs there are of each of the six statuses."""
        with self._store.read() as conn:
            found = tallies.by_status(conn, self._store.dialect)
        return {str(status): found.get(str(status), 0) for status in Status}

    def runs(self, job_id: str) -> list[Run]:
        """The attempts at a job, in order."""
        with self._store.read() as conn:
            return jobs.list_runs(conn, self._store.dialect, parsed(job_id))

    def logs(self, job_id: str, after: int = 0, limit: int = 1000, before: int | None = None) -> list[LogLine]:
        """The log lines of a job, in order: those after a number, or the last ones before one."""
        with self._store.read() as conn:
            if before is not None:
                return jobs.list_logs_before(conn, self._store.dialect, parsed(job_id), before, limit)
            return jobs.list_logs(conn, self._store.dialect, parsed(job_id), after, limit)

    def curve(self, job_id: str) -> list[CurvePoint]:
        """How far a job was, and when."""
        with self._store.read() as conn:
            return Curve.read(curves.text_of(conn, self._store.dialect, parsed(job_id))).points

    def events(self, job_id: str) -> list[EventRecord]:
        """What happened to a job, in order."""
        with self._store.read() as conn:
            return jobs.list_events(conn, self._store.dialect, parsed(job_id))

    def conflicts(self, job_id: str | None, limit: int) -> list[Conflict]:
        """What was refused after outages, newest first."""
        with self._store.read() as conn:
            return journals.list_conflicts(conn, self._store.dialect, parsed(job_id) if job_id else None, limit)

    def children(self, job_id: str) -> list[Job]:
        """The jobs of a chain's phases or of a fan-out's ranges, in order."""
        with self._store.read() as conn:
            found = with_questions(conn, self._store, jobs.children_of(conn, self._store.dialect, parsed(job_id)))
        self._hot.notice(found)
        return found

    def find_by_ending(self, ending: str) -> list[str]:
        """Ids that end so in either form, newest first; at most a few, enough to see that it is ambiguous."""
        found: dict[str, None] = {}
        with self._store.read() as conn:
            for stored in stored_endings(ending):
                for job_id in jobs.find_by_ending(conn, self._store.dialect, stored, _SOME):
                    if job_id.endswith((ending, ending.lower())) or shows_ending(job_id, ending):
                        found[job_id] = None
        return sorted(found, reverse=True)

    # ---- waiting --------------------------------------------------------------------------------------------

    def wait(self, job_id: str, timeout: float | None, until: Literal["verdict", "left"] = "verdict") -> Job:
        """The job once it has ended or waits for a person; ``TimeoutError`` when that takes too long."""
        for job in self.watch(job_id, timeout):
            if _is_over(job, until):
                return job
        raise TimeoutError(f"Job {job_id} has not ended within {timeout} seconds; it goes on.")

    def watch(self, job_id: str, timeout: float | None = None) -> Iterator[Job]:
        """The job now and after every change, until it has ended and its code has left, or the time is over."""
        deadline = None if timeout is None else self._clock.monotonic() + timeout
        rang = threading.Event()
        stop = self._store.doorbell.listen(rang.set)
        try:
            before: Job | None = None
            while True:
                rang.clear()
                job = self._read(job_id)
                if before is None or dataclasses.replace(job, as_of=None) != dataclasses.replace(before, as_of=None):
                    before = job
                    yield job
                    if job.status.is_ended and not job.is_owned:
                        return
                left = _LOOK_SECONDS
                if deadline is not None:
                    left = min(left, deadline - self._clock.monotonic())
                    if left <= 0:
                        return
                self._clock.wait(rang, left)
        finally:
            stop()

    def _read(self, job_id: str) -> Job:
        """The bare row: waiting looks often, and the sentence why a job waits would cost more than the look."""
        job = self._look(job_id)
        if job is None:
            self._hot.forget(parsed(job_id))
            raise self._not_found(job_id)
        self._hot.notice([job], also_new=True)
        return job

    def _look(self, job_id: str) -> Job | None:
        with self._store.read() as conn:
            job = jobs.get_job(conn, self._store.dialect, parsed(job_id))
            return with_questions(conn, self._store, [job])[0] if job is not None else None


def _is_over(job: Job, until: str) -> bool:
    if job.status.is_ended:
        return until == "verdict" or not job.is_owned
    return job.status is Status.PENDING_HITL


def query_of(
    *,
    status: str | Sequence[str] | None,
    job_type: str | None,
    source_id: str | None,
    user_id: str | None,
    tag: str | None,
    parent_id: str | None,
    since: datetime | None,
    acknowledged: bool | None = None,
) -> JobQuery:
    """Filters as callers give them. Raises ``InvalidValue`` for a status that is none and a time without a zone."""
    given = () if status is None else (status,) if isinstance(status, str) else tuple(status)
    for name in given:
        if name not in set(Status):
            raise InvalidValue(f"{name!r} is not a status.", hint=f"Use one of {', '.join(Status)}.")
    if since is not None and since.tzinfo is None:
        raise InvalidValue("since= has no time zone.", hint="Use an aware time: datetime(..., tzinfo=UTC).")
    return JobQuery(
        statuses=tuple(str(name) for name in given),
        job_type=job_type,
        source_id=source_id,
        user_id=user_id,
        tag=tag,
        parent_id=parsed(parent_id) if parent_id else None,
        since=since,
        acknowledged=acknowledged,
    )
