"""A job with all that is known of it: attempts, phases or ranges, relatives, and what can be done with it."""

from __future__ import annotations

from typing_extensions import TypedDict

import onward
from onward.errors import JobNotFound
from onward.model.family import WorkRange
from onward.model.ids import shown
from onward.model.job import Job
from onward.records.actions import ActionRecord, action_records
from onward.records.jobs import JobRecord, RunRecord, job_record, run_record
from onward.records.moments import rfc3339


class RelativeRecord(TypedDict):
    """Another job, in a word."""

    id: str
    job_type: str
    state: str


class PhaseRecord(TypedDict):
    """A phase of a chain; without an id it has not been reached."""

    id: str | None
    name: str
    job_type: str
    weight: float
    state: str
    percent: int | None
    started_at: str | None
    completed_at: str | None


class RangeRecord(RelativeRecord):
    """A range of a fan-out."""

    family: str | None
    number: int
    of: int
    start: int
    end: int | None
    percent: int | None


class JobDetail(JobRecord):
    """A job with all that is known of it."""

    runs: list[RunRecord]
    phases: list[PhaseRecord]
    ranges: list[RangeRecord]
    actions: dict[str, ActionRecord]
    parent: RelativeRecord | None
    schedule: str | None
    followers: list[RelativeRecord]
    version: str


def job_detail(job: Job, app: onward.Onward) -> JobDetail:
    """The job, and what belongs to it."""
    children = app.children(job.id)
    return {
        **job_record(job, app.job_types),
        "runs": [run_record(run) for run in app.runs(job.id)],
        "phases": phase_records(job, children, app),
        "ranges": [_range(child) for child in children if child.family is not None],
        "actions": action_records(job),
        "parent": relative(app, job.parent_id),
        "schedule": app.schedules.name_of(job.scheduled_job_id) if job.scheduled_job_id else None,
        "followers": [found for found in [relative(app, job.superseded_by)] if found is not None],
        "version": job.version,
    }


def relative(app: onward.Onward, job_id: str | None) -> RelativeRecord | None:
    """Another job in a word; None where there is none any more."""
    if job_id is None:
        return None
    try:
        return relative_record(app.get(job_id))
    except JobNotFound:
        return None


def relative_record(job: Job) -> RelativeRecord:
    """A job in a word."""
    return {"id": shown(job.id), "job_type": job.job_type, "state": job.state}


def phase_records(job: Job, children: list[Job], app: onward.Onward) -> list[PhaseRecord]:
    """The phases of a chain in order, those too that have not been reached; empty for any other job."""
    current = {child.position: child for child in children if child.family is None and not child.superseded_by}
    return [
        _phase(name, job_type, weight, current.get(at)) for at, (name, job_type, weight) in enumerate(planned(job, app))
    ]


def planned(job: Job, app: onward.Onward) -> list[tuple[str, str, float]]:
    """Name, job type and weight of each phase of a chain."""
    listed = job.params.get("phases") if job.job_type == "chain" else None
    if isinstance(listed, list):
        return [
            (str(item.get("name") or item.get("job_type")), str(item.get("job_type") or item.get("name")),
             float(item.get("weight", 50)))
            for item in listed
            if isinstance(item, dict)
        ]  # fmt: skip
    if job.job_type in app.job_types:
        phases = app.job_types.get(job.job_type).phases
        return [(phase.name, phase.type_name or phase.name, float(phase.weight)) for phase in phases]
    return []


def _phase(name: str, job_type: str, weight: float, child: Job | None) -> PhaseRecord:
    return {
        "id": None if child is None else shown(child.id),
        "name": name,
        "job_type": job_type,
        "weight": weight,
        "state": "not_reached" if child is None else child.state,
        "percent": None if child is None else child.progress.percent,
        "started_at": None if child is None else rfc3339(child.started_at),
        "completed_at": None if child is None else rfc3339(child.completed_at),
    }


def _range(child: Job) -> RangeRecord:
    part = child.range or WorkRange()
    return {
        **relative_record(child),
        "family": child.family,
        "number": part.worker_id,
        "of": part.total_workers,
        "start": part.start,
        "end": part.end,
        "percent": child.progress.percent,
    }
