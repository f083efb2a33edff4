"""Workers as plain values."""

from __future__ import annotations

from typing_extensions import TypedDict

from onward.model.ids import shown
from onward.model.job import WorkerRecord as Worker
from onward.records.moments import rfc3339


class WorkerRecord(TypedDict):
    """A process that runs jobs."""

    id: str
    name: str
    host: str
    pid: int
    state: str
    queues: list[str]
    job_types: list[str]
    slots: int
    version: str
    started_at: str
    seen_at: str


def worker_record(worker: Worker) -> WorkerRecord:
    """A worker."""
    return {
        "id": shown(worker.id, "wrk"),
        "name": worker.name,
        "host": worker.host,
        "pid": worker.pid,
        "state": worker.state,
        "queues": list(worker.queues),
        "job_types": list(worker.job_types),
        "slots": worker.slots,
        "version": worker.version,
        "started_at": rfc3339(worker.started_at),
        "seen_at": rfc3339(worker.seen_at),
    }
