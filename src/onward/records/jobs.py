"""Jobs, their runs, log lines and history as plain values; parameters that are sensitive are hidden."""

from __future__ import annotations

from typing import Annotated, Any

from typing_extensions import TypedDict

from onward.authoring.registry import JobTypes
from onward.model.family import WorkRange
from onward.model.ids import shown
from onward.model.job import Conflict, EventRecord, Job, JobError, LogLine, Run
from onward.records.moments import rfc3339
from onward.records.payload import PAYLOAD
from onward.records.questions import HitlRecord, hitl_record
from onward.records.secrets import without_secrets


class ProgressRecord(TypedDict):
    """How far a job is; ``percent`` is a whole number, or null when no total is known."""

    percent: int | None
    message: str
    done: int | None
    total: int | None
    rate: float | None
    eta_seconds: float | None
    phase: str | None


class ErrorRecord(TypedDict):
    """Why something failed."""

    type: str
    message: str
    traceback: str


class ReasonRecord(TypedDict):
    """Why a job waits: a stable code, a sentence, and the ids that it names."""

    code: str
    text: str
    refs: list[str]


class NeedRecord(TypedDict):
    """A resource that a job occupies while it runs."""

    name: str
    capacity: int


class PartRecord(TypedDict):
    """Of a range of a fan-out: which of how many it is, and which items are its own, the end not included."""

    worker_id: int
    total_workers: int
    start: int
    end: int | None


class JobRecord(TypedDict):
    """A job."""

    id: str
    job_type: str
    status: str
    state: str
    label: str
    source_id: str | None
    user_id: str | None
    bot_id: str | None
    tags: list[str]
    queue: str
    priority: int
    params: Annotated[dict[str, Any], PAYLOAD]
    progress: ProgressRecord
    result: Annotated[Any, PAYLOAD]
    error: ErrorRecord | None
    waiting_reason: ReasonRecord | None
    hitl: HitlRecord | None
    attempt: int
    max_attempts: int
    created_at: str | None
    run_at: str | None
    started_at: str | None
    completed_at: str | None
    updated_at: str | None
    parent_id: str | None
    resources: list[NeedRecord]
    worker_id: str | None
    has_checkpoint: bool
    checkpoint_number: int
    checkpoint_at: str | None
    superseded_by: str | None
    acknowledged_by: str | None
    acknowledged_at: str | None
    acknowledged_note: str
    idempotency_key: str | None
    type_version: int
    waiting_on: str | None
    blocked_by: str | None
    paused_by: str | None
    paused_reason: str | None
    position: int | None
    family: str | None
    range: PartRecord | None
    due_at: str | None


def job_record(job: Job, types: JobTypes) -> JobRecord:
    """A job. Parameters that its type calls sensitive are hidden."""
    return {
        "id": shown(job.id),
        "job_type": job.job_type,
        "status": str(job.status),
        "state": job.state,
        "label": job.label,
        "source_id": job.source_id,
        "user_id": job.user_id,
        "bot_id": job.bot_id,
        "tags": list(job.tags),
        "queue": job.queue,
        "priority": job.priority,
        "params": shown_params(job, types),
        "progress": {
            "percent": job.progress.percent,
            "message": job.progress.message,
            "done": job.progress.done,
            "total": job.progress.total,
            "rate": job.progress.rate,
            "eta_seconds": job.progress.eta_seconds,
            "phase": job.progress.phase,
        },
        "result": without_secrets(job.result),
        "error": error_record(job.error),
        "waiting_reason": _reason(job),
        "hitl": hitl_record(job.hitl, job.job_type, types),
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "created_at": rfc3339(job.created_at),
        "run_at": rfc3339(job.run_at),
        "started_at": rfc3339(job.started_at),
        "completed_at": rfc3339(job.completed_at),
        "updated_at": rfc3339(job.updated_at),
        "parent_id": shown(job.parent_id) if job.parent_id else None,
        "resources": [{"name": need.resource, "capacity": need.capacity} for need in job.resources],
        "worker_id": shown(job.worker_id, "wrk") if job.worker_id else None,
        "has_checkpoint": job.has_checkpoint,
        "checkpoint_number": job.checkpoint_number,
        "checkpoint_at": rfc3339(job.checkpoint_at),
        "superseded_by": shown(job.superseded_by) if job.superseded_by else None,
        "acknowledged_by": job.acknowledged_by,
        "acknowledged_at": rfc3339(job.acknowledged_at),
        "acknowledged_note": job.acknowledged_note,
        "idempotency_key": job.idempotency_key,
        "type_version": job.type_version,
        "waiting_on": None if job.waiting_on is None else str(job.waiting_on),
        "blocked_by": job.blocked_by,
        "paused_by": job.paused_by,
        "paused_reason": job.paused_reason,
        "position": job.position,
        "family": job.family,
        "range": _part(job.range),
        "due_at": rfc3339(job.due_at),
    }


