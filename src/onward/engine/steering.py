"""More that people do with jobs, each within one transaction: force out, acknowledge, change what has not begun."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from onward.engine import explainer, transitions
from onward.engine.questions import with_questions
from onward.engine.submission import aware, check_text
from onward.errors import ChangedMeanwhile, IllegalTransition, InvalidValue
from onward.model import codec
from onward.model.ids import parsed, shown
from onward.model.job import EventRecord, Job, Page
from onward.model.older import is_in_process, is_outside
from onward.model.query import AuditQuery, cursor, place
from onward.model.states import Status, Waiting
from onward.store import Connection, Store, auditing, jobs


def check_version(conn: Connection, store: Store, job_id: str, expected: str | None) -> None:
    """Raise ``ChangedMeanwhile`` when a job is not as somebody has seen it; until the transaction ends it stays so."""
    if expected is None:
        return
    [job] = with_questions(conn, store, [transitions.locked(conn, store, job_id)])
    if job.version != expected:
        raise ChangedMeanwhile(
            f"Job {shown(job.id)} has changed since it was looked at: it is {job.state} now. Nothing was done.",
            hint="Look again, and decide anew.",
            job=job,
        )


def force_stop(conn: Connection, store: Store, job_id: str, now: datetime, *, actor: str | None = None) -> Job:
    """Cancel a job and have its code pressed at once; the answer's ``waiting_reason`` says whether its worker answers.

    Raises ``IllegalTransition`` when nothing of it runs any more.
    """
    job = transitions.locked(conn, store, job_id)
    family = [job, *jobs.children_of(conn, store.dialect, job_id)]
    if job.status.is_ended and not any(each.is_owned for each in family):
        raise IllegalTransition(
            f"Job {shown(job.id)} ({job.job_type}) is {job.status}, and none of its code runs. Its id is {job.id}.",
            hint="There is nothing to stop.",
        )
    if not job.status.is_ended:
        transitions.cancel(conn, store, job_id, now, actor=actor, reason="forced")
    owned = [each for each in family if each.is_owned]
    when = store.dialect.time(now)
    told = [(each.id, each.generation, "force_stopped", when, each.fence, actor, None) for each in owned]
    jobs.tell_events(conn, store.dialect, told)
    after = transitions.locked(conn, store, job_id)
    reason = explainer.leaving(conn, store, owned[0], now) if owned else None
    return dataclasses.replace(after, waiting_reason=reason)


def acknowledge(
    conn: Connection, store: Store, job_id: str, now: datetime, *, by: str | None = None, note: str = ""
) -> Job:
    """Somebody has taken note that the job failed or was cut off; it counts as handled from now on."""
    job = transitions.locked(conn, store, job_id)
    if job.status not in (Status.FAILED, Status.CANCELLED) and job.waiting_on is not Waiting.HOLD:
        raise IllegalTransition(
            f"Job {shown(job.id)} ({job.job_type}) is {job.status}: there is nothing to acknowledge.",
            hint="Only failed, cancelled and held jobs are acknowledged.",
        )
    who = by or "somebody"
    check_text("name of a person", who)
    kept = codec.encode({"note": note}, "The note", 65536)
    jobs.change_job(
        conn,
        store.dialect,
        job_id,
        job.fence,
        now,
        acknowledged_by=who,
        acknowledged_at=now,
        acknowledged_note=note or None,
    )
    event = (job.id, job.generation, "acknowledged", store.dialect.time(now), job.fence, who, kept if note else None)
    jobs.tell_events(conn, store.dialect, [event])
    return transitions.locked(conn, store, job_id)


def change(
    conn: Connection,
    store: Store,
    job_id: str,
    now: datetime,
    *,
    priority: int | None = None,
    queue: str | None = None,
    run_at: datetime | None = None,
    tags: Sequence[str] | None = None,
    actor: str | None = None,
) -> Job:
    """Change a job that does not run; what is None stays. Raises ``IllegalTransition``, ``InvalidValue``."""
    job = transitions.locked(conn, store, job_id)
    if job.status is not Status.PENDING or job.is_owned or is_outside(job) or is_in_process(job):
        raise IllegalTransition(
            f"Job {shown(job.id)} ({job.job_type}) is {job.status} and cannot be changed. Its id is {job.id}.",
            hint="Only jobs that wait to be run are changed.",
        )
    values: dict[str, Any] = {}
    if priority is not None:
        values["priority"] = _priority(priority)
    if queue is not None:
        check_text("queue", queue)
        values["queue"] = queue
    if run_at is not None:
        values |= _when(job, aware(run_at, "run_at"), now)
    if tags is not None:
        values["tags"] = _retag(conn, store, job, tags)
    if not values:
        return job
    before = {name: _plain(getattr(job, name)) for name in ("priority", "queue", "run_at", "tags") if name in values}
    jobs.change_job(conn, store.dialect, job_id, job.fence, now, **values)
    after = transitions.locked(conn, store, job_id)
    data = {"before": before, "after": {name: _plain(getattr(after, name)) for name in before}}
    text = codec.encode(data, "The change", 1 << 20)
    event = (job.id, job.generation, "changed", store.dialect.time(now), job.fence, actor, text)
    jobs.tell_events(conn, store.dialect, [event])
    return after


def _priority(given: Any) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not -(2**31) <= given < 2**31:
        raise InvalidValue(f"{given!r} is not a priority.", hint="Use a whole number; higher is sooner.")
    return given


def _when(job: Job, run_at: datetime | None, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {"run_at": run_at}
    if job.waiting_on in (None, Waiting.TIME, Waiting.RESOURCE):
        is_early = run_at is not None and run_at > now
        if is_early:
            values |= {"waiting_on": str(Waiting.TIME), "blocked_by": None}
        elif job.waiting_on is Waiting.TIME:
            values["waiting_on"] = None
    return values


def _retag(conn: Connection, store: Store, job: Job, tags: Sequence[str]) -> str | None:
    wanted = list(dict.fromkeys(tags))
    for tag in wanted:
        check_text("tag", tag)
    store.dialect.execute(conn, "DELETE FROM job_tags WHERE job_id = ?", [job.id])
    jobs.insert_tags(conn, store.dialect, [(tag, job.id) for tag in wanted])
    return codec.encode(wanted, "The tags", 1 << 16) if wanted else None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


class Audit:
    """Who did what, and when."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(
        self,
        *,
        actor: str | None = None,
        job_id: str | None = None,
        kind: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Page[EventRecord]:
        """What people have done with jobs, newest first; ``after`` is the ``next`` of the page before.

        ``kind`` is a kind of event: ``cancelled``, ``resumed``, ``paused``, ``changed``, ``acknowledged`` and so on.
        Events go with their job when it is deleted.
        """
        if not 1 <= limit <= 10_000:
            raise InvalidValue(f"A limit of {limit} is not possible.", hint="Use 1 to 10,000.")
        query = AuditQuery(actor, parsed(job_id) if job_id else None, kind, aware(since, "since"))
        last = int(place(query, after).id) if after is not None else None
        with self._store.read() as conn:
            found = auditing.list_acts(conn, self._store.dialect, query, limit + 1, last)
        more = len(found) > limit
        return Page(found[:limit], cursor(query, str(found[limit - 1].seq)) if more else None)
