"""The house: keys, saved views, settings, health, and who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response
from typing_extensions import TypedDict

from onward.model.ids import shown
from onward.model.key import Key
from onward.model.limits import Limits
from onward.records.health import FindingRecord, examine
from onward.records.jobs import ChangeRecord, event_record
from onward.records.moments import rfc3339
from onward.server.access import Admin, Operator, Role, Viewer, Within
from onward.server.problems import documented
from onward.server.routing import App, Limit, Listed, listed, noun

keys: APIRouter = noun("keys")
views: APIRouter = noun("views")
settings: APIRouter = noun("settings")
health: APIRouter = noun("health")
audit: APIRouter = noun("audit")


class KeyRecord(TypedDict):
    """A key, without its secret."""

    id: str
    name: str
    start: str
    role: str
    created_by: str | None
    created_at: str
    expires_at: str | None
    used_at: str | None
    revoked_at: str | None
    is_good: bool
    limits: dict[str, list[str]]


class NewKeyRecord(KeyRecord):
    """A new key with its secret, which is shown this once."""

    secret: str


Names = Annotated[list[str], Field(max_length=50)]


class KeyLimits(BaseModel):
    """The jobs that a key is for; ``*`` stands for anything, an empty list limits nothing."""

    model_config = ConfigDict(extra="forbid")
    queues: Names = []
    job_types: Names = []
    user_ids: Names = []


class NewKey(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=200)
    role: Literal["viewer", "operator", "editor", "admin"] = "operator"
    days: float | None = Field(default=90, gt=0, le=3650, description="How long it is good; null: without an end.")
    limits: KeyLimits | None = None


@keys.get("")
def list_keys(_caller: Admin, app: App) -> Listed[KeyRecord]:
    """Every key, newest first."""
    return listed([_key(key, app) for key in app.keys.list()])


@keys.post("", status_code=201)
def create_key(caller: Admin, app: App, wanted: NewKey) -> NewKeyRecord:
    """A new key. Its secret is in this answer and nowhere else."""
    limits = Limits.of(wanted.limits.model_dump() if wanted.limits else None)
    key, secret = app.keys.create(wanted.name, wanted.role, days=wanted.days, limits=limits, created_by=caller.name)
    return {**_key(key, app), "secret": secret}


@keys.delete("/{key_id}", status_code=204, responses=documented(404))
def revoke_key(_caller: Admin, app: App, key_id: str) -> Response:
    """Have a key open nothing any more, at once."""
    app.keys.revoke(key_id)
    return Response(status_code=204)


def _key(key: Key, app: App) -> KeyRecord:
    return {
        "id": shown(key.id, "key"),
        "name": key.name,
        "start": key.start,
        "role": key.role,
        "created_by": key.created_by,
        "created_at": rfc3339(key.created_at),
        "expires_at": rfc3339(key.expires_at),
        "used_at": rfc3339(key.used_at),
        "revoked_at": rfc3339(key.revoked_at),
        "is_good": key.is_good(app.clock.now()),
        "limits": key.limits.plain,
    }


class ViewRecord(TypedDict):
    """A filter under a name."""

    id: str
    name: str
    page: str
    query: str
    shared: bool
    created_at: str


class NewView(BaseModel):
    """A filter to be kept; a shared one is everybody's."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=200)
    query: str = Field(max_length=4000)
    page: str = Field(default="jobs", max_length=50)
    shared: bool = False


@views.get("")
def list_views(caller: Viewer, app: App, _limits: Within) -> Listed[ViewRecord]:
    """One's own views, and everybody's."""
    return listed([_view(view) for view in app.views.list(caller.name)])


@views.post("", status_code=201)
def save_view(caller: Operator, app: App, view: NewView) -> ViewRecord:
    """Keep a filter under a name."""
    owner = None if view.shared else caller.name
    return _view(app.views.save(view.name, view.query, page=view.page, owner=owner))


@views.delete("/{view_id}", status_code=204, responses=documented(404))
def delete_view(caller: Operator, app: App, view_id: str) -> Response:
    """Delete a view of one's own; admins may delete any."""
    app.views.delete(view_id, None if caller.role >= Role.ADMIN else caller.name)
    return Response(status_code=204)


def _view(view: dict[str, Any]) -> ViewRecord:
    return {
        "id": shown(view["view_id"], "view"),
        "name": view["name"],
        "page": view["page"],
        "query": view["query"],
        "shared": view["owner"] is None,
        "created_at": rfc3339(view["created_at"]),
    }


class SettingRecord(TypedDict):
    """One setting: its value without secrets, where it comes from, and what that hides."""

    key: str
    value: Any
    origin: str
    overridden: list[str]
    redacted: bool


@settings.get("")
def list_settings(_caller: Operator, app: App) -> Listed[SettingRecord]:
    """Every setting of this server."""
    return listed(
        [
            {
                "key": item.key,
                "value": list(item.value) if isinstance(item.value, tuple) else item.value,
                "origin": item.origin,
                "overridden": list(item.overridden),
                "redacted": item.redacted,
            }
            for item in app.settings.origins()
        ]
    )


@health.get("")
def get_health(_caller: Viewer, app: App) -> Listed[FindingRecord]:
    """What the doctor finds."""
    return listed(list(examine(app)))


class ActRecord(ChangeRecord):
    """What somebody did with a job."""

    job: str


@audit.get("")
def list_audit(
    _caller: Operator,
    app: App,
    actor: Annotated[str | None, Query(max_length=200)] = None,
    job: Annotated[str | None, Query(max_length=200)] = None,
    kind: Annotated[str | None, Query(max_length=50)] = None,
    since: datetime | None = None,
    limit: Limit = 50,
    after: Annotated[str | None, Query(max_length=2000)] = None,
) -> Listed[ActRecord]:
    """What people have done, newest first."""
    page = app.audit.list(actor=actor, job_id=job, kind=kind, since=since, limit=limit, after=after)
    return listed([{**event_record(event), "job": shown(event.job_id)} for event in page], page.next)
