"""The submitter: checks submissions and makes jobs of them, durable before the call returns."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from onward.authoring.registry import JobTypes
from onward.clock import Clock
from onward.engine import conflicts, families, submission
from onward.engine.submission import NewJob, Submission
from onward.errors import IdempotencyConflict, WrongSqliteLibrary
from onward.events import Bus, JobSubmitted
from onward.model import codec
from onward.model.ids import Ids, shown
from onward.model.job import Job
from onward.model.states import Status, Waiting
from onward.settings import Settings
from onward.store import Connection, Store, chains, jobs, resources


class Submitter:
    """Turns submissions into rows. Used by every front door."""

    def __init__(self, store: Store, registry: JobTypes, settings: Settings, clock: Clock, ids: Ids, bus: Bus) -> None:
        self._store = store
        self._registry = registry
        self._settings = settings
        self._clock = clock
        self._ids = ids
        self._bus = bus

    def check(self, given: Submission) -> NewJob:
        """A submission as it would be written, or the error that says what is wrong."""
        return submission.check(given, self._registry, self._settings, self._ids.new())

    def keep_for_later(self, given: Submission) -> tuple[Job, dict[str, Any]]:
        """A submission that cannot be made now: the job as it will be, and the request that makes it."""
        item = self.check(given)
        now = self._clock.now()
        run_at = _due(item, now)
        job = dataclasses.replace(_as_job(item, now, run_at, run_at <= now), stale=True)
        return job, submission.to_request(given, item.job_type.name, run_at if run_at > now else None)

    def submit(self, new: Sequence[NewJob], connection: Any = None) -> list[Job]:
        """Write the jobs, all or none, and return them in the order given."""
        if connection is not None:
            self._check_connection(connection)
            self._store.prepare()
            done = self._write(connection, new)
            self._ring_within(connection)
        else:
            is_plain = all(item.is_plain for item in new)
            done = self._store.write(lambda conn: self._write(conn, new), is_one_statement=is_plain)
            self._store.doorbell.ring()
        self.tell(done)
        return done

    def tell(self, done: Sequence[Job]) -> None:
        """Tell listeners of jobs that were committed."""
        if self._bus.is_heard:
            for job in done:
                self._bus.tell(
                    JobSubmitted(job_id=job.id, job_type=job.job_type, queue=job.queue, source_id=job.source_id)
                )

    def write(self, conn: Connection, new: Sequence[NewJob]) -> list[Job]:
        """Write the jobs within somebody's transaction; who commits it tells of them and rings."""
        return self._write(conn, new)

    def _write(self, conn: Connection, new: Sequence[NewJob]) -> list[Job]:
        store, now = self._store, self._store.now()
        dialect = store.dialect
        known = self._known(conn, new)
        done: dict[int, Job] = {}
        rows: list[tuple[Any, ...]] = []
        fresh: dict[str, NewJob] = {}
        made: dict[str, Job] = {}
        when = dialect.time(now)
        for index, item in enumerate(new):
            existing = known.get(item.idempotency_key or "") or (known.get(item.job_id) if item.given_id else None)
            if existing is not None:
                done[index] = self._same(conn, item, existing, made)
                continue
            resumed = self._settle(conn, item, now)
            if resumed is not None:
                done[index] = resumed
                continue
            run_at = _due(item, now)
            is_due = run_at <= now
            rows.append(item.row(when, when if run_at == now else dialect.time(run_at), is_due))
            done[index] = _as_job(item, now, run_at, is_due)
            made[item.job_id] = done[index]
            if item.idempotency_key is not None:
                known[item.idempotency_key] = (item.job_id, item.digest)
            if item.given_id:
                known[item.job_id] = (item.job_id, item.digest)
            fresh[item.job_id] = item
        if rows:
            jobs.insert_jobs(conn, dialect, rows)
            given = [item.job_id for item in fresh.values() if item.given_id]
            if given:
                jobs.begin_above_deleted(conn, dialect, given)
            tags = [(tag, item.job_id) for item in fresh.values() for tag in item.tags]
            if tags:
                jobs.insert_tags(conn, dialect, tags)
            for item in fresh.values():
                if item.phases:
                    chains.insert_phases(conn, dialect, item.job_id, item.phases)
        return [done[index] for index in range(len(new))]

    def _known(self, conn: Connection, new: Sequence[NewJob]) -> dict[str, tuple[str, str | None]]:
        keys = [item.idempotency_key for item in new if item.idempotency_key is not None]
        known = jobs.find_by_key(conn, self._store.dialect, keys) if keys else {}
        given = [item.job_id for item in new if item.given_id]
        if given:
            known |= jobs.find_digests(conn, self._store.dialect, given)
        return known

    def _same(self, conn: Connection, item: NewJob, existing: tuple[str, str | None], made: dict[str, Job]) -> Job:
        job_id, digest = existing
        job = made.get(job_id) or jobs.get_job(conn, self._store.dialect, job_id)
        if digest != item.digest or job is None:
            what = f"The idempotency key {item.idempotency_key!r}" if item.idempotency_key else f"The id {item.job_id}"
            raise IdempotencyConflict(
                f"{what} was used for job {shown(job_id)} with another payload.",
                hint="Use a new key for new work.",
                job=job,
            )
        return job

    def _settle(self, conn: Connection, item: NewJob, now: datetime) -> Job | None:
        """The unfinished job that the submission resumes; else its needs are noted, and it is to be inserted."""
        if item.parent_id is not None:
            families.inherit(conn, self._store, item)
        if not item.needs and item.source_id is None:
            return None
        resumed = conflicts.settle(conn, self._store, item, now)
        if resumed is None:
            self._want(conn, item)
        return resumed

    def _want(self, conn: Connection, item: NewJob) -> None:
        resources.declare(conn, self._store.dialect, item.needs)
        resources.want(conn, self._store.dialect, [(need.resource, item.job_id) for need in item.needs])

    # ---- within the caller's transaction --------------------------------------------------------------------

    def _check_connection(self, connection: Any) -> None:
        if not isinstance(connection, Connection):
            raise WrongSqliteLibrary(
                f"connection= is a {type(connection).__name__}, not a SQLAlchemy connection.",
                hint="Use `with app.connect() as connection:`.",
            )
        driver = type(connection.connection.driver_connection).__module__
        ours = self._store.engines.driver_errors[0].__module__
        if driver.partition(".")[0] != ours.partition(".")[0]:
            raise WrongSqliteLibrary(
                f"connection= comes from the library {driver!r}, but onward uses {ours!r}: two libraries on one file "
                "do not see each other's locks.",
                hint="Use `with app.connect() as connection:` or app.engine.",
            )

    def _ring_within(self, connection: Connection) -> None:
        if self._store.is_sqlite:
            return
        # Told with the caller's own commit; it rises or falls with it.
        self._store.dialect.execute(connection, "NOTIFY onward", [])


def _due(item: NewJob, now: datetime) -> datetime:
    if item.run_at is not None:
        return item.run_at
    return now if item.delay is None else now + item.delay


def _as_job(item: NewJob, now: datetime, run_at: datetime, is_due: bool) -> Job:
    """The job as its row will read, without asking the database again."""
    kind = item.job_type
    return Job(
        id=item.job_id,
        job_type=kind.name,
        status=Status.PENDING,
        label=kind.label,
        params=codec.decode(item.params),
        source_id=item.source_id,
        user_id=item.user_id,
        bot_id=item.bot_id,
        tags=item.tags,
        queue=item.queue,
        priority=item.priority,
        max_attempts=kind.retry.max_attempts,
        created_at=now,
        run_at=run_at,
        updated_at=now,
        parent_id=item.parent_id,
        resources=item.needs,
        waiting_on=None if is_due else Waiting.TIME,
        type_version=kind.version,
        idempotency_key=item.idempotency_key,
        as_of=now,
    )
