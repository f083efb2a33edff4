"""Filters of jobs: ``state=failed,interrupted job_type=embed*``; AND across keys, OR within one."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from onward.cli.door import Door
from onward.cli.input.times import read_moment
from onward.cli.show.words import WORDS
from onward.errors import OnwardError
from onward.model.ids import parsed
from onward.model.job import Job
from onward.model.query import JobQuery, cursor
from onward.model.states import Status

_STATUSES = {
    **dict.fromkeys(("scheduled", "queued", "blocked", "paused", "retrying"), ("pending",)),
    "running": ("running",),
    "input": ("pending_hitl",),
    "interrupted": ("failed", "cancelled", "pending"),
    "succeeded": ("completed",),
    "failed": ("failed",),
    "cancelled": ("cancelled",),
}
_TEXTS: dict[str, Callable[[Job], Any]] = {
    "state": lambda job: job.state,
    "status": lambda job: str(job.status),
    "job_type": lambda job: job.job_type,
    "source": lambda job: job.source_id or "",
    "user": lambda job: job.user_id or "",
    "queue": lambda job: job.queue,
    "tag": lambda job: job.tags,
    "error": lambda job: job.error.type if job.error else "",
    "parent": lambda job: job.parent_id or "none",
    "resource": lambda job: tuple(need.resource for need in job.resources),
}
_AT_THE_DATABASE = {"job_type": "job_type", "source": "source_id", "user": "user_id", "tag": "tag"}
KEYS = (*_TEXTS, "created")
_ALSO = {"source_id": "source", "user_id": "user", "type": "job_type", "parent_id": "parent", "since": "created"}
_PAGE = 500


class WrongFilter(OnwardError):
    """A filter cannot be understood."""

    code = "filter-invalid"
    exit_code = 2


@dataclass(frozen=True, slots=True)
class Term:
    """One key with its values; ``negated`` means none of them."""

    key: str
    values: tuple[str, ...]
    negated: bool = False

    def matches(self, job: Job) -> bool:
        """Whether a job fits."""
        value = _TEXTS[self.key](job)
        values = value if isinstance(value, tuple) else (value,)
        return any(fnmatchcase(item, wanted) for item in values for wanted in self.values) != self.negated

    @property
    def is_exact(self) -> bool:
        """Whether the database can look for it."""
        return not self.negated and len(self.values) == 1 and not any(char in self.values[0] for char in "*?[")


@dataclass(frozen=True, slots=True)
class Filter:
    """What jobs are looked for."""

    terms: tuple[Term, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def matches(self, job: Job) -> bool:
        """Whether a job fits."""
        created = job.created_at
        if self.until is not None and created is not None and created >= self.until:
            return False
        return all(term.matches(job) for term in self.terms)

    def at_the_database(self) -> dict[str, Any]:
        """What of it the database looks for; ``matches`` decides on the rest."""
        asked: dict[str, Any] = {"since": self.since} if self.since else {}
        for term in self.terms:
            if term.key in _AT_THE_DATABASE and term.is_exact:
                asked[_AT_THE_DATABASE[term.key]] = term.values[0]
            if term.key == "status" and not term.negated:
                asked["status"] = list(term.values)
            if term.key == "state" and not term.negated and "status" not in asked:
                asked["status"] = sorted({status for state in term.values for status in _STATUSES[state]})
        return asked

    @property
    def is_simple(self) -> bool:
        """Whether the database alone decides, so that it can count."""
        return self.until is None and all(
            (term.key in _AT_THE_DATABASE and term.is_exact) or (term.key == "status" and not term.negated)
            for term in self.terms
        )

    def find(self, app: Door, after: str | None = None) -> Iterator[Job]:
        """The jobs that fit, newest first, those older than the job ``after``."""
        asked = self.at_the_database()
        place = cursor(_query(asked), after) if after is not None else None
        while True:
            page = app.find(**asked, limit=_PAGE, after=place)
            yield from (job for job in page if self.matches(job))
            place = page.next
            if place is None:
                return

    def jobs(self, app: Door, limit: int | None = None, after: str | None = None) -> list[Job]:
        """The jobs that fit, newest first."""
        return list(islice(self.find(app, after), limit))


def _query(asked: Mapping[str, Any]) -> JobQuery:
    rest = {key: value for key, value in asked.items() if key != "status"}
    return JobQuery(statuses=tuple(asked.get("status", ())), **rest)


def read_filter(text: str, now: datetime) -> Filter:
    """A filter as it is typed. Raises ``WrongFilter``."""
    terms: list[Term] = []
    since = until = None
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise WrongFilter(f"{text!r} cannot be read: {error}.") from None
    for word in words:
        name, equals, values = word.partition("=")
        negated = name.startswith("-")
        key = _ALSO.get(name.lstrip("-"), name.lstrip("-"))
        if not equals or not values:
            raise WrongFilter(f"{word!r} is not key=value.", hint="--filter 'state=failed job_type=embed*'")
        if key == "created":
            since, until = _range(values, now)
        elif key in _TEXTS:
            terms.append(_term(key, values, negated))
        else:
            near = difflib.get_close_matches(key, KEYS, n=1)
            raise WrongFilter(
                f"{key!r} is not a key of a filter.{f' Did you mean {near[0]}?' if near else ''}",
                hint=f"keys: {', '.join(KEYS)}",
            )
    return Filter(tuple(terms), since, until)


def _term(key: str, text: str, negated: bool) -> Term:
    values = tuple(value for value in text.split(",") if value)
    known: Mapping[str, tuple[str, ...]] = {"state": tuple(WORDS), "status": tuple(Status)}
    if key in known:
        for value in values:
            if value not in known[key]:
                near = difflib.get_close_matches(value, known[key], n=1)
                raise WrongFilter(
                    f"{value!r} is not a {key}.{f' Did you mean {near[0]}?' if near else ''}",
                    hint=f"{key}: one or more of {', '.join(known[key])}",
                )
    if key == "parent":
        values = tuple(parsed(value) for value in values)
    return Term(key, values, negated)


def _range(text: str, now: datetime) -> tuple[datetime | None, datetime | None]:
    start, dots, end = text.partition("..")
    if not dots:
        return read_moment(start, now), None
    return (read_moment(start, now) if start else None), (read_moment(end, now) if end else None)


def describe(jobs: list[Job]) -> str:
    """How many of which state: ``412 failed, 3 running``."""
    counts: dict[str, int] = {}
    for job in jobs:
        counts[job.state] = counts.get(job.state, 0) + 1
    return ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items(), key=lambda item: -item[1]))
