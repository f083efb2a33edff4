"""How Alembic runs these migrations: on the connection that it is handed, in that connection's transaction."""

from __future__ import annotations

from alembic import context

from onward.catalogue.memory.outside.columns import metadata
from onward.catalogue.memory.outside.tables import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=False,
    render_as_batch=True,
)
context.run_migrations()
