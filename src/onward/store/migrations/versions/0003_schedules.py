"""The third schema: schedules, the decisions about their due times, and which schedule a job comes from.

It only adds, so workers of the schema before go on beside those of this one. Triggers make what people write into
``scheduled_jobs`` by hand as good as what the application writes: times in one form on SQLite, and a rule that was
changed without a new ``next_run_at`` is planned anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from onward.store.tables import UtcTime

revision = "3"
down_revision = "2"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TICKED = "next_run_at IS NOT NULL AND (enabled OR paused_at IS NOT NULL)"
_UNPLANNED = "enabled AND next_run_at IS NULL AND ended_at IS NULL"
_OF_SCHEDULE = "scheduled_job_id IS NOT NULL"
_ACTIVE = "scheduled_job_id IS NOT NULL AND (status IN ('pending', 'running', 'pending_hitl') OR worker_id IS NOT NULL)"
_TIMES = ("next_run_at", "run_at", "start_at", "anchor_at", "paused_until", "last_run_at")
_RULE = ("cron", "interval_minutes", "interval_seconds", "run_at", "timezone", "start_at")


def upgrade() -> None:
    op.create_table(
        "scheduled_jobs",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("job_type", sa.Text(), nullable=False),
        sa.Column("bot_id", sa.Text(), nullable=True),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("(true)"), nullable=False),
        sa.Column("interval_minutes", sa.Integer(), nullable=True),
        sa.Column("interval_seconds", sa.Integer(), nullable=True),
        sa.Column("cron", sa.Text(), nullable=True),
        sa.Column("run_at", UtcTime(), nullable=True),
        sa.Column("timezone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("start_at", UtcTime(), nullable=True),
        sa.Column("anchor_at", UtcTime(), nullable=True),
        sa.Column("last_run_at", UtcTime(), nullable=True),
        sa.Column("next_run_at", UtcTime(), nullable=True),
        sa.Column("due_at", UtcTime(), nullable=True),
        sa.Column("planned_at", UtcTime(), nullable=True),
        sa.Column("config_json", sa.Text(), server_default="{}", nullable=False),
        sa.Column("misfire_grace_seconds", sa.Integer(), server_default="300", nullable=True),
        sa.Column("coalesce", sa.Boolean(), server_default=sa.text("(true)"), nullable=False),
        sa.Column("max_catch_up", sa.Integer(), server_default="100", nullable=False),
        sa.Column("max_instances", sa.Integer(), server_default="1", nullable=False),
        sa.Column("overlap", sa.Text(), server_default="skip", nullable=False),
        sa.Column("jitter_seconds", sa.Integer(), server_default="0", nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("paused_by", sa.Text(), nullable=True),
        sa.Column("paused_reason", sa.Text(), nullable=True),
        sa.Column("paused_at", UtcTime(), nullable=True),
        sa.Column("paused_until", UtcTime(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("origin", sa.Text(), server_default="", nullable=False),
        sa.Column("origin_digest", sa.Text(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=True),
        sa.Column("updated_at", UtcTime(), nullable=True),
        sa.CheckConstraint("overlap IN ('skip', 'queue', 'cancel_running')", name=op.f("ck_scheduled_jobs_overlap")),
        sa.CheckConstraint("max_instances >= 1", name=op.f("ck_scheduled_jobs_max_instances")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheduled_jobs")),
        sa.UniqueConstraint("name", name=op.f("uq_scheduled_jobs_name")),
    )
    _index("ix_scheduled_jobs_next_run_at", "scheduled_jobs", ["next_run_at", "id"], _TICKED)
    _index("ix_scheduled_jobs_unplanned", "scheduled_jobs", ["id"], _UNPLANNED)
    _index("ix_scheduled_jobs_paused_until", "scheduled_jobs", ["paused_until"], "paused_until IS NOT NULL")
    op.create_table(
        "schedule_decisions",
        sa.Column("schedule_id", ID, nullable=False),
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("started_job", ID, nullable=True),
        sa.Column("skipped_run", ID, nullable=True),
        sa.Column("decided_at", UtcTime(), nullable=False),
        sa.CheckConstraint("decision IN ('started', 'skipped')", name=op.f("ck_schedule_decisions_decision")),
        sa.PrimaryKeyConstraint("schedule_id", "bot_id", "due_at", name=op.f("pk_schedule_decisions")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_schedule_decisions_decided_at", "schedule_decisions", ["decided_at"], unique=False)
    op.add_column("jobs", sa.Column("scheduled_job_id", ID, nullable=True))
    op.add_column("jobs", sa.Column("due_at", UtcTime(), nullable=True))
    _index("ix_jobs_scheduled", "jobs", ["scheduled_job_id", "job_id"], _OF_SCHEDULE)
    _index("ix_jobs_scheduled_active", "jobs", ["scheduled_job_id", "job_id"], _ACTIVE)
    _index("ix_job_runs_scheduled", "job_runs", ["scheduled_job_id", "started_at"], _OF_SCHEDULE)
    for statement in _postgresql() if op.get_bind().dialect.name == "postgresql" else _sqlite():
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for name, table in (
        ("ix_job_runs_scheduled", "job_runs"),
        ("ix_jobs_scheduled_active", "jobs"),
        ("ix_jobs_scheduled", "jobs"),
    ):
        op.drop_index(name, table)
    op.drop_column("jobs", "due_at")
    op.drop_column("jobs", "scheduled_job_id")
    op.drop_table("schedule_decisions")
    op.drop_table("scheduled_jobs")
    if op.get_bind().dialect.name == "postgresql":
        op.get_bind().exec_driver_sql("DROP FUNCTION IF EXISTS onward_plan_anew()")


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, unique=False, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def _sqlite() -> list[str]:
    form = "____-__-__ __:__:__.______"
    is_odd = " OR ".join(f"NEW.{name} NOT LIKE '{form}'" for name in _TIMES)
    # What is in the form already has microseconds, which these functions would drop.
    set_all = ", ".join(
        f"{name} = CASE WHEN {name} LIKE '{form}' THEN {name} ELSE strftime('%Y-%m-%d %H:%M:%f000', {name}) END"
        for name in _TIMES
    )
    is_no_time = " OR ".join(
        f"(NEW.{name} IS NOT NULL AND strftime('%Y-%m-%d %H:%M:%f000', NEW.{name}) IS NULL)" for name in _TIMES
    )
    normalise = (
        f"WHEN {is_odd} BEGIN "
        f"SELECT RAISE(ABORT, 'scheduled_jobs: not a time, use a form such as 2026-01-31 12:00:00 (UTC)') "
        f"WHERE {is_no_time}; "
        f"UPDATE scheduled_jobs SET {set_all} WHERE id = NEW.id; END"
    )
    return [
        f"CREATE TRIGGER scheduled_jobs_times_inserted AFTER INSERT ON scheduled_jobs {normalise}",
        f"CREATE TRIGGER scheduled_jobs_times_updated AFTER UPDATE OF {', '.join(_TIMES)} ON scheduled_jobs "
        f"{normalise}",
        f"CREATE TRIGGER scheduled_jobs_rule_changed AFTER UPDATE OF enabled, {', '.join(_RULE)} ON scheduled_jobs "
        f"WHEN {_changed('IS NOT', 'IS')} BEGIN "
        "UPDATE scheduled_jobs SET next_run_at = NULL, ended_at = NULL, fault = NULL WHERE id = NEW.id; END",
    ]


def _postgresql() -> list[str]:
    return [
        "CREATE FUNCTION onward_plan_anew() RETURNS trigger LANGUAGE plpgsql AS $onward$ BEGIN "
        "NEW.next_run_at := NULL; NEW.ended_at := NULL; NEW.fault := NULL; RETURN NEW; END $onward$",
        "CREATE TRIGGER scheduled_jobs_rule_changed BEFORE UPDATE ON scheduled_jobs FOR EACH ROW "
        f"WHEN ({_changed('IS DISTINCT FROM', 'IS NOT DISTINCT FROM')}) EXECUTE FUNCTION onward_plan_anew()",
    ]


def _changed(differs: str, agrees: str) -> str:
    """The rule was changed, or it was enabled again, and nobody has said when it is due next."""
    rule = " OR ".join(f"NEW.{name} {differs} OLD.{name}" for name in _RULE)
    again = "(NEW.enabled AND NOT OLD.enabled AND OLD.paused_at IS NULL)"
    said = " AND ".join(f"NEW.{name} {agrees} OLD.{name}" for name in ("next_run_at", "planned_at", "due_at"))
    # A next time that was set by hand before stays the next one.
    is_ours = f"OLD.next_run_at {agrees} OLD.planned_at"
    return f"({rule} OR {again}) AND {said} AND {is_ours}"
