"""The sixth schema: which jobs a key is limited to.

It only adds, so servers of the schema before go on beside those of this one; to them no key has limits. Make keys with
limits once every server is of this version.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "6"
down_revision = "5"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("limits", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("api_keys", "limits")
