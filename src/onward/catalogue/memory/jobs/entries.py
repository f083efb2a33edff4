"""Job types to put something into a memory and to look at it, as forms: ``memory_add``, ``memory_search``, and more."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.memory.assistant import AssistantMemory
from onward.catalogue.memory.jobs.bots import ALL
from onward.catalogue.memory.plan.records import DEFAULT_BOT, Memory

types = JobTypes()
Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(min_length=1, max_length=20_000)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


@types.job(name="memory_add", label="Add a Memory", category="memory")
def memory_add(
    ctx: Context,
    content: Annotated[Text, Field(description="What is to be remembered.")],
    type: Annotated[Name, Field(description="What kind of memory it is.")] = "fact",
    importance: Annotated[Share, Field(description="From 0 to 1.")] = 0.5,
    tags: Annotated[list[str], Field(description="Words to find it by.")] = [],  # noqa: B006 - read as the schema's default
    pinned: Annotated[bool, Field(description="It does not fade.")] = False,
) -> dict[str, Any]:
    """Have a bot remember something."""
    # Under the job's own id: done again after a crash, it is not remembered twice.
    added = _memory(ctx).add(
        content, bot_id=_bot(ctx), type=type, importance=importance, tags=tags, pinned=pinned, id=ctx.job_id
    )
    return shown(added)


@types.job(name="memory_search", label="Search Memories", category="memory")
def memory_search(
    ctx: Context,
    query: Annotated[Text, Field(description="What is looked for, in words of any kind.")],
    k: Annotated[int, Field(ge=1, le=100, description="How many at most.")] = 5,
    touch: Annotated[bool, Field(description="Count being found as an access.")] = False,
) -> dict[str, Any]:
    """Find what a bot remembers that fits."""
    found = _memory(ctx).search(query, bot_id=_bot(ctx), k=k, touch=touch)
    return {"found": [{**shown(hit.memory), "score": hit.score} for hit in found]}


@types.job(name="profile_learn", label="Learn an Attribute", category="memory")
def profile_learn(
    ctx: Context,
    entity_type: Annotated[Name, Field(description="Such as user.")],
    entity_id: Annotated[Name, Field(description="Such as ana.")],
    category: Annotated[Name, Field(description="Such as food.")],
    key: Annotated[Name, Field(description="Such as likes.")],
    value: Annotated[Text, Field(description="What is known.")],
    confidence: Annotated[Share, Field(description="How sure it is, from 0 to 1.")] = 1.0,
    source: Annotated[str, Field(description="Where it is known from.")] = "",
) -> dict[str, Any]:
    """Keep something known about somebody or something; the profile's summary is made of it."""
    learned = _memory(ctx).learn(
        entity_type, entity_id, category, key, value, bot_id=_bot(ctx), confidence=confidence, source=source
    )
    return {"id": learned.id, "entity": str(learned.entity), "category": category, "key": key, "value": learned.value}


def shown(memory: Memory) -> dict[str, Any]:
    """A memory as plain JSON, without its vector."""
    return {
        "id": memory.id,
        "bot_id": memory.bot_id,
        "content": memory.content,
        "type": memory.type,
        "importance": memory.importance,
        "tags": list(memory.tags),
        "sources": list(memory.sources),
        "access_count": memory.access_count,
        "last_accessed_at": memory.last_accessed_at.isoformat() if memory.last_accessed_at else None,
        "pinned": memory.is_pinned,
        "archived_at": memory.archived_at.isoformat() if memory.archived_at else None,
        "archived_because": memory.archived_because,
        "merged_into": memory.merged_into,
        "made_by": memory.made_by,
        "created_at": memory.created_at.isoformat(),
    }


def _memory(ctx: Context) -> AssistantMemory:
    return AssistantMemory(ctx.transaction, ctx.settings, ctx.clock)


def _bot(ctx: Context) -> str:
    return DEFAULT_BOT if ctx.bot_id in (None, ALL) else str(ctx.bot_id)
