"""Names of jobs: the whole id, an ending of it, ``@last``, ``@last:type``, or ``-`` for ids from stdin."""

from __future__ import annotations

import re
import sys
import uuid
from collections.abc import Sequence

from onward.cli.door import Door
from onward.errors import JobNotFound, OnwardError, QuestionNotFound
from onward.model.ids import parsed, shown
from onward.model.question import QuestionRecord

LEAST = 6
_WHOLE = re.compile(r"^[a-z]{2,4}_[0-9A-Za-z]{26}$")


class AmbiguousName(OnwardError):
    """More than one job has this ending."""

    code = "job-ambiguous"
    exit_code = 2


def job_ids(app: Door, names: Sequence[str]) -> list[str]:
    """The stored ids of all that was named, each once, in order."""
    given = [line.strip() for name in names for line in (sys.stdin if name == "-" else [name])]
    return list(dict.fromkeys(job_id(app, name) for name in given if name))


def job_id(app: Door, name: str) -> str:
    """The stored id of one job. Raises ``JobNotFound`` and ``AmbiguousName``."""
    if name == "@last" or name.startswith("@last:"):
        return _last(app, name.partition(":")[2] or None)
    if _WHOLE.match(name) or _is_uuid(name):
        return parsed(name)
    if len(name) < LEAST:
        return _exact(app, name)
    found = app.find_by_ending(name.removeprefix("job_"))
    if not found:
        raise JobNotFound(f"No job has an id that ends in {name!r}.", hint="onward job list")
    if len(found) > 1 and name not in found:
        ids = ", ".join(shown(item) for item in found[:5])
        raise AmbiguousName(f"{len(found)} jobs have ids that end in {name!r}: {ids}.", hint="type more of the id")
    return name if name in found else found[0]


def question_named(app: Door, name: str) -> QuestionRecord:
    """A question by its id or an ending of it, or what a job (or one of its phases) asks now or has asked last.

    Raises ``QuestionNotFound``, ``JobNotFound`` and ``AmbiguousName``.
    """
    if name.startswith("inp_"):
        return app.questions.get(name)
    try:
        job = job_id(app, name)
    except JobNotFound:
        ending = name.upper()
        for question in app.questions.list(limit=1000):
            if len(name) >= LEAST and shown(question.id).endswith(ending):
                return question
        raise
    found = app.questions.list(job_id=job)
    if len(found) > 1:
        ids = ", ".join(shown(question.id, "inp") for question in found)
        raise AmbiguousName(f"Job {shown(job)} asks {len(found)} questions: {ids}.", hint="name one of them")
    latest = found or app.questions.list(None, job_id=job, limit=1)
    if not latest:
        raise QuestionNotFound(f"Job {shown(job)} has asked nothing.", hint="onward input list")
    return latest[0]


def _exact(app: Door, name: str) -> str:
    try:
        return app.get(name).id
    except JobNotFound:
        raise JobNotFound(
            f"There is no job {name!r}; an ending of an id needs at least {LEAST} characters.", hint="onward job list"
        ) from None


def _last(app: Door, job_type: str | None) -> str:
    """The newest job that somebody submitted: phases come after their chain, and are passed over where they can be."""
    page = app.find(job_type=job_type, limit=200)
    if not len(page):
        what = f"job of type {job_type!r}" if job_type else "job"
        raise JobNotFound(f"There is no {what} yet.", hint="onward run JOB_TYPE")
    return next((job.id for job in page if job.parent_id is None), page[0].parent_id or page[0].id)


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
