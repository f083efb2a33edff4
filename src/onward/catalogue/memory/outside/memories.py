"""Statements on memories: add, find, count accesses, archive, merge and part, prune."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, case, delete, func, or_, select, update

from onward.catalogue.memory.outside.columns import upsert
from onward.catalogue.memory.outside.tables import memories as table
from onward.catalogue.memory.plan.records import DECAYED, MERGED, UNDONE, Memory

_AT_ONCE = 500


def insert_memory(conn: Connection, memory: Memory) -> None:
    """Add one, unless there is one with its id."""
    conn.execute(upsert(conn, table).values(**_values(memory)).on_conflict_do_nothing())


def get_memories(conn: Connection, ids: Sequence[str]) -> list[Memory]:
    """Those of the ids that there are, in the order of ids."""
    found: list[Memory] = []
    for group in _groups(sorted(ids)):
        rows = conn.execute(select(table).where(table.c.memory_id.in_(group)).order_by(table.c.memory_id))
        found.extend(_memory(row) for row in rows.mappings())
    return found


def lock_memories(conn: Connection, ids: Sequence[str]) -> list[Memory]:
    """The same, kept from others until the end of the transaction."""
    found: list[Memory] = []
    for group in _groups(sorted(ids)):
        statement = select(table).where(table.c.memory_id.in_(group)).order_by(table.c.memory_id).with_for_update()
        found.extend(_memory(row) for row in conn.execute(statement).mappings())
    return found


def page_memories(
    conn: Connection,
    *,
    bot_id: str | None = None,
    type: str | None = None,
    archived: bool | None = False,
    after: str | None = None,
    newest_first: bool = False,
    limit: int = _AT_ONCE,
) -> list[Memory]:
    """Some memories in the order of ids; ``after`` is the last id of the page before. ``archived=None``: all."""
    column = table.c.memory_id
    wanted: list[ColumnElement[bool]] = []
    if bot_id is not None:
        wanted.append(table.c.bot_id == bot_id)
    if type is not None:
        wanted.append(table.c.type == type)
    if archived is not None:
        wanted.append(table.c.archived_at.is_not(None) if archived else table.c.archived_at.is_(None))
    if after is not None:
        wanted.append(column < after if newest_first else column > after)
    statement = select(table).where(*wanted).order_by(column.desc() if newest_first else column).limit(limit)
    return [_memory(row) for row in conn.execute(statement).mappings()]


def list_bots(conn: Connection) -> list[str]:
    """The bots that remember anything."""
    return sorted(conn.execute(select(table.c.bot_id).distinct()).scalars())


def count_memories(conn: Connection, bot_id: str) -> int:
    """How many a bot has in use."""
    statement = select(func.count()).where(table.c.bot_id == bot_id, table.c.archived_at.is_(None))
    return int(conn.execute(statement.select_from(table)).scalar_one())


@dataclass(frozen=True, slots=True)
class Kept:
    """Of a memory what a search needs."""

    id: str
    content: str
    embedding: bytes | None
    embedding_model: str | None


def list_vectors(conn: Connection, bot_id: str, type: str | None = None) -> list[Kept]:
    """Texts and vectors of all memories that a bot has in use."""
    columns = (table.c.memory_id, table.c.content, table.c.embedding, table.c.embedding_model)
    statement = select(*columns).where(table.c.bot_id == bot_id, table.c.archived_at.is_(None))
    if type is not None:
        statement = statement.where(table.c.type == type)
    return [Kept(*row) for row in conn.execute(statement)]


def ids_without_vector(conn: Connection, bot_id: str, model: str, limit: int) -> list[tuple[str, str]]:
    """Ids and texts of memories in use that have no vector of this model."""
    without = or_(table.c.embedding.is_(None), table.c.embedding_model != model)
    statement = (
        select(table.c.memory_id, table.c.content)
        .where(table.c.bot_id == bot_id, table.c.archived_at.is_(None), without)
        .order_by(table.c.memory_id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in conn.execute(statement)]


def set_vectors(conn: Connection, vectors: Sequence[tuple[str, bytes]], model: str) -> None:
    """Keep the vectors of memories."""
    if vectors:
        statement = (
            update(table)
            .where(table.c.memory_id == bindparam("of"))
            .values(embedding=bindparam("vector"), embedding_model=model)
        )
        conn.execute(statement, [{"of": key, "vector": vector} for key, vector in vectors])


def touch_memories(conn: Connection, ids: Sequence[str], now: datetime) -> None:
    """Count an access; what is accessed does not fade."""
    # A clock that is behind takes nothing back.
    latest = case((table.c.last_accessed_at > now, table.c.last_accessed_at), else_=now)
    for group in _groups(sorted(ids)):
        conn.execute(
            update(table)
            .where(table.c.memory_id.in_(group))
            .values(access_count=table.c.access_count + 1, last_accessed_at=latest)
        )


def set_pinned(conn: Connection, memory_id: str, pinned: bool, now: datetime) -> bool:
    """Pin or unpin one; whether there is such a memory."""
    statement = update(table).where(table.c.memory_id == memory_id).values(pinned=pinned, updated_at=now)
    return conn.execute(statement).rowcount == 1


def fade_memories(conn: Connection, ids: Sequence[str], now: datetime) -> None:
    """Archive memories that have faded."""
    for group in _groups(ids):
        values = {"archived_at": now, "archived_because": DECAYED, "updated_at": now}
        conn.execute(update(table).where(table.c.memory_id.in_(group)).values(**values))


def delete_memories(conn: Connection, ids: Sequence[str]) -> int:
    """Delete memories, each with the originals of which it was made; how many rows."""
    gone = 0
    for group in _groups(ids):
        gone += conn.execute(delete(table).where(table.c.memory_id.in_(group))).rowcount
    return gone + _delete_originals(conn, list(ids))


def _delete_originals(conn: Connection, merges: list[str]) -> int:
    """The originals of merges that are no more, and of originals that were merges themselves."""
    gone = 0
    while merges:
        of_them = [table.c.merged_into.in_(group) for group in _groups(merges)]
        merges = list(conn.execute(select(table.c.memory_id).where(or_(*of_them))).scalars())
        for group in _groups(merges):
            gone += conn.execute(delete(table).where(table.c.memory_id.in_(group))).rowcount
    return gone


def merge_memories(conn: Connection, merge: Memory, originals: Sequence[Memory], now: datetime) -> None:
    """Put one in the place of several, which go into the archive with a link to it."""
    insert_memory(conn, merge)
    for group in _groups([one.id for one in originals]):
        conn.execute(
            update(table)
            .where(table.c.memory_id.in_(group))
            .values(archived_at=now, archived_because=MERGED, merged_into=merge.id, updated_at=now)
        )


def list_originals(conn: Connection, merge_id: str) -> list[Memory]:
    """What was merged into a memory."""
    statement = select(table).where(table.c.merged_into == merge_id).order_by(table.c.memory_id).with_for_update()
    return [_memory(row) for row in conn.execute(statement).mappings()]


def part_memories(conn: Connection, merge: Memory, restored: Sequence[Memory], now: datetime) -> None:
    """Take a merge out of use and put its originals back."""
    for one in restored:
        conn.execute(update(table).where(table.c.memory_id == one.id).values(**_values(one)))
    statement = update(table).where(table.c.memory_id == merge.id)
    conn.execute(statement.values(archived_at=now, archived_because=UNDONE, updated_at=now))


def restore_memory(conn: Connection, memory_id: str, now: datetime) -> bool:
    """Put back one that has faded, as if it were accessed now; whether there is such a memory in the archive."""
    statement = (
        update(table)
        .where(table.c.memory_id == memory_id, table.c.archived_because == DECAYED)
        .values(
            archived_at=None,
            archived_because=None,
            last_accessed_at=now,
            access_count=table.c.access_count + 1,
            updated_at=now,
        )
    )
    return conn.execute(statement).rowcount == 1


def _groups(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]


def _values(memory: Memory) -> dict[str, Any]:
    return {
        "memory_id": memory.id,
        "bot_id": memory.bot_id,
        "content": memory.content,
        "type": memory.type,
        "importance": memory.importance,
        "tags": list(memory.tags),
        "sources": list(memory.sources),
        "access_count": memory.access_count,
        "last_accessed_at": memory.last_accessed_at,
        "pinned": memory.is_pinned,
        "archived_at": memory.archived_at,
        "archived_because": memory.archived_because,
        "merged_into": memory.merged_into,
        "made_by": memory.made_by,
        "embedding": memory.embedding,
        "embedding_model": memory.embedding_model,
        "created_at": memory.created_at,
        "updated_at": memory.updated_at,
    }


def _memory(row: Any) -> Memory:
    return Memory(
        id=row["memory_id"],
        bot_id=row["bot_id"],
        content=row["content"],
        type=row["type"],
        importance=row["importance"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        tags=tuple(row["tags"]),
        sources=tuple(row["sources"]),
        access_count=row["access_count"],
        last_accessed_at=row["last_accessed_at"],
        is_pinned=bool(row["pinned"]),
        archived_at=row["archived_at"],
        archived_because=row["archived_because"],
        merged_into=row["merged_into"],
        made_by=row["made_by"],
        embedding=row["embedding"],
        embedding_model=row["embedding_model"],
    )
