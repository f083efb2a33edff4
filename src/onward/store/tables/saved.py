"""What jobs save: checkpoints, steps and partial work."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    Table,
    Text,
    text,
)

from onward.store.tables.columns import Id, UtcTime, metadata

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("job_id", Id, primary_key=True),
    # The newest and the one before: 0 and 1 in turn.
    Column("slot", Integer, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("format", Integer, nullable=False, server_default="1"),
    Column("type_version", Integer, nullable=False, server_default="1"),
    Column("percent", Integer),
    Column("fence", BigInteger, nullable=False),
    Column("saved_at", UtcTime, nullable=False),
    Column("pinned", Boolean, nullable=False, server_default=text("false")),
)

steps = Table(
    "job_steps",
    metadata,
    Column("job_id", Id, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("result", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("kept_at", UtcTime, nullable=False),
)

partials = Table(
    "job_partials",
    metadata,
    Column("job_id", Id, primary_key=True),
    Column("name", Text, primary_key=True),
    # The number of records before this piece: pieces follow each other without gaps.
    Column("first", BigInteger, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("records", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
)
