"""The first schema, as it was when it was made: later migrations change it step by step.

The file is long because it is written out once and never changes with the tables of today.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from onward.store.tables import UtcTime

revision = "1"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "chain_phases",
        sa.Column("job_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("job_type", sa.Text(), nullable=False),
        sa.Column("job_row", sa.Text(), nullable=False),
        sa.Column("child_id", ID, nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", "position", name=op.f("pk_chain_phases")),
    )
    op.create_table(
        "checkpoints",
        sa.Column("job_id", ID, nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("format", sa.Integer(), server_default="1", nullable=False),
        sa.Column("type_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("saved_at", UtcTime(), nullable=False),
        sa.Column("pinned", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "slot", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "job_events",
        sa.Column("seq", SEQ, autoincrement=True, nullable=False),
        sa.Column("job_id", ID, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("data", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_job_events")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_job_events_job_id", "job_events", ["job_id", "seq"], unique=False)
    op.create_index(
        "uq_job_events_verdict",
        "job_events",
        ["job_id", "generation"],
        unique=True,
        postgresql_where=sa.text("kind IN ('completed', 'failed', 'cancelled')"),
        sqlite_where=sa.text("kind IN ('completed', 'failed', 'cancelled')"),
    )
    op.create_table(
        "job_logs",
        sa.Column("seq", SEQ, autoincrement=True, nullable=False),
        sa.Column("job_id", ID, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_job_logs")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_job_logs_job_id", "job_logs", ["job_id", "seq"], unique=False)
    op.create_table(
        "job_partials",
        sa.Column("job_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("records", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "name", "first", name=op.f("pk_job_partials")),
    )
    op.create_table(
        "job_resources",
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("job_id", ID, nullable=False),
        sa.Column("slot", sa.Integer(), nullable=True),
        sa.Column("token", sa.BigInteger(), nullable=True),
        sa.Column("held_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("resource", "job_id", name=op.f("pk_job_resources")),
    )
    op.create_index("ix_job_resources_job_id", "job_resources", ["job_id"], unique=False)
    op.create_index(
        "uq_job_resources_slot",
        "job_resources",
        ["resource", "slot"],
        unique=True,
        postgresql_where=sa.text("slot IS NOT NULL"),
        sqlite_where=sa.text("slot IS NOT NULL"),
    )
    op.create_table(
        "job_runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("job_id", ID, nullable=True),
        sa.Column("scheduled_job_id", ID, nullable=True),
        sa.Column("job_type", sa.Text(), nullable=False),
        sa.Column("bot_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("generation", sa.Integer(), server_default="1", nullable=False),
        sa.Column("worker_id", ID, nullable=True),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("finished_at", UtcTime(), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.Column("result_json", sa.Text(), nullable=True),
        sa.Column("error_type", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("error_traceback", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'running', 'success', 'failed', 'skipped', 'cancelled', 'lost', 'interrupted', "
            "'parked')",
            name=op.f("ck_job_runs_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_runs")),
        sqlite_with_rowid=False,
    )
    op.create_index("uq_job_runs_fence", "job_runs", ["job_id", "fence"], unique=True)
    op.create_table(
        "job_steps",
        sa.Column("job_id", ID, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("kept_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "scope", "name", name=op.f("pk_job_steps")),
    )
    op.create_table(
        "job_tags",
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("job_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("tag", "job_id", name=op.f("pk_job_tags")),
    )
    op.create_table(
        "jobs",
        sa.Column("job_id", ID, nullable=False),
        sa.Column("job_type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        sa.Column("task_description", sa.Text(), server_default="", nullable=False),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("bot_id", sa.Text(), nullable=True),
        sa.Column("queue", sa.Text(), server_default="default", nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("params", sa.Text(), server_default="{}", nullable=False),
        sa.Column("tags", sa.Text(), nullable=True),
        sa.Column("resources", sa.Text(), nullable=True),
        sa.Column("type_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("payload_digest", sa.Text(), nullable=True),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("phase_from", sa.Float(), nullable=True),
        sa.Column("phase_share", sa.Float(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("generation", sa.Integer(), server_default="1", nullable=False),
        sa.Column("worker_id", ID, nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("losses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), server_default="1", nullable=False),
        sa.Column("max_losses", sa.Integer(), server_default="5", nullable=False),
        sa.Column("on_worker_lost", sa.Text(), server_default="resume", nullable=False),
        sa.Column("waiting_on", sa.Text(), nullable=True),
        sa.Column("blocked_by", sa.Text(), nullable=True),
        sa.Column("paused_by", sa.Text(), nullable=True),
        sa.Column("paused_reason", sa.Text(), nullable=True),
        sa.Column("progress_percent", sa.Integer(), nullable=True),
        sa.Column("progress_message", sa.Text(), server_default="", nullable=False),
        sa.Column("progress_done", sa.BigInteger(), nullable=True),
        sa.Column("progress_total", sa.BigInteger(), nullable=True),
        sa.Column("progress_rate", sa.Float(), nullable=True),
        sa.Column("progress_eta", sa.Float(), nullable=True),
        sa.Column("progress_phase", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("hitl_type", sa.Text(), nullable=True),
        sa.Column("hitl_data", sa.Text(), nullable=True),
        sa.Column("hitl_response", sa.Text(), nullable=True),
        sa.Column("current_dimension", sa.Integer(), nullable=True),
        sa.Column("current_operation", sa.Text(), nullable=True),
        sa.Column("pending_dimensions", sa.Text(), nullable=True),
        sa.Column("checkpoint_number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("checkpoint_at", UtcTime(), nullable=True),
        sa.Column("superseded_by", ID, nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("run_at", UtcTime(), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=True),
        sa.Column("completed_at", UtcTime(), nullable=True),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.CheckConstraint("status <> 'pending' OR completed_at IS NULL", name=op.f("ck_jobs_pending_not_ended")),
        sa.CheckConstraint(
            "status IN ('pending', 'running', 'pending_hitl', 'completed', 'failed', 'cancelled')",
            name=op.f("ck_jobs_status"),
        ),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_jobs")),
    )
    op.create_index(
        "ix_jobs_blocked",
        "jobs",
        ["blocked_by", sa.literal_column("priority DESC"), "run_at"],
        unique=False,
        postgresql_where=sa.text("blocked_by IS NOT NULL"),
        sqlite_where=sa.text("blocked_by IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_parent_id",
        "jobs",
        ["parent_id", "job_id"],
        unique=False,
        postgresql_where=sa.text("parent_id IS NOT NULL"),
        sqlite_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_ready",
        "jobs",
        [sa.literal_column("priority DESC"), "run_at", "job_id"],
        unique=False,
        postgresql_where=sa.text("status = 'pending' AND waiting_on IS NULL"),
        sqlite_where=sa.text("status = 'pending' AND waiting_on IS NULL"),
    )
    op.create_index(
        "ix_jobs_source_id",
        "jobs",
        ["source_id", "job_id"],
        unique=False,
        postgresql_where=sa.text("source_id IS NOT NULL"),
        sqlite_where=sa.text("source_id IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_status",
        "jobs",
        ["status", "job_id"],
        unique=False,
        postgresql_where=sa.text("status <> 'completed'"),
        sqlite_where=sa.text("status <> 'completed'"),
    )
    op.create_index("ix_jobs_type", "jobs", ["job_type", "job_id"], unique=False)
    op.create_index(
        "ix_jobs_user_id",
        "jobs",
        ["user_id", "job_id"],
        unique=False,
        postgresql_where=sa.text("user_id IS NOT NULL"),
        sqlite_where=sa.text("user_id IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_waiting",
        "jobs",
        ["waiting_on", "run_at"],
        unique=False,
        postgresql_where=sa.text("waiting_on IS NOT NULL"),
        sqlite_where=sa.text("waiting_on IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_worker",
        "jobs",
        ["worker_id"],
        unique=False,
        postgresql_where=sa.text("worker_id IS NOT NULL"),
        sqlite_where=sa.text("worker_id IS NOT NULL"),
    )
    op.create_index(
        "uq_jobs_idempotency_key",
        "jobs",
        ["idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
        sqlite_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "onward_meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_onward_meta")),
    )
    op.create_table(
        "resources",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Integer(), server_default="1", nullable=False),
        sa.Column("token", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_resources")),
    )
    op.create_table(
        "workers",
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("pid_namespace", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("pid_started", sa.Float(), nullable=False),
        sa.Column("queues", sa.Text(), nullable=False),
        sa.Column("job_types", sa.Text(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("lease_seconds", sa.Float(), nullable=False),
        sa.Column("heartbeat_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lock_key", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("worker_id", name=op.f("pk_workers")),
    )
    op.create_index("ix_workers_state", "workers", ["state"], unique=False)


def downgrade() -> None:
    for name in (
        "chain_phases",
        "checkpoints",
        "job_events",
        "job_logs",
        "job_partials",
        "job_resources",
        "job_runs",
        "job_steps",
        "job_tags",
        "jobs",
        "onward_meta",
        "resources",
        "workers",
    ):
        op.drop_table(name)
