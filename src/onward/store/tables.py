"""The tables, once for both databases. Names and columns are part of the public interface: people query them.

Times are aware UTC: ``timestamptz`` on PostgreSQL, text as ``datetime('now')`` writes it (with microseconds) on
SQLite, which sorts right and compares with what people type. Ids are text. JSON is text, so that what is read is
byte for byte what was written.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    text,
)


class UtcTime(TypeDecorator[datetime]):
    """An aware time in UTC."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(DateTime(timezone=True) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return time_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the interface of SQLAlchemy
        if value is None:
            return None
        return parse_time(value) if isinstance(value, str) else value.astimezone(UTC)


def time_text(value: datetime) -> str:
    """The text of a time on SQLite: always 26 characters, so that it sorts."""
    return value.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def parse_time(value: str) -> datetime:
    """The time of such a text, also as people write it by hand."""
    parsed = datetime.fromisoformat(value)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Text that sorts by bytes on both databases: ids rise with time, and their order is the order of pages.
Id = Text().with_variant(Text(collation="C"), "postgresql")
Seq = BigInteger().with_variant(Integer(), "sqlite")

_STATUSES = "'pending', 'running', 'pending_hitl', 'completed', 'failed', 'cancelled'"

meta = Table(
    "onward_meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", Id, primary_key=True),
    Column("job_type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("label", Text, nullable=False, server_default=""),
    Column("task_description", Text, nullable=False, server_default=""),
    Column("source_id", Text),
    Column("user_id", Text),
    Column("bot_id", Text),
    Column("queue", Text, nullable=False, server_default="default"),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("params", Text, nullable=False, server_default="{}"),
    Column("tags", Text),
    Column("resources", Text),
    Column("type_version", Integer, nullable=False, server_default="1"),
    Column("idempotency_key", Text),
    Column("payload_digest", Text),
    Column("parent_id", Id),
    Column("position", Integer),
    Column("phase_from", Float),
    Column("phase_share", Float),
    # The right to write: fence rises at every claim, takeover and fresh start; worker_id is the owner.
    Column("fence", BigInteger, nullable=False, server_default="0"),
    Column("generation", Integer, nullable=False, server_default="1"),
    Column("worker_id", Id),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("losses", Integer, nullable=False, server_default="0"),
    Column("max_attempts", Integer, nullable=False, server_default="1"),
    Column("max_losses", Integer, nullable=False, server_default="5"),
    Column("on_worker_lost", Text, nullable=False, server_default="resume"),
    # Why it is not ready; NULL means that a worker may take it.
    Column("waiting_on", Text),
    Column("blocked_by", Text),
    Column("paused_by", Text),
    Column("paused_reason", Text),
    Column("progress_percent", Integer),
    Column("progress_message", Text, nullable=False, server_default=""),
    Column("progress_done", BigInteger),
    Column("progress_total", BigInteger),
    Column("progress_rate", Float),
    Column("progress_eta", Float),
    Column("progress_phase", Text),
    Column("result", Text),
    Column("error", Text),
    Column("hitl_type", Text),
    Column("hitl_data", Text),
    Column("hitl_response", Text),
    Column("current_dimension", Integer),
    Column("current_operation", Text),
    Column("pending_dimensions", Text),
    Column("checkpoint_number", Integer, nullable=False, server_default="0"),
    Column("checkpoint_at", UtcTime),
    Column("superseded_by", Id),
    Column("created_at", UtcTime, nullable=False),
    Column("run_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("completed_at", UtcTime),
    Column("updated_at", UtcTime, nullable=False),
    CheckConstraint(f"status IN ({_STATUSES})", name="status"),
    CheckConstraint("status <> 'pending' OR completed_at IS NULL", name="pending_not_ended"),
)
# Only what is due is in the index that claims read; it stays small however many jobs have ended.
Index(
    "ix_jobs_ready",
    jobs.c.priority.desc(),
    jobs.c.run_at,
    jobs.c.job_id,
    postgresql_where=text("status = 'pending' AND waiting_on IS NULL"),
    sqlite_where=text("status = 'pending' AND waiting_on IS NULL"),
)
Index(
    "ix_jobs_waiting",
    jobs.c.waiting_on,
    jobs.c.run_at,
    postgresql_where=text("waiting_on IS NOT NULL"),
    sqlite_where=text("waiting_on IS NOT NULL"),
)
Index(
    "ix_jobs_blocked",
    jobs.c.blocked_by,
    jobs.c.priority.desc(),
    jobs.c.run_at,
    postgresql_where=text("blocked_by IS NOT NULL"),
    sqlite_where=text("blocked_by IS NOT NULL"),
)
Index(
    "ix_jobs_worker",
    jobs.c.worker_id,
    postgresql_where=text("worker_id IS NOT NULL"),
    sqlite_where=text("worker_id IS NOT NULL"),
)
# Most jobs have completed; those are found by the primary key as fast, and cost nothing here.
Index(
    "ix_jobs_status",
    jobs.c.status,
    jobs.c.job_id,
    postgresql_where=text("status <> 'completed'"),
    sqlite_where=text("status <> 'completed'"),
)
Index("ix_jobs_type", jobs.c.job_type, jobs.c.job_id)
for _column in (jobs.c.source_id, jobs.c.user_id, jobs.c.parent_id):
    Index(
        f"ix_jobs_{_column.name}",
        _column,
        jobs.c.job_id,
        postgresql_where=text(f"{_column.name} IS NOT NULL"),
        sqlite_where=text(f"{_column.name} IS NOT NULL"),
    )
Index(
    "uq_jobs_idempotency_key",
    jobs.c.idempotency_key,
    unique=True,
    postgresql_where=text("idempotency_key IS NOT NULL"),
    sqlite_where=text("idempotency_key IS NOT NULL"),
)

job_tags = Table(
    "job_tags",
    metadata,
    Column("tag", Text, primary_key=True),
    Column("job_id", Id, primary_key=True),
)

job_runs = Table(
    "job_runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("job_id", Id),
    Column("scheduled_job_id", Id),
    Column("job_type", Text, nullable=False),
    Column("bot_id", Text),
    Column("status", Text, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    Column("generation", Integer, nullable=False, server_default="1"),
    Column("worker_id", Id),
    Column("started_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    Column("duration_ms", BigInteger),
    Column("result_json", Text),
    Column("error_type", Text),
    Column("error_message", Text),
    Column("error_traceback", Text),
    CheckConstraint(
        "status IN ('pending', 'running', 'success', 'failed', 'skipped', 'cancelled', 'lost', 'interrupted', "
        "'parked')",
        name="status",
    ),
    # Found by its id or by its job and fence, never by a row number: one tree less to keep.
    sqlite_with_rowid=False,
)
Index("uq_job_runs_fence", job_runs.c.job_id, job_runs.c.fence, unique=True)

events = Table(
    "job_events",
    metadata,
    Column("seq", Seq, primary_key=True, autoincrement=True),
    Column("job_id", Id, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("actor", Text),
    Column("data", Text),
    sqlite_autoincrement=True,
)
Index("ix_job_events_job_id", events.c.job_id, events.c.seq)
# One verdict for each generation of a job: a second one cannot be committed.
Index(
    "uq_job_events_verdict",
    events.c.job_id,
    events.c.generation,
    unique=True,
    postgresql_where=text("kind IN ('completed', 'failed', 'cancelled')"),
    sqlite_where=text("kind IN ('completed', 'failed', 'cancelled')"),
)

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

logs = Table(
    "job_logs",
    metadata,
    Column("seq", Seq, primary_key=True, autoincrement=True),
    Column("job_id", Id, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("level", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("fields", Text),
    sqlite_autoincrement=True,
)
Index("ix_job_logs_job_id", logs.c.job_id, logs.c.seq)

resources = Table(
    "resources",
    metadata,
    Column("name", Text, primary_key=True),
    Column("capacity", Integer, nullable=False, server_default="1"),
    Column("token", BigInteger, nullable=False, server_default="0"),
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
)
Index("ix_workers_state", workers.c.state)
