"""The tables, once for both databases; their names begin with ``assistant_``, so that they clash with nobody's."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Float, Index, Integer, LargeBinary, Table, Text

from onward.catalogue.memory.outside.columns import Id, JsonText, UtcTime, metadata

VERSION_TABLE = "assistant_version"

attributes = Table(
    "assistant_attributes",
    metadata,
    # A digest of all that makes it what it is: the same thing learned again is the same row.
    Column("attribute_id", Id, primary_key=True),
    Column("bot_id", Text, nullable=False),
    Column("entity_type", Text, nullable=False),
    Column("entity_id", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("value", JsonText, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("source", Text, nullable=False, server_default=""),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
)
Index("ix_assistant_attributes_entity", attributes.c.bot_id, attributes.c.entity_type, attributes.c.entity_id)

profiles = Table(
    "assistant_profiles",
    metadata,
    Column("bot_id", Text, primary_key=True),
    Column("entity_type", Text, primary_key=True),
    Column("entity_id", Text, primary_key=True),
    Column("display_name", Text, nullable=False, server_default=""),
    Column("description", Text, nullable=False, server_default=""),
    Column("summary", Text, nullable=False, server_default=""),
    Column("summary_updated_at", UtcTime),
    # Of the attributes that the summary was made from: it is due again when theirs is another.
    Column("fingerprint", Text),
    Column("model", Text),
    Column("model_reason", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)

summaries = Table(
    "assistant_summaries",
    metadata,
    Column("summary_id", Id, primary_key=True),
    Column("bot_id", Text, nullable=False),
    Column("entity_type", Text, nullable=False),
    Column("entity_id", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("facts", JsonText, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("model_reason", Text, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("made_by_job", Text),
)
Index(
    "ix_assistant_summaries_entity",
    summaries.c.bot_id,
    summaries.c.entity_type,
    summaries.c.entity_id,
    summaries.c.summary_id,
)

memories = Table(
    "assistant_memories",
    metadata,
    Column("memory_id", Id, primary_key=True),
    Column("bot_id", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("importance", Float, nullable=False),
    Column("tags", JsonText, nullable=False),
    # Ids of the messages that it was drawn from.
    Column("sources", JsonText, nullable=False),
    Column("access_count", Integer, nullable=False),
    Column("last_accessed_at", UtcTime),
    Column("pinned", Boolean, nullable=False),
    # Set: it is out of use; why says archived_because.
    Column("archived_at", UtcTime),
    Column("archived_because", Text),
    # The memory that has taken its place; it is kept as long as that one.
    Column("merged_into", Id),
    # Of a merge: the model that has written it, or that the best original was kept.
    Column("made_by", Text),
    # 32-bit floats, little endian, of length one; comparable with those of the same model.
    Column("embedding", LargeBinary),
    Column("embedding_model", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    CheckConstraint("importance BETWEEN 0 AND 1", name="importance"),
    CheckConstraint("(archived_at IS NULL) = (archived_because IS NULL)", name="archived"),
    CheckConstraint("merged_into IS NULL OR archived_because = 'merged'", name="merged"),
)
Index("ix_assistant_memories_bot_id", memories.c.bot_id, memories.c.memory_id)
Index("ix_assistant_memories_merged_into", memories.c.merged_into)
