"""Runs one job function in memory, with a real ``Context``; what is saved outlives an interruption."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from onward.authoring.context import Context
from onward.authoring.job_type import JobType
from onward.authoring.port import Point, RunFacts
from onward.catalogue.sources import JOB_TYPES
from onward.clock import Clock, SystemClock
from onward.errors import Interrupt, JobCancelled
from onward.settings import Settings


class Desk:
    """One job's saved work. ``run`` is an attempt; ``stop_when`` sees each progress report and may end it."""

    def __init__(self, job_type: str, backup: Path, source_id: str, **params: Any) -> None:
        self.type: JobType = JOB_TYPES.get(job_type)
        self.params = params
        self.source_id = source_id
        self.settings = Settings(backup_path=str(backup))
        self.saved: str | None = None
        self.partials: dict[str, list[str]] = {}
        self.reports: list[dict[str, Any]] = []
        self.dimensions: list[tuple[int | None, str | None]] = []
        self.every: int | None = self.type.checkpoint_every

    def run(self, stop_when: Callable[[dict[str, Any]], bool] | None = None, clock: Clock | None = None) -> Any:
        model = self.type.validate(self.params)
        port = Port(self, stop_when, clock or SystemClock())
        ctx = Context(port, every=self.every)
        try:
            result = self.type.func(ctx, **self.type.arguments(model))
        except Interrupt:
            self.keep(ctx.latest_point())
            raise
        self.saved, self.partials = None, {}
        return result

    def keep(self, point: Point | None) -> None:
        if point is None:
            return
        self.saved = point.text
        for name, (count, records) in point.partials.items():
            kept = self.partials.setdefault(name, [])
            assert count <= len(kept)
            kept[count:] = records


class Port:
    is_async = False

    def __init__(self, desk: Desk, stop_when: Callable[[dict[str, Any]], bool] | None, clock: Clock) -> None:
        self.facts = RunFacts("job-1", desk.type.name, source_id=desk.source_id, saved=desk.saved)
        self.clock = clock
        self.settings = desk.settings
        self.interrupt: Interrupt | None = None
        self._desk = desk
        self._stop_when = stop_when

    def report(
        self, percent: float | None, message: str | None, done: int | None, total: int | None, phase: str | None
    ) -> None:
        report = {"percent": percent, "message": message, "done": done, "total": total, "phase": phase}
        self._desk.reports.append(report)
        if self._stop_when and self._stop_when(report):
            self.interrupt = JobCancelled("stopped by the test")

    def save(self, point: Point, flush: bool) -> None:
        self._desk.keep(point)

    async def save_async(self, point: Point) -> None:
        self._desk.keep(point)

    def load_step(self, scope: str, name: str) -> str | None:
        return None

    def keep_step(self, scope: str, name: str, result: str, point: Point | None) -> None:
        self._desk.keep(point)

    async def keep_step_async(self, scope: str, name: str, result: str, point: Point | None) -> None:
        self._desk.keep(point)

    def forget(self) -> None:
        self._desk.saved, self._desk.partials = None, {}

    def read_partial(self, name: str, count: int) -> Iterator[str]:
        yield from self._desk.partials.get(name, [])[:count]

    def park(self, until: Any) -> Interrupt:
        raise NotImplementedError

    def log(self, level: str, message: str, fields: dict[str, Any]) -> None:
        pass

    def transaction(self, point: Any) -> Any:
        raise NotImplementedError

    @contextlib.contextmanager
    def _nothing(self) -> Iterator[None]:
        yield

    def hold(self, resource: str, capacity: int) -> None:
        pass

    def release(self, resource: str) -> None:
        pass

    def show_dimension(self, dimension: int | None, operation: str | None, pending: tuple[int, ...]) -> None:
        self._desk.dimensions.append((dimension, operation))
