"""The older interface to jobs: the verbs of a hand-made job manager, thin over the same code as everything else."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from onward.authoring.job_type import JobType
from onward.authoring.registry import JobTypes
from onward.engine import outside, transitions
from onward.engine.dimensions import Dimensions
from onward.engine.hot import Hot
from onward.engine.in_process import InProcess
from onward.engine.memory import JobMemoryStore
from onward.engine.reader import Reader
from onward.engine.submission import Submission
from onward.errors import InvalidParams, InvalidValue
from onward.model.ids import Ids, parsed
from onward.model.job import Job
from onward.model.older import UPDATES, JobState
from onward.model.query import JobQuery
from onward.model.states import ACTIVE
from onward.store import Connection, Store

_PAGE = 1000


class Board(dict[str, dict[str, Any]]):
    """What is shown of each dimension: ``busy``, ``job_id``, ``operation``, ``source_id``. ``board[768]`` works too."""

    def __missing__(self, key: object) -> dict[str, Any]:
        if isinstance(key, int) and str(key) in self:
            return self[str(key)]
        raise KeyError(key)


@dataclass(frozen=True, slots=True)
class House:
    """What the verbs work with: the parts of one application."""

    store: Store
    job_types: JobTypes
    reader: Reader
    hot: Hot
    ids: Ids
    submit: Callable[[Submission], Job]
    functions: InProcess


class Jobs:
    """The verbs of a hand-made job manager for one application; each job is in the database before a call returns."""

    def __init__(self, house: House) -> None:
        self._given = house

    @property
    def house(self) -> House:
        """The parts of the application."""
        return self._given

    # ---- jobs with a function -------------------------------------------------------------------------------

    def submit(
        self,
        job_type: str,
        source_id: str | None = None,
        func: Callable[..., Any] | str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> str:
        """Have a function called in the background with these arguments; the id of its job.

        A registered function, or a job type's name without a function, becomes a durable job for any worker. Another
        function runs in this process and ends with it. It is given ``progress_callback`` and ``cancel_checker`` if it
        takes them, and what it returns must be JSON.

        Raises ``ResourceBusy``, ``IncompleteJobFound``, ``UnknownJobType``, ``InvalidParams``, ``StoreUnavailable``.
        """
        house = self.house
        if not isinstance(func, str) and func is not None and not _is_known(house.job_types, func):
            return house.functions.submit(job_type, source_id, func, args, kwargs).id
        kind = house.job_types.get(func or job_type)
        if func and job_type in house.job_types and house.job_types.get(job_type) is not kind:
            raise InvalidParams(
                f"The function is registered as {kind.name!r}, not as {job_type!r}.", hint="Name one of the two."
            )
        return house.submit(
            Submission(
                job_type=job_type if job_type in house.job_types else kind.name,
                params=_params(kind, args, kwargs),
                source_id=source_id,
                tags=() if job_type in house.job_types else (job_type,),
            )
        ).id

    def cancel(self, job_id: str) -> JobState:
        """Cancel a job: it reads ``cancelled`` at once. Raises ``IllegalTransition``, ``JobNotFound``."""
        return self._change(lambda conn: transitions.cancel(conn, self.house.store, parsed(job_id), self._now()))

    # ---- looking --------------------------------------------------------------------------------------------

    def get_job(self, job_id: str) -> JobState:
        """The job, from memory or from the database. Raises ``JobNotFound``, which says where it was looked for."""
        return JobState.of(self.house.reader.get(job_id))

    def get_status(self, job_id: str) -> JobState:
        """The same as ``get_job``: ``status``, ``progress_percent``, ``progress_message``, ``result``, ``error``."""
        return self.get_job(job_id)

    def get_active_jobs(self, source_id: str | None = None) -> list[JobState]:
        """Jobs that are pending, running or wait for a person, newest first; of one source or of all."""
        return self._find(JobQuery(statuses=tuple(map(str, ACTIVE)), source_id=source_id), None)

    def get_job_history(self, limit: int = 50, max_age_days: float = 7) -> list[JobState]:
        """Jobs that were submitted in the last days, newest first, in whatever status they are."""
        return self._find(JobQuery(since=self._now() - timedelta(days=max_age_days)), limit)

    def _find(self, query: JobQuery, limit: int | None) -> list[JobState]:
        found: list[JobState] = []
        after: str | None = None
        while limit is None or len(found) < limit:
            page = self.house.reader.find(query, _PAGE if limit is None else min(_PAGE, limit - len(found)), after)
            found += map(JobState.of, page)
            after = page.next
            if after is None:
                break
        return found

    # ---- jobs without a function ----------------------------------------------------------------------------

    def create_job(self, job: Any = None, /, **fields: Any) -> JobState:
        """Keep a job that another program runs: no worker ever claims it, and ``update_job`` moves it.

        ``job``: an id, a ``JobState``, a mapping, or any object with ``job_id`` and other fields as attributes; or
        give the fields by keyword. Without an id a new one is made. The same job again is the job that exists.

        Raises ``IdempotencyConflict`` for an id that is taken, ``InvalidValue``, ``StoreUnavailable``.
        """
        given = {**_fields(job), **fields}
        given["job_id"] = parsed(str(given.get("job_id") or self.house.ids.new()))
        return self._change(lambda conn: outside.create(conn, self.house.store, given, self._now(), actor=None))

    def update_job(self, job_id: str, changes: Mapping[str, Any] | None = None, /, **fields: Any) -> JobState:
        """Change a job: ``status`` by a legal move, ``progress_percent``, ``progress_message``, ``result``, ``error``,
        ``hitl_type``, ``hitl_data``, ``hitl_response``, ``task_description``; durable when this returns.

        A job that workers run can only be cancelled, described, and shown with other progress. Raises
        ``IllegalTransition``, ``JobNotFound``, ``InvalidValue``; nothing is changed then.
        """
        given = {**(changes or {}), **fields}
        return self._change(
            lambda conn: outside.update(conn, self.house.store, parsed(job_id), given, self._now(), actor=None)
        )

    def _change(self, move: Callable[[Connection], Job]) -> JobState:
        job = self.house.store.write(move)
        self.house.store.doorbell.ring()
        self.house.hot.note([job])
        return JobState.of(job)

    def _now(self) -> Any:
        return self.house.store.now()

    # ---- memory ---------------------------------------------------------------------------------------------

    @property
    def memory(self) -> JobMemoryStore:
        """What this process remembers of jobs: ``ttl_minutes``, ``clear()``, ``len``; another one may be set."""
        return self.house.hot.memory

    @memory.setter
    def memory(self, memory: JobMemoryStore) -> None:
        self.house.hot.memory = memory

    def cleanup_expired(self) -> int:
        """Forget jobs whose time in memory has passed; how many there were. It also happens by itself."""
        return self.house.hot.sweep()

    # ---- dimensions -----------------------------------------------------------------------------------------

    def get_dimension_status(self) -> Board:
        """For each of the four dimensions: whether a job works on it, which, how, and for which source."""
        return Board({str(dimension): state for dimension, state in self._dimensions.get_dimension_status().items()})

    def is_dimension_busy(self, dim: int) -> bool:
        """Whether a job works on this dimension. Raises ``InvalidValue`` for one that is none of the four."""
        return self._dimensions.is_dimension_busy(dim)

    def get_available_dimensions(self) -> list[int]:
        """The dimensions on which no job works."""
        return self._dimensions.get_available_dimensions()

    def update_job_dimension(self, job_id: str, dim: int | None, op: str | None = None) -> JobState:
        """Show that a job works on this dimension (``"index"``, ``"delete"``), or with None on none any more."""
        job = self._dimensions.update_job_dimension(job_id, dim, op)
        self.house.hot.note([job])
        return JobState.of(job)

    @property
    def _dimensions(self) -> Dimensions:
        return Dimensions(self.house.store)

    def close(self) -> None:
        """Let functions that run in this process leave, as at any shutdown."""
        self.house.functions.close()


def _is_known(job_types: JobTypes, func: Callable[..., Any]) -> bool:
    return any(kind.func is func for kind in job_types)


def _fields(job: Any) -> dict[str, Any]:
    """What a caller's own record says of a job."""
    if job is None:
        return {}
    if isinstance(job, str):
        return {"job_id": job}
    if isinstance(job, Mapping):
        return dict(job)
    if not hasattr(job, "job_id"):
        raise InvalidValue(f"{job!r:.80} is not a job.", hint="Give an id, a mapping, or an object with a job_id.")
    names = (*outside.FACTS, *UPDATES)
    return {name: getattr(job, name) for name in names if getattr(job, name, None) is not None}


def _params(kind: JobType, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Positional arguments by their names."""
    names = [name for name in inspect.signature(kind.func).parameters if name != kind.context_name]
    if kind.model_name is not None and len(args) == 1 and not kwargs:
        model = args[0]
        return dict(model) if isinstance(model, Mapping) else kind.dump(model)
    twice = sorted(set(names[: len(args)]) & set(kwargs))
    if len(args) > len(names) or twice:
        raise InvalidParams(
            f"{kind.name} takes {', '.join(names) or 'no arguments'}; {len(args)} were given by position"
            + (f", and {', '.join(twice)} twice." if twice else "."),
            hint="Give each argument once.",
        )
    return {**dict(zip(names, args, strict=False)), **kwargs}
