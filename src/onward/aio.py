"""The same verbs for asyncio callers. Short database calls go to a small pool of threads; waiting holds none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal, ParamSpec, TypeVar

from onward.app import Onward
from onward.model.archive import PruneReport
from onward.model.chain import ChainReport
from onward.model.job import Conflict, EventRecord, Job, LogLine, Page, Run
from onward.model.question import QuestionRecord
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
