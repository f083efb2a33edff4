"""What a caller with limits may hand in: jobs that lie within them, and nothing that touches the jobs of others."""

from __future__ import annotations

from collections.abc import Mapping

from onward.app import Onward
from onward.authoring.job_type import CHAIN
from onward.errors import UnknownJobType
from onward.model.job import Job, Json
from onward.model.limits import Limits, only
from onward.model.query import JobQuery
from onward.server.access import NotAllowed, is_within

_PAGE = 500
_UNFINISHED = ("pending", "running", "pending_hitl", "failed", "cancelled")


def chosen_within(
    limits: Limits,
    app: Onward,
    job_type: str,
    params: Mapping[str, Json],
    *,
    queue: str | None = None,
    user_id: str | None = None,
    on_conflict: str | None = None,
    source_id: str | None = None,
) -> tuple[str | None, str | None]:
    """Queue and user of a new job; where only one is allowed and none is given, that one. Raises ``NotAllowed``."""
    if not limits:
        return queue, user_id
    try:
        kind, _ = app.job_types.resolve_with(job_type, params)
    except UnknownJobType:
        raise _not_allowed(limits, f"The job type {job_type[:100]}") from None
    queue, user_id = queue or only(limits.queues), user_id or only(limits.user_ids)
    if not limits.allow(kind.name, queue or kind.queue, user_id):
        raise _not_allowed(limits, f"A job of type {kind.name}, queue {queue or kind.queue}, user {user_id}")
    if kind.name == CHAIN:
        raise _not_allowed(limits, "A chain of one's own may have phases of any kind: it")
    if (on_conflict or kind.on_conflict) == "replace":
        raise _not_allowed(limits, "on_conflict=replace may cancel the jobs of others: that")
    refuse_source(limits, app, kind.name, source_id)
    return queue, user_id


def refuse_source(limits: Limits, app: Onward, job_type: str, source_id: str | None) -> None:
    """Raise ``NotAllowed`` where others have unfinished work of this type on a source: it could be gone on with."""
    if not limits or source_id is None:
        return
    query, after = JobQuery(_UNFINISHED, source_id=source_id, job_type=job_type), None
    while True:
        page = app.search(query, limit=_PAGE, after=after)
        for job in page:
            if not job.status.is_ended or job.has_checkpoint:
                refuse_beyond(limits, app, job)
        after = page.next
        if after is None:
            return


def refuse_beyond(limits: Limits, app: Onward, job: Job) -> None:
    """Raise ``NotAllowed`` where what was asked for turns out to be the job of others; it is not told which."""
    if not is_within(app, limits, job):
        raise _not_allowed(limits, "What has this source or key is the job of others: it")


def _not_allowed(limits: Limits, what: str) -> NotAllowed:
    return NotAllowed(f"{what} is beyond what you are limited to: {limits.text}.", hint="Use a key without limits.")
