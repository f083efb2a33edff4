"""The moves of a job that people ask for, each within one transaction: cancel, resume, fresh, pause, discard.

Every function takes an open transaction and the store; an illegal move raises ``IllegalTransition`` and changes
nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from onward.engine import families as families_of
from onward.engine.keeping import not_found
from onward.errors import IllegalTransition, OnwardError
from onward.model import codec
from onward.model.ids import shown
from onward.model.job import Job
from onward.model.older import is_in_process, is_outside
from onward.model.states import RunStatus, Status, Waiting
from onward.store import Connection, Store, chains, checkpoints, endings, families, jobs, questions, resources, turns
from onward.store.endings import Ending, Owned


def locked(conn: Connection, store: Store, job_id: str) -> Job:
    """The job, kept from others, or ``JobNotFound``."""
    job = jobs.lock_job(conn, store.dialect, job_id)
    if job is None:
        raise not_found(conn, store, job_id)
    return job


def _tell(
    conn: Connection,
    store: Store,
    job: Job,
    kind: str,
    now: datetime,
    actor: str | None,
    data: str | None = None,
) -> None:
    when = store.dialect.time(now)
    jobs.tell_events(conn, store.dialect, [(job.id, job.generation, kind, when, job.fence, actor, data)])


def cancel(
    conn: Connection,
    store: Store,
    job_id: str,
    now: datetime,
    *,
    actor: str | None = None,
    reason: str = "",
    is_part: bool = False,
) -> Job:
    """Cancel a job and its family. It reads ``cancelled`` at once; what it occupies is free when its code has left.

    ``is_part``: the chain of this phase is being cancelled, and need not be told.
    """
    job = locked(conn, store, job_id)
    if job.status is Status.CANCELLED:
        return job
    if job.status.is_ended:
        raise _illegal(job, "cancelled")
    family = jobs.children_of(conn, store.dialect, job_id)
    times = [child.checkpoint_at for child in family if child.superseded_by is None]
    saved = max((at for at in times if at is not None), default=job.checkpoint_at)
    jobs.change_job(
        conn,
        store.dialect,
        job_id,
        job.fence,
        now,
        status=str(Status.CANCELLED),
        completed_at=now,
        waiting_on=None,
        blocked_by=None,
        paused_by=None,
        paused_reason=None,
        checkpoint_at=job.checkpoint_at or saved,
    )
    questions.withdraw(conn, store.dialect, job_id, job.generation, job.fence, now, actor)
    why = codec.encode({"reason": reason}, "The reason", 65536) if reason else None
    _tell(conn, store, job, "cancelled", now, actor, why)
    if job.waiting_on is Waiting.CHILDREN and any(child.position is not None for child in family):
        chains.end_run(conn, store.dialect, job_id, job.fence, "cancelled", None, store.dialect.time(now))
    for child in family:
        if not child.status.is_ended:
            cancel(conn, store, child.id, now, actor=actor, reason=reason, is_part=True)
    if not job.is_owned and not any(child.is_owned for child in family):
        resources.let_go(conn, store.dialect, [job_id], keep_wanting=False)
    if job.parent_id is not None and not is_part:
        _tell_parent(conn, store, job, now)
    return locked(conn, store, job_id)


def _tell_parent(conn: Connection, store: Store, job: Job, now: datetime) -> None:
    """A cancelled phase ends its chain; a parent of ranges goes on when the last has ended."""
    parent_id = job.parent_id or ""
    parent: Owned | None = endings.lock_owned(conn, store.dialect, [parent_id]).get(parent_id)
    if parent is not None:
        ending = Ending(job.id, job.job_type, "", job.fence, Status.CANCELLED, RunStatus.CANCELLED, 0)
        is_phase = job.position is not None
        families_of.child_ended(conn, store, ending, parent_id, parent, now, _no_new_id, is_phase=is_phase)


def _no_new_id() -> str:
    raise OnwardError("A cancelled phase starts no other.")


def resume(conn: Connection, store: Store, job_id: str, now: datetime, *, actor: str | None = None) -> Job:
    """Go on with a failed, cancelled or held job from its checkpoint; failures and losses count anew."""
    job = locked(conn, store, job_id)
    _refuse_without_type(job, "resumed")
    if job.waiting_on is Waiting.HOLD:
        _let_go_on(conn, store, job, now)
        _tell(conn, store, job, "resumed", now, actor)
        return locked(conn, store, job_id)
    if job.parent_id is not None and not _may_go_alone(conn, store, job):
        return _resume_family(conn, store, job, now, actor)
    if job.status not in (Status.FAILED, Status.CANCELLED):
        raise _illegal(job, "resumed")
    _again(conn, store, job, now)
    _tell(conn, store, job, "resumed", now, actor)
    return locked(conn, store, job_id)


def _may_go_alone(conn: Connection, store: Store, job: Job) -> bool:
    """A range may be set going again while its parent waits for the others."""
    parent = locked(conn, store, job.parent_id or "") if job.family is not None else None
    return parent is not None and parent.waiting_on is Waiting.CHILDREN and job.superseded_by is None


def _resume_family(conn: Connection, store: Store, job: Job, now: datetime, actor: str | None) -> Job:
    parent = jobs.get_job(conn, store.dialect, job.parent_id or "")
    if parent is None or not parent.status.is_ended:
        raise _illegal(job, "resumed by itself while its chain goes on")
    resume(conn, store, parent.id, now, actor=actor)
    return locked(conn, store, job.id)


def restart(conn: Connection, store: Store, job_id: str, now: datetime, *, actor: str | None = None) -> Job:
    """Start a failed, cancelled or held job again from the beginning; what it saved is dropped."""
    job = _startable(conn, store, job_id)
    checkpoints.drop_saved(conn, store.dialect, [job_id])
    questions.forget(conn, store.dialect, [job_id])
    families.start_over(conn, store.dialect, job_id)
    chains.start_over(conn, store.dialect, job_id)
    if job.waiting_on is Waiting.HOLD:
        _let_go_on(conn, store, job, now)
    else:
        _again(conn, store, job, now)
    # A new fence: code of before that has not left may write no more, so nothing old comes back.
    jobs.change_job(
        conn,
        store.dialect,
        job_id,
        job.fence,
        now,
        fence=job.fence + 1,
        checkpoint_at=None,
        checkpoint_number=0,
        progress_percent=None,
        progress_done=None,
        progress_total=None,
        progress_message="",
        progress_phase=None,
        attempt=0,
    )
    _tell(conn, store, job, "restarted", now, actor)
    return locked(conn, store, job_id)


def begin_beside(
    conn: Connection, store: Store, job_id: str, new_id: str, now: datetime, *, actor: str | None = None
) -> Job:
    """Begin the work of a failed, cancelled or held job again as another job; the first one keeps what it saved.

    The new job is what the first one was when it was submitted. Other unfinished work of this type on this source is
    left to it, too.
    """
    job = _startable(conn, store, job_id)
    if job.superseded_by is not None:
        raise _illegal(job, f"started fresh once more: job {shown(job.superseded_by)} has its work already")
    if job.is_owned:
        raise _illegal(job, "started fresh beside what it saves while its code has not left")
    if job.waiting_on is Waiting.HOLD:
        cancel(conn, store, job_id, now, actor=actor)
    if job.source_id is not None:
        jobs.supersede_incomplete(conn, store.dialect, job.job_type, job.source_id, new_id, now)
    # A key means the newest job that was made with it.
    changed = {"superseded_by": new_id, "idempotency_key": None}
    jobs.change_job(conn, store.dialect, job_id, job.fence, now, **changed)
    schedule = job.scheduled_job_id
    queues = schedule is not None and turns.must_queue(conn, store.dialect, schedule, job.bot_id)
    jobs.copy_job(conn, store.dialect, job, new_id, str(Waiting.SCHEDULE) if queues else None, now)
    chains.copy_phases(conn, store.dialect, job_id, new_id)
    resources.declare(conn, store.dialect, job.resources)
    resources.want(conn, store.dialect, [(need.resource, new_id) for need in job.resources])
    _tell(conn, store, job, "restarted", now, actor, codec.encode({"as": new_id}, "The new job", 65536))
    return locked(conn, store, new_id)


def _startable(conn: Connection, store: Store, job_id: str) -> Job:
    job = locked(conn, store, job_id)
    _refuse_without_type(job, "started fresh")
    if job.is_part:
        raise _illegal(job, f"started fresh by itself: it is {_part(job)}")
    if job.waiting_on is not Waiting.HOLD and job.status not in (Status.FAILED, Status.CANCELLED):
        raise _illegal(job, "started fresh")
    if any(child.is_owned for child in _family(conn, store, job_id)):
        raise _illegal(job, "started fresh while the code of its children has not left")
    return job


def _let_go_on(conn: Connection, store: Store, job: Job, now: datetime) -> None:
    """A held job is ready again, unless it is paused besides."""
    waiting = str(Waiting.PAUSE) if job.paused_by is not None else None
    values = {"waiting_on": waiting, "losses": 0, "failures": 0, **_UNACKNOWLEDGED}
    jobs.change_job(conn, store.dialect, job.id, job.fence, now, **values)


def _again(conn: Connection, store: Store, job: Job, now: datetime) -> None:
    waiting: Waiting | None = None
    if job.is_owned:
        # While the old code has not left, nobody may claim it.
        waiting = Waiting.OWNER
    elif job.scheduled_job_id is not None and turns.must_queue(conn, store.dialect, job.scheduled_job_id, job.bot_id):
        waiting = Waiting.SCHEDULE
    jobs.change_job(
        conn,
        store.dialect,
        job.id,
        job.fence,
        now,
        status=str(Status.PENDING),
        waiting_on=str(waiting) if waiting else None,
        blocked_by=None,
        paused_by=None,
        paused_reason=None,
        generation=job.generation + 1,
        failures=0,
        losses=0,
        completed_at=None,
        error=None,
        result=None,
        superseded_by=None,
        run_at=now,
        **_UNACKNOWLEDGED,
    )
    if job.resources:
        names = [need.resource for need in job.resources]
        resources.declare(conn, store.dialect, job.resources)
        held = {name for name, owner in resources.in_the_way(conn, store.dialect, names, []) if owner == job.id}
        resources.want(conn, store.dialect, [(name, job.id) for name in names if name not in held])


def discard(conn: Connection, store: Store, job_id: str, now: datetime, *, actor: str | None = None) -> Job:
    """Drop what an ended or held job has saved; the job stays as history."""
    job = locked(conn, store, job_id)
    if not job.status.is_ended and job.waiting_on is not Waiting.HOLD:
        raise _illegal(job, "discarded")
    checkpoints.drop_saved(conn, store.dialect, [job_id])
    children = _family(conn, store, job_id)
    # What has completed is not done again: its answers stay what they were.
    unfinished = [each.id for each in (job, *children) if each.status is not Status.COMPLETED]
    questions.forget(conn, store.dialect, unfinished)
    for child in children:
        checkpoints.drop_saved(conn, store.dialect, [child.id])
        jobs.change_job(conn, store.dialect, child.id, child.fence, now, checkpoint_at=None)
    jobs.change_job(conn, store.dialect, job_id, job.fence, now, checkpoint_at=None)
    _tell(conn, store, job, "discarded", now, actor)
    if job.waiting_on is Waiting.HOLD:
        cancel(conn, store, job_id, now, actor=actor)
    return locked(conn, store, job_id)


def pause(
    conn: Connection, store: Store, job_id: str, now: datetime, *, actor: str | None = None, reason: str = ""
) -> Job:
    """Keep a job from being claimed; a running one stops at its next consistent point.

    One that waits for an answer goes on waiting for it, and is kept back when it has come.
    """
    job = locked(conn, store, job_id)
    _refuse_without_type(job, "paused")
    if job.waiting_on is Waiting.CHILDREN:
        _pause_ranges(conn, store, job, now, actor, reason)
    elif job.status not in (Status.PENDING, Status.RUNNING, Status.PENDING_HITL):
        raise _illegal(job, "paused")
    values: dict[str, str | None] = {"paused_by": actor or "somebody", "paused_reason": reason}
    if job.status is Status.PENDING and job.waiting_on is not Waiting.HOLD:
        values |= {"waiting_on": str(Waiting.PAUSE), "blocked_by": None}
        jobs.change_job(conn, store.dialect, job_id, job.fence, now, **values)
    else:
        jobs.change_job(conn, store.dialect, job_id, job.fence, now, **values)
    _tell(conn, store, job, "paused", now, actor)
    return locked(conn, store, job_id)


def _pause_ranges(conn: Connection, store: Store, job: Job, now: datetime, actor: str | None, reason: str) -> None:
    """A parent that waits for ranges has nothing to stop of its own: its ranges are paused."""
    ranges = [child for child in jobs.children_of(conn, store.dialect, job.id) if child.family is not None]
    if not ranges:
        raise _illegal(job, "paused: it is a chain, pause its phase")
    for child in ranges:
        if not child.status.is_ended and child.paused_by is None:
            pause(conn, store, child.id, now, actor=actor, reason=reason)


def unpause(conn: Connection, store: Store, job_id: str, now: datetime, *, actor: str | None = None) -> Job:
    """Let a paused job go on."""
    job = locked(conn, store, job_id)
    if job.paused_by is None or job.status.is_ended:
        raise _illegal(job, "unpaused: it is not paused")
    waiting: str | None = job.waiting_on
    if job.waiting_on is Waiting.PAUSE:
        is_early = job.run_at is not None and job.run_at > now
        waiting = str(Waiting.OWNER) if job.is_owned else str(Waiting.TIME) if is_early else None
    elif job.waiting_on is Waiting.CHILDREN:
        for child in jobs.children_of(conn, store.dialect, job_id):
            if child.paused_by is not None and not child.status.is_ended:
                unpause(conn, store, child.id, now, actor=actor)
    jobs.change_job(conn, store.dialect, job_id, job.fence, now, waiting_on=waiting, paused_by=None, paused_reason=None)
    _tell(conn, store, job, "unpaused", now, actor)
    return locked(conn, store, job_id)


def delete(conn: Connection, store: Store, job_id: str) -> None:
    """Delete the record of an ended job that nobody works on any more, with its children's."""
    job = locked(conn, store, job_id)
    if job.is_part:
        raise _illegal(job, f"deleted by itself: it is {_part(job)}")
    _delete(conn, store, job)


