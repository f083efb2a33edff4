"""Why does it wait? One sentence with the facts, for every job that is neither running nor ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from onward.engine import families
from onward.model.ages import age_text, length_text
from onward.model.ids import shown
from onward.model.job import Job, WaitingReason, WorkerRecord
from onward.model.question import QuestionRecord
from onward.model.states import Status, Waiting
from onward.store import (
    Connection,
    Store,
    board,
    chains,
    finding,
    jobs,
    questions,
    queues,
    resources,
    schedules,
    turns,
    workers,
)

_ASKS = 200
ALL_TAKEN = "All vector databases that it could work on next are taken."
NO_SCHEDULE = "Its schedule was deleted; it goes on with the next look of a worker."


def explain(conn: Connection, store: Store, job: Job) -> WaitingReason | None:
    """The reason why a job waits, or None when it does not."""
    if job.status is Status.RUNNING and job.waiting_on is Waiting.CHILDREN:
        return _phase(conn, store, job) or families.explain(conn, store, job)
    if job.status is Status.PENDING_HITL:
        question = questions.latest_of(conn, store.dialect, [job.id]).get(job.id)
        return asked(store, job, question) if question is not None else None
    return _pending(conn, store, job) if job.status is Status.PENDING else None


def _pending(conn: Connection, store: Store, job: Job) -> WaitingReason | None:
    if job.waiting_on is Waiting.RESOURCE:
        return _resource(conn, store, job)
    if job.waiting_on is Waiting.SCHEDULE:
        return _schedule(conn, store, job)
    if job.waiting_on is not None:
        return by_row(job, job.waiting_on, store.now())
    paused, alive = queues.paused(conn, store.dialect), workers.list_workers(conn, store.dialect, ("online",))
    return nobody(store, job, paused, alive) or WaitingReason("queued", _place(conn, store, job))


def by_row(job: Job, waiting_on: Waiting, now: datetime) -> WaitingReason | None:
    """The reason of a job whose own row says it all, or None."""
    reason = _BY_ROW.get(waiting_on)
    return reason(job, now) if reason else None


def _time(job: Job, now: datetime) -> WaitingReason:
    when = job.run_at or now
    left = length_text(max(0.0, (when - now).total_seconds()))
    moment = f"{when:%Y-%m-%d %H:%M:%S} UTC (in {left})"
    if job.attempt:
        return WaitingReason("retrying", f"Tries again at {moment}.")
    return WaitingReason("scheduled", f"Starts at {moment}.")


def _resource(conn: Connection, store: Store, job: Job) -> WaitingReason:
    name = job.blocked_by or "a resource"
    if name == resources.ANY_VECTORS:
        return WaitingReason("resource", ALL_TAKEN)
    holders = resources.holders(conn, store.dialect, [name]).get(name, {})
    by = next(iter(board.list_resources(conn, store.dialect, name)), {})
    if by.get("held_by"):
        return WaitingReason("resource", held_by(name, by))
    if not holders:
        return WaitingReason("resource", f"{name} has just come free; it is next.")
    holder_id = next(iter(holders.values()))
    holder = jobs.get_job(conn, store.dialect, holder_id)
    far = ""
    if holder is not None:
        parts = [holder.job_type]
        if holder.progress.percent is not None:
            parts.append(f"{holder.progress.percent}%")
        if holder.progress.eta_seconds:
            parts.append(f"about {length_text(holder.progress.eta_seconds)} left")
        far = f" ({', '.join(parts)})"
    before = resources.count_before(conn, store.dialect, name, job.id)
    text = f"{name} is held by job {shown(holder_id)}{far}; {before} before this one."
    return WaitingReason("resource", text, (holder_id,))


def held_by(name: str, resource: Mapping[str, Any]) -> str:
    """The sentence of a resource that a person keeps for themselves."""
    why = f": {resource['held_reason']}" if resource["held_reason"] else ""
    return f"{name} is held for no job by {resource['held_by']}{why}."


def _owner(job: Job, _now: datetime) -> WaitingReason:
    text = "Its earlier run was told to stop and has not left yet."
    return WaitingReason("leaving", text, (job.worker_id,) if job.worker_id else ())


def leaving(conn: Connection, store: Store, job: Job, now: datetime) -> WaitingReason:
    """Why a job's code has not left, and whether its worker can be reached at all."""
    worker = next((w for w in workers.list_workers(conn, store.dialect, ()) if w.id == job.worker_id), None)
    refs = (job.worker_id,) if job.worker_id else ()
    silent = (now - worker.seen_at).total_seconds() if worker is not None else 0.0
    if worker is None or worker.state not in ("online", "draining") or silent > worker.lease_seconds:
        seen = f" was last seen {age_text(silent)}" if worker is not None else " is not known"
        name = f"{worker.name} on {worker.host}" if worker is not None else job.worker_id
        text = f"Its worker cannot be reached ({name}{seen}); another worker frees what it occupies."
        return WaitingReason("unreachable", text, refs)
    return WaitingReason("leaving", f"Worker {worker.name} on {worker.host} is ending its code.", refs)


