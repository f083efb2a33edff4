"""Which jobs somebody may see and steer: what a key, or an application around ours, limits them to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from onward.errors import InvalidValue
from onward.model.job import Job
from onward.model.query import Term

DELIVERIES = "webhook"
"""The job type that tells others of jobs of all kinds; only who is allowed it by its name may see it."""
_MOST = 50
_CHARS = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """Jobs of these queues, job types and users; an empty field limits nothing; ``*`` is anything (not in users).

    Raises ``InvalidValue`` for a name that no filter could say.
    """

    queues: tuple[str, ...] = ()
    job_types: tuple[str, ...] = ()
    user_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field, names in self._fields():
            if len(names) > _MOST:
                raise InvalidValue(f"{field}: {len(names)} names are too many.", hint=f"Use at most {_MOST}, or a `*`.")
            wrong = next((name for name in names if not 0 < len(name) <= _CHARS or "," in name), None)
            if wrong is None and field == "user_ids":
                wrong = next((name for name in names if "*" in name), None)
            if wrong is not None:
                raise InvalidValue(
                    f"{field}: {wrong[:50]!r} is not a name.",
                    hint=f"Use 1 to {_CHARS} characters without a comma; users without `*`.",
                )

    def __bool__(self) -> bool:
        return any(names for _, names in self._fields())

    @classmethod
    def of(cls, names: Mapping[str, Iterable[str]] | None) -> Limits:
        """The limits that ``plain`` has written; None is no limits."""
        return cls(**{field: tuple(found) for field, found in (names or {}).items()})

    @property
    def plain(self) -> dict[str, list[str]]:
        """As plain JSON: fields that limit something."""
        return {field: list(names) for field, names in self._fields() if names}

    def allow(self, job_type: str, queue: str, user_id: str | None) -> bool:
        """Whether a job of this type, queue and user is within."""
        return self.allow_type(job_type) and _fits(self.queues, queue) and _fits(self.user_ids, user_id)

    def allow_job(self, job: Job) -> bool:
        """Whether a job is within."""
        return self.allow(job.job_type, job.queue, job.user_id)

    def allow_type(self, job_type: str) -> bool:
        """Whether jobs of this type may be within."""
        if self and job_type == DELIVERIES:
            return DELIVERIES in self.job_types
        return _fits(self.job_types, job_type)

    @property
    def terms(self) -> tuple[Term, ...]:
        """What a query must ask for besides, so that it finds only what is within."""
        keys = {"queues": "queue", "job_types": "job_type", "user_ids": "user_id"}
        terms = [Term(keys[field], names) for field, names in self._fields() if names]
        if terms and DELIVERIES not in self.job_types:
            terms.append(Term("job_type", (DELIVERIES,), negated=True))
        return tuple(terms)

    @property
    def text(self) -> str:
        """As people read it: ``queue gpu, job type embed*``; empty without limits."""
        words = {"queues": "queue", "job_types": "job type", "user_ids": "user"}
        return ", ".join(f"{words[field]} {' or '.join(names)}" for field, names in self._fields() if names)

    def _fields(self) -> Sequence[tuple[str, tuple[str, ...]]]:
        return ("queues", self.queues), ("job_types", self.job_types), ("user_ids", self.user_ids)


def _fits(names: tuple[str, ...], value: str | None) -> bool:
    return not names or (value is not None and any(_pattern(name).fullmatch(value) for name in names))


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in name.split("*")), re.DOTALL)


ALL = Limits()
"""Limits nothing."""


def only(names: tuple[str, ...]) -> str | None:
    """The one name there is to choose, if there is just one."""
    return names[0] if len(names) == 1 and "*" not in names[0] else None
