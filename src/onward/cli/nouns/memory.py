"""``onward memory``: what bots remember and know, to be looked at and tried by hand."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.show.output import Column
from onward.cli.show.times import ago
from onward.records.moments import rfc3339

verbs = noun("memory", "What assistants remember.")

Content = Annotated[str, typer.Argument(metavar="TEXT", help="What is to be remembered.")]
Query = Annotated[str, typer.Argument(metavar="WORDS", help="What is looked for.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="As shown by `onward memory list`.")]
Bot = Annotated[str, typer.Option("--bot", metavar="BOT", help="The bot that remembers it.")]
AnyBot = Annotated[str | None, typer.Option("--bot", metavar="BOT", help="Only those of this bot.")]
Type = Annotated[str, typer.Option("--type", metavar="TYPE", help="What kind of memory it is.")]
AnyType = Annotated[str | None, typer.Option("--type", metavar="TYPE", help="Only those of this type.")]
EntityType = Annotated[str, typer.Argument(metavar="TYPE", help="What it is about, such as user.")]
EntityId = Annotated[str, typer.Argument(metavar="ID", help="Who or which, such as ana.")]


@verb(
    verbs,
    "add",
    "onward memory add 'Ana is allergic to nuts' --importance 0.9 --tag health",
    "onward memory add 'The build is slow on Mondays' --bot helper --type observation --pin",
    data=True,
)
def add(
    here: Here,
    content: Content,
    bot: Bot = "default",
    type: Type = "fact",
    importance: Annotated[float, typer.Option("--importance", min=0, max=1, help="From 0 to 1.")] = 0.5,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A word to find it by; may be repeated.")] = None,
    source: Annotated[
        list[str] | None, typer.Option("--source", help="The message it was drawn from; may be repeated.")
    ] = None,
    pin: Annotated[bool, typer.Option("--pin", help="It does not fade.")] = False,
) -> None:
    """Have a bot remember something."""
    added = _memory(here).add(
        content, bot_id=bot, type=type, importance=importance, tags=tag or (), sources=source or (), pinned=pin
    )
    _show_one(here, added)


@verb(verbs, "list", "onward memory list --bot helper", "onward memory list --archived --json", data=True)
def list_memories(
    here: Here,
    bot: AnyBot = None,
    type: AnyType = None,
    archived: Annotated[bool, typer.Option("--archived", help="Those that are out of use.")] = False,
    all: Annotated[bool, typer.Option("--all", help="Both.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many at most.")] = 50,
    after: Annotated[str | None, typer.Option("--after", metavar="ID", help="Go on after this one.")] = None,
) -> None:
    """List memories, the newest first."""
    found = _memory(here).list(bot_id=bot, type=type, archived=None if all else archived, after=after, limit=limit)
    now = here.local.clock.now()
    columns = (
        Column("id"),
        Column("bot_id", "bot"),
        Column("type"),
        Column("importance", text=lambda value: f"{value:.2f}"),
        Column("state"),
        Column("used", text=lambda at: ago(at, now)),
        Column("content", fixed=False),
    )
    listed = [_record(memory) | {"used": memory.used_at, "state": _state(memory)} for memory in found]
    here.out.records(listed, columns, empty="Nothing is remembered. Begin with: onward memory add TEXT")


@verb(verbs, "search", "onward memory search 'what may Ana eat'", "onward memory search tea -k 3 --json", data=True)
def search(
    here: Here,
    query: Query,
    bot: Bot = "default",
    type: AnyType = None,
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many at most.")] = 5,
    touch: Annotated[bool, typer.Option("--touch", help="Count being found as an access.")] = False,
) -> None:
    """Find what a bot remembers that fits: by meaning where there is an embedding model, else by words."""
    found = _memory(here).search(query, bot_id=bot, type=type, k=k, touch=touch)
    columns = (Column("id"), Column("score", text=lambda value: f"{value:.2f}"), Column("content", fixed=False))
    listed = [{"id": hit.memory.id, "score": hit.score} | _record(hit.memory) for hit in found]
    here.out.records(listed, columns, empty="Nothing fits.")


@verb(verbs, "show", "onward memory show 01a204a6-3c5e-7000-8000-000000000000", data=True)
def show(here: Here, memory_id: Id) -> None:
    """Show a memory, also out of the archive."""
    _show_one(here, _memory(here).get(memory_id))


@verb(verbs, "pin", "onward memory pin 01a204a6-3c5e-7000-8000-000000000000", data=True)
def pin(here: Here, memory_id: Id) -> None:
    """Keep a memory from fading."""
    _show_one(here, _memory(here).pin(memory_id))


@verb(verbs, "unpin", "onward memory unpin 01a204a6-3c5e-7000-8000-000000000000", data=True)
def unpin(here: Here, memory_id: Id) -> None:
    """Let a memory fade again."""
    _show_one(here, _memory(here).pin(memory_id, pinned=False))


@verb(verbs, "restore", "onward memory restore 01a204a6-3c5e-7000-8000-000000000000", data=True)
def restore(here: Here, memory_id: Id) -> None:
    """Take a memory that has faded back into use."""
    _show_one(here, _memory(here).restore(memory_id))


@verb(verbs, "unmerge", "onward memory unmerge 01a204a6-3c5e-7000-8000-000000000000", data=True)
def unmerge(here: Here, memory_id: Id) -> None:
    """Undo a merge: its originals are in use again, as they were."""
    restored = _memory(here).unmerge(memory_id)
    here.out.records([_record(memory) for memory in restored], (Column("id"), Column("content", fixed=False)))


@verb(verbs, "forget", "onward memory forget 01a204a6-3c5e-7000-8000-000000000000")
def forget(here: Here, memory_id: Id) -> None:
    """Delete a memory, with all that was merged into it. It cannot be undone."""
    _memory(here).forget(memory_id)


@verb(
    verbs,
    "learn",
    "onward memory learn user ana food likes 'green tea'",
    "onward memory learn user ana about age 41 --confidence 0.8",
    data=True,
)
def learn(
    here: Here,
    entity_type: EntityType,
    entity_id: EntityId,
    category: Annotated[str, typer.Argument(metavar="CATEGORY", help="Such as food.")],
    key: Annotated[str, typer.Argument(metavar="KEY", help="Such as likes.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="What is known; JSON, or else text.")],
    *,
    bot: Bot = "default",
    confidence: Annotated[float, typer.Option("--confidence", min=0, max=1, help="How sure, from 0 to 1.")] = 1.0,
    source: Annotated[str, typer.Option("--source", help="Where it is known from.")] = "",
) -> None:
    """Keep something known about somebody or something."""
    _memory(here).learn(
        entity_type, entity_id, category, key, _value(value), bot_id=bot, confidence=confidence, source=source
    )
    profile(here, entity_type, entity_id, bot)


@verb(verbs, "profile", "onward memory profile user ana", "onward memory profile user ana --json", data=True)
def profile(here: Here, entity_type: EntityType, entity_id: EntityId, bot: Bot = "default") -> None:
    """Show what is known about somebody or something, and the summary of it."""
    memory = _memory(here)
    found = memory.profile(entity_type, entity_id, bot_id=bot)
    known = memory.attributes(entity_type, entity_id, bot_id=bot)
    made_at = found.summary_updated_at if found is not None else None
    record: dict[str, Any] = {
        "entity": f"{entity_type} {entity_id}",
        "bot_id": bot,
        "display_name": found.display_name if found is not None else "",
        "description": found.description if found is not None else "",
        "summary": found.summary if found is not None else "",
        "summary_updated_at": rfc3339(made_at),
        "model": found.model if found is not None else None,
        "model_reason": found.model_reason if found is not None else None,
        "attributes": [
            {"id": one.id, "category": one.category, "key": one.key, "value": one.value, "confidence": one.confidence}
            for one in known
        ],
    }
    lines = [f"{one.category}.{one.key}: {one.value}  ({one.confidence:.0%})" for one in known]
    rows = [("Entity", f"{entity_type} {entity_id}"), ("Summary", record["summary"] or "not made yet")]
    if made_at is not None and found is not None:
        rows.append(("Made", f"{ago(made_at, here.local.clock.now())} by {found.model}: {found.model_reason}"))
    here.out.record(record, [*rows, ("Known", "\n".join(lines) or "nothing")])


def _memory(here: Here) -> Any:
    from onward.catalogue.memory import AssistantMemory

    return AssistantMemory(here.local.connect, here.local.settings, here.local.clock)


def _record(memory: Any) -> dict[str, Any]:
    from onward.catalogue.memory import shown

    return shown(memory)


def _state(memory: Any) -> str:
    return str(memory.archived_because or ("pinned" if memory.is_pinned else ""))


def _show_one(here: Here, memory: Any) -> None:
    now = here.local.clock.now()
    times = "" if memory.last_accessed_at is None else f", the last {ago(memory.last_accessed_at, now)}"
    rows = [
        ("Memory", memory.id),
        ("Bot", memory.bot_id),
        ("Content", memory.content),
        ("Type", memory.type),
        ("Importance", f"{memory.importance:.2f}{', pinned' if memory.is_pinned else ''}"),
        ("Tags", ", ".join(memory.tags)),
        ("Accesses", f"{memory.access_count}{times}"),
    ]
    if memory.made_by:
        rows.append(("Merged by", memory.made_by))
    if memory.archived_at is not None:
        into = f" into {memory.merged_into}" if memory.merged_into else ""
        rows.append(("Out of use", f"{memory.archived_because}{into} {ago(memory.archived_at, now)}"))
    here.out.record(_record(memory), [row for row in rows if row[1]])


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
