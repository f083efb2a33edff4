"""Schedules, and what was decided about each of their due times. People work on the first table with SQL by hand."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from onward.store.tables.columns import Id, UtcTime, metadata

scheduled_jobs = Table(
    "scheduled_jobs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("job_type", Text, nullable=False),
    # One bot, or * for one job for each bot that is known when it is due.
    Column("bot_id", Text),
    Column("source_id", Text),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    # One of these four says when; interval_seconds is for intervals that are not whole minutes.
    Column("interval_minutes", Integer),
    Column("interval_seconds", Integer),
    Column("cron", Text),
    Column("run_at", UtcTime),
    Column("timezone", Text, nullable=False, server_default="UTC"),
    Column("start_at", UtcTime),
    # Due times of an interval are whole intervals away from this one, however late a run was.
    Column("anchor_at", UtcTime),
    Column("last_run_at", UtcTime),
    # NULL while it is enabled: to be worked out at the next look.
    Column("next_run_at", UtcTime),
    # What the scheduler has planned: the due time, and what it wrote into next_run_at. A next_run_at that differs was
    # set by hand.
    Column("due_at", UtcTime),
    Column("planned_at", UtcTime),
    Column("config_json", Text, nullable=False, server_default="{}"),
    Column("misfire_grace_seconds", Integer, server_default="300"),
    Column("coalesce", Boolean, nullable=False, server_default=text("true")),
    Column("max_catch_up", Integer, nullable=False, server_default="100"),
    Column("max_instances", Integer, nullable=False, server_default="1"),
    Column("overlap", Text, nullable=False, server_default="skip"),
    Column("jitter_seconds", Integer, nullable=False, server_default="0"),
    Column("description", Text, nullable=False, server_default=""),
    # Paused by somebody: its due times are recorded as skipped. Disabled without that, nothing is recorded.
    Column("paused_by", Text),
    Column("paused_reason", Text),
    Column("paused_at", UtcTime),
    Column("paused_until", UtcTime),
    # Why no next time can be worked out.
    Column("fault", Text),
    # It has no due times any more.
    Column("ended_at", UtcTime),
    # Where it is defined (a file and line, code, or nothing for people), and the digest of what was said there.
    Column("origin", Text, nullable=False, server_default=""),
    Column("origin_digest", Text),
    Column("created_at", UtcTime),
    Column("updated_at", UtcTime),
    CheckConstraint("overlap IN ('skip', 'queue', 'cancel_running')", name="overlap"),
    CheckConstraint("max_instances >= 1", name="max_instances"),
)
_TICKED = "next_run_at IS NOT NULL AND (enabled OR paused_at IS NOT NULL)"
Index(
    "ix_scheduled_jobs_next_run_at",
    scheduled_jobs.c.next_run_at,
    scheduled_jobs.c.id,
    postgresql_where=text(_TICKED),
    sqlite_where=text(_TICKED),
)
_UNPLANNED = "enabled AND next_run_at IS NULL AND ended_at IS NULL"
Index(
    "ix_scheduled_jobs_unplanned",
    scheduled_jobs.c.id,
    postgresql_where=text(_UNPLANNED),
    sqlite_where=text(_UNPLANNED),
)
Index(
    "ix_scheduled_jobs_paused_until",
    scheduled_jobs.c.paused_until,
    postgresql_where=text("paused_until IS NOT NULL"),
    sqlite_where=text("paused_until IS NOT NULL"),
)

# One row for each due time of each bot: a second decision cannot be committed.
decisions = Table(
    "schedule_decisions",
    metadata,
    Column("schedule_id", Id, primary_key=True),
    # Empty for schedules without bots.
    Column("bot_id", Text, primary_key=True),
    Column("due_at", UtcTime, primary_key=True),
    Column("decision", Text, nullable=False),
    # The job that was started, or the row of job_runs that says why none was.
    Column("started_job", Id),
    Column("skipped_run", Id),
    Column("decided_at", UtcTime, nullable=False),
    CheckConstraint("decision IN ('started', 'skipped')", name="decision"),
    sqlite_with_rowid=False,
)
Index("ix_schedule_decisions_decided_at", decisions.c.decided_at)
