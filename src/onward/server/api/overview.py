"""What people look at first: what needs them, what runs, and what waits."""

from __future__ import annotations

from datetime import timedelta

from typing_extensions import TypedDict

from onward.app import Onward
from onward.model.job_filter import read_query
from onward.records.jobs import JobRecord, job_record
from onward.server.access import Viewer
from onward.server.routing import App, CountRecord, noun

routes = noun("", "overview")
_CAP = 10_000
_RUNNING = 10
_DAY = timedelta(days=1)


class BadgesRecord(TypedDict):
    """What the navigation counts."""

    interrupted: CountRecord
    inputs: CountRecord
    failed_24h: CountRecord


class AttentionRecord(TypedDict):
    """One thing that needs somebody; ``query`` is the filter of the jobs that it is about."""

    code: str
    text: str
    count: int
    query: str


class DepthRecord(TypedDict):
    """How much waits in a queue, and for how long its oldest has."""

    queue: str
    waiting: int
    oldest_seconds: float | None


class OverviewRecord(TypedDict):
    """What people look at first."""

    attention: list[AttentionRecord]
    running: list[JobRecord]
    depth: list[DepthRecord]


@routes.get("/badges")
def get_badges(_caller: Viewer, app: App) -> BadgesRecord:
    """How many are interrupted, wait for a person, and failed in a day without anybody having taken note."""
    since = (app.clock.now() - _DAY).isoformat()
    return {
        "interrupted": _count(app, state="interrupted"),
        "inputs": _count(app, state="input"),
        "failed_24h": _count(app, state="failed", ack="false", created=f"{since}.."),
    }


@routes.get("/overview")
def get_overview(_caller: Viewer, app: App) -> OverviewRecord:
    """What needs somebody, the newest that run, and what waits in each queue."""
    load = app.load()
    kinds = (
        ("interrupted", "interrupted", "state=interrupted", _count(app, state="interrupted")["value"]),
        ("inputs", "wait for you", "state=input", load.jobs.get("pending_hitl", 0)),
        (
            "failed",
            "failed, not acknowledged",
            "state=failed&ack=false",
            _count(app, state="failed", ack="false")["value"],
        ),
    )
    running = app.search(read_query([("state", "running")], app.clock.now(), sort="-started"), limit=_RUNNING)
    return {
        "attention": [
            {"code": code, "text": text, "count": count, "query": query} for code, text, query, count in kinds if count
        ],
        "running": [job_record(job, app.job_types) for job in running],
        "depth": [
            {"queue": depth.queue, "waiting": depth.waiting, "oldest_seconds": depth.oldest_seconds}
            for depth in load.queues
            if depth.waiting
        ],
    }


def _count(app: Onward, **given: str) -> CountRecord:
    value = app.count_matching(read_query(given.items(), app.clock.now()), _CAP)
    return {"value": value, "exact": value < _CAP}
