"""Workers and queues: who runs jobs, and what waits where."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from onward.model.ids import shown
from onward.model.query import JobQuery, Term
from onward.model.queue import Queue
from onward.records.moments import rfc3339
from onward.records.workers import WorkerRecord, worker_record
from onward.server.access import Admin, Operator, Viewer
from onward.server.problems import documented
from onward.server.routing import App, Listed, listed, noun

workers: APIRouter = noun("workers")
queues: APIRouter = noun("queues")
CHANGES = documented(404, 503)


class WorkJob(TypedDict):
    """A job that a worker has."""

    id: str
    job_type: str
    percent: int | None


class WorkerAtWork(WorkerRecord):
    """A worker with what it does; ``heartbeat_seconds`` is the age of its last sign of life."""

    heartbeat_seconds: float
    lease_seconds: float
    jobs: list[WorkJob]


class QueueRecord(TypedDict):
    """A queue: what is ready in it, what runs, and who serves it."""

    name: str
    waiting: int
    running: int
    oldest_seconds: float | None
    oldest_at: str | None
    workers: int
    slots: int
    paused_by: str | None
    paused_reason: str
    paused_at: str | None


class Why(BaseModel):
    """Why it is paused."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(default="", max_length=4000)


class Wished(TypedDict):
    """What a worker was asked for; it is told with its next sign of life."""

    id: str
    wish: str


class Named(TypedDict):
    """Which queue it was."""

    name: str


@workers.get("")
def list_workers(_caller: Viewer, app: App) -> Listed[WorkerAtWork]:
    """Every worker that is known, newest first, with the jobs that it has."""
    now = app.clock.now()
    held: dict[str, list[WorkJob]] = {}
    for job in app.search(JobQuery(terms=(Term("state", ("running",)),)), limit=1000):
        if job.worker_id is not None:
            one: WorkJob = {"id": shown(job.id), "job_type": job.job_type, "percent": job.progress.percent}
            held.setdefault(job.worker_id, []).append(one)
    return listed(
        [
            {
                **worker_record(worker),
                "heartbeat_seconds": max(0.0, (now - worker.seen_at).total_seconds()),
                "lease_seconds": worker.lease_seconds,
                "jobs": held.get(worker.id, []),
            }
            for worker in app.workers.list()
        ]
    )


@workers.post("/{worker_id}/drain", status_code=202, responses=CHANGES)
def drain(_caller: Admin, app: App, worker_id: str) -> Wished:
    """Have it take no more jobs; what it has, it ends."""
    app.workers.ask(worker_id, "drain")
    return {"id": worker_id, "wish": "drain"}


@workers.post("/{worker_id}/stop", status_code=202, responses=CHANGES)
def stop(_caller: Admin, app: App, worker_id: str) -> Wished:
    """Have it leave: its jobs stop at their next safe point and go on elsewhere."""
    app.workers.ask(worker_id, "stop")
    return {"id": worker_id, "wish": "stop"}


@queues.get("")
def list_queues(_caller: Viewer, app: App) -> Listed[QueueRecord]:
    """Every queue in which something waits or runs, that is served, or that is paused."""
    return listed([_queue(queue, app) for queue in app.queues.list()])


@queues.post("/{name}/pause", responses=CHANGES)
def pause(caller: Operator, app: App, name: str, why: Why | None = None) -> Named:
    """Have nothing of it begun; what runs goes on."""
    app.queues.pause(name, caller.name, (why or Why()).reason)
    return {"name": name}


@queues.post("/{name}/resume", responses=CHANGES)
def resume(_caller: Operator, app: App, name: str) -> Named:
    """Let its jobs begin again."""
    app.queues.resume(name)
    return {"name": name}


def _queue(queue: Queue, app: App) -> QueueRecord:
    oldest = queue.oldest_at
    return {
        "name": queue.name,
        "waiting": queue.waiting,
        "running": queue.running,
        "oldest_seconds": None if oldest is None else max(0.0, (app.clock.now() - oldest).total_seconds()),
        "oldest_at": rfc3339(oldest),
        "workers": queue.workers,
        "slots": queue.slots,
        "paused_by": queue.paused_by,
        "paused_reason": queue.paused_reason,
        "paused_at": rfc3339(queue.paused_at),
    }
