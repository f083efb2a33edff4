"""The room of schedules: added, looked at, steered, made up for, and taken from files."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from onward.authoring.registry import JobTypes
from onward.engine import requested, schedule_book, schedule_loader
from onward.engine.decider import PAUSED, Decider
from onward.engine.forecaster import forecast
from onward.engine.schedule_book import Spec, locked, locked_as_seen, not_found
from onward.engine.starts import Starts
from onward.engine.submission import aware
from onward.engine.submitter import Submitter
from onward.errors import InvalidSchedule, InvalidValue
from onward.model import codec
from onward.model.cron import Cron, DueTime
from onward.model.ids import Ids
from onward.model.job import Job, Json, Run
from onward.model.schedule import Backfill, CatchUp, Forecast, Overlap, Schedule
from onward.model.schedule_entry import ScheduleChange
from onward.store import Connection, Store, facts, schedules, turns

T = TypeVar("T")

_MOST_SHOWN = 1000


class Schedules:
    """Schedules: when job types become jobs. Every verb takes the name of a schedule."""

    def __init__(
        self, store: Store, registry: JobTypes, ids: Ids, submitter: Submitter, starts: Starts, decider: Decider
    ) -> None:
        self._store = store
        self._registry = registry
        self._ids = ids
        self._submitter = submitter
        self._starts = starts
        self._decider = decider

    # ---- adding and changing --------------------------------------------------------------------------------

    def add(
        self,
        name: str,
        job_type: str | Callable[..., Any],
        *,
        cron: str | None = None,
        interval_minutes: float | None = None,
        interval_seconds: int | None = None,
        run_at: datetime | None = None,
        timezone: str = "UTC",
        params: Mapping[str, Json] | None = None,
        bot_id: str | None = None,
        source_id: str | None = None,
        enabled: bool = True,
        misfire_grace_seconds: int | None = 300,
        coalesce: bool = True,
        catch_up: CatchUp | None = None,
        max_catch_up: int = 100,
        max_instances: int = 1,
        overlap: Overlap = "skip",
        jitter_seconds: int = 0,
        start_at: datetime | None = None,
        description: str = "",
    ) -> Schedule:
        """Have a job type become a job again and again; a schedule of this name is brought into line.

        One of ``cron`` (five fields, or ``@daily`` and its kin; ``timezone`` is where), ``interval_minutes``,
        ``interval_seconds`` and ``run_at`` (one aware time) says when. Intervals keep their phase, which begins at
        ``start_at`` or now. ``bot_id="*"`` starts a job for each bot that is known then. A start that is later than
        ``misfire_grace_seconds`` (None: never too late) is missed. Of several missed ones, ``catch_up="latest"`` (the
        same as ``coalesce=True``) starts one job, ``"all"`` one for each, at most ``max_catch_up``. While
        ``max_instances`` jobs are active, ``overlap`` says what becomes of the next: ``skip`` it, ``queue`` it, or
        ``cancel_running``. ``jitter_seconds`` spreads starts, the same for each due time.

        The phase and the pause of a schedule that is there stay. Raises ``InvalidSchedule`` (naming the field),
        ``UnknownJobType``, ``InvalidParams``.
        """
        given = {key: value for key, value in locals().items() if key not in ("self", "name", "job_type")}
        return self.add_many([{"name": name, "job_type": job_type, **given}])[0]

    def add_many(self, entries: Sequence[Mapping[str, Any]]) -> builtins.list[Schedule]:
        """Add or update many, each given as the arguments of ``add``; all or none, in one transaction."""
        now = self._store.now()
        specs = [schedule_book.spec(self._registry, now=now, **entry) for entry in entries]
        return self._save(specs, now)

    def edit(self, name: str, *, expect_version: str | None = None, **changes: Any) -> Schedule:
        """Change some fields of a schedule, by the names of the arguments of ``add``; the others stay.

        ``expect_version``, here and in the verbs that follow: the ``version`` of the schedule as it was looked at. If
        somebody has changed it since, ``ChangedMeanwhile`` is raised with the schedule as it is, and nothing is done.
        """
        now = self._store.now()

        def work(conn: Connection) -> Schedule:
            before = locked_as_seen(conn, self._store, name, expect_version)
            values = schedule_book.edited(before, changes)
            wanted = schedule_book.spec(self._registry, name, values.pop("job_type"), now, **values)
            # Where it was defined stays known, so that the file it is from does not undo the change.
            kept = replace(wanted, wanted=replace(wanted.wanted, origin=before.origin), digest=before.origin_digest)
            return schedule_book.save(conn, self._store, self._ids, [kept], now)[0]

        return self._written(work)

    def delete(self, name: str, *, expect_version: str | None = None) -> None:
        """Delete a schedule; its jobs and the record of what came of it stay. Raises ``ScheduleNotFound``."""

        def work(conn: Connection) -> None:
            before = locked_as_seen(conn, self._store, name, expect_version)
            schedules.delete_schedule(conn, self._store.dialect, before.id)
            if before.origin_digest is not None:
                # The file that it is from shall not bring it back before it says something else.
                key = schedule_loader.deleted_key(name)
                facts.set_fact(conn, self._store.dialect, key, before.origin_digest)

        self._written(work)

    # ---- looking --------------------------------------------------------------------------------------------

    def get(self, name: str) -> Schedule:
        """The schedule of this name. Raises ``ScheduleNotFound``."""
        with self._store.read() as conn:
            found = schedules.list_schedules(conn, self._store.dialect, name=name)
        if not found:
            raise not_found(name)
        return found[0]

    def name_of(self, schedule_id: str) -> str | None:
        """What the schedule of this id is called; None when it is no more."""
        with self._store.read() as conn:
            found = schedules.list_schedules(conn, self._store.dialect, schedule_id=schedule_id)
        return found[0].name if found else None

    def list(self, *, job_type: str | None = None, limit: int | None = None) -> builtins.list[Schedule]:
        """All schedules, soonest first; those without a next time at the end."""
        with self._store.read() as conn:
            return schedules.list_schedules(conn, self._store.dialect, job_type=job_type, limit=limit)

    def runs(self, name: str, limit: int = 100) -> builtins.list[Run]:
        """What came of a schedule, newest first: attempts at its jobs, and starts that did not happen.

        Those are ``skipped`` runs without a job: ``error_message`` says why, and ``result`` has ``reason``,
        ``due_at`` and ``next_at``.
        """
        found = self.get(name)
        with self._store.read() as conn:
            return schedules.list_runs(conn, self._store.dialect, found.id, limit)

    def preview(
        self, name_or_cron: str, count: int = 5, timezone: str | None = None, after: datetime | None = None
    ) -> builtins.list[DueTime]:
        """The next due times of a schedule, or of an expression in a zone, and what happens where clocks change.

        ``at`` is in UTC, ``local`` in the zone of the schedule. Raises ``InvalidSchedule``, naming the field.
        """
        if not 0 < count <= _MOST_SHOWN:
            raise InvalidValue(f"count={count} is not from 1 to {_MOST_SHOWN:,}.")
        now = self._store.now()
        start = aware(after, "after") or now
        with self._store.read() as conn:
            found = schedules.list_schedules(conn, self._store.dialect, name=name_or_cron)
        if found and timezone is None:
            return found[0].rule(now).upcoming(start, count)
        return Cron.parse(name_or_cron, timezone or "UTC").upcoming(start, count)

    def preview_interval(
        self, seconds: int, count: int = 5, timezone: str = "UTC", after: datetime | None = None
    ) -> builtins.list[DueTime]:
        """The next due times of an interval that begins now or at ``after``."""
        now = aware(after, "after") or self._store.now()
        new = Schedule(id="", name="preview", job_type="", interval_seconds=seconds, timezone=timezone, anchor_at=now)
        return new.rule(now).upcoming(now, count)

    def forecast(self, hours: float = 24) -> builtins.list[Forecast]:
        """The starts of the next hours: how long each probably takes, and what gets in each other's way."""
        if not hours > 0:
            raise InvalidValue(f"hours={hours} is not more than 0.")
        with self._store.read() as conn:
            listed = schedules.list_schedules(conn, self._store.dialect)
            return forecast(conn, self._store, self._registry, listed, self._store.now(), hours)

    # ---- steering -------------------------------------------------------------------------------------------

    def pause(
        self,
        name: str,
        *,
        reason: str = "",
        until: datetime | None = None,
        by: str | None = None,
        expect_version: str | None = None,
    ) -> Schedule:
        """Start nothing by this schedule, until it is resumed or the time has come; each due time is recorded."""
        end = aware(until, "until")

        def work(conn: Connection) -> Schedule:
            before, now = locked_as_seen(conn, self._store, name, expect_version), self._store.now()
            if end is not None and end <= now:
                raise InvalidSchedule(f"until: {end:%Y-%m-%d %H:%M:%S} UTC is over.", hint="Choose a later time.")
            values: dict[str, Any] = {
                "enabled": False,
                "paused_by": by or "somebody",
                "paused_reason": reason,
                "paused_at": now,
                "paused_until": end,
            }
            schedules.change_schedule(conn, self._store.dialect, before.id, **values, updated_at=now)
            return replace(before, **values, updated_at=now)

        return self._written(work)

    def resume(self, name: str, *, expect_version: str | None = None) -> Schedule:
        """Let a paused or disabled schedule go on, from its next due time."""
        # What was due while it was paused is recorded as such before it goes on.
        if self.get(name).is_paused:
            self._decider.settle(name)

        def work(conn: Connection) -> Schedule:
            before, now = locked_as_seen(conn, self._store, name, expect_version), self._store.now()
            schedules.end_pause(conn, self._store.dialect, before.id, now)
            after = replace(before, **schedules.NOT_PAUSED, updated_at=now)
            # What is due of one that was not paused at all is for a scheduler to decide about.
            is_planned = after.next_run_at is not None and (before.enabled or after.next_run_at > now)
            return after if is_planned else schedule_book.plan_anew(conn, self._store, after, now)

        return self._written(work)

    def run_now(self, name: str) -> Job:
        """Start a job of a schedule now, also when it is paused; its due times stay as they are.

        It counts among its jobs: at ``max_instances`` it queues, or the running one is cancelled, as ``overlap`` says.
        Raises ``ResourceBusy`` where that is ``skip``.
        """
        seen = self.get(name)
        made: builtins.list[Job] = requested.run_now(self._store, self._starts, seen)
        self._store.doorbell.ring()
        self._submitter.tell(made)
        return made[0]

    def skip_next(self, name: str, *, by: str | None = None, expect_version: str | None = None) -> Schedule:
        """Leave the next due time out; it is recorded, with who has said so."""

        def work(conn: Connection) -> Schedule:
            seen = locked_as_seen(conn, self._store, name, expect_version)
            return requested.skip_next(conn, self._store, self._starts, seen, by)

        return self._written(work)

    def backfill(self, name: str, start: datetime, end: datetime, dry_run: bool = True) -> Backfill:
        """The due times from ``start`` until before ``end`` without a job; without ``dry_run``, a job for each.

        These jobs queue, so many at a time as the schedule has at most, and carry the due time for which they are.
        """
        first, last = aware(start, "start"), aware(end, "end")
        if first is None or last is None or not first < last:
            raise InvalidValue("The range is empty.", hint="start must come before end.")

        def work(conn: Connection) -> Backfill:
            seen = locked(conn, self._store, name)
            due = requested.backfill_due(conn, self._store, self._starts, seen, first, last)
            if dry_run:
                return Backfill(name, tuple(due))
            return requested.backfill(conn, self._store, self._starts, seen, due, self._store.now())

        done = self._written(work)
        self._submitter.tell(done.jobs)
        return done

    def pause_all(self, *, reason: str = "", by: str | None = None) -> None:
        """Start nothing by any schedule until ``resume_all``; people still can. Each due time is recorded."""
        said = {"by": by, "reason": reason, "at": self._store.now().isoformat()}
        text = codec.encode(said, "The reason", 1 << 16)
        self._written(lambda conn: facts.set_fact(conn, self._store.dialect, PAUSED, text))

    def resume_all(self) -> None:
        """Let schedules start jobs again; those that are paused by themselves stay so."""
        # What was due until now is recorded as paused.
        self._decider.tick()
        self._written(lambda conn: facts.drop_fact(conn, self._store.dialect, PAUSED))

    def paused_reason(self) -> str | None:
        """Why nothing is started by any schedule (``pause_all``, or the setting ``automation_pause``), or None."""
        with self._store.read() as conn:
            return self._decider.everything_paused(conn)

    def is_active(self, name: str) -> bool:
        """Whether a job of a schedule runs or waits to be run. Raises ``ScheduleNotFound``."""
        seen = self.get(name)
        with self._store.read() as conn:
            return bool(turns.active_jobs(conn, self._store.dialect, [seen.id]))

    def tick(self, now: datetime | None = None) -> builtins.list[Job]:
        """Start what is due, once; the jobs that were made. It is what the scheduler calls again and again."""
        return self._decider.tick(aware(now, "now"), faulty=True)

    # ---- files ----------------------------------------------------------------------------------------------

    def load(self, path: str | Path) -> builtins.list[ScheduleChange]:
        """Bring schedules into line with a file, all or none; what that changed.

        What was changed or deleted at run time stays so until the file says something else. What is in the file no
        longer is disabled, with its history. Raises ``InvalidConfig`` with file, line and key.
        """
        file = schedule_loader.read(path, self._registry, self._store.now())
        return self._written(lambda conn: schedule_loader.apply(conn, self._store, self._ids, file))

    def diff(self, path: str | Path) -> builtins.list[ScheduleChange]:
        """What ``load`` would change."""
        file = schedule_loader.read(path, self._registry, self._store.now())
        with self._store.read() as conn:
            return schedule_loader.compare(conn, self._store, file)

    # ---- writing --------------------------------------------------------------------------------------------

    def _save(self, specs: Sequence[Spec], now: datetime) -> builtins.list[Schedule]:
        drafted = schedule_book.draft(self._store, self._ids, specs, now)
        return self._written(lambda conn: schedule_book.save(conn, self._store, self._ids, drafted, now))

    def _written(self, work: Callable[[Connection], T]) -> T:
        done = self._store.write(work)
        self._store.doorbell.ring()
        return done
