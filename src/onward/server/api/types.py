"""Job types: what can be done, with the schema of its parameters."""

from __future__ import annotations

from fastapi import APIRouter

from onward.records.types import TypeRecord, type_record
from onward.server.access import NotAllowed, Viewer, Within
from onward.server.routing import App, noun

routes: APIRouter = noun("job-types")


@routes.get("")
def list_job_types(_caller: Viewer, app: App, limits: Within) -> list[TypeRecord]:
    """Every job type that this server knows."""
    found = sorted(app.job_types, key=lambda kind: (kind.category, kind.name))
    return [type_record(kind) for kind in found if limits.allow_type(kind.name)]


@routes.get("/{name}")
def get_job_type(_caller: Viewer, app: App, limits: Within, name: str) -> TypeRecord:
    """One job type, by its name or an older one."""
    kind = app.job_types.get(name)
    if not limits.allow_type(kind.name):
        raise NotAllowed(f"{kind.name} is beyond what you are limited to: {limits.text}.")
    return type_record(kind)
