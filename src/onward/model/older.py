"""A job as the older interface shows it: flat, under the names of the columns that people query."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from onward.model.job import Job, JobError, Json
from onward.model.states import Status

IN_PROCESS = "in-process-"
"""Queues that begin so belong to one process, whose plain functions run in it."""
OUTSIDE = "outside"
"""The queue of jobs without a function, which no worker ever runs."""

UPDATES = frozenset(
    {
        "status", "task_description", "progress_percent", "progress_message", "hitl_type", "hitl_data",
        "hitl_response", "result", "error", "current_dimension", "current_operation", "pending_dimensions",
    }
)  # fmt: skip
"""What ``update_job`` may change."""
NOTES = frozenset({"task_description", "progress_percent", "progress_message"})
"""What of it may also be changed of a job that onward runs itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """One job, flat: read by attribute (``state.status``), by name (``state["status"]``), or as ``dict(state)``.

    ``is_resumable`` is False for a function that was handed over as it is: it ends with its process.
    """

    job_id: str
    status: Status = Status.PENDING
    job_type: str = "task"
    label: str = ""
    source_id: str | None = None
    user_id: str | None = None
    task_description: str = ""
    progress_percent: int | None = None
    progress_message: str = ""
    hitl_type: str | None = None
    hitl_data: Json = None
    hitl_response: Json = None
    result: Json = None
    error: JobError | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    updated_at: datetime | None = None
    current_dimension: int | None = None
    current_operation: str | None = None
    pending_dimensions: tuple[int, ...] = ()
    is_resumable: bool = True
    stale: bool = False

    @classmethod
    def of(cls, job: Job) -> JobState:
        """The flat form of a job."""
        asked = job.hitl
        return cls(
            job_id=job.id,
            status=job.status,
            job_type=job.job_type,
            label=job.label,
            source_id=job.source_id,
            user_id=job.user_id,
            task_description=job.task_description,
            progress_percent=job.progress.percent,
            progress_message=job.progress.message,
            hitl_type=asked.type if asked else None,
            hitl_data=asked.data if asked else None,
            hitl_response=asked.response if asked else None,
            result=job.result,
            error=job.error,
            created_at=job.created_at,
            started_at=job.started_at,
            completed_at=job.completed_at,
            updated_at=job.updated_at,
            current_dimension=job.current_dimension,
            current_operation=job.current_operation,
            pending_dimensions=job.pending_dimensions,
            is_resumable=not is_in_process(job),
            stale=job.stale,
        )

    @property
    def id(self) -> str:
        """The same as ``job_id``."""
        return self.job_id

    def keys(self) -> Iterator[str]:
        """The names of all fields."""
        return (field.name for field in fields(self))

    def __getitem__(self, name: str) -> Any:
        if name not in self.__dataclass_fields__:
            raise KeyError(name)
        return getattr(self, name)

    def get(self, name: str, default: Any = None) -> Any:
        """The field of this name, or ``default``."""
        return self[name] if name in self.__dataclass_fields__ else default


def is_outside(job: Job) -> bool:
    """Whether the job has no function: no worker runs it, its program moves it."""
    return job.queue == OUTSIDE and job.type_version == 0


def is_in_process(job: Job) -> bool:
    """Whether the job is a plain function that lives in one process."""
    return job.queue.startswith(IN_PROCESS)
