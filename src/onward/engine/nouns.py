"""What an application has besides jobs: workers and resources."""

from __future__ import annotations

from typing import Any

from onward.engine.reader import Reader
from onward.errors import InvalidValue
from onward.model.job import Job, WorkerRecord
from onward.model.query import JobQuery
from onward.store import Store, resources, workers


class Workers:
    """The workers that share the database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self, *, alive: bool = False) -> list[WorkerRecord]:
        """All that are known, newest first; ``alive``: only those that are online or draining."""
        with self._store.read() as conn:
            return workers.list_workers(conn, self._store.dialect, ("online", "draining") if alive else ())


class Resources:
    """What jobs occupy while they run."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self) -> list[dict[str, Any]]:
        """Every known resource: ``name``, ``capacity``, ``holders`` (job ids)."""
        with self._store.read() as conn:
            found = resources.list_resources(conn, self._store.dialect)
            held = resources.holders(conn, self._store.dialect, [name for name, _ in found]) if found else {}
        return [
            {"name": name, "capacity": capacity, "holders": list(held.get(name, {}).values())}
            for name, capacity in found
        ]

    def set(self, name: str, *, capacity: int) -> None:
        """Say how many jobs may share a resource."""
        if capacity < 1:
            raise InvalidValue(f"A capacity of {capacity} is not possible.", hint="Use 1 or more.")
        self._store.write(lambda conn: resources.set_capacity(conn, self._store.dialect, name, capacity))
        self._store.doorbell.ring()


def interrupted(reader: Reader, limit: int) -> list[Job]:
    """Interrupted jobs that can be resumed by themselves: a phase is resumed with its chain."""
    found = reader.find(JobQuery(interrupted=True), limit, None)
    return [job for job in found if job.parent_id is None and job.is_interrupted]
