"""A schedule: when a job type becomes a job, and by which policies. Pure: ``now`` is always an argument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from onward.errors import InvalidSchedule
from onward.model.codec import digest
from onward.model.cron import Cron, DueTime
from onward.model.job import Job, Json
from onward.model.rule import CronRule, DateRule, IntervalRule, Rule
from onward.model.zones import zone

Overlap = Literal["skip", "queue", "cancel_running"]
CatchUp = Literal["latest", "all"]

EVERY_BOT = "*"
"""The ``bot_id`` of a schedule that starts a job for each bot that is known when it is due."""

_MOST_AT_ONCE = 10_000
_LONGEST_NAME = 200
_KINDS = ("cron", "interval_minutes", "interval_seconds", "run_at")


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one due time of one bot (empty for none): the started job, or why there is none."""

    due_at: datetime
    bot_id: str
    job_id: str | None
    decided_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule as the database had it. Times are aware and in UTC.

    ``due_at`` is the due time that is planned, ``planned_at`` what was planned as ``next_run_at``: that time with its
    jitter. A ``next_run_at`` that differs from it was set by hand. ``last_outcome`` is the status of its newest run.
    """

    id: str
    name: str
    job_type: str
    bot_id: str | None = None
    source_id: str | None = None
    enabled: bool = True
    cron: str | None = None
    interval_minutes: int | None = None
    interval_seconds: int | None = None
    run_at: datetime | None = None
    timezone: str = "UTC"
    start_at: datetime | None = None
    anchor_at: datetime | None = None
    last_run_at: datetime | None = None
    next_run_at: datetime | None = None
    due_at: datetime | None = None
    planned_at: datetime | None = None
    params: dict[str, Json] = field(default_factory=dict)
    misfire_grace_seconds: int | None = 300
    coalesce: bool = True
    max_catch_up: int = 100
    max_instances: int = 1
    overlap: Overlap = "skip"
    jitter_seconds: int = 0
    description: str = ""
    paused_by: str | None = None
    paused_reason: str | None = None
    paused_at: datetime | None = None
    paused_until: datetime | None = None
    fault: str | None = None
    ended_at: datetime | None = None
    origin: str = ""
    origin_digest: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    last_outcome: str | None = None

    @property
    def catch_up(self) -> CatchUp:
        """What becomes of several due times that were missed: one job for the latest, or one for each."""
        return "latest" if self.coalesce else "all"

    @property
    def seconds(self) -> int | None:
        """The interval in seconds, however it was given."""
        return self.interval_seconds if self.interval_minutes is None else self.interval_minutes * 60

    @property
    def is_paused(self) -> bool:
        """Paused by somebody, so that its due times are recorded as skipped."""
        return not self.enabled and self.paused_at is not None

    @property
    def is_by_hand(self) -> bool:
        """Whether ``next_run_at`` is not what was planned: somebody has set it."""
        return self.next_run_at is not None and self.next_run_at != self.planned_at

    @property
    def state(self) -> str:
        """The word that people read."""
        if self.fault is not None:
            return "faulty"
        if not self.enabled:
            return "paused" if self.paused_at is not None else "disabled"
        return "ended" if self.ended_at is not None else "active"

    @property
    def version(self) -> str:
        """A short text that changes with whatever people change of it, and not when it starts something."""
        facts = (
            self.id, self.job_type, self.bot_id, self.source_id, self.cron, self.interval_minutes,
            self.interval_seconds, self.run_at, self.timezone, self.start_at, sorted(self.params.items()),
            self.misfire_grace_seconds, self.coalesce, self.max_catch_up, self.max_instances, self.overlap,
            self.jitter_seconds, self.description, self.enabled, self.paused_by, self.paused_reason, self.paused_until,
        )  # fmt: skip
        return digest(repr(facts))

    @property
    def rule_text(self) -> str:
        """The rule as it was given."""
        if self.cron is not None:
            return self.cron
        if self.run_at is not None:
            return f"at {self.run_at:%Y-%m-%d %H:%M:%S} UTC"
        return f"every {self.interval_minutes} min" if self.interval_minutes else f"every {self.interval_seconds} s"

    def rule(self, now: datetime) -> Rule:
        """When it is due. Raises ``InvalidSchedule``; ``now`` is the phase of an interval that has none yet."""
        given = [name for name in _KINDS if getattr(self, name) is not None]
        if len(given) != 1:
            what = f"{' and '.join(given)} are given" if given else "nothing says when"
            raise InvalidSchedule(f"Schedule {self.name!r}: {what}.", hint=f"Give one of {', '.join(_KINDS)}.")
        if self.cron is not None:
            return CronRule(Cron.parse(self.cron, self.timezone), self.start_at)
        zone(self.timezone)
        if self.run_at is not None:
            return DateRule(self.run_at, self.timezone)
        seconds = self.seconds or 0
        if seconds < 1:
            raise InvalidSchedule(f"{given[0]}: {getattr(self, given[0])} is not 1 or more.")
        return IntervalRule(seconds, self.start_at or self.anchor_at or self.created_at or now, self.timezone)

    def check(self, now: datetime) -> Rule:
        """The rule, with every field looked at. Raises ``InvalidSchedule``, naming the field."""
        if not 0 < len(self.name) <= _LONGEST_NAME or not self.name.isprintable():
            raise InvalidSchedule(f"name: {self.name!r:.80} is not one.", hint="Use 1 to 200 printable characters.")
        for what, least, most in (
            ("misfire_grace_seconds", 0, None),
            ("max_catch_up", 1, _MOST_AT_ONCE),
            ("max_instances", 1, None),
            ("jitter_seconds", 0, 86_400),
        ):
            value = getattr(self, what)
            if value is None and what == "misfire_grace_seconds":
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least or value > (most or value):
                upto = f" to {most:,}" if most else " or more"
                raise InvalidSchedule(f"{what}: {value!r} is not a whole number from {least}{upto}.")
        if self.overlap not in ("skip", "queue", "cancel_running"):
            raise InvalidSchedule(f"overlap: {self.overlap!r} is not skip, queue or cancel_running.")
        return self.rule(now)


@dataclass(frozen=True, slots=True)
class Forecast:
    """A start that is to come: when, for which due time in the schedule's own zone, and how long it probably takes.

    ``expected_seconds`` is None where no job of this type has completed yet. ``clashes``: resources that it needs, each
    with a schedule whose job probably still has it; then it waits.
    """

    schedule: str
    job_type: str
    at: datetime
    local: datetime
    expected_seconds: float | None = None
    resources: tuple[str, ...] = ()
    clashes: tuple[tuple[str, str], ...] = ()

    def with_clashes(self, clashes: list[tuple[str, str]]) -> Forecast:
        """The same start with what gets in its way."""
        return replace(self, clashes=tuple(dict.fromkeys(clashes)))


@dataclass(frozen=True, slots=True)
class Backfill:
    """Due times of a range for which no job was started; ``jobs`` are those that now make up for them."""

    schedule: str
    due_times: tuple[DueTime, ...]
    jobs: tuple[Job, ...] = ()
    is_dry_run: bool = True

    def __len__(self) -> int:
        return len(self.due_times)


@dataclass(frozen=True, slots=True)
class DefaultSchedule:
    """A schedule that ships with a job type: made at the first start, once; deleted, it stays deleted.

    ``ready`` says why it cannot do its work yet (a service that is not configured), or None: with a reason it is made
    disabled. ``watch`` says which folder, if any, is to be watched now: a change there starts a job at once.
    """

    name: str
    job_type: str
    cron: str | None = None
    interval_minutes: int | None = None
    timezone: str = "UTC"
    params: dict[str, Json] = field(default_factory=dict)
    bot_id: str | None = None
    description: str = ""
    ready: Callable[[], str | None] | None = None
    watch: Callable[[], Watched | None] | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """A folder whose files start a job when they change: those with one of these suffixes, not hidden ones."""

    folder: Path
    suffixes: tuple[str, ...]

    def is_meant(self, path: Path) -> bool:
        """Whether a change of this path counts. A path without a suffix may be a folder that came or went."""
        below = path.relative_to(self.folder).parts if path.is_relative_to(self.folder) else path.parts
        return not any(part.startswith(".") for part in below) and path.suffix in ("", *self.suffixes)
