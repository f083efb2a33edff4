"""The eighth schema: what an operation on many jobs is given besides its verb. It only adds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "8"
down_revision = "7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("operations", sa.Column("arguments", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("operations", "arguments")
