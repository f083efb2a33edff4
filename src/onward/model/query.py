"""What a list of jobs may be filtered and sorted by, and the cursor that goes on where a page ended."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from onward.errors import CursorMismatch
from onward.model.codec import digest
from onward.model.job import Job


@dataclass(frozen=True, slots=True)
class Term:
    """One key with its values, of which one must fit; ``negated``: none of them may. ``*`` stands for anything."""

    key: str
    values: tuple[str, ...]
    negated: bool = False


SORTS = ("created", "updated", "run_at", "started", "completed", "priority", "percent")
"""What a list may be sorted by; ``created`` reaches any depth, the others the newest that match."""

_SORTED_BY = {
    "updated": "updated_at", "run_at": "run_at", "started": "started_at", "completed": "completed_at",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class JobQuery:
    """Filters of a job list; None means any. ``statuses`` are the six; ``since`` is the time of submission.

    ``terms`` are more of them, all of which must fit. ``sort`` is one of ``SORTS``, with a ``-`` for the highest first.
    ``is_deep``: look at all jobs, not only at the newest ones, where no index finds what is asked for.
    """

    statuses: tuple[str, ...] = ()
    job_type: str | None = None
    source_id: str | None = None
    user_id: str | None = None
    tag: str | None = None
    parent_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    interrupted: bool = False
    acknowledged: bool | None = None
    terms: tuple[Term, ...] = ()
    sort: str = "-created"
    is_deep: bool = True

    def key(self) -> str:
        """A short digest of the filters: a cursor fits only the list it came from."""
        return digest(repr(self))

    @property
    def sort_column(self) -> str | None:
        """The column that it is sorted by; None for the order of submission."""
        name = self.sort.lstrip("-")
        return {"priority": "priority", "percent": "progress_percent", **_SORTED_BY}.get(name)

    @property
    def is_falling(self) -> bool:
        """Whether the highest come first."""
        return self.sort.startswith("-")

    def place_of(self, job: Job) -> Any:
        """What a job is sorted by, as plain JSON."""
        name = self.sort.lstrip("-")
        if name in _SORTED_BY:
            moment: datetime | None = getattr(job, _SORTED_BY[name])
            return moment.isoformat() if moment is not None else None
        if name == "percent":
            return -1 if job.progress.percent is None else job.progress.percent
        return job.priority if name == "priority" else None


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Filters of a list of what people did; None means any."""

    actor: str | None = None
    job_id: str | None = None
    kind: str | None = None
    since: datetime | None = None

    def key(self) -> str:
        """A short digest of the filters: a cursor fits only the list it came from."""
        return digest(repr(self))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the id, what it was sorted by, and whether to go back from there."""

    id: str
    value: Any = None
    is_back: bool = False


def cursor(query: JobQuery | AuditQuery, last_id: str, value: Any = None, *, is_back: bool = False) -> str:
    """The opaque text that continues after ``last_id``, or goes back from it."""
    text = orjson.dumps([query.key(), last_id, value, is_back])
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def place(query: JobQuery | AuditQuery, text: str) -> Place:
    """Where to go on; ``CursorMismatch`` for a cursor of another list or no cursor at all."""
    try:
        key, last_id, value, is_back = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, TypeError):
        key = last_id = value = is_back = None
    fits = isinstance(last_id, str) and last_id and isinstance(is_back, bool)
    if key != query.key() or not fits or not (value is None or isinstance(value, str | int)):
        raise CursorMismatch(
            "The cursor does not belong to this list.", hint="Use the `next` of a page with the same filters."
        )
    return Place(last_id, value, is_back)


EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""What is sorted by a time and has none stands where this would."""
