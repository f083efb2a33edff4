"""``AssistantMemory``: what a program does with the memory of its bots; jobs keep it tidy beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from onward.catalogue.memory.outside import memories, profiles, vectors
from onward.catalogue.memory.outside.door import Connect, Door
from onward.catalogue.memory.plan import merging, wording
from onward.catalogue.memory.plan.records import DEFAULT_BOT, MERGED, Attribute, Entity, Found, Memory, Profile, Summary
from onward.catalogue.models import embedder
from onward.catalogue.models.service import ModelRefused, ModelUnavailable
from onward.clock import Clock, SystemClock
from onward.errors import InvalidConfig, InvalidValue, MissingExtra, OnwardError
from onward.model import codec
from onward.model.ids import Ids
from onward.model.job import Json
from onward.settings import Settings

_LONGEST = 20_000
_NO_MODEL = (MissingExtra, InvalidConfig, ModelUnavailable, ModelRefused)


class MemoryNotFound(OnwardError):
    """No memory has this id, or it is not where it would have to be for this."""

    code = "memory-not-found"
    exit_code = 3


class AssistantMemory:
    """Memories, attributes and profiles, in the database to which ``connect`` leads.

    ``connect`` gives a connection in a transaction: ``app.connect``, ``ctx.transaction`` in a job, or the ``begin`` of
    a SQLAlchemy engine; SQLite or PostgreSQL. The tables are made at first use; their names begin with ``assistant_``.
    ``settings`` say which embedding model is used; without one, texts are compared by their words. Everything belongs
    to a bot. May be shared by threads.
    """

    def __init__(self, connect: Connect, settings: Settings | None = None, clock: Clock | None = None) -> None:
        self._door = Door(connect)
        self._models = (settings or Settings()).models
        self._clock = clock or SystemClock()
        self._ids = Ids(self._clock)

    # ---- memories -------------------------------------------------------------------------------------------

    def add(
        self,
        content: str,
        *,
        bot_id: str = DEFAULT_BOT,
        type: str = "fact",
        importance: float = 0.5,
        tags: Sequence[str] = (),
        sources: Sequence[str] = (),
        pinned: bool = False,
        id: str | None = None,
    ) -> Memory:
        """Remember something. ``importance`` from 0 to 1; ``sources``: ids of the messages that it was drawn from.

        ``id``: one of your own (a UUID of version 7, so that ids rise with time); the same once more adds nothing.

        Its vector is made at once where an embedding model is at hand, else by the next consolidation. Raises
        ``InvalidValue``.
        """
        text = _text(content, "A memory", _LONGEST)
        now = self._clock.now()
        memory = Memory(
            id=_name(id, "An id") if id is not None else self._ids.new(),
            bot_id=_name(bot_id, "A bot"),
            content=text,
            type=_name(type, "A type of memory"),
            importance=_share(importance, "The importance"),
            created_at=now,
            updated_at=now,
            tags=tuple(dict.fromkeys(_name(tag, "A tag") for tag in tags)),
            sources=tuple(dict.fromkeys(_name(source, "A source message") for source in sources)),
            is_pinned=pinned,
        )
        vector = self._vector(text)
        if vector is not None:
            memory = replace(memory, embedding=vector[0], embedding_model=vector[1])
        with self._door.open() as conn:
            memories.insert_memory(conn, memory)
            return _one(memories.get_memories(conn, [memory.id]), memory.id)

    def get(self, memory_id: str) -> Memory:
        """One memory, also out of the archive. Raises ``MemoryNotFound``."""
        with self._door.open() as conn:
            return _one(memories.get_memories(conn, [memory_id]), memory_id)

    def list(
        self,
        *,
        bot_id: str | None = None,
        type: str | None = None,
        archived: bool | None = False,
        after: str | None = None,
        limit: int = 50,
    ) -> Sequence[Memory]:
        """Memories, the newest first; ``after`` is the last id of the page before; ``archived=None``: all."""
        with self._door.open() as conn:
            return memories.page_memories(
                conn, bot_id=bot_id, type=type, archived=archived, after=after, newest_first=True, limit=limit
            )

    def search(
        self, query: str, *, bot_id: str = DEFAULT_BOT, type: str | None = None, k: int = 5, touch: bool = True
    ) -> Sequence[Found]:
        """The ``k`` memories that fit best, best first; being found counts as being accessed unless ``touch=False``.

        By meaning where there is an embedding model; memories without a vector of it are compared by words.
        """
        if not query.strip() or not 1 <= k <= 1000:
            raise InvalidValue("A search needs some words, and k from 1 to 1000.")
        vector = self._vector(query)
        with self._door.open() as conn:
            scores = _scores(memories.list_vectors(conn, bot_id, type), query, vector)
            best = sorted(scores, key=lambda item: (-item[1], item[0]))[:k]
            if touch:
                memories.touch_memories(conn, [key for key, _ in best], self._clock.now())
            found = {memory.id: memory for memory in memories.get_memories(conn, [key for key, _ in best])}
        return [Found(found[key], round(score, 4)) for key, score in best if key in found]

    def touch(self, memory_ids: Sequence[str]) -> None:
        """Count an access of each: what is of use does not fade."""
        with self._door.open() as conn:
            memories.touch_memories(conn, memory_ids, self._clock.now())

    def pin(self, memory_id: str, pinned: bool = True) -> Memory:
        """Keep a memory from fading, or let it fade again. Raises ``MemoryNotFound``."""
        with self._door.open() as conn:
            memories.set_pinned(conn, memory_id, pinned, self._clock.now())
            return _one(memories.get_memories(conn, [memory_id]), memory_id)

    def restore(self, memory_id: str) -> Memory:
        """Take a memory that has faded back into use. Raises ``MemoryNotFound``."""
        with self._door.open() as conn:
            if not memories.restore_memory(conn, memory_id, self._clock.now()):
                raise MemoryNotFound(f"No memory that has faded has the id {memory_id}.", hint=_LOOK)
            return _one(memories.get_memories(conn, [memory_id]), memory_id)

    def unmerge(self, memory_id: str) -> Sequence[Memory]:
        """Undo a merge: its originals are in use again as they were, and it is not; returns the originals.

        Accesses since the merge, and a pin, go to the best of them. Raises ``MemoryNotFound`` when nothing was merged
        into it, or when it was merged itself (then undo that merge first).
        """
        now = self._clock.now()
        with self._door.open() as conn:
            merge = _one(memories.lock_memories(conn, [memory_id]), memory_id)
            originals = memories.list_originals(conn, memory_id)
            if merge.archived_because == MERGED:
                raise MemoryNotFound(
                    f"Memory {memory_id} was merged itself.", hint=f"Undo that first: {merge.merged_into}."
                )
            if not originals:
                raise MemoryNotFound(f"Nothing was merged into memory {memory_id}.", hint=_LOOK)
            restored = merging.parted(merge, originals, now)
            memories.part_memories(conn, merge, restored, now)
        return restored

    def forget(self, memory_id: str) -> int:
        """Delete a memory, with what was merged into it; how many were deleted. It cannot be undone."""
        with self._door.open() as conn:
            gone = memories.delete_memories(conn, [memory_id])
        if not gone:
            raise MemoryNotFound(f"No memory has the id {memory_id}.", hint=_LOOK)
        return gone

    # ---- attributes and profiles ----------------------------------------------------------------------------

    def learn(
        self,
        entity_type: str,
        entity_id: str,
        category: str,
        key: str,
        value: Json,
        *,
        bot_id: str = DEFAULT_BOT,
        confidence: float = 1.0,
        source: str = "",
    ) -> Attribute:
        """Keep something known about somebody or something; another value of the same key stands beside it."""
        codec.encode(value, "The value of an attribute", _LONGEST)
        entity = _entity(bot_id, entity_type, entity_id)
        with self._door.open() as conn:
            return profiles.learn_attribute(
                conn,
                entity,
                _name(category, "A category"),
                _name(key, "A key"),
                value,
                confidence=_share(confidence, "The confidence"),
                source=source,
                now=self._clock.now(),
            )

    def attributes(self, entity_type: str, entity_id: str, *, bot_id: str = DEFAULT_BOT) -> Sequence[Attribute]:
        """All that is known about somebody or something, the oldest first."""
        with self._door.open() as conn:
            return profiles.list_attributes(conn, _entity(bot_id, entity_type, entity_id))

    def unlearn(self, attribute_id: str) -> bool:
        """Delete something known; whether it was there."""
        with self._door.open() as conn:
            return profiles.unlearn_attribute(conn, attribute_id)

    def describe(
        self,
        entity_type: str,
        entity_id: str,
        *,
        display_name: str | None = None,
        description: str | None = None,
        bot_id: str = DEFAULT_BOT,
    ) -> Profile:
        """Set the name and the description of somebody or something; None leaves what is there."""
        entity = _entity(bot_id, entity_type, entity_id)
        with self._door.open() as conn:
            profiles.describe_entity(conn, entity, display_name, description, self._clock.now())
            found = profiles.get_profile(conn, entity)
        if found is None:
            raise OnwardError(f"The profile of {entity} has just been deleted.", hint="Try again.")
        return found

    def profile(self, entity_type: str, entity_id: str, *, bot_id: str = DEFAULT_BOT) -> Profile | None:
        """The profile of somebody or something, if there is one."""
        with self._door.open() as conn:
            return profiles.get_profile(conn, _entity(bot_id, entity_type, entity_id))

    def profile_summary(self, entity_type: str, entity_id: str, *, bot_id: str = DEFAULT_BOT) -> str:
        """What a system prompt should say of somebody or something; empty when nothing is known yet."""
        found = self.profile(entity_type, entity_id, bot_id=bot_id)
        return found.summary if found is not None else ""

    def summaries(
        self, entity_type: str, entity_id: str, *, bot_id: str = DEFAULT_BOT, limit: int = 50
    ) -> Sequence[Summary]:
        """The summaries that a profile has had, the newest first."""
        with self._door.open() as conn:
            return profiles.list_summaries(conn, _entity(bot_id, entity_type, entity_id), limit)

    def _vector(self, text: str) -> tuple[bytes, str] | None:
        try:
            model = embedder.choose(self._models, clock=self._clock)
            return vectors.as_bytes(model.embed([text]))[0], model.model
        except _NO_MODEL:
            return None


def profile_summary(entity_type: str, entity_id: str, *, connect: Connect, bot_id: str = DEFAULT_BOT) -> str:
    """What a system prompt should say of somebody or something; empty when nothing is known yet.

    ``profile_summary("user", "ana", connect=app.connect)``.
    """
    return AssistantMemory(connect).profile_summary(entity_type, entity_id, bot_id=bot_id)


_LOOK = "See `onward memory list --all`."


def _scores(rows: Sequence[memories.Kept], query: str, vector: tuple[bytes, str] | None) -> list[tuple[str, float]]:
    """How well each fits: by vector where it has one of the same model, else by the words of the query."""
    near = [row for row in rows if vector is not None and row.embedding_model == vector[1] and row.embedding]
    by_vector = vectors.cosines([row.embedding or b"" for row in near], vector[0]) if vector is not None else []
    scores = dict(zip((row.id for row in near), by_vector, strict=True))
    for row in rows:
        if row.id not in scores:
            scores[row.id] = wording.coverage(query, row.content)
    return [(key, score) for key, score in scores.items() if score > 0]


def _one(found: Sequence[Memory], memory_id: str) -> Memory:
    if not found:
        raise MemoryNotFound(f"No memory has the id {memory_id}.", hint=_LOOK)
    return found[0]


def _entity(bot_id: str, entity_type: str, entity_id: str) -> Entity:
    return Entity(_name(bot_id, "A bot"), _name(entity_type, "An entity's type"), _name(entity_id, "An entity's id"))


def _name(value: str, what: str) -> str:
    return _text(value, what, 200)


def _text(value: str, what: str, longest: int) -> str:
    text = codec.clean(value).strip()
    if not text or len(text) > longest:
        raise InvalidValue(f"{what} has 1 to {longest:,} characters.")
    return text


def _share(value: Any, what: str) -> float:
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidValue(f"{what} is a number from 0 to 1.")
    return float(value)
