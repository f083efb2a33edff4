"""What jobs ask of people."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from onward.model.ids import shown
from onward.records.jobs import JobRecord, job_record
from onward.records.questions import QuestionRecord, question_record
from onward.server.access import Operator, Viewer, Within, is_within
from onward.server.problems import documented
from onward.server.routing import App, Limit, Listed, Match, listed, noun

routes: APIRouter = noun("inputs")
MISSING = documented(404)
CHANGES = documented(404, 409, 412, 503)


class Answer(BaseModel):
    """The answer to a question."""

    model_config = ConfigDict(extra="forbid")
    response: Any
    reason: str = Field(default="", max_length=4000)


class To(BaseModel):
    """Whom to ask instead; null: anybody."""

    model_config = ConfigDict(extra="forbid")
    to: str | None = Field(default=None, max_length=200)


@routes.get("")
def list_inputs(
    _caller: Viewer,
    app: App,
    limits: Within,
    state: Annotated[Literal["open", "answered", "expired", "withdrawn", "all"], Query()] = "open",
    job: Annotated[str | None, Query(max_length=200)] = None,
    assigned_to: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 50,
    after: Annotated[str | None, Query(max_length=200)] = None,
) -> Listed[QuestionRecord]:
    """Questions: open ones as they were asked, others newest first."""
    wanted = None if state == "all" else state
    page = app.questions.list(wanted, job_id=job, assigned_to=assigned_to, limit=limit, after=after)
    shown_of = [question for question in page if not limits or is_within(app, limits, app.get(question.job_id))]
    items = [question_record(question, app.job_types) for question in shown_of]
    return listed(items, shown(page.next, "inp") if page.next else None)


@routes.get("/{question_id}", responses=MISSING)
def get_input(_caller: Viewer, app: App, question_id: str, response: Response) -> QuestionRecord:
    """One question."""
    record = question_record(app.questions.get(question_id), app.job_types)
    response.headers["ETag"] = f'"{record["version"]}"'
    return record


@routes.post("/{question_id}/answer", responses=CHANGES)
def answer(caller: Operator, app: App, question_id: str, match: Match, given: Answer) -> JobRecord:
    """Answer a question; the first answer counts."""
    asked = app.questions.get(question_id)
    job = app.answer(
        asked.job_id, given.response, question_id=asked.id, answered_by=caller.name, reason=given.reason,
        expect_version=match,
    )  # fmt: skip
    return job_record(job, app.job_types)


@routes.post("/{question_id}/claim", responses=CHANGES)
def claim(caller: Operator, app: App, question_id: str, match: Match) -> QuestionRecord:
    """Say that one looks after it."""
    return question_record(app.questions.claim(question_id, caller.name, expect_version=match), app.job_types)


@routes.post("/{question_id}/release", responses=CHANGES)
def release(caller: Operator, app: App, question_id: str, match: Match) -> QuestionRecord:
    """Say that one does not look after it any more."""
    return question_record(app.questions.release(question_id, caller.name, expect_version=match), app.job_types)


@routes.post("/{question_id}/reassign", responses=CHANGES)
def reassign(caller: Operator, app: App, question_id: str, match: Match, given: To) -> QuestionRecord:
    """Ask somebody else."""
    moved = app.questions.reassign(question_id, given.to, actor=caller.name, expect_version=match)
    return question_record(moved, app.job_types)
