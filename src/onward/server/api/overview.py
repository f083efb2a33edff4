"""The overview: what asks for attention, what runs, what was done, what waits. Rollups and capped counts only."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from fastapi import APIRouter
from typing_extensions import TypedDict

from onward.model.query import JobQuery, Term
from onward.records.jobs import JobRecord, job_record
from onward.records.moments import rfc3339
from onward.server.access import Viewer
from onward.server.routing import App, CountRecord, noun

routes: APIRouter = noun("overview")
_MOST_RUNS = 10
_CAP = 1000
_RANGES = {
    "1h": (timedelta(hours=1), timedelta(minutes=5)),
    "24h": (timedelta(hours=24), timedelta(minutes=5)),
    "7d": (timedelta(days=7), timedelta(hours=1)),
    "30d": (timedelta(days=30), timedelta(hours=6)),
}
_LONG_WAIT_SECONDS = 600


class Attention(TypedDict):
    """Something to look at, with the filter that shows it."""

    code: str
    text: str
    count: CountRecord
    query: str


class Throughput(TypedDict):
    """How many jobs ended in a stretch of time."""

    at: str
    succeeded: int
    failed: int
    cancelled: int


class Depth(TypedDict):
    """What is ready in a queue."""

    queue: str
    waiting: int
    oldest_seconds: float | None


class NextRun(TypedDict):
    """When a schedule starts its job next."""

    schedule: str
    job_type: str
    at: str


class Overview(TypedDict):
    """What is going on."""

    attention: list[Attention]
    running: list[JobRecord]
    throughput: list[Throughput]
    depth: list[Depth]
    next_runs: list[NextRun]


@routes.get("")
def get_overview(_caller: Viewer, app: App, range: Literal["1h", "24h", "7d", "30d"] = "24h") -> Overview:
    """What is going on, and what went on lately."""
    length, step = _RANGES[range]
    running = app.search(JobQuery(terms=(Term("state", ("running",)),)), limit=10)
    queues, now = app.queues.list(), app.clock.now()
    depth: list[Depth] = [
        {
            "queue": queue.name,
            "waiting": queue.waiting,
            "oldest_seconds": None if queue.oldest_at is None else max(0.0, (now - queue.oldest_at).total_seconds()),
        }
        for queue in queues
    ]
    return {
        "attention": _attention(app, {queue.name for queue in queues if queue.waiting and not queue.workers}),
        "running": [job_record(job, app.job_types) for job in running],
        "throughput": [
            {"at": rfc3339(one.at), "succeeded": one.succeeded, "failed": one.failed, "cancelled": one.cancelled}
            for one in app.rollups.read(length, step)
        ],
        "depth": depth,
        "next_runs": _next_runs(app),
    }


def _next_runs(app: App) -> list[NextRun]:
    return [
        {"schedule": found.name, "job_type": found.job_type, "at": rfc3339(found.next_run_at)}
        for found in app.schedules.list(limit=_MOST_RUNS)
        if found.next_run_at is not None and found.state == "active"
    ]


def _attention(app: App, unserved: set[str]) -> list[Attention]:
    alone = Term("parent_id", ("none",))
    cut = JobQuery(terms=(Term("state", ("interrupted",)), alone), acknowledged=False, is_deep=False)
    broken = JobQuery(terms=(Term("state", ("failed",)), alone), acknowledged=False, is_deep=False)
    blocked = JobQuery(
        terms=(Term("state", ("blocked",)),),
        until=app.clock.now() - timedelta(seconds=_LONG_WAIT_SECONDS),
        is_deep=False,
    )
    asked = len(app.questions.list("open", limit=_CAP))
    found = [
        ("interrupted", "Interrupted jobs", app.count_matching(cut, _CAP), "state=interrupted&ack=false"),
        ("inputs", "Jobs that wait for you", asked, "state=input"),
        ("failed", "Failed, and nobody has taken note", app.count_matching(broken, _CAP), "state=failed&ack=false"),
        ("blocked", "Wait for a resource for more than 10 min", app.count_matching(blocked, _CAP), "state=blocked"),
    ]
    found += [
        ("no-worker", f"No worker serves queue {name}", 1, f"queue={name}&state=queued") for name in sorted(unserved)
    ]
    return [
        {"code": code, "text": text, "count": {"value": count, "exact": count < _CAP}, "query": query}
        for code, text, count, query in found
        if count
    ]
