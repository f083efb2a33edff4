"""The seventh schema: how far a job was, and when. It only adds, so workers of the schema before go on beside."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "7"
down_revision = "6"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "job_curves",
        sa.Column("job_id", ID, nullable=False),
        sa.Column("points", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_curves")),
    )


def downgrade() -> None:
    op.drop_table("job_curves")
