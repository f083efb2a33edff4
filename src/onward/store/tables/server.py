"""What the server keeps: keys, answers that may be asked for again, views, operations on many jobs, and rollups."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, Table, Text, text

from onward.store.tables.columns import Id, UtcTime, metadata

# A key is shown once; only its hash is kept.
api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("start", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_by", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("used_at", UtcTime),
    Column("revoked_at", UtcTime),
    # Queues, job types and users as JSON; nothing: all jobs.
    Column("limits", Text),
)
Index("uq_api_keys_hash", api_keys.c.hash, unique=True)

# What a POST with an Idempotency-Key was answered; without a status it is still being done.
http_answers = Table(
    "http_answers",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("status", Integer),
    Column("headers", Text),
    Column("body", Text),
    Column("at", UtcTime, nullable=False),
)
Index("ix_http_answers_at", http_answers.c.at)

# A filter that somebody has named; without an owner it is everybody's.
views = Table(
    "saved_views",
    metadata,
    Column("view_id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("page", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("owner", Text),
    Column("created_at", UtcTime, nullable=False),
)

# One verb on many jobs: the set is written down when it begins, and each outcome as it comes.
operations = Table(
    "operations",
    metadata,
    Column("operation_id", Id, primary_key=True),
    Column("action", Text, nullable=False),
    Column("query", Text),
    Column("reason", Text, nullable=False, server_default=""),
    Column("state", Text, nullable=False),
    Column("total", Integer, nullable=False),
    Column("created_by", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    Column("stop_asked", Boolean, nullable=False, server_default=text("(false)")),
    # What the verb is given besides, as JSON: of a change, what shall be otherwise.
    Column("arguments", Text),
)
Index(
    "ix_operations_open",
    operations.c.updated_at,
    postgresql_where=text("state = 'running'"),
    sqlite_where=text("state = 'running'"),
)

# Not named job_id: what an operation has done stays when its jobs are deleted.
operation_items = Table(
    "operation_items",
    metadata,
    Column("operation_id", Id, primary_key=True),
    Column("target", Id, primary_key=True),
    Column("outcome", Text),
    Column("message", Text),
)
Index(
    "ix_operation_items_open",
    operation_items.c.operation_id,
    operation_items.c.target,
    postgresql_where=text("outcome IS NULL"),
    sqlite_where=text("outcome IS NULL"),
)

# How many jobs ended in each stretch of time: 300 s are kept for two weeks, 3600 s for longer.
rollups = Table(
    "job_rollups",
    metadata,
    Column("seconds", Integer, primary_key=True),
    Column("begins_at", UtcTime, primary_key=True),
    Column("outcome", Text, primary_key=True),
    Column("job_type", Text, primary_key=True),
    Column("jobs", BigInteger, nullable=False),
    Column("took_seconds", Float, nullable=False, server_default="0"),
)

# Queues that somebody has paused.
queues = Table(
    "queues",
    metadata,
    Column("name", Text, primary_key=True),
    Column("paused_by", Text, nullable=False),
    Column("paused_reason", Text, nullable=False, server_default=""),
    Column("paused_at", UtcTime, nullable=False),
)
