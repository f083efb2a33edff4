"""Who one is here, and what the pages must know before anything else."""

from __future__ import annotations

from fastapi import Request
from typing_extensions import TypedDict

from onward.server.access import Viewer
from onward.server.routing import App, noun
from onward.version import __version__

routes = noun("session")


class DatabaseKind(TypedDict):
    """Which database it is."""

    kind: str


class SessionRecord(TypedDict):
    """Who one is here."""

    user: str
    role: str
    read_only: bool
    version: str
    time_zone: str
    database: DatabaseKind
    base: str


@routes.get("")
def get_session(caller: Viewer, app: App, request: Request) -> SessionRecord:
    """Who one is, with which role, and where."""
    return {
        "user": caller.name,
        "role": caller.role.word,
        "read_only": app.settings.ui.read_only,
        "version": __version__,
        "time_zone": "UTC",
        "database": {"kind": "postgresql" if app.settings.database.is_postgresql else "sqlite"},
        "base": request.scope.get("root_path", "") + "/",
    }
