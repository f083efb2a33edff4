"""The drawer: keeps the lines of progress of the jobs that run here, a point at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from onward.model.curve import Curve
from onward.store import Connection, Store, curves


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a job is now; ``owner`` are worker and fence, None for a chain, whose phases run anywhere."""

    job_id: str
    owner: tuple[str, int] | None
    percent: int | None
    done: int | None


class Drawer:
    """The lines of one worker. Not to be shared by threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._curves: dict[str, Curve] = {}
        self._drawn: dict[str, Curve] = {}

    def forget_others(self, job_ids: Collection[str | None]) -> None:
        """Remember the lines of these jobs alone: others may go on with the rest elsewhere."""
        self._curves = {job_id: curve for job_id, curve in self._curves.items() if job_id in job_ids}

    def draw(self, conn: Connection, marks: Iterable[Mark], at: float) -> None:
        """Write the lines to which it is time to add a point; ``settle`` is called once that is committed."""
        dialect, self._drawn = self._store.dialect, {}
        for mark in sorted(marks, key=lambda mark: mark.job_id):
            known = self._curves.get(mark.job_id)
            if known is not None and not known.is_due(at):
                continue
            curve = known or Curve.read(curves.text_of(conn, dialect, mark.job_id))
            if curve.is_due(at):
                curve = curve.with_point(at, mark.percent, mark.done)
                curves.keep(conn, dialect, mark.job_id, curve, mark.owner)
            self._drawn[mark.job_id] = curve

    def settle(self) -> None:
        """What was drawn is committed."""
        self._curves |= self._drawn
