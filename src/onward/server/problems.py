"""Errors as problem+json (RFC 9457): one table from error to status, and never a stack trace."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from onward import errors
from onward.authoring.registry import JobTypes
from onward.model.ids import shown
from onward.model.job import Job
from onward.model.schedule import Schedule
from onward.records.jobs import job_record
from onward.records.moments import rfc3339
from onward.records.schedules import schedule_record
from onward.server.access import NotAllowed, NotSignedIn, caller_of

_KINDS = "urn:onward:error:"
_RETRY_SECONDS = 5

STATUS: dict[type[Exception], int] = {
    errors.OnwardError: 422,
    NotSignedIn: 401,
    NotAllowed: 403,
    errors.InvalidFilter: 400,
    errors.CursorMismatch: 400,
    errors.ChangedMeanwhile: 412,
    errors.JobNotFound: 404,
    errors.ChainNotFound: 404,
    errors.QuestionNotFound: 404,
    errors.ScheduleNotFound: 404,
    errors.ResourceBusy: 409,
    errors.CapacityMismatch: 409,
    errors.IncompleteJobFound: 409,
    errors.IdempotencyConflict: 409,
    errors.IllegalTransition: 409,
    errors.VersionConflict: 412,
    errors.AlreadyAnswered: 409,
    errors.AlreadyClaimed: 409,
    errors.ImportClash: 409,
    errors.WorkersOnline: 409,
    errors.CorruptCheckpoint: 409,
    errors.StoreUnavailable: 503,
    errors.JournalUnavailable: 503,
}
"""What an error answers with; a kind that is not here answers as the kind that it derives from."""


class Problem(Exception):
    """An answer that is a problem, made by the server itself."""

    def __init__(self, status: int, code: str, detail: str, *, hint: str = "", **facts: Any) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.hint, self.facts = status, code, detail, hint, facts


def status_of(error: Exception) -> int:
    """The HTTP status of an error."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def problem(
    status: int, code: str, detail: str, request_id: str, *, hint: str = "", title: str = "", **facts: Any
) -> Response:
    """A problem as an answer."""
    document = {
        "type": f"{_KINDS}{code}",
        "title": title or code.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        "errors": facts.pop("errors", []),
        "hint": hint,
        "request_id": request_id,
        **facts,
    }
    headers = {"Retry-After": str(_RETRY_SECONDS)} if status in (429, 503) else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(document), status, headers, "application/problem+json")


def install(app: FastAPI, types: JobTypes) -> None:
    """Have every error of the application answered as a problem."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, errors.OnwardError)  # noqa: S101 - it is registered for this kind
        told = facts_of(error, types)
        job = getattr(error, "job", None)
        if isinstance(job, Job) and not caller_of(request).limits.allow_job(job):
            told.pop("job", None)
        return problem(status_of(error), error.code, _without_stored_id(error), _id(request), hint=error.hint, **told)

    async def made_here(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)  # noqa: S101 - it is registered for this kind
        return problem(error.status, error.code, error.detail, _id(request), hint=error.hint, **error.facts)

    async def wrong(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for this kind
        return invalid(error, _id(request))

    async def plain(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for this kind
        phrase = HTTPStatus(error.status_code).phrase
        answer = problem(error.status_code, phrase.lower().replace(" ", "-"), f"{phrase}.", _id(request))
        answer.headers.update(error.headers or {})
        return answer

    async def late(request: Request, error: Exception) -> Response:
        return problem(504, "timeout", str(error) or "It took too long; it goes on.", _id(request))

    app.add_exception_handler(errors.OnwardError, ours)
    app.add_exception_handler(Problem, made_here)
    app.add_exception_handler(RequestValidationError, wrong)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(TimeoutError, late)


def invalid(error: RequestValidationError, request_id: str) -> Response:
    """A request that does not fit: 400 when it cannot be read at all, 422 when its values do not fit."""
    found = [{"pointer": _pointer(item["loc"]), "message": item["msg"]} for item in error.errors()]
    is_malformed = any(item["type"] == "json_invalid" or item["loc"][:1] == ("query",) for item in error.errors())
    status, code = (400, "malformed") if is_malformed else (422, "invalid")
    detail = "; ".join(f"{item['pointer']}: {item['message']}" for item in found[:5])
    return problem(status, code, f"The request does not fit: {detail}.", request_id, errors=found)


def facts_of(error: errors.OnwardError, types: JobTypes) -> dict[str, Any]:
    """What an error carries besides its message, as plain values."""
    facts: dict[str, Any] = {}
    listed = getattr(error, "errors", None)
    if listed:
        facts["errors"] = [
            {"pointer": "/" + item["field"].replace(".", "/"), "message": item["message"]} for item in listed
        ]
    report = getattr(error, "report", None)
    if report is not None:
        facts["errors"] = [
            {
                "pointer": "" if item.phase is None else f"/phases/{item.phase}",
                "message": item.message,
                "hint": item.hint,
                "code": item.code,
            }
            for item in report.errors
        ]
    job = getattr(error, "job", None)
    if isinstance(job, Job):
        facts["job"] = job_record(job, types)
    schedule = getattr(error, "schedule", None)
    if isinstance(schedule, Schedule):
        facts["schedule"] = schedule_record(schedule, types)
    for name in ("percent", "age_seconds", "resource", "near", "version"):
        value = getattr(error, name, None)
        if value:
            facts[name] = list(value) if isinstance(value, tuple) else value
    asked = getattr(error, "question", None)
    if asked is not None:
        facts["question"] = {
            "id": shown(asked.id, "inp"),
            "state": asked.state,
            "answered_by": asked.answered_by,
            "answered_at": rfc3339(asked.answered_at),
            "claimed_by": asked.claimed_by,
            "claimed_at": rfc3339(asked.claimed_at),
        }
    return facts


def _without_stored_id(error: errors.OnwardError) -> str:
    """The message for people: the stored form of an id says nothing more to them."""
    job = getattr(error, "job", None)
    text = error.message.partition(" Its id is ")[0]
    return text.replace(job.id, shown(job.id)) if isinstance(job, Job) else text


def _pointer(place: tuple[Any, ...]) -> str:
    parts = [str(part) for part in place if part != "body"]
    return "/" + "/".join(parts)


def _id(request: Request) -> str:
    found: str = request.scope.get("onward.request_id", "")
    return found


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route may answer besides success, for its description."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }
