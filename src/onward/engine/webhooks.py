"""The outbox: what webhooks tell of becomes jobs in the very transaction in which it happens.

So there is a delivery if and only if the question was opened or the job has ended, whatever crashes in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onward.engine import answer_links
from onward.engine.submission import Submission
from onward.engine.submitter import Submitter
from onward.errors import InvalidConfig
from onward.model.ids import shown
from onward.model.job import Job, Json
from onward.model.limits import DELIVERIES
from onward.settings.groups import Webhooks
from onward.store import Connection, Store, jobs, questions

JOB_TYPE = DELIVERIES
_PROMPT_CHARS = 4000
_SOMEBODY = "webhook"
"""Who has answered by a link of a message, where nobody in particular was asked."""
_KINDS = ("asked", "completed", "failed", "cancelled")


class Outbox:
    """Makes a delivery for each address from what is told of jobs."""

    def __init__(self, store: Store, submitter: Submitter, settings: Webhooks) -> None:
        unknown = sorted(set(settings.events) - set(_KINDS))
        if unknown:
            raise InvalidConfig(f"webhooks.events: {unknown[0]!r} is not told of.", hint=f"Use {', '.join(_KINDS)}.")
        if settings.secret is None:
            raise InvalidConfig("webhooks.urls are given without webhooks.secret: nobody could believe the messages.")
        self._store, self._submitter, self._settings = store, submitter, settings

    def note(self, conn: Connection, told: Sequence[Any]) -> None:
        """Make deliveries of these events, within the transaction that writes them."""
        kinds = {event[0]: event[2] for event in told if event[2] in self._settings.events}
        if not kinds:
            return
        messages = [
            self._message(conn, job, kinds[job.id])
            for job in jobs.get_jobs(conn, self._store.dialect, kinds)
            if job.job_type != JOB_TYPE and not (job.is_part and kinds[job.id] != "asked")
        ]
        new = [
            self._submitter.check(Submission(job_type=JOB_TYPE, params={"url": url, "message": message}))
            for message in messages
            for url in self._settings.urls
        ]
        self._submitter.write(conn, new)

    def _message(self, conn: Connection, job: Job, kind: str) -> dict[str, Json]:
        """What is told: which job it is and what it asks, and no value that it works on."""
        message: dict[str, Json] = {
            "event": kind,
            "at": self._store.now().isoformat().replace("+00:00", "Z"),
            "job": {
                "id": shown(job.id),
                "job_type": job.job_type,
                "label": job.label,
                "source_id": job.source_id,
                "user_id": job.user_id,
                "chain_id": shown(job.parent_id) if job.parent_id else None,
            },
        }
        question = questions.latest_of(conn, self._store.dialect, [job.id]).get(job.id) if kind == "asked" else None
        if question is not None:
            expires = question.expires_at
            message["question"] = {
                "id": shown(question.id, "inp"),
                "name": question.name,
                "type": question.type,
                "prompt": question.prompt[:_PROMPT_CHARS],
                "assigned_to": question.assigned_to,
                "expires_at": None if expires is None else expires.isoformat().replace("+00:00", "Z"),
                "answer_link": self._link(conn, question.id),
            }
        return message

    def _link(self, conn: Connection, question_id: str) -> str | None:
        """A link to answer with, for whom is asked; None where nobody has said under which address the pages are."""
        question = questions.get_question(conn, self._store.dialect, question_id)
        if self._store.settings.server.public_url is None or question is None:
            return None
        return answer_links.link_to(conn, self._store, question, question.assigned_to or _SOMEBODY).url
