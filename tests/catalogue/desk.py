"""Runs one job of the catalogue in memory; what it saves outlives an interruption."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from onward.authoring.context import Context
from onward.authoring.inline import Memory, run_inline
from onward.catalogue.sources import JOB_TYPES
from onward.clock import SystemClock
from onward.errors import JobCancelled
from onward.settings import Settings

Report = dict[str, Any]


class Desk:
    """One job. ``run`` is an attempt; ``stop_when`` sees each progress report and may cancel the job by it."""

    def __init__(self, job_type: str, backup: Path, source_id: str, **params: Any) -> None:
        self.type = JOB_TYPES.get(job_type)
        self.params = params
        self.source_id = source_id
        self.settings = Settings(backup_path=str(backup))
        self.memory = Memory()
        self.every = self.type.checkpoint_every
        self.reports: list[Report] = []
        self.dimensions: list[tuple[int | None, str | None]] = []

    @property
    def saved(self) -> str | None:
        return self.memory.checkpoint

    @property
    def partials(self) -> dict[str, list[str]]:
        return self.memory.partials

    def run(self, stop_when: Callable[[Report], bool] = lambda report: False) -> Any:
        def watch(context: Context) -> None:
            port = context._port

            def report(
                percent: float | None, message: str | None, done: int | None, total: int | None, phase: str | None
            ) -> None:
                self.reports.append({"percent": percent, "message": message, "done": done, "total": total})
                if stop_when(self.reports[-1]):
                    port.interrupt = JobCancelled("stopped by the test")

            port.report = report
            port.show_dimension = lambda dimension, operation, pending: self.dimensions.append((dimension, operation))

        return run_inline(
            dataclasses.replace(self.type, checkpoint_every=self.every),
            self.params,
            settings=self.settings,
            clock=SystemClock(),
            source_id=self.source_id,
            memory=self.memory,
            before=watch,
            resolve=JOB_TYPES.resolve,
        )
