"""Rows as records: which columns are read, in which order, and what becomes of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from onward.model.codec import decode
from onward.model.family import WorkRange
from onward.model.job import EventRecord, Job, JobError, LogLine, Need, Progress, Question, Run, WorkerRecord
from onward.model.states import RunStatus, Status, Waiting
from onward.store.tables import parse_time

JOB_COLUMNS = (
    "job_id, job_type, status, label, params, source_id, user_id, bot_id, tags, queue, priority, progress_percent, "
    "progress_message, progress_done, progress_total, progress_rate, progress_eta, progress_phase, result, error, "
    "attempt, max_attempts, losses, fence, generation, created_at, run_at, started_at, completed_at, updated_at, "
    "parent_id, position, hitl_type, hitl_data, hitl_response, resources, worker_id, waiting_on, blocked_by, "
    "paused_by, paused_reason, current_dimension, current_operation, pending_dimensions, checkpoint_number, "
    "checkpoint_at, superseded_by, task_description, type_version, idempotency_key, "
    "acknowledged_by, acknowledged_at, acknowledged_note, scheduled_job_id, due_at, family, range_number, range_total, "
    "range_start, range_end"
)


def moment(value: Any) -> datetime | None:
    """A time as either database gives it."""
    if value is None:
        return None
    return parse_time(value) if isinstance(value, str) else value.astimezone(UTC)


def at(value: Any) -> datetime:
    """A time that is never missing."""
    found = moment(value)
    if found is None:
        raise ValueError("a time is missing in the database")
    return found


def job_error(text: str | None) -> JobError | None:
    """An error as it is kept with a job."""
    if text is None:
        return None
    value = decode(text)
    return JobError(value.get("type", "Error"), value.get("message", ""), value.get("traceback", ""))


def needs_of(text: str | None) -> tuple[Need, ...]:
    """The resources of a job, as they are kept in its row."""
    return tuple(Need(item[0], item[1]) for item in decode(text)) if text else ()


def job(row: Any, as_of: datetime | None = None) -> Job:
    """A job of a row of ``JOB_COLUMNS``."""
    (
        job_id, job_type, status, label, params, source_id, user_id, bot_id, tags, queue, priority, percent,
        message, done, total, rate, eta, phase, result, error, attempt, max_attempts, losses, fence, generation,
        created_at, run_at, started_at, completed_at, updated_at, parent_id, position, hitl_type, hitl_data,
        hitl_response, resources, worker_id, waiting_on, blocked_by, paused_by, paused_reason, dimension, operation,
        pending, number, checkpoint_at, superseded_by, description, version, key,
        acknowledged_by, acknowledged_at, acknowledged_note, scheduled_job_id, due_at, family, *work_range,
    ) = row  # fmt: skip
    return Job(
        id=job_id,
        job_type=job_type,
        status=Status(status),
        label=label,
        params=decode(params),
        source_id=source_id,
        user_id=user_id,
        bot_id=bot_id,
        tags=tuple(decode(tags)) if tags else (),
        queue=queue,
        priority=priority,
        progress=Progress(percent, message or "", done, total, rate, eta, phase),
        result=decode(result),
        error=job_error(error),
        attempt=attempt,
        max_attempts=max_attempts,
        losses=losses,
        fence=fence,
        generation=generation,
        created_at=moment(created_at),
        run_at=moment(run_at),
        started_at=moment(started_at),
        completed_at=moment(completed_at),
        updated_at=moment(updated_at),
        parent_id=parent_id,
        position=position,
        hitl=_question(hitl_type, hitl_data, hitl_response),
        resources=needs_of(resources),
        worker_id=worker_id,
        waiting_on=Waiting(waiting_on) if waiting_on else None,
        blocked_by=blocked_by,
        paused_by=paused_by,
        paused_reason=paused_reason,
        current_dimension=dimension,
        current_operation=operation,
        pending_dimensions=tuple(decode(pending)) if pending else (),
        has_checkpoint=checkpoint_at is not None,
        checkpoint_at=moment(checkpoint_at),
        checkpoint_number=number,
        superseded_by=superseded_by,
        task_description=description,
        type_version=version,
        idempotency_key=key,
        acknowledged_by=acknowledged_by,
        acknowledged_at=moment(acknowledged_at),
        acknowledged_note=acknowledged_note or "",
        family=family,
        range=WorkRange(*work_range) if family is not None else None,
        scheduled_job_id=scheduled_job_id,
        due_at=moment(due_at),
        as_of=as_of,
    )


def _question(kind: str | None, data: str | None, response: str | None) -> Question | None:
    """What the job's own row knows of its question; the rest is in ``questions``."""
    return Question("", kind, kind, data=decode(data), response=decode(response)) if kind else None


RUN_COLUMNS = (
    "id, job_id, job_type, status, attempt, fence, generation, worker_id, started_at, finished_at, duration_ms, "
    "result_json, error_type, error_message, error_traceback, bot_id, scheduled_job_id"
)


def run(row: Any) -> Run:
    """A run of a row of ``RUN_COLUMNS``."""
    error = JobError(row[12] or "Error", row[13], row[14] or "") if row[13] is not None else None
    return Run(
        row[0], row[1], row[2], RunStatus(row[3]), row[4], row[5], row[6], row[7], at(row[8]), moment(row[9]),
        row[10], decode(row[11]), error, row[15], row[16],
    )  # fmt: skip


LOG_COLUMNS = "seq, at, level, message, attempt, fields"


def log_line(row: Any) -> LogLine:
    """A log line of a row of ``LOG_COLUMNS``."""
    return LogLine(row[0], at(row[1]), row[2], row[3], row[4], decode(row[5]) or {})


EVENT_COLUMNS = "seq, job_id, generation, kind, at, fence, actor, data"


def event(row: Any) -> EventRecord:
    """An event of a row of ``EVENT_COLUMNS``."""
    return EventRecord(row[0], row[1], row[2], row[3], at(row[4]), row[5], row[6], decode(row[7]) or {})


WORKER_COLUMNS = (
    "worker_id, name, host, pid, queues, job_types, slots, state, version, started_at, seen_at, lease_seconds, "
    "heartbeat_seq, boot_id, pid_namespace, pid_started"
)


def worker(row: Any) -> WorkerRecord:
    """A worker of a row of ``WORKER_COLUMNS``."""
    return WorkerRecord(
        row[0], row[1], row[2], row[3], tuple(decode(row[4])), tuple(decode(row[5])), row[6], row[7], row[8],
        at(row[9]), at(row[10]), row[11], row[12], row[13], row[14], row[15],
    )  # fmt: skip
