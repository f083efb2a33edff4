"""Jobs, runs and the rest as plain JSON values: what programs get, and what tables are made of."""

from __future__ import annotations

from typing import Any

import onward
from onward.cli.show.questions import hitl_record
from onward.cli.show.times import rfc3339
from onward.model.ids import shown
from onward.model.job import EventRecord, Job, JobError, LogLine, Run, WorkerRecord


def job_record(job: Job, app: onward.Onward) -> dict[str, Any]:
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
        "params": shown_params(job, app),
        "progress": {
            "percent": job.progress.percent,
            "message": job.progress.message,
            "done": job.progress.done,
            "total": job.progress.total,
            "rate": job.progress.rate,
            "eta_seconds": job.progress.eta_seconds,
            "phase": job.progress.phase,
        },
        "result": job.result,
        "error": error_record(job.error),
        "waiting_reason": _reason(job),
        "hitl": hitl_record(job.hitl, job.job_type, app),
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
    }


def shown_params(job: Job, app: onward.Onward) -> dict[str, Any]:
    """The parameters as people may see them."""
    if job.job_type in app.job_types:
        return app.job_types.get(job.job_type).redacted(job.params)
    return job.params


def _reason(job: Job) -> dict[str, Any] | None:
    reason = job.waiting_reason
    if reason is None:
        return None
    prefix = "inp" if reason.code == "input" else "job"
    return {"code": reason.code, "text": reason.text, "refs": [shown(ref, prefix) for ref in reason.refs]}


def error_record(error: JobError | None) -> dict[str, str] | None:
    """Why something failed."""
    return None if error is None else {"type": error.type, "message": error.message, "traceback": error.traceback}


def run_record(run: Run) -> dict[str, Any]:
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


def log_record(line: LogLine) -> dict[str, Any]:
    """One line of a log."""
    return {
        "seq": line.seq,
        "at": rfc3339(line.at),
        "level": line.level,
        "message": line.message,
        "attempt": line.attempt,
        "fields": line.fields,
    }


def event_record(event: EventRecord) -> dict[str, Any]:
    """One change."""
    return {
        "seq": event.seq,
        "at": rfc3339(event.at),
        "kind": event.kind,
        "actor": shown(event.actor, "wrk") if event.actor else None,
        "generation": event.generation,
        "data": event.data,
    }


def worker_record(worker: WorkerRecord) -> dict[str, Any]:
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
