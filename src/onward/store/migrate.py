"""The schema and its versions: made in an empty database, checked in every other, changed by migrations."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from onward.errors import SchemaMismatch
from onward.store.dialects import Dialect
from onward.store.engines import Engines
from onward.store.tables import metadata

# Alembic is imported where it is used: it takes as long as all the rest, and is needed when a schema changes.

AnyDialect = Dialect
HEAD = 8
"""The schema's version: the number of the newest migration."""

VERSION_TABLE = "onward_version"
_LOCK = 0x6F6E77617264  # "onward": the advisory lock of PostgreSQL under which the schema is made


def prepare(engines: Engines) -> None:
    """Make the schema in an empty database, under a lock; refuse an older one, and a newer one that shuts us out."""
    with engines.reading() as conn:
        found = version(conn)
        if found == HEAD or (found is not None and found > HEAD >= _oldest_reader(conn)):
            return
    if found is not None:
        raise _mismatch(found)
    upgrade(engines)


def upgrade(engines: Engines) -> tuple[int, int]:
    """Bring the schema to this version; (version before, version now). Any number may try at once."""
    with engines.writing(math.inf) as conn:
        if conn.dialect.name == "postgresql":
            conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        before = version(conn) or 0
        if before > HEAD:
            raise _mismatch(before)
        if before == 0:
            _refuse_foreign(conn)
        if before < HEAD:
            from alembic import command  # noqa: PLC0415 - see above

            config = _config()
            config.attributes["connection"] = conn
            command.upgrade(config, "head")
    return before, HEAD


def version(conn: Connection) -> int | None:
    """The schema's version, or None when there is none."""
    if not inspect(conn).has_table(VERSION_TABLE):
        return None
    row = conn.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).first()
    return int(row[0]) if row else None


def _oldest_reader(conn: Connection) -> int:
    """The oldest schema whose code may use the database as it is: newer ones that only add say so."""
    row = conn.execute(text("SELECT value FROM onward_meta WHERE key = 'oldest_reader'")).first()
    return int(row[0]) if row else 1 << 30


def differences(conn: Connection) -> list[Any]:
    """What differs between the database and the tables of this version; an empty list when nothing does."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - see above
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - see above

    def is_ours(found: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:  # noqa: ARG001 - asked so by Alembic
        return kind != "table" or name in metadata.tables

    options = {"version_table": VERSION_TABLE, "compare_type": False, "include_object": is_ours}
    return list(compare_metadata(MigrationContext.configure(conn, opts=options), metadata))


def drop_all(engines: Engines) -> None:
    """Delete every table of ours, with everything in it."""
    with engines.writing(math.inf) as conn:
        metadata.drop_all(conn)
        if conn.dialect.name == "postgresql":
            conn.execute(text("DROP FUNCTION IF EXISTS onward_plan_anew(), onward_tally()"))
        conn.execute(text(f"DROP TABLE IF EXISTS {VERSION_TABLE}"))


def _refuse_foreign(conn: Connection) -> None:
    inspector = inspect(conn)
    theirs = sorted(name for name in metadata.tables if inspector.has_table(name))
    if theirs:
        raise SchemaMismatch(
            f"The database already has a table {theirs[0]!r} that is not onward's.",
            hint="Use another database, or on PostgreSQL a schema of its own: ONWARD_DATABASE_SCHEMA=onward.",
        )


def _mismatch(found: int) -> SchemaMismatch:
    if found < HEAD:
        return SchemaMismatch(
            f"The database has schema {found}, this version needs {HEAD}. Nothing was changed.",
            hint="onward db upgrade --dry-run, then onward db upgrade.",
        )
    return SchemaMismatch(
        f"The database has schema {found}, newer than this version knows ({HEAD}). Nothing was changed.",
        hint="Install the onward that made it, or a newer one.",
    )


def _config() -> Any:
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def script_heads() -> list[str]:
    """The newest migrations; exactly one, of the version ``HEAD``."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see above

    return list(ScriptDirectory.from_config(_config()).get_heads())
