"""What jobs share: resources, chains and their templates, questions to people."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from onward.store.tables.columns import Id, UtcTime, metadata

resources = Table(
    "resources",
    metadata,
    Column("name", Text, primary_key=True),
    Column("capacity", Integer, nullable=False, server_default="1"),
    Column("token", BigInteger, nullable=False, server_default="0"),
    # A person keeps it from all jobs.
    Column("held_by", Text),
    Column("held_reason", Text),
    Column("held_at", UtcTime),
)

needs = Table(
    "job_resources",
    metadata,
    Column("resource", Text, primary_key=True),
    Column("job_id", Id, primary_key=True),
    # NULL while the job only wants it; a number below the capacity while it has it.
    Column("slot", Integer),
    Column("token", BigInteger),
    Column("held_at", UtcTime),
)
# Two holders of one place cannot be committed.
Index(
    "uq_job_resources_slot",
    needs.c.resource,
    needs.c.slot,
    unique=True,
    postgresql_where=text("slot IS NOT NULL"),
    sqlite_where=text("slot IS NOT NULL"),
)
Index("ix_job_resources_job_id", needs.c.job_id)

chain_phases = Table(
    "chain_phases",
    metadata,
    Column("job_id", Id, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("weight", Float, nullable=False),
    Column("job_type", Text, nullable=False),
    # The whole row of the phase's job, ready to be inserted when the phase before has completed.
    Column("job_row", Text, nullable=False),
    Column("child_id", Id),
    Column("result", Text),
)

chain_templates = Table(
    "chain_templates",
    metadata,
    Column("name", Text, primary_key=True),
    Column("label", Text, nullable=False, server_default=""),
    Column("description", Text, nullable=False, server_default=""),
    Column("phases", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("updated_by", Text),
)

questions = Table(
    "questions",
    metadata,
    Column("question_id", Id, primary_key=True),
    Column("job_id", Id, nullable=False),
    Column("generation", Integer, nullable=False),
    # Names are told apart by the item of an iteration in which they are asked.
    Column("scope", Text, nullable=False, server_default=""),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("prompt", Text, nullable=False, server_default=""),
    Column("data", Text),
    Column("answer_schema", Text),
    Column("on_timeout", Text, nullable=False),
    Column("default_response", Text),
    Column("assigned_to", Text),
    Column("claimed_by", Text),
    Column("claimed_at", UtcTime),
    Column("state", Text, nullable=False),
    Column("response", Text),
    Column("answered_by", Text),
    Column("answered_at", UtcTime),
    Column("asked_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("fence", BigInteger, nullable=False),
    CheckConstraint("state IN ('open', 'answered', 'expired', 'withdrawn')", name="state"),
)
Index("ix_questions_job_id", questions.c.job_id, questions.c.question_id)
# A job waits for one answer at a time: a second open question of it cannot be committed.
Index(
    "uq_questions_open",
    questions.c.job_id,
    unique=True,
    postgresql_where=text("state = 'open'"),
    sqlite_where=text("state = 'open'"),
)
Index(
    "ix_questions_expires_at",
    questions.c.expires_at,
    postgresql_where=text("state = 'open'"),
    sqlite_where=text("state = 'open'"),
)
