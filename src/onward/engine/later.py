"""What may wait for the database: submissions and answers whose callers would rather have them kept than refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from onward.clock import Clock
from onward.engine import submission
from onward.engine.hot import Hot
from onward.engine.questions import Questions
from onward.engine.spool import Spool
from onward.engine.submission import Submission
from onward.engine.submitter import Submitter
from onward.errors import StoreUnavailable
from onward.model.ids import Ids, parsed
from onward.model.job import Job, Json
from onward.model.states import Status
from onward.store import Store


class Later:
    """Does at once what can be done, and keeps the rest in the spool, in order."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        submitter: Submitter,
        questions: Questions,
        hot: Hot,
        submit: Callable[[Submission], Job],
    ) -> None:
        self._ids, self._submitter, self._questions, self._hot, self._submit = ids, submitter, questions, hot, submit
        self._spool = Spool(store, clock, ids, self.do)

    def submit(self, given: Submission) -> Job:
        """Submit now, or keep it; then the job is as it will be, and ``stale``."""
        given = dataclasses.replace(given, id=given.id or self._ids.new())
        if self._spool.is_empty:
            with suppress(StoreUnavailable):
                return self._submit(given)
        # What was kept before comes first.
        job, request = self._submitter.keep_for_later(given)
        self._spool.keep(job.id, request)
        return job

    def answer(self, job_id: str, response: Json, **given: Any) -> Job:
        """Answer now, or keep the answer; then the job is as it was last seen here, and ``stale``."""
        if self._spool.is_empty:
            with suppress(StoreUnavailable):
                return self._questions.answer(job_id, response, **given)
        stored = parsed(job_id)
        self._spool.keep(stored, {"verb": "answer", "job_id": stored, "response": response, "given": given})
        return self._hot.last_known(stored) or Job(stored, "", Status.PENDING_HITL, stale=True)

    def do(self, request: dict[str, Json]) -> None:
        """Do what was kept. Raises the ``OnwardError`` that says why it is not possible."""
        if request["verb"] == "answer":
            self._questions.answer(request["job_id"], request["response"], **request["given"])
        else:
            self._submit(submission.of_request(request))

    def close(self) -> None:
        """Leave what is not done to the next worker in this place."""
        self._spool.close()
