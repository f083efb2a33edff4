"""Job types: what can be done, with the schema of its parameters."""

from __future__ import annotations

from fastapi import APIRouter

from onward.records.types import TypeRecord, type_record
from onward.server.access import Viewer
from onward.server.routing import App, noun

routes: APIRouter = noun("job-types")


@routes.get("")
def list_job_types(_caller: Viewer, app: App) -> list[TypeRecord]:
    """Every job type that this server knows."""
    return [type_record(kind) for kind in sorted(app.job_types, key=lambda kind: (kind.category, kind.name))]


@routes.get("/{name}")
def get_job_type(_caller: Viewer, app: App, name: str) -> TypeRecord:
    """One job type, by its name or an older one."""
    return type_record(app.job_types.get(name))
