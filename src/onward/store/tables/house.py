"""What the house keeps for itself: facts, workers, journals, what was refused, and the archive."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    Table,
    Text,
)

from onward.store.tables.columns import Id, Seq, UtcTime, metadata

meta = Table(
    "onward_meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("worker_id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("pid_namespace", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("pid_started", Float, nullable=False),
    Column("queues", Text, nullable=False),
    Column("job_types", Text, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("lease_seconds", Float, nullable=False),
    Column("heartbeat_seq", BigInteger, nullable=False, server_default="0"),
    Column("lock_key", BigInteger, nullable=False, server_default="0"),
    Column("started_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    # What somebody wants of it: drain or stop.
    Column("wish", Text),
)
Index("ix_workers_state", workers.c.state)

# How far each worker's journal has been written into this database: nothing of it is written twice.
journals = Table(
    "journals",
    metadata,
    Column("journal_id", Text, primary_key=True),
    Column("applied", BigInteger, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)

# What an overtaken run wanted to write and was refused.
conflicts = Table(
    "conflicts",
    metadata,
    Column("seq", Seq, primary_key=True, autoincrement=True),
    Column("job_id", Id, nullable=False),
    Column("run_id", Id),
    Column("fence", BigInteger, nullable=False),
    Column("worker_id", Id),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("data", Text),
    sqlite_autoincrement=True,
)
Index("ix_conflicts_job_id", conflicts.c.job_id, conflicts.c.seq)

archived_jobs = Table(
    "archived_jobs",
    metadata,
    Column("job_id", Id, primary_key=True),
    Column("job_type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("source_id", Text),
    Column("user_id", Text),
    Column("parent_id", Id),
    Column("created_at", UtcTime, nullable=False),
    Column("completed_at", UtcTime),
    Column("archived_at", UtcTime, nullable=False),
    # The job with its runs, events and logs as JSON; NULL where only the fact was kept.
    Column("document", Text),
)
Index("ix_archived_jobs_archived_at", archived_jobs.c.archived_at, archived_jobs.c.job_id)
