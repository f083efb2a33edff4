"""Records read back into what they were made of: jobs, attempts, questions, schedules. What they do not tell is lost.

What was hidden stays hidden: a parameter that reads ``***`` is that text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, overload

from onward.model.family import WorkRange
from onward.model.ids import parsed
from onward.model.job import (
    EventRecord,
    Job,
    JobError,
    LogLine,
    Need,
    Progress,
    Question,
    Run,
    WaitingReason,
    WorkerRecord,
)
from onward.model.question import QuestionRecord
from onward.model.schedule import Schedule
from onward.model.states import RunStatus, Status, Waiting

Record = Mapping[str, Any]
_IDS = frozenset({"id", "parent_id", "superseded_by", "worker_id", "job_id", "actor"})


@overload
def moment(text: str) -> datetime: ...


@overload
def moment(text: str | None) -> datetime | None: ...


def moment(text: str | None) -> datetime | None:
    """The moment of an RFC 3339 text."""
    return None if text is None else datetime.fromisoformat(text)


def _plain(record: Record, kind: type) -> dict[str, Any]:
    """Whatever of a record is a field of this kind as it stands, its moments and ids read."""
    names = {field.name for field in fields(kind)}
    return {name: _value(name, value) for name, value in record.items() if name in names}


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name.endswith("_at") or name in ("at", "paused_until"):
        return moment(value)
    return parsed(value) if name in _IDS else value


def read_job(record: Record) -> Job:
    """The job of a ``JobRecord``."""
    reason, hitl, part = record["waiting_reason"], record["hitl"], record["range"]
    given = _plain(record, Job) | {
        "status": Status(record["status"]),
        "tags": tuple(record["tags"]),
        "progress": Progress(**record["progress"]),
        "error": read_error(record["error"]),
        "waiting_on": None if record["waiting_on"] is None else Waiting(record["waiting_on"]),
        "waiting_reason": None if reason is None else _reason(reason),
        "hitl": None if hitl is None else Question(**_plain(hitl, Question)),
        "resources": tuple(Need(need["name"], need["capacity"]) for need in record["resources"]),
        "range": None if part is None else WorkRange(**part),
    }
    return Job(**given)


def _reason(record: Record) -> WaitingReason:
    return WaitingReason(record["code"], record["text"], tuple(parsed(ref) for ref in record["refs"]))


def read_error(record: Record | None) -> JobError | None:
    """Why something failed."""
    return None if record is None else JobError(record["type"], record["message"], record["traceback"])


def read_run(record: Record, job: Job) -> Run:
    """The attempt of a ``RunRecord`` of this job."""
    given = _plain(record, Run) | {"status": RunStatus(record["status"]), "error": read_error(record["error"])}
    return Run(**given, job_id=job.id, job_type=job.job_type, fence=0, generation=0)


def read_schedule_run(record: Record, job_type: str) -> Run:
    """An attempt at a schedule's job, or a start that did not happen, of a ``ScheduleRunRecord``."""
    facts = {name: record[name] for name in ("reason", "due_at", "next_at") if record[name] is not None}
    message = record["message"]
    given = _plain(record, Run) | {
        "status": RunStatus(record["status"]),
        "error": None if message is None else JobError("", message),
        "result": facts if record["job_id"] is None else None,
    }
    return Run(**given, job_type=job_type, attempt=0, fence=0, generation=0, worker_id=None)


def read_log(record: Record) -> LogLine:
    """The line of a ``LogRecord``."""
    return LogLine(**_plain(record, LogLine))


def read_event(record: Record, job_id: str) -> EventRecord:
    """The change of a ``ChangeRecord`` of this job."""
    return EventRecord(**_plain(record, EventRecord), job_id=job_id, fence=0)


def read_question(record: Record) -> QuestionRecord:
    """The question of a ``QuestionRecord``."""
    chain = record["chain_id"]
    given = _plain(record, QuestionRecord) | {
        "parent_id": parsed(chain) if chain else None,
        "holds": tuple(record["holds"]),
    }
    return QuestionRecord(**given)


def read_schedule(record: Record) -> Schedule:
    """The schedule of a ``ScheduleRecord``."""
    return Schedule(**_plain(record, Schedule) | {"coalesce": record["catch_up"] == "latest"})


def read_worker(record: Record) -> WorkerRecord:
    """The worker of a ``WorkerRecord``."""
    given = _plain(record, WorkerRecord) | {
        "queues": tuple(record["queues"]),
        "job_types": tuple(record["job_types"]),
    }
    return WorkerRecord(**given)
