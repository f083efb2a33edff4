"""The splitter: makes ranges of a fan-out, and says what has become of them when their parent asks again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from onward.authoring.job_type import JobType
from onward.authoring.port import Split, Wait
from onward.authoring.registry import JobTypes
from onward.engine import families as family_rules
from onward.engine import submission
from onward.engine.submission import Submission
from onward.errors import InvalidValue, RangeFailed, UnknownJobType
from onward.model.codec import decode
from onward.model.family import WorkRange, cut
from onward.model.ids import Ids, shown
from onward.model.job import Job, Json
from onward.model.states import Status
from onward.settings import Settings
from onward.store import Store, families, jobs
from onward.store.claims import Claim
from onward.store.families import RangeEnd

_SHOWN = 3
_DEFAULT_QUEUE = "default"


class Splitter:
    """One for all runs of a worker."""

    def __init__(self, store: Store, registry: JobTypes, settings: Settings, ids: Ids) -> None:
        self._store = store
        self._registry = registry
        self._settings = settings
        self._ids = ids

    def ask(self, claim: Claim, split: Split) -> list[Json] | Wait:
        """The results of the ranges in order; or what to wait for, with the ranges that are to be made.

        Raises ``RangeFailed``, and what is wrong with the request; nothing is written here.
        """
        job_type = self._job_type(split.job_type)
        wanted = cut(split.total, split.parts)
        with self._store.read() as conn:
            found = families.list_ranges(conn, self._store.dialect, claim.job_id, split.family)
            generation = families.generation_of(conn, self._store.dialect, claim.job_id, split.family)
        if found:
            _check_same(found, job_type, split)
            wanted = cut(split.total, found[0].state.part.total_workers)
        known = {end.state.part.worker_id for end in found}
        missing = [part for part in wanted if part.worker_id not in known]
        stopped = [end for end in found if end.state.status in (Status.FAILED, Status.CANCELLED)]
        redo = bool(stopped) and generation < claim.generation
        if missing or redo or any(not end.state.status.is_ended for end in found):
            return Wait(family=self._order(claim, split, missing, redo))
        if stopped:
            raise _failed(split.family, stopped, claim.job_id)
        return [decode(end.result) for end in found]

    def _job_type(self, name: str | Callable[..., Any]) -> JobType:
        if isinstance(name, str) and ":" in name:
            # A function, as a child process names it.
            for kind in self._registry:
                if f"{kind.func.__module__}:{kind.func.__qualname__}" == name:
                    return _no_chain(kind)
            raise UnknownJobType(
                f"The function {name} is not a registered job type.", hint="Decorate it with @app.job()."
            )
        return _no_chain(self._registry.get(name))

    def _order(self, claim: Claim, split: Split, missing: Sequence[WorkRange], redo: bool) -> dict[str, Json]:
        child: dict[str, Json] = {}
        if missing:
            child = self._child(claim, split)
        listed = [[self._ids.new(), r.worker_id, r.total_workers, r.start, r.end] for r in missing]
        return {"name": split.family, "ranges": listed, "child": child, "redo": redo}

    def _child(self, claim: Claim, split: Split) -> dict[str, Json]:
        """What the rows of the ranges share: they are of their parent's family in all that it has."""
        with self._store.read() as conn:
            parent = jobs.get_job(conn, self._store.dialect, claim.job_id)
        kind = self._job_type(split.job_type)
        asked = Submission(
            job_type=kind.name if isinstance(split.job_type, str) and ":" in split.job_type else split.job_type,
            params=split.params,
            source_id=claim.source_id,
            user_id=claim.user_id,
            bot_id=claim.bot_id,
            queue=self._queue(kind, parent),
            priority=kind.priority or (parent.priority if parent else 0),
            parent_id=claim.job_id,
        )
        new = submission.check(asked, self._registry, self._settings, self._ids.new())
        with self._store.read() as conn:
            family_rules.inherit(conn, self._store, new)
        return new.child_row()

    def _queue(self, kind: JobType, parent: Job | None) -> str:
        if kind.queue != _DEFAULT_QUEUE or parent is None:
            return kind.queue
        cluster = self._settings.cluster
        return cluster.queue if cluster.address else parent.queue


def _no_chain(kind: JobType) -> JobType:
    if kind.is_chain:
        raise InvalidValue(
            f"{kind.name!r} is a chain and cannot be split into ranges.", hint="Split one of its phases."
        )
    return kind


def _check_same(found: Sequence[RangeEnd], job_type: JobType, split: Split) -> None:
    """What was begun goes on as it was begun; only the number of parts may be said differently."""
    total = max((end.state.part.end or 0) for end in found)
    begun = found[0].job_type
    if begun != job_type.name or (total != split.total and len(found) == found[0].state.part.total_workers):
        raise InvalidValue(
            f"The fan-out {split.family!r} was begun with {total:,} items of {begun!r}, and is now asked for "
            f"{split.total:,} items of {job_type.name!r}.",
            hint="Keep what it depends on in a step, give the new work another name=, or start the job fresh.",
        )


def _failed(family: str, stopped: Sequence[RangeEnd], parent_id: str) -> RangeFailed:
    parts = [_sentence(end) for end in stopped[:_SHOWN]]
    more = f" And {len(stopped) - _SHOWN} more." if len(stopped) > _SHOWN else ""
    return RangeFailed(
        f"{len(stopped)} of {stopped[0].state.part.total_workers} ranges of {family!r} did not complete. "
        + " ".join(parts)
        + more,
        hint=f"Resume job {shown(parent_id)} to do only those again, each from its checkpoint.",
        ranges=tuple(end.state.job_id for end in stopped),
    )


def _sentence(end: RangeEnd) -> str:
    part = end.state.part
    head = f"{str(part).capitalize()} (items {part.start:,} to {(part.end or 0) - 1:,}, job {shown(end.state.job_id)})"
    if end.state.status is Status.CANCELLED:
        return f"{head} was cancelled."
    error = decode(end.error) if end.error else {}
    return f"{head} failed: {error.get('type', 'Error')}: {error.get('message', '')}"
