"""Who may do what: four roles, each with all that the one below may, and jobs that a caller is limited to.

Both are asked for in one place, ``Needs``. A caller with limits gets through to a route that is about a job or a
question within them, and to one that takes the limits itself (``Within``); every other route is refused.
"""

from __future__ import annotations

from asyncio import to_thread
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any

from fastapi import Depends, Request

from onward.app import Onward
from onward.errors import JobNotFound, OnwardError, QuestionNotFound
from onward.model.job import Job
from onward.model.limits import ALL, Limits


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
    """Whoever sent a request: a name for the history, a role, the key that it came with, and which jobs it is for."""

    name: str
    role: Role
    key_id: str | None = None
    limits: Limits = ALL


class NotSignedIn(OnwardError):
    """No key, or one that is not known, has expired or was revoked."""

    code = "not-signed-in"
    exit_code = 4


class NotLetIn(NotSignedIn):
    """The application around ours, which knows who somebody is, does not let them in."""

    code = "not-let-in"


class NotAllowed(OnwardError):
    """The caller's role is not enough, or what was asked for is beyond the caller's limits."""

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
        if caller.limits:
            await to_thread(_keep_within, request, caller)
        return caller


def is_within(app: Onward, limits: Limits, job: Job) -> bool:
    """Whether a job is among those of the limits, or is a part of one that is."""
    if not limits or limits.allow_job(job):
        return True
    if job.parent_id is not None:
        with suppress(JobNotFound):
            return limits.allow_job(app.get(job.parent_id))
    return False


def get_within(app: Onward, limits: Limits, job_id: str) -> Job:
    """The job of this id. Raises ``JobNotFound``, in the same words where there is none and where it is not within."""
    with suppress(JobNotFound):
        job = app.get(job_id)
        if is_within(app, limits, job):
            return job
    raise JobNotFound(f"There is no job {job_id}.", hint=f"This key is for {limits.text}." if limits else "")


def _keep_within(request: Request, caller: Caller) -> None:
    """Refuse what is about something else than the caller's jobs, as if it were not there."""
    app: Onward = request.scope["app"].state.onward
    job_id, question_id = (request.path_params.get(name) for name in ("job_id", "question_id"))
    if question_id is not None:
        try:
            get_within(app, caller.limits, app.questions.get(question_id).job_id)
        except (QuestionNotFound, JobNotFound):
            hint = f"This key is for {caller.limits.text}."
            raise QuestionNotFound(f"There is no question {question_id}.", hint=hint) from None
    elif job_id is not None:
        job = get_within(app, caller.limits, job_id)
        if request.method != "GET" and job.parent_id and not is_within(app, caller.limits, app.get(job.parent_id)):
            raise NotAllowed(
                f"Job {job_id} is a part of another job, which is steered as a whole and is not one of yours.",
                hint="Use a key without limits.",
            )
    elif not takes_limits(request.scope["route"]):
        raise NotAllowed(
            f"{caller.name} may see only jobs of {caller.limits.text}, and this shows more.",
            hint="Use a key without limits.",
        )


async def _limits_of(request: Request) -> Limits:
    return caller_of(request).limits


Within = Annotated[Limits, Depends(_limits_of)]
"""The jobs that the caller is limited to, for a route that keeps to them itself."""


def takes_limits(route: Any) -> bool:
    """Whether a route keeps to the caller's limits itself."""
    return any(part.call is _limits_of for part in route.dependant.dependencies)


Anybody = Annotated[Caller, Depends(Needs(Role.NOBODY))]
Viewer = Annotated[Caller, Depends(Needs(Role.VIEWER))]
Operator = Annotated[Caller, Depends(Needs(Role.OPERATOR))]
Editor = Annotated[Caller, Depends(Needs(Role.EDITOR))]
Admin = Annotated[Caller, Depends(Needs(Role.ADMIN))]


def role_of(route: Any) -> Role | None:
    """The role that a route asks for; None where it asks for none."""
    found = [part.call.role for part in route.dependant.dependencies if isinstance(part.call, Needs)]
    return max(found, default=None)
