"""Questions to people: looking at them, taking them on, answering them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from onward.model.ids import shown
from onward.records.questions import QuestionRecord, question_record
from onward.server.access import Operator, Viewer
from onward.server.problems import documented
from onward.server.routing import After, App, Limit, Listed, listed, noun

routes = noun("inputs")
ANSWERS = documented(404, 409, 503)


class Answer(BaseModel):
    """What somebody says to a question."""

    model_config = ConfigDict(extra="forbid")
    response: Any = None
    reason: str = Field(default="", max_length=4000)


@routes.get("")
def list_inputs(
    _caller: Viewer,
    app: App,
    state: Literal["open", "answered", "expired", "withdrawn", "all"] = "open",
    job_id: Annotated[str | None, Query(max_length=200, description="Of this job or chain.")] = None,
    assigned_to: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 50,
    after: After = None,
) -> Listed[QuestionRecord]:
    """A page of questions: open ones as they were asked, others newest first."""
    page = app.questions.list(
        None if state == "all" else state, job_id=job_id, assigned_to=assigned_to, limit=limit, after=after
    )
    return listed(
        [question_record(question, app.job_types) for question in page], shown(page.next, "inp") if page.next else None
    )


@routes.get("/{question_id}", responses=documented(404))
def get_input(_caller: Viewer, app: App, question_id: str) -> QuestionRecord:
    """One question."""
    return question_record(app.questions.get(question_id), app.job_types)


@routes.post("/{question_id}/answer", responses=ANSWERS)
def answer(caller: Operator, app: App, question_id: str, answer: Answer) -> QuestionRecord:
    """Answer it; the first answer counts, and 409 says whose that was."""
    asked = app.questions.get(question_id)
    app.answer(asked.job_id, answer.response, question_id=asked.id, answered_by=caller.name, reason=answer.reason)
    return question_record(app.questions.get(asked.id), app.job_types)


@routes.post("/{question_id}/claim", responses=ANSWERS)
def claim(caller: Operator, app: App, question_id: str) -> QuestionRecord:
    """Say that one looks after it; all may still answer."""
    return question_record(app.questions.claim(question_id, caller.name), app.job_types)


@routes.post("/{question_id}/release", responses=ANSWERS)
def release(caller: Operator, app: App, question_id: str) -> QuestionRecord:
    """Look after it no more."""
    return question_record(app.questions.release(question_id, caller.name), app.job_types)
