"""What an assistant remembers: memories, and attributes of people and things with the profile that is made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from onward.model.job import Json

DEFAULT_BOT = "default"
"""The bot to which everything belongs that names none."""

Mark = tuple[str, float]
"""Of an attribute what a fingerprint is made of: its id, which names its value, and its confidence."""

DECAYED, MERGED, UNDONE = "decayed", "merged", "undone"
"""Why a memory is out of use: faded, merged into another, or itself a merge that was undone."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Something that a bot remembers. ``sources`` are the ids of the messages that it was drawn from."""

    id: str
    bot_id: str
    content: str
    type: str
    importance: float
    created_at: datetime
    updated_at: datetime
    tags: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    access_count: int = 0
    last_accessed_at: datetime | None = None
    is_pinned: bool = False
    archived_at: datetime | None = None
    archived_because: str | None = None
    merged_into: str | None = None
    made_by: str | None = None
    """How a merge came by its text: the model's name, or that the best of its originals was kept."""
    embedding: bytes | None = None
    embedding_model: str | None = None

    @property
    def used_at(self) -> datetime:
        """When it was last of use: its last access, or when it was made."""
        return max(self.created_at, self.last_accessed_at or self.created_at)


@dataclass(frozen=True, slots=True)
class Found:
    """A memory that fits a search; ``score`` is 1 for the same meaning and about 0 for nothing in common."""

    memory: Memory
    score: float


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """Somebody or something that a bot knows: ``user`` and ``ana``, say."""

    bot_id: str
    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing known about an entity; the same key may have several values, until they are made sense of."""

    id: str
    entity: Entity
    category: str
    key: str
    value: Json
    confidence: float
    source: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Profile:
    """What a bot knows about an entity, in short. ``summary`` is for system prompts."""

    entity: Entity
    display_name: str
    description: str
    summary: str
    summary_updated_at: datetime | None
    fingerprint: str | None
    """Of the attributes that the summary was made from."""
    model: str | None
    model_reason: str | None


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary as it was made; the newest is the profile's."""

    id: str
    entity: Entity
    summary: str
    facts: list[Json] = field(default_factory=list)
    fingerprint: str = ""
    model: str = ""
    model_reason: str = ""
    made_at: datetime | None = None
    made_by_job: str | None = None