def _pause(job: Job, now: datetime) -> WaitingReason:
    ago = age_text((now - job.updated_at).total_seconds()) if job.updated_at else ""
    why = f": {job.paused_reason}" if job.paused_reason else ""
    return WaitingReason("paused", f"Paused by {job.paused_by} {ago}{why}.")


def _hold(_job: Job, _now: datetime) -> WaitingReason:
    return WaitingReason(
        "held", "Its worker was lost; it waits for a person to resume it, start it fresh or discard it."
    )


def _schedule(conn: Connection, store: Store, job: Job) -> WaitingReason:
    """Its schedule lets so many at a time run, and others came first."""
    ids = [job.scheduled_job_id or ""]
    found = schedules.get_schedules(conn, store.dialect, "id", ids)
    if not found:
        return WaitingReason("schedule", NO_SCHEDULE)
    others = [other for other in turns.active_jobs(conn, store.dialect, ids) if other.bot_id == (job.bot_id or "")]
    active = [other.job_id for other in others if not other.is_queued]
    before = sum(other.is_queued and other.job_id < job.id for other in others)
    first = f" ({shown(active[0])})" if active else ""
    text = (
        f"Waits for its turn in schedule {found[0].name}: {len(active)} of at most {found[0].max_instances} "
        f"of its jobs are active{first}; {before} before this one."
    )
    return WaitingReason("schedule", text, tuple(active))


def _outside(_job: Job, _now: datetime) -> WaitingReason:
    return WaitingReason("outside", "It has no function here: the program that made it moves it.")


def _phase(conn: Connection, store: Store, job: Job) -> WaitingReason | None:
    for phase in chains.list_phases(conn, store.dialect, job.id):
        if not phase["is_done"]:
            refs = (phase["child_id"],) if phase["child_id"] else ()
            asked = questions.open_in_family(conn, store.dialect, job.id)
            why = f"; an answer is asked for: {asked[0].asks[:_ASKS]}" if asked else "."
            return WaitingReason("phase", f"Waits for phase {phase['name']}{why}", refs)
    return None


def asked(store: Store, job: Job, question: QuestionRecord) -> WaitingReason:
    """Whom it asks, what, and until when."""
    facts = [f"asked of {question.assigned_to}"] if question.assigned_to else []
    if question.expires_at is not None:
        left = length_text(max(0.0, (question.expires_at - store.now()).total_seconds()))
        facts.append(f"expires {question.expires_at:%Y-%m-%d %H:%M:%S} UTC (in {left}), then {question.then}")
    else:
        facts.append("without a deadline")
    paused = f" Paused by {job.paused_by}: the answer alone does not set it going." if job.paused_by else ""
    text = f"Waits for an answer: {question.asks[:_ASKS]} ({'; '.join(facts)}).{paused}"
    return WaitingReason("input", text, (question.id,))


def nobody(
    store: Store, job: Job, paused: Mapping[str, dict[str, Any]], alive: Sequence[WorkerRecord]
) -> WaitingReason | None:
    """No worker could take it, or none may: by the queues that are paused and the workers that are there."""
    by = paused.get(job.queue)
    if by is not None:
        why = f": {by['paused_reason']}" if by["paused_reason"] else ""
        ago = age_text(max(0.0, (store.now() - by["paused_at"]).total_seconds()))
        return WaitingReason("queue-paused", f"Queue {job.queue} was paused by {by['paused_by']} {ago}{why}.")
    if not alive:
        return WaitingReason("no-worker", "No worker is running: start one with `onward worker`.")
    cluster = store.settings.cluster
    is_clusters = bool(cluster.address) and job.queue == cluster.queue
    serving = [w for w in alive if job.queue in w.queues or not (w.queues or is_clusters)]
    if not serving:
        return WaitingReason("no-queue", f"No worker serves queue {job.queue}.")
    if not any(_knows(worker, job) for worker in serving):
        version = f" v{job.type_version}" if job.type_version > 1 else ""
        return WaitingReason("no-type", f"No live worker knows {job.job_type}{version}.")
    return None


def _knows(worker: WorkerRecord, job: Job) -> bool:
    for known in worker.job_types:
        name, _, version = known.rpartition("@")
        if name == job.job_type:
            return int(version) >= job.type_version
    return False


def _place(conn: Connection, store: Store, job: Job) -> str:
    before = jobs.count_ready_before(conn, store.dialect, job)
    if before == 0:
        return "It is next."
    return f"{before:,}{'+' if before >= finding.COUNT_CAP else ''} ready jobs are before it."


_BY_ROW: dict[Waiting, Callable[[Job, datetime], WaitingReason]] = {
    Waiting.TIME: _time,
    Waiting.OWNER: _owner,
    Waiting.PAUSE: _pause,
    Waiting.HOLD: _hold,
    Waiting.OUTSIDE: _outside,
}
