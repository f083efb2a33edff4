"""What a submission meets: a job in the way, or unfinished work of the same kind on the same source."""

from __future__ import annotations

from datetime import datetime

from onward.engine import transitions
from onward.engine.submission import NewJob
from onward.errors import IncompleteJobFound, ResourceBusy
from onward.model.ages import age_text
from onward.model.ids import shown
from onward.model.job import Job
from onward.model.states import Waiting
from onward.store import Connection, Store, checkpoints, jobs, resources


def settle(conn: Connection, store: Store, item: NewJob, now: datetime) -> Job | None:
    """Apply the submission's policies. The resumed job, if that is what it becomes; None to go on and insert it.

    Raises ``ResourceBusy`` and ``IncompleteJobFound``; nothing is written then.
    """
    capacities = resources.declare(conn, store.dialect, item.needs)
    if item.on_conflict != "wait":
        _meet_others(conn, store, item, capacities, now)
    return _meet_unfinished(conn, store, item, now) if item.source_id is not None else None


def _meet_others(conn: Connection, store: Store, item: NewJob, capacities: dict[str, int], now: datetime) -> None:
    names = [need.resource for need in item.needs]
    family = [item.parent_id] if item.parent_id else []
    taken: dict[str, list[str]] = {}
    for name, job_id in resources.in_the_way(conn, store.dialect, names, family):
        taken.setdefault(name, []).append(job_id)
    for need in item.needs:
        others = taken.get(need.resource, [])
        capacity = capacities[need.resource]
        if len(others) < capacity:
            continue
        holder = jobs.get_job(conn, store.dialect, others[0])
        if holder is None:
            continue
        if item.on_conflict == "reject":
            raise _busy(need.resource, holder, len(others) - capacity)
        for job_id in others:
            transitions.cancel(conn, store, job_id, now, actor=item.user_id, reason="replaced by a newer submission")


def _busy(resource: str, holder: Job, behind: int) -> ResourceBusy:
    far = f", {holder.progress.percent}%" if holder.progress.percent is not None else ""
    leaving = " (cancelled, its code has not left yet)" if holder.status.is_ended else ""
    return ResourceBusy(
        f"{resource} is held by job {shown(holder.id)} ({holder.job_type}, {holder.status}{far}){leaving}"
        + (f"; {behind} more wait for it." if behind > 0 else ".")
        + f" Its id is {holder.id}.",
        hint="Wait for it, queue behind it with on_conflict='wait', or take its place with on_conflict='replace'.",
        job=holder,
        resource=resource,
    )


def _meet_unfinished(conn: Connection, store: Store, item: NewJob, now: datetime) -> Job | None:
    source_id = item.source_id or ""
    found = jobs.find_incomplete(conn, store.dialect, item.job_type.name, source_id)
    if found is None:
        return None
    if item.resume is None:
        raise incomplete(found, now)
    if item.resume:
        transitions.resume(conn, store, found.id, now, actor=item.user_id)
        return jobs.get_job(conn, store.dialect, found.id)
    if item.keep:
        if found.waiting_on is Waiting.HOLD:
            transitions.cancel(conn, store, found.id, now, actor=item.user_id)
        jobs.supersede_incomplete(conn, store.dialect, item.job_type.name, source_id, item.job_id, now)
        return None
    store.dialect.execute(conn, "UPDATE jobs SET superseded_by = ? WHERE job_id = ?", [item.job_id, found.id])
    checkpoints.drop_saved(conn, store.dialect, [found.id])
    return None


def incomplete(job: Job, now: datetime) -> IncompleteJobFound:
    """The error that offers the three ways."""
    stopped = job.completed_at or job.checkpoint_at or now
    seconds = max(0.0, (now - stopped).total_seconds())
    percent = job.progress.percent or 0
    how_far = f"{percent}%" if job.progress.percent is not None else f"{job.progress.done or 0:,} done"
    return IncompleteJobFound(
        f"Incomplete job found ({how_far}, {age_text(seconds)}): {job.job_type} on {job.source_id}, job {job.id}.",
        hint="Go on with resume=True, start fresh with resume=False; nothing was started.",
        job=job,
        percent=percent,
        age_seconds=seconds,
    )