def _delete(conn: Connection, store: Store, job: Job) -> None:
    if not job.status.is_ended or job.is_owned:
        raise _illegal(job, "deleted")
    for child in jobs.children_of(conn, store.dialect, job.id):
        _delete(conn, store, locked(conn, store, child.id))
    jobs.delete_jobs(conn, store.dialect, [job.id])


def _refuse_without_type(job: Job, verb: str) -> None:
    """What no worker could find again cannot be run again."""
    if is_outside(job):
        raise IllegalTransition(
            f"Job {shown(job.id)} ({job.job_type}) has no function here and cannot be {verb}.",
            hint="The program that made it moves it, with update_job().",
        )
    if is_in_process(job):
        raise IllegalTransition(
            f"Job {shown(job.id)} ({job.job_type}) is a function of one process and cannot be {verb}.",
            hint="Hand the function over again; to have it resumable, register it with @app.job().",
        )


def _family(conn: Connection, store: Store, job_id: str) -> list[Job]:
    """All that descend from a job."""
    found: list[Job] = []
    for child in jobs.children_of(conn, store.dialect, job_id):
        found += [child, *_family(conn, store, child.id)]
    return found


def _part(job: Job) -> str:
    return "a phase of a chain" if job.position is not None else f"{job.range} of {job.family}"


def _illegal(job: Job, verb: str) -> IllegalTransition:
    owned = ", its code has not left yet" if job.is_owned and job.status.is_ended else ""
    return IllegalTransition(
        f"Job {shown(job.id)} ({job.job_type}) is {job.status}{owned} and cannot be {verb}. Its id is {job.id}.",
        hint=_HINTS.get(job.status, "See `onward job show` for what it can do now."),
    )


_UNACKNOWLEDGED: dict[str, Any] = {
    "acknowledged_by": None, "acknowledged_at": None, "acknowledged_note": None,
}  # fmt: skip
_HINTS = {
    Status.COMPLETED: "It is done: run_again() makes a new job with the same parameters.",
    Status.RUNNING: "Cancel it first, or wait for it.",
    Status.PENDING: "It has not begun: cancel it, or wait.",
    Status.PENDING_HITL: "It waits for an answer: give it (`onward input answer`), or cancel the job.",
}
