"""Statements on attributes, profiles and their summaries."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, insert, select

from onward.catalogue.memory.outside.columns import upsert
from onward.catalogue.memory.outside.tables import attributes, profiles, summaries
from onward.catalogue.memory.plan.records import Attribute, Entity, Mark, Profile, Summary
from onward.model.job import Json


def attribute_id(entity: Entity, category: str, key: str, value: Json) -> str:
    """The id of one thing known: the same for the same thing."""
    parts = [entity.bot_id, entity.type, entity.id, category, key, value]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def learn_attribute(
    conn: Connection,
    entity: Entity,
    category: str,
    key: str,
    value: Json,
    *,
    confidence: float,
    source: str,
    now: datetime,
) -> Attribute:
    """Keep something known; when it is known already, its confidence and source are those of now."""
    known_as = attribute_id(entity, category, key, value)
    changed = {"confidence": confidence, "source": source, "updated_at": now}
    what = {**_place(entity), "category": category, "key": key, "value": value}
    new = upsert(conn, attributes).values(attribute_id=known_as, created_at=now, **what, **changed)
    conn.execute(new.on_conflict_do_update(index_elements=["attribute_id"], set_=changed))
    mine = attributes.c.attribute_id == known_as
    return _attribute(conn.execute(select(attributes).where(mine)).mappings().one())


def list_attributes(conn: Connection, entity: Entity) -> list[Attribute]:
    """All that is known about an entity, the oldest first."""
    order = (attributes.c.created_at, attributes.c.attribute_id)
    statement = select(attributes).where(_is(attributes, entity)).order_by(*order)
    return [_attribute(row) for row in conn.execute(statement).mappings()]


def unlearn_attribute(conn: Connection, known_as: str) -> bool:
    """Delete something known; whether it was there."""
    return conn.execute(delete(attributes).where(attributes.c.attribute_id == known_as)).rowcount == 1


def list_bots(conn: Connection) -> list[str]:
    """The bots that know something of anybody."""
    return sorted(conn.execute(select(attributes.c.bot_id).distinct()).scalars())


def list_marks(conn: Connection, bot_id: str | None = None) -> dict[Entity, list[Mark]]:
    """Whom and what bots know something about, in order, and what of that a fingerprint is made of."""
    here = attributes.c
    statement = select(here.bot_id, here.entity_type, here.entity_id, here.attribute_id, here.confidence)
    if bot_id is not None:
        statement = statement.where(here.bot_id == bot_id)
    found: dict[Entity, list[Mark]] = {}
    for *place, known_as, confidence in conn.execute(statement):
        found.setdefault(Entity(*place), []).append((known_as, confidence))
    return dict(sorted(found.items()))


def list_fingerprints(conn: Connection, bot_id: str | None = None) -> dict[Entity, str | None]:
    """What the summaries of profiles were made from."""
    here = profiles.c
    statement = select(here.bot_id, here.entity_type, here.entity_id, here.fingerprint)
    if bot_id is not None:
        statement = statement.where(here.bot_id == bot_id)
    return {Entity(*place): mark for *place, mark in conn.execute(statement)}


def get_profile(conn: Connection, entity: Entity, *, lock: bool = False) -> Profile | None:
    """The profile of an entity; ``lock`` keeps it from others until the end of the transaction."""
    statement = select(profiles).where(_is(profiles, entity))
    row = conn.execute(statement.with_for_update() if lock else statement).mappings().first()
    return None if row is None else _profile(row)


def describe_entity(
    conn: Connection, entity: Entity, display_name: str | None, description: str | None, now: datetime
) -> None:
    """Set what people say of an entity; None leaves it."""
    given = {"display_name": display_name, "description": description}
    _put(conn, entity, {name: value for name, value in given.items() if value is not None}, now)


def put_summary(conn: Connection, summary: Summary) -> None:
    """Make a summary the profile's; it is kept in the history, as those before it are."""
    made_at = summary.made_at
    if made_at is None:
        raise ValueError("a summary that is kept has been made at some time")
    shown = {
        "summary": summary.summary,
        "summary_updated_at": made_at,
        "fingerprint": summary.fingerprint,
        "model": summary.model,
        "model_reason": summary.model_reason,
    }
    _put(conn, summary.entity, shown, made_at)
    conn.execute(
        insert(summaries).values(
            summary_id=summary.id,
            **_place(summary.entity),
            summary=summary.summary,
            facts=summary.facts,
            fingerprint=summary.fingerprint,
            model=summary.model,
            model_reason=summary.model_reason,
            made_at=made_at,
            made_by_job=summary.made_by_job,
        )
    )


def list_summaries(conn: Connection, entity: Entity, limit: int) -> list[Summary]:
    """The summaries that an entity has had, the newest first."""
    statement = select(summaries).where(_is(summaries, entity)).order_by(summaries.c.summary_id.desc()).limit(limit)
    return [_summary(row) for row in conn.execute(statement).mappings()]


def _put(conn: Connection, entity: Entity, values: dict[str, Any], now: datetime) -> None:
    place = _place(entity)
    changed = {**values, "updated_at": now}
    new = upsert(conn, profiles).values(**place, **changed, created_at=now)
    conn.execute(new.on_conflict_do_update(index_elements=list(place), set_=changed))


def _place(entity: Entity) -> dict[str, str]:
    return {"bot_id": entity.bot_id, "entity_type": entity.type, "entity_id": entity.id}


def _is(table: Table, entity: Entity) -> ColumnElement[bool]:
    here = table.c
    return (here.bot_id == entity.bot_id) & (here.entity_type == entity.type) & (here.entity_id == entity.id)


def _entity(row: Any) -> Entity:
    return Entity(row["bot_id"], row["entity_type"], row["entity_id"])


def _attribute(row: Any) -> Attribute:
    return Attribute(
        id=row["attribute_id"],
        entity=_entity(row),
        category=row["category"],
        key=row["key"],
        value=row["value"],
        confidence=row["confidence"],
        source=row["source"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _profile(row: Any) -> Profile:
    return Profile(
        entity=_entity(row),
        display_name=row["display_name"],
        description=row["description"],
        summary=row["summary"],
        summary_updated_at=row["summary_updated_at"],
        fingerprint=row["fingerprint"],
        model=row["model"],
        model_reason=row["model_reason"],
    )


def _summary(row: Any) -> Summary:
    return Summary(
        id=row["summary_id"],
        entity=_entity(row),
        summary=row["summary"],
        facts=row["facts"],
        fingerprint=row["fingerprint"],
        model=row["model"],
        model_reason=row["model_reason"],
        made_at=row["made_at"],
        made_by_job=row["made_by_job"],
    )
