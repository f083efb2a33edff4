"""Looking at the database as a whole: size, rows, health, SQL by hand, and a copy of a SQLite file."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import Any

from sqlalchemy import inspect, text

from onward.errors import InvalidValue, OnwardError
from onward.store import migrate, moved, tallies
from onward.store.engines import SqliteEngines
from onward.store.store import Store, shown_url
from onward.store.tables import metadata


def status(store: Store) -> dict[str, Any]:
    """Address, kind, library, schema version, size and rows."""
    engines = store.engines
    with store.look() as conn:
        found = migrate.version(conn)
        if isinstance(engines, SqliteEngines):
            library = f"SQLite {engines.module.sqlite_version}" + (" (safe mode)" if engines.safe else "")
            size = sum(f.stat().st_size for f in engines.path.parent.glob(engines.path.name + "*") if f.is_file())
        else:
            library = "PostgreSQL " + str(store.dialect.query(conn, "SHOW server_version", [])[0][0])
            size = int(store.dialect.query(conn, "SELECT pg_database_size(current_database())", [])[0][0])
        mark = moved.look(conn, store.dialect)
        rows: dict[str, int] = {}
        if found is not None:
            # An older schema has not all of them yet.
            there = set(inspect(conn).get_table_names())
            for name in sorted(there & set(metadata.tables)):
                rows[name] = int(store.dialect.query(conn, f'SELECT count(*) FROM "{name}"', [])[0][0])
    return {
        "url": shown_url(store.url),
        "library": library,
        "schema": found,
        "needs": migrate.HEAD,
        "bytes": size,
        "rows": rows,
        "moved_to": mark.to if mark else None,
    }


def check(store: Store) -> list[str]:
    """What is wrong: damage, a schema that differs, rows that contradict each other."""
    problems: list[str] = []
    with store.read(math.inf) as conn:
        if store.is_sqlite:
            found = store.dialect.query(conn, "PRAGMA integrity_check", [])
            problems += [str(row[0]) for row in found if row[0] != "ok"]
        problems += [f"The schema differs: {item}" for item in migrate.differences(conn)]
        for sql, what in _CONTRADICTIONS:
            count = int(store.dialect.query(conn, sql, [])[0][0])
            if count:
                problems.append(f"{count} {what}")
        wrong = tallies.error(conn, store.dialect)
        if wrong:
            problems.append(f"job_tallies is wrong by {wrong}: docs/reference/database.md says how to count anew")
    return problems


_CONTRADICTIONS = (
    (
        "SELECT count(*) FROM jobs WHERE status = 'running' AND worker_id IS NULL "
        "AND (waiting_on IS NULL OR waiting_on NOT IN ('children', 'outside'))",
        "jobs are running without a worker",
    ),
    (
        "SELECT count(*) FROM jobs WHERE status IN ('completed', 'failed', 'cancelled') AND completed_at IS NULL",
        "jobs have ended without a time",
    ),
    (
        "SELECT count(*) FROM job_resources n LEFT JOIN jobs j ON j.job_id = n.job_id WHERE j.job_id IS NULL",
        "resources are held for jobs that do not exist",
    ),
    (
        "SELECT count(*) FROM questions q LEFT JOIN jobs j ON j.job_id = q.job_id WHERE q.state = 'open' "
        "AND (j.job_id IS NULL OR j.status <> 'pending_hitl')",
        "questions are open though nobody waits for their answer",
    ),
    (
        "SELECT count(*) FROM jobs j WHERE j.status = 'pending_hitl' AND j.waiting_on <> 'outside' AND NOT EXISTS "
        "(SELECT 1 FROM questions q WHERE q.job_id = j.job_id AND q.state = 'open')",
        "jobs wait for an answer to no question",
    ),
    (
        "SELECT count(*) FROM job_resources n JOIN jobs j ON j.job_id = n.job_id WHERE n.slot IS NOT NULL "
        "AND j.status IN ('completed', 'failed', 'cancelled') AND j.worker_id IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM jobs c LEFT JOIN jobs g ON g.parent_id = c.job_id WHERE c.parent_id = j.job_id "
        "AND (c.worker_id IS NOT NULL OR g.worker_id IS NOT NULL))",
        "resources are held by jobs that have ended",
    ),
    (
        "SELECT count(*) FROM job_runs r JOIN jobs j ON j.job_id = r.job_id WHERE r.status = 'running' "
        # A job that was started fresh waits until the code of its earlier run has left.
        "AND ((j.fence <> r.fence AND (j.status = 'running' OR j.worker_id IS NULL OR j.worker_id <> r.worker_id)) "
        "OR (j.worker_id IS NULL AND j.status <> 'running'))",
        "runs are recorded as running that are over",
    ),
)


def run_sql(store: Store, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Run one statement with our own library, as one transaction."""
    with store.transaction() as conn:
        result = conn.execute(text(sql.replace(":", "\\:")))
        if not result.returns_rows:
            return ["rows changed"], [(result.rowcount,)]
        return list(result.keys()), [tuple(row) for row in result.fetchall()]


def backup(store: Store, path: Path) -> None:
    """Copy a SQLite database by SQLite's own means; the file itself is never read past the library."""
    engines = store.engines
    if not isinstance(engines, SqliteEngines):
        raise OnwardError(
            "Backups of PostgreSQL are made with pg_dump.", hint="pg_dump --format=custom DATABASE > file"
        )
    if path.exists():
        raise InvalidValue(f"{path} exists already.", hint="Name a new file.")
    target = engines.module.connect(str(path))
    with contextlib.closing(target), engines.reading() as conn:
        source: Any = conn.connection.driver_connection
        source.backup(target)
