"""How Alembic runs our migrations: on the connection that it is handed, in that connection's transaction."""

from __future__ import annotations

from alembic import context

from onward.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="onward_version",
    transactional_ddl=False,
    render_as_batch=True,
)
context.run_migrations()
