"""Who one is here, and what the pages must know before anything else."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from onward.server.access import Anybody, NotSignedIn, Viewer, Within
from onward.server.gate import COOKIE
from onward.server.problems import documented
from onward.server.routing import App, noun
from onward.version import __version__

routes: APIRouter = noun("session")


class DatabaseKind(TypedDict):
    """Which database it is."""

    kind: str


class SessionRecord(TypedDict):
    """Who one is here."""

    user: str
    role: str
    read_only: bool
    signed_in: bool
    limits: dict[str, list[str]]
    version: str
    time_zone: str
    database: DatabaseKind
    base: str


@routes.get("")
def get_session(caller: Viewer, app: App, limits: Within, request: Request) -> SessionRecord:
    """Who one is, with which role, and where."""
    return {
        "user": caller.name,
        "role": caller.role.word,
        "read_only": app.settings.ui.read_only,
        "signed_in": caller.key_id is not None,
        "limits": limits.plain,
        "version": __version__,
        "time_zone": "UTC",
        "database": {"kind": "postgresql" if app.settings.database.is_postgresql else "sqlite"},
        "base": request.scope.get("root_path", "") + "/",
    }


class SignIn(BaseModel):
    """A key, for the pages: it is kept in a cookie that no script can read."""

    model_config = ConfigDict(extra="forbid")
    key: str = Field(max_length=200)


@routes.post("", status_code=204, responses=documented(401))
def sign_in(given: SignIn, _caller: Anybody, app: App, _limits: Within, request: Request, response: Response) -> None:
    """Sign in with a key."""
    if app.keys.check(given.key) is None:
        raise NotSignedIn("This key is not known, has expired or was revoked.", hint="onward key create")
    is_secure = request.url.scheme == "https"
    path = request.scope.get("root_path", "") or "/"
    response.set_cookie(COOKIE, given.key, httponly=True, samesite="strict", secure=is_secure, path=path)


@routes.delete("", status_code=204)
def sign_out(_caller: Anybody, _limits: Within, request: Request, response: Response) -> None:
    """Forget the key in the cookie."""
    response.delete_cookie(COOKIE, path=request.scope.get("root_path", "") or "/")
