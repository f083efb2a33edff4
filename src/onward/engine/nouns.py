"""What an application has besides jobs: workers, checkpoints and its database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from onward.engine.reader import Reader
from onward.model.ids import parsed
from onward.model.job import Job, WorkerRecord
from onward.model.query import JobQuery
from onward.store import Store, checkpoints, counting, migrate, workers


class Workers:
    """The workers that share the database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self, *, alive: bool = False) -> list[WorkerRecord]:
        """All that are known, newest first; ``alive``: only those that are online or draining."""
        with self._store.read() as conn:
            return workers.list_workers(conn, self._store.dialect, ("online", "draining") if alive else ())


class Checkpoints:
    """What jobs have saved."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self, job_id: str) -> list[dict[str, Any]]:
        """The kept checkpoints of a job, newest first: number, bytes, percent, saved_at, is_valid."""
        with self._store.read() as conn:
            return checkpoints.list_checkpoints(conn, self._store.dialect, parsed(job_id))


class Database:
    """The database itself: its schema and its health."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def upgrade(self) -> tuple[int, int]:
        """Make or bring forward the schema; (version before, version now)."""
        return self._store.upgrade()

    def version(self) -> int | None:
        """The schema's version, None for an empty database."""
        with self._store.look() as conn:
            return migrate.version(conn)

    def status(self) -> dict[str, Any]:
        """Address, schema version, library, size in bytes and rows of each table."""
        return counting.status(self._store)

    def check(self) -> list[str]:
        """What is wrong with it; an empty list when nothing is."""
        return counting.check(self._store)

    def reset(self) -> None:
        """Delete every table with everything in it, and make them anew."""
        migrate.drop_all(self._store.engines)
        migrate.upgrade(self._store.engines)

    def query(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run one statement of SQL: names of columns, and rows."""
        return counting.run_sql(self._store, sql)

    def backup(self, path: Path) -> None:
        """Copy a SQLite database to another file while it is in use."""
        counting.backup(self._store, path)


def interrupted(reader: Reader, limit: int) -> list[Job]:
    """Interrupted jobs that can be resumed by themselves: a phase is resumed with its chain."""
    found = reader.find(JobQuery(interrupted=True), limit, None)
    return [job for job in found if job.parent_id is None and job.is_interrupted]