def _part(part: WorkRange | None) -> PartRecord | None:
    if part is None:
        return None
    return {
        "worker_id": part.worker_id, "total_workers": part.total_workers, "start": part.start, "end": part.end,
    }  # fmt: skip


def shown_params(job: Job, types: JobTypes) -> dict[str, Any]:
    """The parameters as people may see them."""
    shown_ones = types.get(job.job_type).redacted(job.params) if job.job_type in types else job.params
    safe: dict[str, Any] = without_secrets(shown_ones)
    return safe


def _reason(job: Job) -> ReasonRecord | None:
    reason = job.waiting_reason
    if reason is None:
        return None
    prefix = "inp" if reason.code == "input" else "job"
    return {"code": reason.code, "text": reason.text, "refs": [shown(ref, prefix) for ref in reason.refs]}


def error_record(error: JobError | None) -> ErrorRecord | None:
    """Why something failed."""
    return None if error is None else {"type": error.type, "message": error.message, "traceback": error.traceback}


class RunRecord(TypedDict):
    """One attempt at a job."""

    id: str
    attempt: int
    status: str
    worker_id: str | None
    started_at: str
    finished_at: str | None
    duration_ms: int | None
    error: ErrorRecord | None


def run_record(run: Run) -> RunRecord:
    """One attempt."""
    return {
        "id": shown(run.id, "run"),
        "attempt": run.attempt,
        "status": str(run.status),
        "worker_id": shown(run.worker_id, "wrk") if run.worker_id else None,
        "started_at": rfc3339(run.started_at),
        "finished_at": rfc3339(run.finished_at),
        "duration_ms": run.duration_ms,
        "error": error_record(run.error),
    }


class LogRecord(TypedDict):
    """One line of a job's log; ``seq`` rises."""

    seq: int
    at: str
    level: str
    message: str
    attempt: int
    fields: Annotated[dict[str, Any], PAYLOAD]


def log_record(line: LogLine) -> LogRecord:
    """One line of a log."""
    return {
        "seq": line.seq,
        "at": rfc3339(line.at),
        "level": line.level,
        "message": line.message,
        "attempt": line.attempt,
        "fields": without_secrets(line.fields),
    }


class RefusedRecord(TypedDict):
    """Something that a run wanted to write after an outage, when its job was somebody else's."""

    seq: int
    job_id: str
    run_id: str | None
    fence: int
    kind: str
    reason: str
    at: str


def refused_record(one: Conflict) -> RefusedRecord:
    """Something that came too late."""
    return {
        "seq": one.seq,
        "job_id": shown(one.job_id),
        "run_id": shown(one.run_id, "run") if one.run_id else None,
        "fence": one.fence,
        "kind": one.kind,
        "reason": one.reason,
        "at": rfc3339(one.at),
    }


class ChangeRecord(TypedDict):
    """One change of a job: what, when, and by whom."""

    seq: int
    at: str
    kind: str
    actor: str | None
    generation: int
    data: dict[str, Any]


def event_record(event: EventRecord) -> ChangeRecord:
    """One change."""
    return {
        "seq": event.seq,
        "at": rfc3339(event.at),
        "kind": event.kind,
        "actor": shown(event.actor, "wrk") if event.actor else None,
        "generation": event.generation,
        "data": without_secrets(event.data),
    }
