"""The dimension board: which vector databases are being worked on, by which job, and how."""

from __future__ import annotations

from typing import Any

from onward.errors import InvalidValue, JobNotFound
from onward.model.ids import parsed
from onward.store import Store, board, jobs

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
            working = board.at_work(conn, dialect)
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

    def update_job_dimension(self, job_id: str, dimension: int | None, operation: str | None = None) -> None:
        """Say from outside on what a job works now; None: on nothing. Raises ``JobNotFound``, ``InvalidValue``.

        A job of onward's says so itself, with ``ctx.dimension``.
        """
        found = parsed(job_id)
        chosen = None if dimension is None else _known(dimension)

        def work(conn: Any) -> bool:
            job = jobs.lock_job(conn, self._store.dialect, found)
            if job is not None:
                told = operation if chosen is not None else None
                board.set_dimension(conn, self._store.dialect, found, chosen, told, self._store.now())
            return job is not None

        if not self._store.write(work):
            raise JobNotFound(f"There is no job {job_id}.", hint="See `onward job list`.")
        self._store.doorbell.ring()


def _known(dimension: int) -> int:
    if dimension not in DIMENSIONS:
        raise InvalidValue(
            f"{dimension!r} is not a dimension of the board.", hint=f"Use one of {', '.join(map(str, DIMENSIONS))}."
        )
    return int(dimension)
