"""The first schema. It is the tables as they stand; later migrations change them step by step."""

from __future__ import annotations

from alembic import op

from onward.store.tables import metadata

revision = "1"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    metadata.create_all(op.get_bind())


def downgrade() -> None:
    metadata.drop_all(op.get_bind())
