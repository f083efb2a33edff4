"""The facts of the question "resume, start fresh, or neither?" about unfinished work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from typing_extensions import TypedDict

import onward
from onward.authoring.registry import JobTypes
from onward.errors import OnwardError
from onward.model.ages import age_text
from onward.model.ids import shown
from onward.model.job import Job
from onward.model.states import Status, Waiting
from onward.records.moments import rfc3339


class SavedRecord(TypedDict):
    """The checkpoint that a job would go on from."""

    number: int
    saved_at: str
    percent: int | None
    kept_until: str | None


class RedoRecord(TypedDict):
    """What would be done again: seconds of work, and items where their pace is known."""

    seconds: float
    items: int | None


class CodeRecord(TypedDict):
    """Whether the job type is of the version that saved the checkpoint."""

    same: bool
    was: int
    now: int


class DifferenceRecord(TypedDict):
    """A parameter that is another one now."""

    name: str
    was: Any
    now: Any


class InputsRecord(TypedDict):
    """Whether the parameters are those of the unfinished job."""

    same: bool
    differences: list[DifferenceRecord]


class DoubtRecord(TypedDict):
    """A step that must not be done twice, has begun, and may have happened; ``item`` is that of ``each``."""

    step: str
    item: str | None
    times: int
    begun_at: str
    attempt: int


class ResumeRecord(TypedDict):
    """All that is to be known before work is resumed or started fresh."""

    job_id: str
    job_type: str
    source_id: str | None
    title: str
    percent: int | None
    done: int | None
    total: int | None
    age_seconds: float
    stopped_at: str
    stopped_why: str
    checkpoint: SavedRecord | None
    redo: RedoRecord | None
    in_doubt: list[DoubtRecord]
    code: CodeRecord
    inputs: InputsRecord
    can_resume: bool
    why_not: str | None
    default: Literal["resume"] | None
    lost_seconds: float
    left_seconds: float | None
    fresh_seconds: float | None


def resume_record(app: onward.Onward, job: Job, params: Mapping[str, Any] | None = None) -> ResumeRecord:
    """The facts of an unfinished job; ``params`` are those of a new wish that it is in the way of."""
    now = app.clock.now()
    stopped = stopped_at(job, now)
    age = max(0.0, (now - stopped).total_seconds())
    progress, lost = job.progress, worked(job)
    differences = [] if params is None else differing(app, job, job.job_type, params)
    version = version_now(app.job_types, job)
    why_not = _why_not(app, job, differences)
    whole = lost * 100 / progress.percent if progress.percent and lost else None
    return {
        "job_id": shown(job.id),
        "job_type": job.job_type,
        "source_id": job.source_id,
        "title": f"Incomplete job found ({_far(job)}, {age_text(age)})",
        "percent": progress.percent,
        "done": progress.done,
        "total": progress.total,
        "age_seconds": round(age, 3),
        "stopped_at": rfc3339(stopped),
        "stopped_why": stopped_why(job),
        "checkpoint": _saved(app, job),
        "redo": _redo(job, stopped),
        "in_doubt": _in_doubt(app, job),
        "code": {"same": job.type_version == version, "was": job.type_version, "now": version},
        "inputs": {"same": not differences, "differences": differences},
        "can_resume": why_not is None,
        "why_not": why_not,
        "default": "resume" if why_not is None and job.type_version == version else None,
        "lost_seconds": round(lost, 3),
        "left_seconds": None if whole is None else round(whole - lost, 3),
        "fresh_seconds": None if whole is None else round(whole, 3),
    }


def stopped_at(job: Job, now: datetime) -> datetime:
    """When the work came to its stop."""
    return job.completed_at or job.checkpoint_at or now


def stopped_why(job: Job) -> str:
    """Why it came to its stop, in a few words."""
    if job.waiting_on is Waiting.HOLD:
        return "its worker was lost"
    if job.status is Status.CANCELLED:
        return "it was cancelled"
    if job.error is None:
        return "it failed"
    lines = job.error.message.strip().splitlines()
    return f"{job.error.type}: {lines[0] if lines else ''}"


def worked(job: Job) -> float:
    """About how many seconds of work the checkpoint holds."""
    if job.started_at is None or job.checkpoint_at is None:
        return 0.0
    return max(0.0, (job.checkpoint_at - job.started_at).total_seconds())


def version_now(types: JobTypes, job: Job) -> int:
    """The version of the job's type that is known here."""
    return types.get(job.job_type).version if job.job_type in types else job.type_version


def differing(app: onward.Onward, job: Job, job_type: str, params: Mapping[str, Any]) -> list[DifferenceRecord]:
    """The parameters that are others than those of the unfinished job; sensitive ones without their values."""
    kind, wanted = app.job_types.resolve_with(job_type, params)
    given = kind.dump(kind.validate(wanted))
    names = [name for name in {**job.params, **given} if job.params.get(name) != given.get(name)]
    before, after = kind.redacted(job.params), kind.redacted(given)
    return [{"name": name, "was": before.get(name), "now": after.get(name)} for name in names]


def _far(job: Job) -> str:
    progress = job.progress
    if progress.percent is not None:
        return f"{progress.percent}%"
    return f"{progress.done:,} done" if progress.done is not None else "0%"


def _saved(app: onward.Onward, job: Job) -> SavedRecord | None:
    if job.checkpoint_at is None:
        return None
    days = app.settings.retention.checkpoint_days
    kept = job.checkpoint_at + timedelta(days=days) if job.status.is_ended else None
    return {
        "number": job.checkpoint_number,
        "saved_at": rfc3339(job.checkpoint_at),
        "percent": job.progress.percent,
        "kept_until": rfc3339(kept),
    }


def _redo(job: Job, stopped: datetime) -> RedoRecord | None:
    if job.checkpoint_at is None:
        return None
    seconds = max(0.0, (stopped - job.checkpoint_at).total_seconds())
    rate = job.progress.rate
    return {"seconds": round(seconds, 3), "items": None if rate is None else round(rate * seconds)}


def _in_doubt(app: onward.Onward, job: Job) -> list[DoubtRecord]:
    return [
        {
            "step": found.step,
            "item": found.scope or None,
            "times": found.times,
            "begun_at": rfc3339(found.begun_at),
            "attempt": found.attempt,
        }
        for found in app.checkpoints.in_doubt(job.id)
    ]


def _why_not(app: onward.Onward, job: Job, differences: list[DifferenceRecord]) -> str | None:
    # What was left to a new job can be taken up all the same.
    if not job.is_left:
        return f"It is {job.state}: there is nothing to resume."
    if job.job_type not in app.job_types:
        return f"The job type {job.job_type!r} is not known here."
    if differences:
        return "Inputs differ: " + ", ".join(f"{item['name']} {item['was']} to {item['now']}" for item in differences)
    if version_now(app.job_types, job) < job.type_version:
        return f"Its checkpoint is of version {job.type_version}, newer than the code here."
    try:
        app.checkpoints.get(job.id)
    except OnwardError as error:
        return error.message
    return None
