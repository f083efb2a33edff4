"""The first schema, as it was when it was made: later migrations change it step by step."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from onward.catalogue.memory.outside.columns import Id, JsonText, UtcTime

revision = "1"
down_revision = None
branch_labels = None
depends_on = None

ENTITY = ("bot_id", "entity_type", "entity_id")


def entity() -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in ENTITY]


def upgrade() -> None:
    op.create_table(
        "assistant_attributes",
        sa.Column("attribute_id", Id, nullable=False),
        *entity(),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", JsonText(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name=op.f("ck_assistant_attributes_confidence")),
        sa.PrimaryKeyConstraint("attribute_id", name=op.f("pk_assistant_attributes")),
    )
    op.create_index("ix_assistant_attributes_entity", "assistant_attributes", [*ENTITY], unique=False)
    op.create_table(
        "assistant_profiles",
        *entity(),
        sa.Column("display_name", sa.Text(), server_default="", nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("summary", sa.Text(), server_default="", nullable=False),
        sa.Column("summary_updated_at", UtcTime(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("model_reason", sa.Text(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint(*ENTITY, name=op.f("pk_assistant_profiles")),
    )
    op.create_table(
        "assistant_summaries",
        sa.Column("summary_id", Id, nullable=False),
        *entity(),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("facts", JsonText(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("model_reason", sa.Text(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("made_by_job", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("summary_id", name=op.f("pk_assistant_summaries")),
    )
    op.create_index("ix_assistant_summaries_entity", "assistant_summaries", [*ENTITY, "summary_id"], unique=False)
    op.create_table(
        "assistant_memories",
        sa.Column("memory_id", Id, nullable=False),
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("importance", sa.Float(), nullable=False),
        sa.Column("tags", JsonText(), nullable=False),
        sa.Column("sources", JsonText(), nullable=False),
        sa.Column("access_count", sa.Integer(), nullable=False),
        sa.Column("last_accessed_at", UtcTime(), nullable=True),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("archived_at", UtcTime(), nullable=True),
        sa.Column("archived_because", sa.Text(), nullable=True),
        sa.Column("merged_into", Id, nullable=True),
        sa.Column("made_by", sa.Text(), nullable=True),
        sa.Column("embedding", sa.LargeBinary(), nullable=True),
        sa.Column("embedding_model", sa.Text(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.CheckConstraint("importance BETWEEN 0 AND 1", name=op.f("ck_assistant_memories_importance")),
        sa.CheckConstraint(
            "(archived_at IS NULL) = (archived_because IS NULL)", name=op.f("ck_assistant_memories_archived")
        ),
        sa.CheckConstraint(
            "merged_into IS NULL OR archived_because = 'merged'", name=op.f("ck_assistant_memories_merged")
        ),
        sa.PrimaryKeyConstraint("memory_id", name=op.f("pk_assistant_memories")),
    )
    op.create_index("ix_assistant_memories_bot_id", "assistant_memories", ["bot_id", "memory_id"], unique=False)
    op.create_index("ix_assistant_memories_merged_into", "assistant_memories", ["merged_into"], unique=False)
