"""The second schema: questions to people, ranges, templates, archive, journals and what was refused.

It only adds, so workers of the first schema go on beside those of this one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from onward.store.tables import UtcTime

revision = "2"
down_revision = "1"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "archived_jobs",
        sa.Column("job_id", ID, nullable=False),
        sa.Column("job_type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("completed_at", UtcTime(), nullable=True),
        sa.Column("archived_at", UtcTime(), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_archived_jobs")),
    )
    op.create_index("ix_archived_jobs_archived_at", "archived_jobs", ["archived_at", "job_id"], unique=False)
    op.create_table(
        "chain_templates",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("phases", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_chain_templates")),
    )
    op.create_table(
        "conflicts",
        sa.Column("seq", SEQ, autoincrement=True, nullable=False),
        sa.Column("job_id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("worker_id", ID, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("data", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_conflicts")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_conflicts_job_id", "conflicts", ["job_id", "seq"], unique=False)
    op.create_table(
        "journals",
        sa.Column("journal_id", sa.Text(), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("journal_id", name=op.f("pk_journals")),
    )
    op.create_table(
        "questions",
        sa.Column("question_id", ID, nullable=False),
        sa.Column("job_id", ID, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("scope", sa.Text(), server_default="", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), server_default="", nullable=False),
        sa.Column("data", sa.Text(), nullable=True),
        sa.Column("answer_schema", sa.Text(), nullable=True),
        sa.Column("on_timeout", sa.Text(), nullable=False),
        sa.Column("default_response", sa.Text(), nullable=True),
        sa.Column("assigned_to", sa.Text(), nullable=True),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("claimed_at", UtcTime(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("response", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_at", UtcTime(), nullable=True),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'answered', 'expired', 'withdrawn')", name=op.f("ck_questions_state")),
        sa.PrimaryKeyConstraint("question_id", name=op.f("pk_questions")),
    )
    op.create_index(
        "ix_questions_expires_at",
        "questions",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_questions_job_id", "questions", ["job_id", "question_id"], unique=False)
    op.create_index(
        "uq_questions_open",
        "questions",
        ["job_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )
    op.add_column("jobs", sa.Column("family", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("range_number", sa.Integer(), nullable=True))
    op.add_column("jobs", sa.Column("range_total", sa.Integer(), nullable=True))
    op.add_column("jobs", sa.Column("range_start", sa.BigInteger(), nullable=True))
    op.add_column("jobs", sa.Column("range_end", sa.BigInteger(), nullable=True))
    op.add_column("jobs", sa.Column("acknowledged_by", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("acknowledged_at", UtcTime(), nullable=True))
    op.add_column("jobs", sa.Column("acknowledged_note", sa.Text(), nullable=True))
    op.create_index(
        "uq_jobs_range",
        "jobs",
        ["parent_id", "family", "range_number"],
        unique=True,
        postgresql_where=sa.text("family IS NOT NULL AND superseded_by IS NULL"),
        sqlite_where=sa.text("family IS NOT NULL AND superseded_by IS NULL"),
    )
    op.add_column("resources", sa.Column("held_by", sa.Text(), nullable=True))
    op.add_column("resources", sa.Column("held_reason", sa.Text(), nullable=True))
    op.add_column("resources", sa.Column("held_at", UtcTime(), nullable=True))
    # The oldest schema whose workers may go on with this one.
    op.execute("INSERT INTO onward_meta (key, value) VALUES ('oldest_reader', '1')")


def downgrade() -> None:
    op.execute("DELETE FROM onward_meta WHERE key = 'oldest_reader'")
    op.drop_index("uq_jobs_range", "jobs")
    for table, column in (
        ("jobs", "family"),
        ("jobs", "range_number"),
        ("jobs", "range_total"),
        ("jobs", "range_start"),
        ("jobs", "range_end"),
        ("jobs", "acknowledged_by"),
        ("jobs", "acknowledged_at"),
        ("jobs", "acknowledged_note"),
        ("resources", "held_by"),
        ("resources", "held_reason"),
        ("resources", "held_at"),
    ):
        op.drop_column(table, column)
    for name in ("archived_jobs", "chain_templates", "conflicts", "journals", "questions"):
        op.drop_table(name)
