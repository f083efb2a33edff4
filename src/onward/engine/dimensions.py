"""The dimension board: which vector databases are being worked on, by which job, and how."""

from __future__ import annotations

from typing import Any

from onward.engine import transitions
from onward.errors import InvalidValue
from onward.model.ids import parsed, shown
from onward.model.job import Job
from onward.store import Connection, Store, board, dimensions

DIMENSIONS = (384, 768, 1024, 1536)
"""Sizes of vectors, a database for each; the resource of one is ``vectors:768``."""


class Dimensions:
    """A dimension is busy while a running job says that it works on it, or holds its resource."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get_dimension_status(self) -> dict[int, dict[str, Any]]:
        """All four dimensions: ``busy``, ``job_id``, ``operation`` and ``source_id`` of who works on each."""
        status: dict[int, dict[str, Any]] = {
            dimension: {"busy": False, "job_id": None, "operation": None, "source_id": None} for dimension in DIMENSIONS
        }
        with self._store.read() as conn:
            dialect = self._store.dialect
            working = dimensions.at_work(conn, dialect)
            for dimension in DIMENSIONS:
                for holder in board.list_holders(conn, dialect, f"vectors:{dimension}"):
                    working.append((holder["job_id"], dimension, holder["operation"], holder["source_id"]))
        for job_id, dimension, operation, source_id in working:
            if dimension in status and not status[dimension]["busy"]:
                status[dimension] = {"busy": True, "job_id": job_id, "operation": operation, "source_id": source_id}
        return status

    def is_dimension_busy(self, dimension: int) -> bool:
        """Whether somebody works on it. Raises ``InvalidValue`` for one that is none of the four."""
        return bool(self.get_dimension_status()[_known(dimension)]["busy"])

    def get_available_dimensions(self) -> list[int]:
        """The dimensions on which nobody works, smallest first."""
        return [dimension for dimension, state in self.get_dimension_status().items() if not state["busy"]]

    def update_job_dimension(self, job_id: str, dimension: int | None, operation: str | None = None) -> Job:
        """Say from outside on what a job works now; None: on nothing. Raises ``JobNotFound``, ``InvalidValue``.

        A job of onward's says so itself, with ``ctx.dimension``.
        """
        chosen = None if dimension is None else _known(dimension)
        job = self._store.write(lambda conn: self._show(conn, parsed(job_id), chosen, operation))
        self._store.doorbell.ring()
        return job

    def _show(self, conn: Connection, job_id: str, dimension: int | None, operation: str | None) -> Job:
        dialect, job = self._store.dialect, transitions.locked(conn, self._store, job_id)
        if job.status.is_ended and dimension is not None:
            raise InvalidValue(f"Job {shown(job.id)} is {job.status}.", hint="Only a job that goes on has a dimension.")
        told = operation if dimension is not None else None
        dimensions.set_dimension(conn, dialect, job.id, dimension, told, self._store.now())
        return transitions.locked(conn, self._store, job.id)


def _known(dimension: int) -> int:
    if dimension not in DIMENSIONS:
        raise InvalidValue(
            f"{dimension!r} is not a dimension of the board.", hint=f"Use one of {', '.join(map(str, DIMENSIONS))}."
        )
    return int(dimension)
