"""``Onward``: the one front door. It puts the parts together; its verbs are one-line forwards to the rooms below.

The file is long because every verb of the public interface has its documentation here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar, overload

from onward.authoring.chain_type import any_chain
from onward.authoring.inline import run_inline
from onward.authoring.job_type import CHAIN
from onward.authoring.registry import JobTypes
from onward.catalogue import include_in
from onward.clock import Clock, SystemClock
from onward.engine import chainer, nouns, transitions
from onward.engine.board import Resources
from onward.engine.cluster import bridges
from onward.engine.dimensions import Dimensions
from onward.engine.reader import Reader, query_of
from onward.engine.submission import OnConflict, Submission
from onward.engine.submitter import Submitter
from onward.engine.worker import Worker
from onward.events import Bus
from onward.model.chain import ChainReport, JobPhase
from onward.model.ids import Ids, parsed
from onward.model.job import EventRecord, Job, Json, LogLine, Page, Run
from onward.settings import Settings
from onward.store import Connection, Store

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


class Onward:
    """An application: its job types, its database, and every verb on jobs. It may be shared by threads.

    ``database``: ``sqlite:///file.db`` or ``postgresql://…``; without it the settings decide (environment,
    ``onward.toml``), and a file ``onward.db`` in the working folder is the default. ``settings`` given in code are
    used as they are. ``clock`` replaces the machine's. ``bots`` lists the bots for jobs that run for each of them.
    Nothing is read or opened before it is needed, but for the settings.
    """

    def __init__(
        self,
        database: str | None = None,
        *,
        settings: Settings | None = None,
        clock: Clock | None = None,
        bots: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        self.settings = _settings(database, settings)
        self.clock: Clock = clock or SystemClock()
        self.job_types = JobTypes()
        self.job_types.add(any_chain())
        self.events = Bus()
        self.bots = bots
        self._ids = Ids(self.clock)
        self._store = Store(self.settings.database.url, self.settings, self.clock)
        self._submitter = Submitter(self._store, self.job_types, self.settings, self.clock, self._ids, self.events)
        self._reader = Reader(self._store, self.clock)
        self.workers = nouns.Workers(self._store)
        self.resources = Resources(self._store)
        self.dimensions = Dimensions(self._store)
        self.checkpoints = nouns.Checkpoints(self._store)
        self.database = nouns.Database(self._store)

    # ---- job types ------------------------------------------------------------------------------------------

    @overload
    def job(self, func: F, /) -> F: ...

    @overload
    def job(self, func: None = None, /, **policy: Any) -> Callable[[F], F]: ...

    def job(self, func: F | None = None, /, **policy: Any) -> Any:
        """Register a function as a job type: ``@app.job(max_attempts=3)``. See ``JobTypes.job`` for the options."""
        register = self.job_types.job(**policy)
        return register if func is None else register(func)

    def chain(self, name: str, phases: Sequence[JobPhase], label: str | None = None) -> None:
        """Register a chain as a job type. Its phases must be job types by the time it is submitted."""
        self.job_types.chain(name, phases, label)

    def include(self, job_types: JobTypes) -> None:
        """Take in the job types of a catalogue."""
        self.job_types.include(job_types)

    def include_catalogue(self) -> None:
        """Take in every job type and chain that ships with onward."""
        include_in(self.job_types)

    # ---- submitting -----------------------------------------------------------------------------------------

    def submit(
        self,
        job_type: str | Callable[..., Any],
        params: Mapping[str, Json] | None = None,
        *,
        source_id: str | None = None,
        user_id: str | None = None,
        bot_id: str | None = None,
        queue: str | None = None,
        priority: int | None = None,
        delay: float | timedelta | None = None,
        run_at: datetime | None = None,
        idempotency_key: str | None = None,
        tags: Sequence[str] = (),
        on_conflict: OnConflict | None = None,
        resume: bool | None = None,
        parent_id: str | None = None,
        id: str | None = None,
        connection: Any = None,
    ) -> Job:
        """Have a job done; it is durable when this returns.

        ``params``: plain JSON values by name. ``source_id``: one job at a time works on a source; ``on_conflict``
        says what happens otherwise: ``reject`` (default), ``wait`` behind it, or ``replace`` it. ``resume``: with
        unfinished work of this type on this source, None raises ``IncompleteJobFound``, True goes on from it, False
        starts fresh. ``delay`` in seconds, or ``run_at`` as an aware time. The same ``idempotency_key`` again
        returns the job that exists. ``connection``: a SQLAlchemy connection on the same database (``app.connect()``);
        the job exists only if its transaction commits.

        Raises ``UnknownJobType``, ``InvalidParams``, ``InvalidValue``, ``ResourceBusy``, ``IncompleteJobFound``,
        ``IdempotencyConflict``, ``StoreUnavailable``; nothing is written then.
        """
        given = Submission(
            job_type=job_type,
            params=params,
            source_id=source_id,
            user_id=user_id,
            bot_id=bot_id,
            queue=queue,
            priority=priority,
            delay=delay,
            run_at=run_at,
            idempotency_key=idempotency_key,
            tags=tags,
            on_conflict=on_conflict,
            resume=resume,
            parent_id=parent_id,
            id=id,
        )
        return self._submit([given], connection)[0]

    def submit_many(
        self, submissions: Sequence[Submission | tuple[str | Callable[..., Any], Mapping[str, Json] | None]]
    ) -> list[Job]:
        """Submit many in one round trip, all or none; the jobs in the order given."""
        return self._submit(
            [
                item if isinstance(item, Submission) else Submission(job_type=item[0], params=item[1])
                for item in submissions
            ]
        )

    def submit_chain(
        self,
        phases: Sequence[JobPhase],
        *,
        source_id: str | None = None,
        user_id: str | None = None,
        name: str | None = None,
        resume: bool | None = None,
        on_conflict: OnConflict | None = None,
    ) -> Job:
        """Run job types one after the other as one job with one progress bar; each phase is a job of its own.

        Raises ``InvalidChain`` with the report of what does not fit.
        """
        chainer.check_durable(phases, self.job_types, source_id)
        listed = [
            {
                "job_type": phase.type_name,
                "name": phase.name,
                "weight": phase.weight,
                "params": phase.type_params,
            }
            for phase in phases
        ]
        return self.submit(
            CHAIN,
            {"name": name or " → ".join(phase.name for phase in phases), "phases": listed},
            source_id=source_id,
            user_id=user_id,
            resume=resume,
            on_conflict=on_conflict,
        )

    def validate_chain(self, phases: Sequence[JobPhase], *, source_id: str | None = None) -> ChainReport:
        """What is wrong with a chain (``errors``) and what is merely odd (``warnings``), each with a mend."""
        return chainer.validate(phases, self.job_types, source_id)

    def learned_weights(self, phases: Sequence[JobPhase], *, last: int = 10) -> list[int] | None:
        """Weights by how long jobs of these types took the last times, summing to 100; None when some never ran."""
        return chainer.learned_weights(phases, self._reader, last)

    def run_inline(
        self,
        job_type: str | Callable[..., Any],
        params: Mapping[str, Json] | None = None,
        *,
        source_id: str | None = None,
        progress_callback: Callable[..., Any] | None = None,
        cancel_checker: Callable[[], bool] | None = None,
    ) -> Json:
        """Call a job type's function here and now, without a job or database, and return its result."""
        kind, preset = self.job_types.resolve(job_type)
        return run_inline(
            kind,
            {**preset, **(params or {})},
            settings=self.settings,
            clock=self.clock,
            source_id=source_id,
            progress_callback=progress_callback,
            cancel_checker=cancel_checker,
            resolve=self.job_types.resolve,
        )

    def _submit(self, given: Sequence[Submission], connection: Any = None) -> list[Job]:
        new = [self._submitter.check(item) for item in given]
        for item, source in zip(new, given, strict=True):
            if item.job_type.is_chain:
                chainer.with_phases(item, source, self._submitter, self.job_types)
        return self._submitter.submit(new, connection)

    # ---- looking --------------------------------------------------------------------------------------------

    def get(self, job_id: str) -> Job:
        """The job as it is now, and why it waits if it does. Raises ``JobNotFound``."""
        return self._reader.get(job_id)

    def find(
        self,
        *,
        status: str | Sequence[str] | None = None,
        job_type: str | None = None,
        source_id: str | None = None,
        user_id: str | None = None,
        tag: str | None = None,
        parent_id: str | None = None,
        since: datetime | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[Job]:
        """A page of jobs, newest first; ``after`` is the ``next`` of the page before."""
        query = query_of(
            status=status,
            job_type=job_type,
            source_id=source_id,
            user_id=user_id,
            tag=tag,
            parent_id=parent_id,
            since=since,
        )
        return self._reader.find(query, limit, after)

    def interrupted(self, limit: int = 1000) -> list[Job]:
        """Jobs that stopped before their end with a checkpoint, and were not resumed or discarded; newest first."""
        return nouns.interrupted(self._reader, limit)

    def find_by_ending(self, ending: str) -> list[str]:
        """The ids that end so, in the form for people or as stored; newest first, at most a few."""
        return self._reader.find_by_ending(ending)

    def count(self, *, interrupted: bool = False, **filters: Any) -> int:
        """How many jobs match the filters of ``find``, counted up to 10,000."""
        asked = dict.fromkeys(("status", "job_type", "source_id", "user_id", "tag", "parent_id", "since")) | filters
        return self._reader.count(dataclasses.replace(query_of(**asked), interrupted=interrupted))

    def counts(self) -> dict[str, int]:
        """How many jobs there are, by status."""
        return self._reader.counts()

    def runs(self, job_id: str) -> list[Run]:
        """The attempts at a job, in order."""
        return self._reader.runs(job_id)

    def logs(self, job_id: str, *, after: int = 0, limit: int = 1000) -> list[LogLine]:
        """The captured log lines of a job, in order; ``after`` is the ``seq`` of the last one known."""
        return self._reader.logs(job_id, after, limit)

    def history(self, job_id: str) -> list[EventRecord]:
        """Everything that happened to a job, in order: what, when, by whom."""
        return self._reader.events(job_id)

    def children(self, job_id: str) -> list[Job]:
        """The jobs of a chain's phases or of a fan-out's ranges, in order, superseded ones among them."""
        return self._reader.children(job_id)

    def wait(self, job_id: str, timeout: float | None = None, *, until: Literal["verdict", "left"] = "verdict") -> Job:
        """The job once it has ended (``until="left"``: and its code has left) or waits for a person.

        Raises ``TimeoutError`` after ``timeout`` seconds; the job goes on.
        """
        return self._reader.wait(job_id, timeout, until)

    def watch(self, job_id: str, timeout: float | None = None) -> Iterator[Job]:
        """The job now and after every change, until it has ended."""
        return self._reader.watch(job_id, timeout)

    # ---- steering -------------------------------------------------------------------------------------------

    def cancel(self, job_id: str, *, actor: str | None = None, reason: str = "") -> Job:
        """Stop a job: it reads ``cancelled`` at once, and leaves at its next check with its checkpoint saved."""
        return self._move(
            job_id, lambda c, j, now: transitions.cancel(c, self._store, j, now, actor=actor, reason=reason)
        )

    def resume(self, job_id: str, *, actor: str | None = None) -> Job:
        """Go on with a failed, cancelled or held job from its checkpoint. Raises ``IllegalTransition``."""
        return self._move(job_id, lambda c, j, now: transitions.resume(c, self._store, j, now, actor=actor))

    def restart(self, job_id: str, *, actor: str | None = None) -> Job:
        """Start a failed, cancelled or held job fresh: the same job, from the beginning."""
        return self._move(job_id, lambda c, j, now: transitions.restart(c, self._store, j, now, actor=actor))

    def discard(self, job_id: str, *, actor: str | None = None) -> Job:
        """Drop what an interrupted job has saved; its record stays."""
        return self._move(job_id, lambda c, j, now: transitions.discard(c, self._store, j, now, actor=actor))

    def pause(self, job_id: str, *, actor: str | None = None, reason: str = "") -> Job:
        """Keep a job from being run; a running one stops at its next consistent point."""
        return self._move(
            job_id, lambda c, j, now: transitions.pause(c, self._store, j, now, actor=actor, reason=reason)
        )

    def unpause(self, job_id: str, *, actor: str | None = None) -> Job:
        """Let a paused job go on."""
        return self._move(job_id, lambda c, j, now: transitions.unpause(c, self._store, j, now, actor=actor))

    def delete(self, job_id: str) -> None:
        """Delete the record of an ended job with all that belongs to it."""
        self._store.write(lambda conn: transitions.delete(conn, self._store, parsed(job_id)))

    def run_again(self, job_id: str, *, source_id: str | None = None, resume: bool | None = None) -> Job:
        """A new job with the same parameters."""
        job = self.get(job_id)
        return self.submit(
            job.job_type,
            job.params,
            source_id=source_id or job.source_id,
            user_id=job.user_id,
            bot_id=job.bot_id,
            queue=job.queue,
            priority=job.priority,
            tags=job.tags,
            resume=resume,
        )

    def _move(self, job_id: str, move: Callable[[Connection, str, datetime], Job]) -> Job:
        job = self._store.write(lambda conn: move(conn, parsed(job_id), self._store.now()))
        self._store.doorbell.ring()
        return job

    # ---- working --------------------------------------------------------------------------------------------

    def worker(
        self, concurrency: int | None = None, queues: Sequence[str] | None = None, name: str | None = None
    ) -> Worker:
        """A worker for this application's jobs: ``.run()`` blocks, ``with app.worker():`` runs in the background."""
        return Worker(
            self._store,
            self.job_types,
            self.clock,
            self._ids,
            self.events,
            concurrency=concurrency,
            queues=queues,
            name=name,
            beside=bridges(self._store, self.job_types, self.clock),
        )

    # ---- the database ---------------------------------------------------------------------------------------

    @property
    def engine(self) -> Any:
        """The SQLAlchemy engine, for an application's own tables in the same database."""
        return self._store.engines.engine

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection with an open transaction, committed at the end: for ``submit(connection=...)``."""
        self._store.prepare()
        with self.engine.begin() as connection:
            yield connection
        self._store.doorbell.ring()

    def transaction(self) -> AbstractContextManager[Connection]:
        """The same as ``connect``."""
        return self.connect()

    def listen(self, ear: Callable[[], None]) -> Callable[[], None]:
        """Call ``ear`` (quick, from any thread) when something may have changed; returns how to stop that."""
        return self._store.doorbell.listen(ear)

    def close(self) -> None:
        """Close all connections; they are opened again when needed."""
        self._store.close()

    def __repr__(self) -> str:
        return f"Onward({self.settings.database.shown_url!r}, {len(self.job_types)} job types)"


def _settings(database: str | None, settings: Settings | None) -> Settings:
    if settings is None:
        return Settings.load(code={"database.url": database} if database else None)
    if database is None:
        return settings
    return dataclasses.replace(settings, database=dataclasses.replace(settings.database, url=database))
