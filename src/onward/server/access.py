"""Who may do what: four roles, each with all that the one below may, asked for in one place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any

from fastapi import Depends, Request

from onward.errors import OnwardError


class Role(IntEnum):
    """What somebody may do. Viewers look, operators steer jobs, editors change schedules and chains, admins all."""

    NOBODY = 0
    VIEWER = 1
    OPERATOR = 2
    EDITOR = 3
    ADMIN = 4

    @property
    def word(self) -> str:
        """As it is written."""
        return self.name.lower()

    @classmethod
    def named(cls, word: str) -> Role:
        """The role of this name."""
        return cls[word.upper()]


ROLES = tuple(role.word for role in Role if role > 0)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent a request: a name for the history, a role, and the key that it came with."""

    name: str
    role: Role
    key_id: str | None = None


class NotSignedIn(OnwardError):
    """No key, or one that is not known, has expired or was revoked."""

    code = "not-signed-in"
    exit_code = 4


class NotAllowed(OnwardError):
    """The caller's role is not enough."""

    code = "not-allowed"
    exit_code = 4


def caller_of(request: Request) -> Caller:
    """Who sent a request; the gate has found out."""
    caller: Caller = request.scope["onward.caller"]
    return caller


class Needs:
    """A dependency of a route: the role that it asks for."""

    def __init__(self, role: Role) -> None:
        self.role = role

    async def __call__(self, request: Request) -> Caller:
        caller = caller_of(request)
        if caller.role is Role.NOBODY and self.role is not Role.NOBODY:
            raise NotSignedIn("A key is needed.", hint="Authorization: Bearer onw_…; make one: onward key create")
        if caller.role < self.role:
            raise NotAllowed(
                f"This needs the role {self.role.word}; {caller.name} has {caller.role.word}.",
                hint="Use a key of that role: onward key create --role " + self.role.word,
            )
        return caller


Anybody = Annotated[Caller, Depends(Needs(Role.NOBODY))]
Viewer = Annotated[Caller, Depends(Needs(Role.VIEWER))]
Operator = Annotated[Caller, Depends(Needs(Role.OPERATOR))]
Editor = Annotated[Caller, Depends(Needs(Role.EDITOR))]
Admin = Annotated[Caller, Depends(Needs(Role.ADMIN))]


def role_of(route: Any) -> Role | None:
    """The role that a route asks for; None where it asks for none."""
    found = [part.call.role for part in route.dependant.dependencies if isinstance(part.call, Needs)]
    return max(found, default=None)
