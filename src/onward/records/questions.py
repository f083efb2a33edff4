"""Questions to people as plain values; what is secret in them is hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from typing_extensions import TypedDict

from onward.authoring.registry import JobTypes
from onward.model.ids import shown
from onward.model.job import Question
from onward.model.question import QuestionRecord as Asked
from onward.model.schema import is_secret
from onward.records.moments import rfc3339
from onward.records.payload import PAYLOAD


class QuestionRecord(TypedDict):
    """What a job asks of a person."""

    id: str
    job_id: str
    job_type: str
    chain_id: str | None
    source_id: str | None
    name: str
    type: str
    state: str
    prompt: str
    data: Annotated[Any, PAYLOAD]
    schema: Any
    asked_at: str | None
    expires_at: str | None
    on_timeout: str
    default: Annotated[Any, PAYLOAD]
    assigned_to: str | None
    claimed_by: str | None
    claimed_at: str | None
    response: Annotated[Any, PAYLOAD]
    answered_by: str | None
    answered_at: str | None
    holds: list[str]
    behind: int
    version: str


class HitlRecord(TypedDict):
    """What a job asked last, in its own record."""

    id: str
    name: str
    type: str
    prompt: str
    data: Annotated[Any, PAYLOAD]
    schema: Any
    response: Annotated[Any, PAYLOAD]
    expires_at: str | None


def question_record(question: Asked, types: JobTypes) -> QuestionRecord:
    """A question."""
    hidden = secrets_of(question, question.job_type, types)
    return {
        "id": shown(question.id, "inp"),
        "job_id": shown(question.job_id),
        "job_type": question.job_type,
        "chain_id": shown(question.parent_id) if question.parent_id else None,
        "source_id": question.source_id,
        "name": question.name,
        "type": question.type,
        "state": question.state,
        "prompt": question.prompt,
        "data": hide(question.data, hidden),
        "schema": question.schema,
        "asked_at": rfc3339(question.asked_at),
        "expires_at": rfc3339(question.expires_at),
        "on_timeout": question.on_timeout,
        "default": hide(question.default, hidden),
        "assigned_to": question.assigned_to,
        "claimed_by": question.claimed_by,
        "claimed_at": rfc3339(question.claimed_at),
        "response": hide(question.response, hidden),
        "answered_by": question.answered_by,
        "answered_at": rfc3339(question.answered_at),
        "holds": list(question.holds),
        "behind": question.behind,
        "version": question.version,
    }


def hitl_record(question: Question | None, job_type: str, types: JobTypes) -> HitlRecord | None:
    """What a job asked last, in its own record."""
    if question is None:
        return None
    hidden = secrets_of(question, job_type, types)
    return {
        "id": shown(question.id, "inp"),
        "name": question.name,
        "type": question.type,
        "prompt": question.prompt,
        "data": hide(question.data, hidden),
        "schema": question.schema,
        "response": hide(question.response, hidden),
        "expires_at": rfc3339(question.expires_at),
    }


def secrets_of(question: Question, job_type: str, types: JobTypes) -> frozenset[str]:
    """Names whose values are hidden: the job type's sensitive ones, and what the schema keeps secret."""
    named = types.get(job_type).sensitive if job_type in types else frozenset[str]()
    schema = question.schema if isinstance(question.schema, Mapping) else {}
    fields = schema.get("properties", {})
    own = {name for name, spec in fields.items() if isinstance(spec, Mapping) and is_secret(spec)}
    return frozenset({*named, *own, *([""] if is_secret(schema) else [])})


def hide(value: Any, names: frozenset[str]) -> Any:
    """The value with ``***`` below these names, however deep; the empty name is the whole value."""
    if value is None or not names:
        return value
    if "" in names:
        return "***"
    if isinstance(value, Mapping):
        return {name: "***" if name in names else hide(item, names) for name, item in value.items()}
    return [hide(item, names) for item in value] if isinstance(value, list) else value
