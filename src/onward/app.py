"""``Onward``: the one front door. It puts the parts together; its verbs are one-line forwards to the rooms below.

The file is long because every verb of the public interface has its documentation here.
"""

from __future__ import annotations

import dataclasses
import importlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar, overload

from onward.authoring.chain_type import any_chain
from onward.authoring.inline import run_inline
from onward.authoring.job_type import CHAIN
from onward.authoring.registry import JobTypes
from onward.catalogue import include_in
from onward.clock import Clock, SystemClock
from onward.engine import chainer, keeping, nouns, older, steering, submission, transitions
from onward.engine.answer_links import AnswerLinks
from onward.engine.board import Resources
from onward.engine.cluster import bridges
from onward.engine.database import Database
from onward.engine.decider import Decider
from onward.engine.default_schedules import make_defaults
from onward.engine.dimensions import Dimensions
from onward.engine.folder_watch import FolderWatch
from onward.engine.hot import Hot
from onward.engine.in_process import InProcess
from onward.engine.keys import Answers, Keys, Tickets
from onward.engine.later import Later
from onward.engine.memory import EmptyMemoryStore, JobMemoryStore
from onward.engine.mover import Mover
from onward.engine.news import News
from onward.engine.operations import Act, Operations
from onward.engine.pruner import Pruner
from onward.engine.questions import Questions
from onward.engine.queues import Queues
from onward.engine.reader import Reader, query_of
from onward.engine.rollups import Rollups
from onward.engine.scheduler import Scheduler
from onward.engine.schedules import Schedules
from onward.engine.spool import WhenUnavailable
from onward.engine.starts import Starts
from onward.engine.submission import NewJob, OnConflict, Submission
from onward.engine.submitter import Submitter
from onward.engine.templates import Templates
from onward.engine.views import Views
from onward.engine.webhooks import Outbox
from onward.engine.worker import Worker
from onward.errors import IllegalTransition
from onward.events import Bus
from onward.model.archive import PruneReport
from onward.model.chain import ChainReport, JobPhase
from onward.model.curve import CurvePoint
from onward.model.ids import Ids, parsed, shown
from onward.model.job import Conflict, EventRecord, Job, Json, LogLine, Page, Run
from onward.model.load import Load
from onward.model.query import JobQuery
from onward.model.states import Status
from onward.settings import Settings
from onward.store import Connection, Store
from onward.telemetry.metrics import Metrics

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_REMEMBERED_AT_ONCE = 100
"""Submissions at once that are remembered; of more nobody looks at each."""


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
        self._metrics: Metrics | None = None
        self._one_at_a_time = threading.Lock()
        self.bots = bots
        self._ids = Ids(self.clock)
        self._store = Store(self.settings.database.url, self.settings, self.clock)
        self._submitter = Submitter(self._store, self.job_types, self.settings, self.clock, self._ids, self.events)
        self._tell_webhooks()
        self._hot = Hot(self._store, self.clock, _memory(self.settings))
        self._reader = Reader(self._store, self.clock, self._hot)
        self.audit = steering.Audit(self._store)
        self.keys = Keys(self._store, self.clock, self._ids)
        self.answers = Answers(self._store)
        self.tickets = Tickets(self._store, self.clock)
        self.views = Views(self._store, self._ids)
        self.queues = Queues(self._store)
        self.rollups = Rollups(self._store, self.clock)
        self.operations = Operations(self._store, self.clock, self._ids, self._bulk_verbs())
        self.workers = nouns.Workers(self._store)
        self.resources = Resources(self._store)
        self.dimensions = Dimensions(self._store)
        self.questions = Questions(self._store, self._ids)
        self.answer_links = AnswerLinks(self._store, self.questions)
        self._later = Later(
            self._store, self.clock, self._ids, self._submitter, self.questions, self._hot, self._submit_one
        )
        self.jobs = older.Jobs(self._older())
        self._pruner = Pruner(self._store, self.clock, self._ids)
        self.checkpoints = keeping.Checkpoints(self._store, self._pruner)
        starts = Starts(self._store, self._submitter, self._checked, self._ids, bots)
        self._decider = Decider(self._store, self.job_types, self._submitter, starts, self.events)
        self.schedules = Schedules(self._store, self.job_types, self._ids, self._submitter, starts, self._decider)
        self.templates = Templates(self._store, self.job_types, self.submit_chain)
        self.archive = keeping.Archive(self._store, self._pruner)
        self.database = Database(self._store, Mover(self._store, self.clock, self._ids))

    def _tell_webhooks(self) -> None:
        """Where addresses are to be told of jobs, deliveries are made in the transactions in which it happens."""
        if self.settings.webhooks.urls:
            from onward.catalogue import webhooks  # noqa: PLC0415 - HTTP is loaded where it is wanted

            self.job_types.include(webhooks.job_types(self.settings.webhooks))
            self._store.on_told = Outbox(self._store, self._submitter, self.settings.webhooks).note

    def _bulk_verbs(self) -> dict[str, Act]:
        """Verbs that may be done with many jobs: the job, and who wants it and why."""
        return {
            "resume": lambda job, o: self._go_on(job, o.created_by),
            "fresh": lambda job, o: self.restart(job, actor=o.created_by),
            "again": lambda job, _: self.run_again(job),
            "pause": lambda job, o: self.pause(job, actor=o.created_by, reason=o.reason),
            "unpause": lambda job, o: self.unpause(job, actor=o.created_by),
            "cancel": lambda job, o: self.cancel(job, actor=o.created_by, reason=o.reason),
            "force-stop": lambda job, o: self.force_stop(job, actor=o.created_by),
            "ack": lambda job, o: self.acknowledge(job, by=o.created_by, note=o.reason),
            "discard": lambda job, o: self.discard(job, actor=o.created_by),
            "delete": lambda job, _: self.delete(job),
            "change": lambda job, o: self._change_as(job, o.created_by, **o.arguments),
        }

    def _change_as(self, job_id: str, actor: str | None, *, add_tags: Sequence[str] = (), **change: Any) -> Job:
        """A change of one of many: tags come to those that it has."""
        tags = [*dict.fromkeys([*self.get(job_id).tags, *add_tags])] if add_tags else None
        return self.change(job_id, tags=tags, actor=actor, **change)

    def _go_on(self, job_id: str, actor: str | None) -> Job:
        """What people call resuming: a paused job is let go on, too."""
        job = self.get(job_id)
        is_paused = job.paused_by is not None and not job.status.is_ended
        return self.unpause(job_id, actor=actor) if is_paused else self.resume(job_id, actor=actor)

    def _older(self) -> older.House:
        functions = InProcess(self._store, self._submitter, self.clock, self._ids, self.events, self._later.do)
        return older.House(
            self._store,
            self.job_types,
            self._reader,
            self._hot,
            self._ids,
            self._submit_one,
            functions,
        )

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
        include_in(
            self.job_types,
            prune=self.prune,
            prune_checkpoints=self.checkpoints.prune,
            threads_in_use=lambda: nouns.threads_in_use(self._reader),
            settings=self.settings,
        )

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
        keep: bool = False,
        parent_id: str | None = None,
        id: str | None = None,
        connection: Any = None,
        when_unavailable: WhenUnavailable = "raise",
    ) -> Job:
        """Have a job done; it is durable when this returns.

        ``params``: plain JSON values by name. ``source_id``: one job at a time works on a source; ``on_conflict``
        says what happens otherwise: ``reject`` (default), ``wait`` behind it, or ``replace`` it. ``resume``: with
        unfinished work of this type on this source, None raises ``IncompleteJobFound``, True goes on from it, False
        starts fresh and drops what it saved; with ``keep=True`` that stays with the old job until retention takes it.
        ``delay`` in seconds, or ``run_at`` as an aware time. The same ``idempotency_key`` again returns the job that
        exists. ``connection``: a SQLAlchemy connection on the same database (``app.connect()``); the job exists only
        if its transaction commits. ``when_unavailable="journal"``: while the database is away the submission is kept
        on local disk and made when it is back; the job that is returned says ``stale``.

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
            keep=keep,
            parent_id=parent_id,
            id=id,
        )
        if when_unavailable == "journal" and connection is None:
            return self._later.submit(given)
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
        keep: bool = False,
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
            keep=keep,
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
        kind, given = self.job_types.resolve_with(job_type, params)
        return run_inline(
            kind,
            given,
            settings=self.settings,
            clock=self.clock,
            source_id=source_id,
            progress_callback=progress_callback,
            cancel_checker=cancel_checker,
            resolve=self.job_types.resolve,
        )

    def _submit(self, given: Sequence[Submission], connection: Any = None) -> list[Job]:
        new = [self._checked(item) for item in given]
        done = self._submitter.submit(new, connection)
        if connection is None and len(done) <= _REMEMBERED_AT_ONCE:
            self._hot.note(done)
        return done

    def _checked(self, given: Submission) -> NewJob:
        new = self._submitter.check(given)
        if new.job_type.is_chain:
            chainer.with_phases(new, given, self._submitter, self.job_types)
        return new

    def _submit_one(self, given: Submission) -> Job:
        return self._submit([given])[0]

    # ---- looking --------------------------------------------------------------------------------------------

    def get(self, job_id: str) -> Job:
        """The job as it is now, and why it waits if it does.

        It may come from memory, if nothing has changed since it was read. While the database is away it is the job
        as this process last saw it, with ``stale`` set and the time of that in ``as_of``.

        Raises ``JobNotFound``; ``StoreUnavailable`` when the database is away and the job is not in memory.
        """
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
        acknowledged: bool | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[Job]:
        """A page of jobs, newest first; ``after`` is the ``next`` of the page before.

        ``acknowledged``: True for jobs of which somebody has taken note or that were started over, False for others.
        """
        query = query_of(
            status=status,
            job_type=job_type,
            source_id=source_id,
            user_id=user_id,
            tag=tag,
            parent_id=parent_id,
            since=since,
            acknowledged=acknowledged,
        )
        return self._reader.find(query, limit, after)

    def search(self, query: JobQuery, *, limit: int = 50, after: str | None = None) -> Page[Job]:
        """A page of the jobs of a query, in its order; ``after`` is the ``next`` or ``prev`` of a page of it."""
        return self._reader.find(query, limit, after)

    def count_matching(self, query: JobQuery, cap: int = 10_000) -> int:
        """How many jobs a query finds, counted up to ``cap``."""
        return self._reader.count(query, cap)

    def interrupted(self, limit: int = 1000) -> list[Job]:
        """Jobs that stopped before their end with a checkpoint, and were not resumed or discarded; newest first."""
        return nouns.interrupted(self._reader, limit)

    def find_by_ending(self, ending: str) -> list[str]:
        """The ids that end so, in the form for people or as stored; newest first, at most a few."""
        return self._reader.find_by_ending(ending)

    def count(self, *, interrupted: bool = False, **filters: Any) -> int:
        """How many jobs match the filters of ``find``, counted up to 10,000."""
        asked: dict[str, Any] = dict.fromkeys(
            ("status", "job_type", "source_id", "user_id", "tag", "parent_id", "since", "acknowledged")
        )
        asked |= filters
        return self._reader.count(dataclasses.replace(query_of(**asked), interrupted=interrupted))

    def counts(self) -> dict[str, int]:
        """How many jobs there are, by status."""
        return self._reader.counts()

    def load(self) -> Load:
        """How much there is to do (by queue, with the oldest wait), and how many slots there are to do it."""
        return nouns.load(self._store)

    @property
    def metrics(self) -> Metrics:
        """Metrics for Prometheus: ``app.metrics.text()``. This process's counters begin when it is first asked for."""
        with self._one_at_a_time:
            if self._metrics is None:
                self._metrics = Metrics(self.load, self.clock)
                self.events.subscribe(self._metrics.hear)
            return self._metrics

    def runs(self, job_id: str) -> list[Run]:
        """The attempts at a job, in order."""
        return self._reader.runs(job_id)

    def logs(self, job_id: str, *, after: int = 0, limit: int = 1000, before: int | None = None) -> list[LogLine]:
        """The captured log lines of a job, in order.

        ``after``: the ``seq`` of the last one known. ``before``: the last lines before that ``seq`` instead.
        """
        return self._reader.logs(job_id, after, limit, before)

    def progress_curve(self, job_id: str) -> list[CurvePoint]:
        """How far a job was, and when: at most a few hundred points, in order; none of one that took a moment."""
        return self._reader.curve(job_id)

    def history(self, job_id: str) -> list[EventRecord]:
        """Everything that happened to a job, in order: what, when, by whom."""
        return self._reader.events(job_id)

    def conflicts(self, job_id: str | None = None, *, limit: int = 100) -> list[Conflict]:
        """What runs wanted to write after an outage and was refused, newest first; of one job or of all."""
        return self._reader.conflicts(job_id, limit)

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

    def cancel(
        self, job_id: str, *, actor: str | None = None, reason: str = "", expect_version: str | None = None
    ) -> Job:
        """Stop a job: it reads ``cancelled`` at once, and leaves at its next check with its checkpoint saved.

        ``expect_version``, here and in the verbs that follow: the ``version`` of the job as it was looked at. If it has
        moved or was changed since, ``ChangedMeanwhile`` is raised with the job as it is, and nothing is done.
        """
        return self._move(
            job_id,
            lambda c, j, now: transitions.cancel(c, self._store, j, now, actor=actor, reason=reason),
            expect_version,
        )

    def resume(self, job_id: str, *, actor: str | None = None, expect_version: str | None = None) -> Job:
        """Go on with a failed, cancelled or held job from its checkpoint. Raises ``IllegalTransition``."""
        return self._move(
            job_id, lambda c, j, now: transitions.resume(c, self._store, j, now, actor=actor), expect_version
        )

    def restart(
        self, job_id: str, *, keep: bool = False, actor: str | None = None, expect_version: str | None = None
    ) -> Job:
        """Start a failed, cancelled or held job fresh: the same job, from the beginning; what it saved is dropped.

        ``keep=True`` leaves it as it is, ended and with what it saved, and gives a new job that begins its work: until
        retention takes the checkpoint (``retention.checkpoint_days``), ``resume`` goes on with the old one. Raises
        ``IllegalTransition``.
        """
        if not keep:
            return self._move(
                job_id, lambda c, j, now: transitions.restart(c, self._store, j, now, actor=actor), expect_version
            )
        new_id = self._ids.new()
        made = self._move(
            job_id,
            lambda c, j, now: transitions.begin_beside(c, self._store, j, new_id, now, actor=actor),
            expect_version,
        )
        self._submitter.tell([made])
        return made

    def discard(self, job_id: str, *, actor: str | None = None, expect_version: str | None = None) -> Job:
        """Drop what an interrupted job has saved; its record stays."""
        return self._move(
            job_id, lambda c, j, now: transitions.discard(c, self._store, j, now, actor=actor), expect_version
        )

    def pause(
        self, job_id: str, *, actor: str | None = None, reason: str = "", expect_version: str | None = None
    ) -> Job:
        """Keep a job from being run; a running one stops at its next consistent point."""
        return self._move(
            job_id,
            lambda c, j, now: transitions.pause(c, self._store, j, now, actor=actor, reason=reason),
            expect_version,
        )

    def unpause(self, job_id: str, *, actor: str | None = None, expect_version: str | None = None) -> Job:
        """Let a paused job go on."""
        return self._move(
            job_id, lambda c, j, now: transitions.unpause(c, self._store, j, now, actor=actor), expect_version
        )

    def force_stop(self, job_id: str, *, actor: str | None = None, expect_version: str | None = None) -> Job:
        """Cancel a job, and press code that does not leave at once: an exception in its thread, a kill of its process.

        ``waiting_reason`` of the answer says whether its worker can be reached. Raises ``IllegalTransition`` when
        nothing of the job runs.
        """
        return self._move(
            job_id, lambda c, j, now: steering.force_stop(c, self._store, j, now, actor=actor), expect_version
        )

    def acknowledge(
        self, job_id: str, *, by: str | None = None, note: str = "", expect_version: str | None = None
    ) -> Job:
        """Take note that a job failed, was cancelled or was cut off: it is no longer open for anybody.

        Resuming it takes the note away. Raises ``IllegalTransition``.
        """
        return self._move(
            job_id, lambda c, j, now: steering.acknowledge(c, self._store, j, now, by=by, note=note), expect_version
        )

    def change(
        self,
        job_id: str,
        *,
        priority: int | None = None,
        queue: str | None = None,
        run_at: datetime | None = None,
        tags: Sequence[str] | None = None,
        actor: str | None = None,
        expect_version: str | None = None,
    ) -> Job:
        """Change a job that waits to be run; what is left out stays. Raises ``IllegalTransition``, ``InvalidValue``."""
        given: dict[str, Any] = {"priority": priority, "queue": queue, "run_at": run_at, "tags": tags, "actor": actor}
        return self._move(job_id, lambda c, j, now: steering.change(c, self._store, j, now, **given), expect_version)

    def answer(
        self,
        job_id: str,
        response: Json,
        *,
        question_id: str | None = None,
        answered_by: str | None = None,
        reason: str = "",
        expect_version: str | None = None,
        when_unavailable: WhenUnavailable = "raise",
    ) -> Job:
        """Answer what a job asks, and put it back in line; the first answer counts.

        Without ``question_id`` it is the one open question of the job or of its chain. ``reason`` is kept in the
        history. Raises ``InvalidAnswer`` (field by field), ``AlreadyAnswered``, ``QuestionClosed`` (expired or
        withdrawn), ``QuestionNotFound``, ``IllegalTransition`` when nothing is asked, ``JobNotFound``. With
        ``expect_version``, the ``version`` of the question as it was looked at, ``ChangedMeanwhile`` when somebody has
        claimed, released or reassigned it since.

        ``when_unavailable="journal"``: while the database is away the answer is kept on local disk and given when it is
        back; the job that is returned says ``stale``, and only its id if it was never seen here. An answer that is
        refused then is among the ``conflicts``.
        """
        given: dict[str, Any] = {
            "question_id": question_id, "answered_by": answered_by, "reason": reason, "expect_version": expect_version,
        }  # fmt: skip
        if when_unavailable == "journal":
            return self._later.answer(job_id, response, **given)
        return self.questions.answer(job_id, response, **given)

    def delete(self, job_id: str, *, expect_version: str | None = None) -> None:
        """Delete the record of an ended job with all that belongs to it."""

        def work(conn: Connection) -> None:
            steering.check_version(conn, self._store, parsed(job_id), expect_version)
            transitions.delete(conn, self._store, parsed(job_id))

        self._store.write(work)
        self._hot.forget(parsed(job_id))
        self._store.doorbell.ring()

    def run_again(self, job_id: str, *, source_id: str | None = None, resume: bool | None = None) -> Job:
        """A new job with the same parameters; one that failed counts as acknowledged by that."""
        job = self.get(job_id)
        asked = submission.again(job, self.job_types.get(job.job_type))
        new = self._submit_one(dataclasses.replace(asked, source_id=source_id or job.source_id, resume=resume))
        if job.status is Status.FAILED and job.acknowledged_by is None and new.id != job.id:
            with suppress(IllegalTransition):
                self.acknowledge(job.id, by="run_again", note=f"Run again as {shown(new.id)}.")
        return new

    def _move(
        self, job_id: str, move: Callable[[Connection, str, datetime], Job], expect_version: str | None = None
    ) -> Job:
        def work(conn: Connection) -> Job:
            steering.check_version(conn, self._store, parsed(job_id), expect_version)
            return move(conn, parsed(job_id), self._store.now())

        job = self._store.write(work)
        self._store.doorbell.ring()
        self._hot.note([job])
        return job

    # ---- keeping --------------------------------------------------------------------------------------------

    def prune(
        self,
        older_than: timedelta | None = None,
        archive: bool = True,
        *,
        dry_run: bool = False,
        should_stop: Callable[[], bool] | None = None,
        on_batch: Callable[[PruneReport], None] | None = None,
    ) -> PruneReport:
        """Take finished jobs out of the way that ended longer ago than ``older_than``, each with all its family.

        Without ``older_than``, ``retention.finished_days`` says how long; ``retention.archive`` says where they go,
        ``archive=False`` deletes them. Small batches, each a transaction: it may be stopped (``should_stop`` is asked
        between them), killed and begun again. Jobs with a pinned checkpoint, or one that is younger than
        ``retention.checkpoint_days``, stay, and so do families that have not ended. Returns what was done.
        """
        return self._pruner.jobs(older_than, keep=archive, dry_run=dry_run, told=keeping.told(should_stop, on_batch))

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
            do=self._later.do,
            beside=bridges(self._store, self.job_types, self.clock),
        )

    def serve(self, host: str | None = None, port: int | None = None) -> None:
        """Serve pages and HTTP, with a scheduler and a worker in this process, until SIGTERM or SIGINT.

        Without ``host`` and ``port`` the settings decide: 127.0.0.1, 8811. Raises ``unsafe-bind`` where others could
        reach it and nobody would have to sign in.
        """
        # The server stands above this floor and knows it: it is found by its name, as a plug-in would be.
        server = importlib.import_module("onward.server.run")
        server.serve(self, host, port)

    def scheduler(self) -> Scheduler:
        """What starts jobs by schedule: ``.run()`` blocks, ``with app.scheduler():`` runs in the background.

        Any number may run on one database. At its start, schedules that ship with job types are made (once), and the
        file of the setting ``scheduler.file`` is loaded.
        """
        watches = [
            FolderWatch(self.clock, declared, self.schedules)
            for declared in self.job_types.default_schedules()
            if declared.watch is not None
        ]
        return Scheduler(self._store, self.clock, self._decider, self._make_schedules, watches)

    def _make_schedules(self) -> None:
        make_defaults(self._store, self.job_types, self._ids)
        if self.settings.scheduler.file is not None:
            self.schedules.load(self.settings.scheduler.file)

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

    def news(self) -> News:
        """A watcher of its own: each ``look()`` says what has changed since the one before, whoever changed it."""
        return News(self._store)

    @property
    def memory(self) -> JobMemoryStore:
        """Jobs that this process remembers: ``len``, ``clear()``, ``ttl_minutes``; another one may be set."""
        return self._hot.memory

    @memory.setter
    def memory(self, memory: JobMemoryStore) -> None:
        self._hot.memory = memory

    def close(self) -> None:
        """Close all connections; they are opened again when needed."""
        self.operations.close()
        self.rollups.close()
        self._later.close()
        self.jobs.close()
        self._hot.close()
        self._store.close()

    def __repr__(self) -> str:
        return f"Onward({self.settings.database.shown_url!r}, {len(self.job_types)} job types)"


def _memory(settings: Settings) -> JobMemoryStore:
    cache = settings.cache
    return JobMemoryStore(cache.ttl_minutes, cache.max_jobs) if cache.enabled else EmptyMemoryStore()


def _settings(database: str | None, settings: Settings | None) -> Settings:
    if settings is None:
        return Settings.load(code={"database.url": database} if database else None)
    return settings if database is None else settings.on(database)
