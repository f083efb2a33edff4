"""What a list of jobs may be filtered by, and the cursor that goes on where a page ended."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from onward.errors import InvalidValue
from onward.model.codec import digest


@dataclass(frozen=True, slots=True)
class JobQuery:
    """Filters of a job list; None means any. ``statuses`` are the six; ``since`` is the time of submission."""

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

    def key(self) -> str:
        """A short digest of the filters: a cursor fits only the list it came from."""
        return digest(repr(self))


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


def cursor(query: JobQuery | AuditQuery, last_id: str) -> str:
    """The opaque text that continues after ``last_id``."""
    return base64.urlsafe_b64encode(f"{query.key()} {last_id}".encode()).decode().rstrip("=")


def place(query: JobQuery | AuditQuery, text: str) -> str:
    """The id after which to go on; ``InvalidValue`` for a cursor of another list or no cursor at all."""
    try:
        key, _, last_id = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(" ")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        key = last_id = ""
    if key != query.key() or not last_id:
        raise InvalidValue(
            "The cursor does not belong to this list.", hint="Use the `next` of a page with the same filters."
        )
    return last_id
