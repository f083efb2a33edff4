"""The same verbs for asyncio callers. Short database calls go to a small pool of threads; waiting holds none."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

from onward.app import Onward
from onward.model.archive import PruneReport
from onward.model.chain import ChainReport
from onward.model.cron import DueTime
from onward.model.curve import CurvePoint
from onward.model.job import Conflict, EventRecord, Job, LogLine, Page, Run
from onward.model.question import QuestionRecord
from onward.model.schedule import Backfill, Forecast, Schedule
from onward.model.schedule_entry import ScheduleChange
from onward.model.states import Status

P = ParamSpec("P")
R = TypeVar("R")

_LOOK_SECONDS = 1.0


class AsyncOnward:
    """``AsyncOnward(app)``: each verb of ``app`` as a coroutine, with the same arguments, results and errors.

    ``threads`` bounds how many short database calls run at a time.
    """

    def __init__(self, app: Onward, threads: int = 4) -> None:
        self.app = app
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="onward-aio")
        self.schedules = AsyncSchedules(self)
        """The verbs of ``app.schedules``."""

    async def _call(self, verb: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(verb, *args, **kwargs))

    async def submit(self, *args: Any, **kwargs: Any) -> Job:
        """See ``Onward.submit``."""
        return await self._call(self.app.submit, *args, **kwargs)

    async def submit_many(self, *args: Any) -> list[Job]:
        """See ``Onward.submit_many``."""
        return await self._call(self.app.submit_many, *args)

    async def submit_chain(self, *args: Any, **kwargs: Any) -> Job:
        """See ``Onward.submit_chain``."""
        return await self._call(self.app.submit_chain, *args, **kwargs)

    async def validate_chain(self, *args: Any, **kwargs: Any) -> ChainReport:
        """See ``Onward.validate_chain``."""
        return await self._call(self.app.validate_chain, *args, **kwargs)

    async def get(self, job_id: str) -> Job:
        """See ``Onward.get``."""
        return await self._call(self.app.get, job_id)

    async def find(self, **filters: Any) -> Page[Job]:
        """See ``Onward.find``."""
        return await self._call(self.app.find, **filters)

    async def interrupted(self) -> list[Job]:
        """See ``Onward.interrupted``."""
        return await self._call(self.app.interrupted)

    async def counts(self) -> dict[str, int]:
        """See ``Onward.counts``."""
        return await self._call(self.app.counts)

    async def runs(self, job_id: str) -> list[Run]:
        """See ``Onward.runs``."""
        return await self._call(self.app.runs, job_id)

    async def logs(self, job_id: str, **bounds: Any) -> list[LogLine]:
        """See ``Onward.logs``."""
        return await self._call(self.app.logs, job_id, **bounds)

    async def history(self, job_id: str) -> list[EventRecord]:
        """See ``Onward.history``."""
        return await self._call(self.app.history, job_id)

    async def conflicts(self, job_id: str | None = None, *, limit: int = 100) -> list[Conflict]:
        """See ``Onward.conflicts``."""
        return await self._call(self.app.conflicts, job_id, limit=limit)

    async def children(self, job_id: str) -> list[Job]:
        """See ``Onward.children``."""
        return await self._call(self.app.children, job_id)

    async def cancel(self, job_id: str, **why: Any) -> Job:
        """See ``Onward.cancel``."""
        return await self._call(self.app.cancel, job_id, **why)

    async def resume(self, job_id: str, **why: Any) -> Job:
        """See ``Onward.resume``."""
        return await self._call(self.app.resume, job_id, **why)

    async def restart(self, job_id: str, **why: Any) -> Job:
        """See ``Onward.restart``."""
        return await self._call(self.app.restart, job_id, **why)

    async def discard(self, job_id: str, **why: Any) -> Job:
        """See ``Onward.discard``."""
        return await self._call(self.app.discard, job_id, **why)

    async def pause(self, job_id: str, **why: Any) -> Job:
        """See ``Onward.pause``."""
        return await self._call(self.app.pause, job_id, **why)

    async def unpause(self, job_id: str, **why: Any) -> Job:
        """See ``Onward.unpause``."""
        return await self._call(self.app.unpause, job_id, **why)

    async def force_stop(self, job_id: str, **why: Any) -> Job:
        """See ``Onward.force_stop``."""
        return await self._call(self.app.force_stop, job_id, **why)

    async def acknowledge(self, job_id: str, **why: Any) -> Job:
        """See ``Onward.acknowledge``."""
        return await self._call(self.app.acknowledge, job_id, **why)

    async def change(self, job_id: str, **changes: Any) -> Job:
        """See ``Onward.change``."""
        return await self._call(self.app.change, job_id, **changes)

    async def answer(self, job_id: str, response: Any, **more: Any) -> Job:
        """See ``Onward.answer``."""
        return await self._call(self.app.answer, job_id, response, **more)

    async def run_again(self, job_id: str, **changes: Any) -> Job:
        """See ``Onward.run_again``."""
        return await self._call(self.app.run_again, job_id, **changes)

    async def delete(self, job_id: str) -> None:
        """See ``Onward.delete``."""
        await self._call(self.app.delete, job_id)

    async def prune(self, *args: Any, **options: Any) -> PruneReport:
        """See ``Onward.prune``."""
        return await self._call(self.app.prune, *args, **options)

    async def wait(
        self,
        job_id: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the same arguments as the verb of the application
        *,
        until: Literal["verdict", "left"] = "verdict",
    ) -> Job:
        """See ``Onward.wait``; no thread waits meanwhile."""
        async with asyncio.timeout(timeout):
            async for job in self.watch(job_id):
                if job.status is Status.PENDING_HITL or (
                    job.status.is_ended and (until == "verdict" or not job.is_owned)
                ):
                    return job
        raise AssertionError("a watched job ends")

    async def watch(self, job_id: str) -> AsyncIterator[Job]:
        """The job now and after every change, until it has ended; no thread waits meanwhile."""
        loop = asyncio.get_running_loop()
        rang = asyncio.Event()

        def ring() -> None:
            loop.call_soon_threadsafe(rang.set)

        stop = self.app.listen(ring)
        try:
            before: tuple[Any, ...] | None = None
            while True:
                rang.clear()
                job = await self.get(job_id)
                now = (job.status, job.progress, job.updated_at, job.worker_id)
                if now != before:
                    before = now
                    yield job
                    if job.status.is_ended and not job.is_owned:
                        return
                try:
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await rang.wait()
                except TimeoutError:
                    continue
        finally:
            stop()

    async def progress_curve(self, job_id: str) -> list[CurvePoint]:
        """See ``Onward.progress_curve``."""
        return await self._call(self.app.progress_curve, job_id)

    async def questions(self, **filters: Any) -> Page[QuestionRecord]:
        """See ``Onward.questions.list``."""
        return await self._call(self.app.questions.list, **filters)

    async def question(self, question_id: str) -> QuestionRecord:
        """See ``Onward.questions.get``."""
        return await self._call(self.app.questions.get, question_id)

    async def claim_question(self, question_id: str, by: str) -> QuestionRecord:
        """See ``Onward.questions.claim``."""
        return await self._call(self.app.questions.claim, question_id, by)

    async def release_question(self, question_id: str, by: str | None = None) -> QuestionRecord:
        """See ``Onward.questions.release``."""
        return await self._call(self.app.questions.release, question_id, by)

    async def reassign_question(self, question_id: str, to: str | None, **why: Any) -> QuestionRecord:
        """See ``Onward.questions.reassign``."""
        return await self._call(self.app.questions.reassign, question_id, to, **why)

    async def close(self) -> None:
        """Let the threads go; the application itself stays open."""
        self._pool.shutdown(wait=False)


class AsyncSchedules:
    """``aio.schedules``: each verb of ``app.schedules`` as a coroutine, with the same arguments, results and errors."""

    def __init__(self, aio: AsyncOnward) -> None:
        self._schedules, self._call = aio.app.schedules, aio._call

    async def add(self, name: str, job_type: str | Callable[..., Any], **given: Any) -> Schedule:
        """See ``Schedules.add``."""
        return await self._call(self._schedules.add, name, job_type, **given)

    async def add_many(self, entries: Sequence[Mapping[str, Any]]) -> builtins.list[Schedule]:
        """See ``Schedules.add_many``."""
        return await self._call(self._schedules.add_many, entries)

    async def edit(self, name: str, **changes: Any) -> Schedule:
        """See ``Schedules.edit``."""
        return await self._call(self._schedules.edit, name, **changes)

    async def delete(self, name: str, **seen: Any) -> None:
        """See ``Schedules.delete``."""
        await self._call(self._schedules.delete, name, **seen)

    async def get(self, name: str) -> Schedule:
        """See ``Schedules.get``."""
        return await self._call(self._schedules.get, name)

    async def name_of(self, schedule_id: str) -> str | None:
        """See ``Schedules.name_of``."""
        return await self._call(self._schedules.name_of, schedule_id)

    async def list(self, **filters: Any) -> builtins.list[Schedule]:
        """See ``Schedules.list``."""
        return await self._call(self._schedules.list, **filters)

    async def runs(self, name: str, limit: int = 100) -> builtins.list[Run]:
        """See ``Schedules.runs``."""
        return await self._call(self._schedules.runs, name, limit)

    async def preview(self, name_or_cron: str, count: int = 5, **more: Any) -> builtins.list[DueTime]:
        """See ``Schedules.preview``."""
        return await self._call(self._schedules.preview, name_or_cron, count, **more)

    async def preview_interval(self, seconds: int, count: int = 5, **more: Any) -> builtins.list[DueTime]:
        """See ``Schedules.preview_interval``."""
        return await self._call(self._schedules.preview_interval, seconds, count, **more)

    async def forecast(self, hours: float = 24) -> builtins.list[Forecast]:
        """See ``Schedules.forecast``."""
        return await self._call(self._schedules.forecast, hours)

    async def pause(self, name: str, **why: Any) -> Schedule:
        """See ``Schedules.pause``."""
        return await self._call(self._schedules.pause, name, **why)

    async def resume(self, name: str, **seen: Any) -> Schedule:
        """See ``Schedules.resume``."""
        return await self._call(self._schedules.resume, name, **seen)

    async def run_now(self, name: str) -> Job:
        """See ``Schedules.run_now``."""
        return await self._call(self._schedules.run_now, name)

    async def skip_next(self, name: str, **why: Any) -> Schedule:
        """See ``Schedules.skip_next``."""
        return await self._call(self._schedules.skip_next, name, **why)

    async def backfill(self, name: str, start: datetime, end: datetime, dry_run: bool = True) -> Backfill:
        """See ``Schedules.backfill``."""
        return await self._call(self._schedules.backfill, name, start, end, dry_run)

    async def pause_all(self, **why: Any) -> None:
        """See ``Schedules.pause_all``."""
        await self._call(self._schedules.pause_all, **why)

    async def resume_all(self) -> None:
        """See ``Schedules.resume_all``."""
        await self._call(self._schedules.resume_all)

    async def paused_reason(self) -> str | None:
        """See ``Schedules.paused_reason``."""
        return await self._call(self._schedules.paused_reason)

    async def is_active(self, name: str) -> bool:
        """See ``Schedules.is_active``."""
        return await self._call(self._schedules.is_active, name)

    async def load(self, path: str | Path) -> builtins.list[ScheduleChange]:
        """See ``Schedules.load``."""
        return await self._call(self._schedules.load, path)

    async def diff(self, path: str | Path) -> builtins.list[ScheduleChange]:
        """See ``Schedules.diff``."""
        return await self._call(self._schedules.diff, path)

    async def tick(self, now: datetime | None = None) -> builtins.list[Job]:
        """See ``Schedules.tick``."""
        return await self._call(self._schedules.tick, now)
