"""Jobs that stopped with work saved, and the few numbers that the navigation shows."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter
from typing_extensions import TypedDict

from onward.model.query import JobQuery, Term
from onward.records.jobs import JobRecord, job_record
from onward.records.resume import ResumeRecord, resume_record
from onward.server.access import Viewer, Within, is_within
from onward.server.routing import App, CountRecord, Limit, Listed, listed, noun

routes: APIRouter = noun("", "interrupted")
_CAP = 1000


class InterruptedRecord(JobRecord):
    """A job that stopped with work saved, and the facts about going on."""

    resume: ResumeRecord


class Badges(TypedDict):
    """What asks for attention."""

    interrupted: CountRecord
    inputs: CountRecord
    failed_24h: CountRecord


@routes.get("/interrupted")
def list_interrupted(_caller: Viewer, app: App, limits: Within, limit: Limit = 50) -> Listed[InterruptedRecord]:
    """Jobs that may be resumed, newest first; phases are resumed with their chain."""
    page = app.search(JobQuery(interrupted=True, terms=limits.terms), limit=limit)
    found = [job for job in page if job.parent_id is None and job.is_interrupted and limits.allow_job(job)]
    return listed([{**job_record(job, app.job_types), "resume": resume_record(app, job)} for job in found])


@routes.get("/badges")
def get_badges(_caller: Viewer, app: App, limits: Within) -> Badges:
    """Three counts, each only as far as it is shown."""
    day = app.clock.now() - timedelta(days=1)
    alone = Term("parent_id", ("none",))
    cut = JobQuery(terms=(Term("state", ("interrupted",)), alone, *limits.terms), acknowledged=False, is_deep=False)
    broken = JobQuery(
        terms=(Term("state", ("failed",)), alone, *limits.terms), since=day, acknowledged=False, is_deep=False
    )
    asked = app.questions.list("open", limit=_CAP)
    inputs = sum(is_within(app, limits, app.get(one.job_id)) for one in asked) if limits else len(asked)
    return {
        "interrupted": _count(app.count_matching(cut, _CAP)),
        "inputs": _count(inputs),
        "failed_24h": _count(app.count_matching(broken, _CAP)),
    }


def _count(value: int) -> CountRecord:
    return {"value": value, "exact": value < _CAP}
