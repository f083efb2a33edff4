"""What is kept of jobs: their rows, attempts, events, tags and log lines."""

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

from onward.store.tables.columns import Id, Seq, UtcTime, metadata

_STATUSES = "'pending', 'running', 'pending_hitl', 'completed', 'failed', 'cancelled'"

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
    # Of a child of a fan-out: its family, which of how many ranges it does, and the items, the end excluded.
    Column("family", Text),
    Column("range_number", Integer),
    Column("range_total", Integer),
    Column("range_start", BigInteger),
    Column("range_end", BigInteger),
    # Somebody has taken note of how it ended.
    Column("acknowledged_by", Text),
    Column("acknowledged_at", UtcTime),
    Column("acknowledged_note", Text),
    # Of a job that a schedule has started: which one, and for which due time.
    Column("scheduled_job_id", Id),
    Column("due_at", UtcTime),
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
for _name, _where in (
    ("ix_jobs_scheduled", "scheduled_job_id IS NOT NULL"),
    # What still runs of a schedule, however many of its jobs have ended.
    (
        "ix_jobs_scheduled_active",
        "scheduled_job_id IS NOT NULL AND (status IN ('pending', 'running', 'pending_hitl') OR worker_id IS NOT NULL)",
    ),
):
    Index(
        _name,
        jobs.c.scheduled_job_id,
        jobs.c.job_id,
        postgresql_where=text(_where),
        sqlite_where=text(_where),
    )
# A range exists once, however often its parent asks for it.
Index(
    "uq_jobs_range",
    jobs.c.parent_id,
    jobs.c.family,
    jobs.c.range_number,
    unique=True,
    postgresql_where=text("family IS NOT NULL AND superseded_by IS NULL"),
    sqlite_where=text("family IS NOT NULL AND superseded_by IS NULL"),
)

# How many jobs there are: the sum of all rows. Triggers on jobs keep it.
job_tallies = Table(
    "job_tallies",
    metadata,
    Column("number", Seq, primary_key=True, autoincrement=True),
    Column("jobs", BigInteger, nullable=False),
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
Index(
    "ix_job_runs_scheduled",
    job_runs.c.scheduled_job_id,
    job_runs.c.started_at,
    postgresql_where=text("scheduled_job_id IS NOT NULL"),
    sqlite_where=text("scheduled_job_id IS NOT NULL"),
)

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

# How far a job was, and when: a few hundred points as JSON.
curves = Table(
    "job_curves",
    metadata,
    Column("job_id", Id, primary_key=True),
    Column("points", Text, nullable=False),
)
