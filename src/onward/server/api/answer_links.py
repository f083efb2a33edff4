"""Links with which one person answers one question, without signing in."""

from __future__ import annotations

from typing import Any, cast

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from onward.engine.answer_links import PAGE
from onward.model.question import QuestionRecord
from onward.records.moments import rfc3339
from onward.records.questions import question_record
from onward.server.access import Anybody, NotAllowed, Operator, Within
from onward.server.problems import documented
from onward.server.routing import App, noun

routes: APIRouter = noun("answer-links")
making: APIRouter = noun("inputs")
ANSWERS = documented(404, 409, 503)
Token = Field(max_length=2000, description="What stands behind # in the link.")


class For(BaseModel):
    """Whom a link is for, and for how many days it is good."""

    model_config = ConfigDict(extra="forbid")
    person: str = Field(min_length=1, max_length=200)
    days: float = Field(default=7, gt=0, le=365)


class LinkRecord(TypedDict):
    """A link, which answers one question in the name of one person: give it to nobody else."""

    url: str
    token: str
    person: str
    expires_at: str | None


class Opened(BaseModel):
    """A link that somebody has opened."""

    model_config = ConfigDict(extra="forbid")
    token: str = Token


class Given(Opened):
    """An answer that comes by a link."""

    response: Any
    reason: str = Field(default="", max_length=4000)


class AskedRecord(TypedDict):
    """What somebody with a link is shown: the question, and nothing else of its job."""

    person: str
    job_type: str
    source_id: str | None
    name: str
    type: str
    state: str
    prompt: str
    data: Any
    schema: Any
    asked_at: str | None
    expires_at: str | None
    on_timeout: str
    response: Any
    answered_by: str | None
    answered_at: str | None


@making.post("/{question_id}/link", status_code=201, responses=ANSWERS)
def make_link(caller: Operator, app: App, request: Request, question_id: str, wanted: For) -> LinkRecord:
    """A link with which ``person`` may answer this question, without signing in, once."""
    made = app.answer_links.make(question_id, wanted.person, days=wanted.days, actor=caller.name)
    url = made.url or f"{str(request.base_url).rstrip('/')}/{PAGE}#{made.token}"
    return {"url": url, "token": made.token, "person": made.person, "expires_at": rfc3339(made.expires_at)}


@routes.post("/look", responses=ANSWERS)
def look(_caller: Anybody, app: App, _limits: Within, opened: Opened) -> AskedRecord:
    """The question of a link. Looking changes nothing, however often."""
    question, person = app.answer_links.look(opened.token)
    return _asked(question, person, app)


@routes.post("/answer", responses=ANSWERS)
def answer(_caller: Anybody, app: App, _limits: Within, given: Given) -> AskedRecord:
    """Answer the question of a link; the first answer counts."""
    if app.settings.ui.read_only:
        raise NotAllowed("These pages only show: nobody may change anything.", hint="Unset ui.read_only.")
    app.answer_links.answer(given.token, given.response, reason=given.reason)
    question, person = app.answer_links.look(given.token)
    return _asked(question, person, app)


def _asked(question: QuestionRecord, person: str, app: App) -> AskedRecord:
    record = question_record(question, app.job_types)
    shown = {name: value for name, value in record.items() if name in AskedRecord.__annotations__}
    return cast(AskedRecord, {**shown, "person": person})
