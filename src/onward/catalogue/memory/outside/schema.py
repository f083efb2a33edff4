"""The schema and its version: made at first use, changed by migrations of its own, apart from onward's tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from onward.catalogue.memory.outside.columns import metadata
from onward.catalogue.memory.outside.tables import VERSION_TABLE
from onward.errors import SchemaMismatch

HEAD = 1
"""The schema's version: the number of the newest migration."""
_LOCK = 0x617373697374  # "assist": the advisory lock of PostgreSQL under which the schema is made


def prepare(conn: Connection) -> None:
    """Make the tables, or bring them forward; any number may try at once. Raises ``SchemaMismatch`` for newer ones."""
    found = version(conn)
    if found == HEAD:
        return
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        found = version(conn)
    if found is not None and found > HEAD:
        raise SchemaMismatch(
            f"The memories have schema {found}, newer than this version knows ({HEAD}). Nothing was changed.",
            hint="Install the onward that made it, or a newer one.",
        )
    if found is None:
        _refuse_foreign(conn)
    if found != HEAD:
        # Imported here: it takes as long as all the rest, and is needed when a schema changes.
        from alembic import command

        config = _config()
        config.attributes["connection"] = conn
        command.upgrade(config, "head")


def version(conn: Connection) -> int | None:
    """The schema's version, or None when there is none."""
    if not inspect(conn).has_table(VERSION_TABLE):
        return None
    row = conn.execute(text("SELECT version_num FROM assistant_version")).first()
    return int(row[0]) if row else None


def differences(conn: Connection) -> list[Any]:
    """What differs between the database and the tables of this version; an empty list when nothing does."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    def is_ours(found: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:  # noqa: ARG001 - asked so by Alembic
        return kind != "table" or name in metadata.tables

    options = {"version_table": VERSION_TABLE, "include_object": is_ours}
    return list(compare_metadata(MigrationContext.configure(conn, opts=options), metadata))


def _refuse_foreign(conn: Connection) -> None:
    inspector = inspect(conn)
    theirs = sorted(name for name in metadata.tables if inspector.has_table(name))
    if theirs:
        raise SchemaMismatch(
            f"The database already has a table {theirs[0]!r} that is not onward's.",
            hint="Use another database, or on PostgreSQL a schema of its own: ONWARD_DATABASE_SCHEMA=onward.",
        )


def _config() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
