"""The schedules of a server."""

from __future__ import annotations

import builtins
from datetime import datetime
from typing import Any

from onward.clock import Clock
from onward.errors import ScheduleNotFound
from onward.model.cron import Cron, DueTime
from onward.model.job import Job, Run
from onward.model.schedule import Backfill, Forecast, Schedule
from onward.records.reading import moment, read_job, read_schedule, read_schedule_run
from onward.remote.wire import PAGE, Wire


class Schedules:
    """What starts jobs by itself, at a server."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire, self._clock = wire, clock

    def add(self, name: str, job_type: str, **rule: Any) -> Schedule:
        """Have a job type become a job again and again; a schedule of this name is brought into line."""
        try:
            before = self.get(name)
        except ScheduleNotFound:
            return read_schedule(self._wire.post("schedules", body={"name": name, "job_type": job_type, **rule}))
        kinds = ("cron", "interval_minutes", "interval_seconds", "run_at")
        others = {kind: None for kind in kinds if kind not in rule and getattr(before, kind) is not None}
        return self.edit(name, job_type=job_type, **others, **rule)

    def edit(self, name: str, **changes: Any) -> Schedule:
        """Change some fields of a schedule; the others stay."""
        return read_schedule(self._wire.patch("schedules", name, body=changes))

    def delete(self, name: str) -> None:
        """Delete a schedule; its jobs stay."""
        self._wire.delete("schedules", name)

    def get(self, name: str) -> Schedule:
        """The schedule of this name. Raises ``ScheduleNotFound``."""
        return read_schedule(self._wire.get("schedules", name))

    def list(self, *, job_type: str | None = None, limit: int | None = None) -> builtins.list[Schedule]:
        """All schedules, soonest first."""
        found = self._wire.get("schedules", job_type=job_type)["items"]
        return [read_schedule(record) for record in found[:limit]]

    def runs(self, name: str, limit: int = 100) -> builtins.list[Run]:
        """What came of a schedule, newest first."""
        job_type = self.get(name).job_type
        found = self._wire.get("schedules", name, "runs", limit=min(limit, PAGE))["items"]
        return [read_schedule_run(record, job_type) for record in found]

    def preview(
        self, name_or_cron: str, count: int = 5, timezone: str | None = None, after: datetime | None = None
    ) -> builtins.list[DueTime]:
        """The next due times of a schedule, or of an expression in a zone."""
        now = self._clock.now()
        if timezone is None:
            try:
                return self.get(name_or_cron).rule(now).upcoming(after or now, count)
            except ScheduleNotFound:
                pass
        return Cron.parse(name_or_cron, timezone or "UTC").upcoming(after or now, count)

    def forecast(self, hours: float = 24) -> builtins.list[Forecast]:
        """The starts of the next hours: how long each probably takes, and what gets in each other's way."""
        return [
            Forecast(
                record["schedule"],
                record["job_type"],
                moment(record["at"]),
                moment(record["local"]),
                record["expected_seconds"],
                tuple(record["resources"]),
                tuple((clash["resource"], clash["schedule"]) for clash in record["clashes"]),
            )
            for record in self._wire.get("schedules", "forecast", hours=hours)
        ]

    def pause(self, name: str, *, reason: str = "", until: datetime | None = None, by: str | None = None) -> Schedule:
        """Start nothing by it, until it is resumed or the time has come."""
        return read_schedule(self._wire.post("schedules", name, "pause", body={"reason": reason, "until": until}))

    def resume(self, name: str) -> Schedule:
        """Let it go on from its next due time."""
        return read_schedule(self._wire.post("schedules", name, "resume"))

    def run_now(self, name: str) -> Job:
        """Start a job of it now."""
        return read_job(self._wire.post("schedules", name, "run"))

    def skip_next(self, name: str, *, by: str | None = None) -> Schedule:
        """Leave its next due time out."""
        return read_schedule(self._wire.post("schedules", name, "skip-next"))

    def backfill(self, name: str, start: datetime, end: datetime, dry_run: bool = True) -> Backfill:
        """The due times of a range that have no job; without ``dry_run``, a job for each."""
        body = {"start": start, "end": end, "dry_run": dry_run}
        told = self._wire.post("schedules", name, "backfill", body=body)
        due = tuple(
            DueTime(moment(record["at"]), moment(record["local"]), record["note"]) for record in told["due_times"]
        )
        return Backfill(name, due, tuple(read_job(record) for record in told["jobs"]), dry_run)

    def pause_all(self, *, reason: str = "", by: str | None = None) -> None:
        """Have no schedule start anything."""
        self._wire.post("schedules", "all", "pause", body={"reason": reason})

    def resume_all(self) -> None:
        """Let schedules start jobs again."""
        self._wire.post("schedules", "all", "resume")

    def paused_reason(self) -> str | None:
        """Why no schedule starts anything; None when they do."""
        found: str | None = self._wire.get("schedules", "all")["paused_reason"]
        return found
