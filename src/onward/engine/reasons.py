"""Why the jobs of a page wait: the same codes as for a job alone, from a few statements for all of them together.

The sentences say less: how many are before a job, and how far the holder of its resource is, is told of a job alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from onward.engine import explainer
from onward.model.ids import shown
from onward.model.job import Job, WaitingReason
from onward.model.states import Status, Waiting
from onward.store import Connection, Store, board, questions, queues, resources, schedules, workers


def with_reasons(conn: Connection, store: Store, found: Sequence[Job]) -> list[Job]:
    """The jobs; those that wait know why. Chains and fan-outs run, and say themselves for whom they wait."""
    waiting = [job for job in found if job.status in (Status.PENDING, Status.PENDING_HITL)]
    reasons: dict[str, WaitingReason | None] = {}
    for explain, kind in ((_asking, _is_asking), (_ready, _is_ready), (_blocked, _is_blocked), (_queued, _is_queued)):
        jobs = [job for job in waiting if kind(job)]
        if jobs:
            reasons |= explain(conn, store, jobs)
    for job in waiting:
        if job.id not in reasons and job.waiting_on is not None:
            reasons[job.id] = explainer.by_row(job, job.waiting_on, store.now())
    return [dataclasses.replace(job, waiting_reason=reasons.get(job.id)) if reasons else job for job in found]


def _is_asking(job: Job) -> bool:
    return job.status is Status.PENDING_HITL


def _is_ready(job: Job) -> bool:
    return job.status is Status.PENDING and job.waiting_on is None


def _is_blocked(job: Job) -> bool:
    return job.status is Status.PENDING and job.waiting_on is Waiting.RESOURCE


def _is_queued(job: Job) -> bool:
    return job.status is Status.PENDING and job.waiting_on is Waiting.SCHEDULE


def _asking(conn: Connection, store: Store, jobs: Sequence[Job]) -> dict[str, WaitingReason | None]:
    asked = questions.latest_of(conn, store.dialect, [job.id for job in jobs])
    return {job.id: explainer.asked(store, job, asked[job.id]) for job in jobs if job.id in asked}


def _ready(conn: Connection, store: Store, jobs: Sequence[Job]) -> dict[str, WaitingReason | None]:
    paused = queues.paused(conn, store.dialect)
    alive = workers.list_workers(conn, store.dialect, ("online",))
    free = WaitingReason("queued", "Waits for a free worker.")
    return {job.id: explainer.nobody(store, job, paused, alive) or free for job in jobs}


def _blocked(conn: Connection, store: Store, jobs: Sequence[Job]) -> dict[str, WaitingReason | None]:
    names = {job.blocked_by for job in jobs if job.blocked_by}
    holders = resources.holders(conn, store.dialect, names)
    held = {one["name"]: one for one in board.list_resources(conn, store.dialect) if one["held_by"]}
    found: dict[str, WaitingReason | None] = {}
    for job in jobs:
        name = job.blocked_by or "a resource"
        ids = tuple(holders.get(name, {}).values())[:1]
        if name == resources.ANY_VECTORS:
            text = explainer.ALL_TAKEN
        elif name in held:
            text = explainer.held_by(name, held[name])
        else:
            text = f"{name} is held by job {shown(ids[0])}." if ids else f"{name} has just come free."
        found[job.id] = WaitingReason("resource", text, () if name in held else ids)
    return found


def _queued(conn: Connection, store: Store, jobs: Sequence[Job]) -> dict[str, WaitingReason | None]:
    ids = {job.scheduled_job_id for job in jobs if job.scheduled_job_id}
    names = {schedule.id: schedule.name for schedule in schedules.get_schedules(conn, store.dialect, "id", ids)}
    return {
        job.id: WaitingReason("schedule", f"Waits for its turn in schedule {names[job.scheduled_job_id]}.")
        if job.scheduled_job_id in names
        else WaitingReason("schedule", explainer.NO_SCHEDULE)
        for job in jobs
    }
