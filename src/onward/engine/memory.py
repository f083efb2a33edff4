"""What a process remembers of jobs: the last snapshot of each, for a while, and only so many."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, make_dataclass, replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import orjson

from onward.model.job import Job

_MOST_BYTES = 16 * 1024
"""JSON of one job that is kept at most; the database is asked for larger ones."""
_NAMES = tuple(field.name for field in fields(Job))
_VALUES: Callable[[Job], tuple[Any, ...]] = attrgetter(*_NAMES)
_FACTS: Callable[[Job], tuple[Any, ...]] = attrgetter(
    *(name for name in _NAMES if name not in ("as_of", "stale", "waiting_reason"))
)
_PARAMS, _RESULT, _HITL = (_NAMES.index(name) for name in ("params", "result", "hitl"))
# A frozen record sets each of its many fields through object.__setattr__, ten times slower than this one, which has the
# same slots and becomes a Job when it is filled.
_Draft: Callable[..., Any] = make_dataclass("_Draft", _NAMES, slots=True)
_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Entry:
    """A remembered job. It may be given out as it is while ``epoch`` is the doorbell's, until ``good_until``."""

    values: tuple[Any, ...]
    """The fields of the job, in order."""
    texts: tuple[tuple[int, bytes], ...]
    """Fields that callers could change in place, as JSON: each caller gets his own."""
    job: Job
    epoch: object
    good_until: float
    touched: float

    def fresh(self) -> Job:
        """The job, of which nothing is shared that can be changed."""
        if not self.texts:
            return self.job
        values = list(self.values)
        for index, text in self.texts:
            value = orjson.loads(text)
            if index == _HITL:
                data, schema, response = value
                value = replace(values[index], data=data, schema=schema, response=response)
            values[index] = value
        draft = _Draft(*values)
        draft.__class__ = Job
        job: Job = draft
        return job


def is_same(one: Job, other: Job) -> bool:
    """Whether two snapshots say the same of a job."""
    return _FACTS(one) == _FACTS(other)


def is_older(one: Job, other: Job) -> bool:
    """Whether a snapshot is surely of an earlier time than another of the same job."""
    return _version(one) < _version(other)


def _version(job: Job) -> tuple[int, int, datetime]:
    return job.generation, job.fence, job.updated_at or _BEGINNING


def _texts(job: Job) -> tuple[tuple[int, bytes], ...] | None:
    """The fields of a job that can be changed in place as JSON, or None when they are too large to be kept."""
    found: list[tuple[int, bytes]] = []
    if job.params:
        found.append((_PARAMS, orjson.dumps(job.params)))
    if isinstance(job.result, dict | list):
        found.append((_RESULT, orjson.dumps(job.result)))
    if job.hitl is not None:
        found.append((_HITL, orjson.dumps([job.hitl.data, job.hitl.schema, job.hitl.response])))
    size = sum(len(text) for _, text in found)
    size += len(job.error.traceback) if job.error else 0
    size += len(job.result) if isinstance(job.result, str) else 0
    return tuple(found) if size <= _MOST_BYTES else None


class JobMemoryStore:
    """Jobs by id, each until ``ttl_minutes`` after it was last read or changed, at most ``max_jobs`` of them.

    The one that was longest not asked for goes first. ``len`` is how many there are. Threads may share it.
    """

    def __init__(self, ttl_minutes: float = 60, max_jobs: int = 10_000) -> None:
        self.ttl_minutes = ttl_minutes
        self.max_jobs = max_jobs
        self.store: OrderedDict[str, Entry] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def keeps(self) -> bool:
        """Whether anything is kept at all."""
        return self.max_jobs > 0 and self.ttl_minutes > 0

    def put(self, job: Job, epoch: object, good_until: float, now: float) -> None:
        """Remember a job, unless something later of it is known."""
        if not self.keeps:
            return
        texts = _texts(job)
        with self._lock:
            known = self.store.get(job.id)
            if known is not None and is_older(job, known.job):
                return
            if texts is None:
                self.store.pop(job.id, None)
                return
            self.store[job.id] = Entry(_VALUES(job), texts, job, epoch, good_until, now)
            self.store.move_to_end(job.id)
            while len(self.store) > self.max_jobs:
                self.store.popitem(last=False)

    def last_known(self, job_id: str, now: float) -> Job | None:
        """The job as it was last seen, while its time has not passed."""
        entry = self.store.get(job_id)
        if entry is None or now - entry.touched > self.ttl_minutes * 60:
            return None
        return entry.fresh()

    def drop(self, job_ids: Iterable[str]) -> None:
        """Forget these jobs, and the parts of what they were."""
        gone = set(job_ids)
        with self._lock:
            while gone:
                for job_id in gone:
                    self.store.pop(job_id, None)
                gone = {job_id for job_id, entry in self.store.items() if entry.job.parent_id in gone}

    def expire(self, now: float) -> int:
        """Forget those whose time has passed; how many there were."""
        with self._lock:
            limit = now - self.ttl_minutes * 60
            late = [job_id for job_id, entry in self.store.items() if entry.touched < limit]
            for job_id in late:
                del self.store[job_id]
        return len(late)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self.store.clear()

    def __len__(self) -> int:
        return len(self.store)

    def __contains__(self, job_id: object) -> bool:
        return job_id in self.store


class EmptyMemoryStore(JobMemoryStore):
    """Remembers nothing: every look-up asks the database."""

    def __init__(self) -> None:
        super().__init__(max_jobs=0)
