"""A fan-out without a database: its ranges run one after the other, and what they leave is kept in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from onward.authoring.port import Split
from onward.errors import RangeFailed
from onward.model import outcome
from onward.model.family import WorkRange, cut
from onward.model.job import Json

M = TypeVar("M")
RunRange = Callable[[WorkRange, M], Json]
"""Runs one range; what it raises is raised."""


class InlineFamily(Generic[M]):
    """The ranges of one fan-out: what each has saved, and its result once there is one."""

    def __init__(self, new_memory: Callable[[], M]) -> None:
        self._new_memory = new_memory
        self.memories: dict[int, M] = {}
        self._results: dict[int, Json] = {}

    def results(self, split: Split, run: RunRange[M]) -> list[Json]:
        """Run the ranges that have no result yet; all results in order. Raises ``RangeFailed`` after the last."""
        failed: list[str] = []
        parts = cut(split.total, split.parts)
        for part in parts:
            if part.worker_id in self._results:
                continue
            memory = self.memories.setdefault(part.worker_id, self._new_memory())
            try:
                found = outcome.of_result(run(part, memory))
            except Exception as error:  # noqa: BLE001 - told below, when the others have ended
                found = outcome.of_exception(error)
            if found.kind is outcome.Kind.SUCCESS:
                self._results[part.worker_id] = found.result
            else:
                why = f"{found.error.type}: {found.error.message}" if found.error else "it was cancelled"
                failed.append(f"{str(part).capitalize()} failed: {why}")
        if failed:
            raise RangeFailed(
                f"{len(failed)} of {len(parts)} ranges of {split.family!r} did not complete. {' '.join(failed)}",
                hint="Run the job again to do only those again.",
            )
        return [self._results[part.worker_id] for part in parts]
