"""What a job asks of a person: as it is asked, and as people look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from onward.model.codec import digest
from onward.model.job import Json, Question

OnTimeout = Literal["fail", "cancel", "default"]
State = Literal["open", "answered", "expired", "withdrawn"]
TIMEOUT = "timeout"
"""Who has answered when the time was over and the default was taken."""

THEN: Mapping[str, str] = MappingProxyType(
    {"fail": "fails", "cancel": "is cancelled", "default": "goes on with the default"}
)
"""What becomes of the job when nobody answers in time."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A question on its way to the database; ``data``, ``schema`` and ``default`` are JSON texts.

    Plain values only: it travels through pipes and journals.
    """

    scope: str
    name: str
    kind: str
    prompt: str = ""
    data: str | None = None
    schema: str | None = None
    timeout_seconds: float | None = None
    on_timeout: str = "fail"
    default: str | None = None
    assigned_to: str | None = None
    is_holding: bool = False
    question_id: str = ""


@dataclass(frozen=True, slots=True)
class QuestionRecord(Question):
    """A question with all that is known of it: whose, since when, until when, and what it holds up.

    ``state`` is ``open``, ``answered``, ``expired`` or ``withdrawn``; ``on_timeout`` is what happens at ``expires_at``:
    ``fail``, ``cancel`` or ``default``. ``holds`` are resources that the job, or the chain that it belongs to, keeps
    meanwhile; ``behind`` is how many jobs wait for those.
    """

    job_id: str = ""
    job_type: str = ""
    source_id: str | None = None
    parent_id: str | None = None
    state: str = "open"
    scope: str = ""
    asked_at: datetime | None = None
    on_timeout: str = "fail"
    default: Json = None
    assigned_to: str | None = None
    claimed_by: str | None = None
    claimed_at: datetime | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None
    generation: int = 1
    fence: int = 0
    holds: tuple[str, ...] = ()
    behind: int = 0

    @property
    def version(self) -> str:
        """A short text that changes with whatever people do with it."""
        return digest(repr((self.state, self.assigned_to, self.claimed_by, self.answered_by, self.answered_at)))

    @property
    def asks(self) -> str:
        """The first line of the prompt, or the name where there is none."""
        lines = self.prompt.strip().splitlines()
        return lines[0] if lines else self.name

    @property
    def then(self) -> str:
        """What becomes of the job when nobody answers in time, in words; empty without a deadline."""
        return THEN.get(self.on_timeout, self.on_timeout) if self.expires_at is not None else ""


@dataclass(frozen=True, slots=True)
class AnswerLink:
    """A link for one person to one question. ``token`` is its secret part; ``url`` is the whole, where it is known."""

    question_id: str
    person: str
    token: str
    expires_at: datetime
    url: str | None
