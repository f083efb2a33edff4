"""Schedules of cron, Celery beat and APScheduler: what is taken over means the same, and the rest is said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.authoring import schedule_file
from onward.authoring.imports import apscheduler_jobs, celery_beat, crontab
from onward.authoring.imports.findings import Findings
from onward.authoring.registry import JobTypes
from onward.errors import InvalidConfig
from onward.model.cron import Cron

TABLE = """\
# m h dom mon dow command
SHELL=/bin/sh
MAILTO=ops@example.org
GREETING=hello

30 2 * * 1-5 /usr/local/bin/backup.sh --full
*/15 * * * * cd /srv/app && /usr/bin/python3 -u scripts/sync.py --all
@daily /usr/local/bin/backup.sh
@reboot /usr/bin/start-me
CRON_TZ=Europe/Berlin
0 9 * * mon echo 100\\% done
0 9 * * mon mail -s hi ops%hello
0 25 * * * never
0~30 1 * * * soon
not a line
"""


@pytest.fixture
def types() -> JobTypes:
    types = JobTypes()

    @types.job
    def add(x: int, y: int = 0) -> int:
        return x + y

    @types.job(name="tasks.full.name")
    def full() -> None: ...

    return types


def by_name(found: Findings) -> dict[str, Any]:
    return {entry.name: entry for entry in found.entries}


# ---- crontab --------------------------------------------------------------------------------------------------


def test_crontab_is_taken_over_line_by_line() -> None:
    found = crontab.read_text(TABLE, "table")
    entries = by_name(found)
    assert list(entries) == ["backup", "sync", "backup_2", "echo"]
    assert entries["backup"].cron == "30 2 * * 1-5"
    assert entries["backup"].params == {"command": "/usr/local/bin/backup.sh --full"}
    assert entries["backup"].job_type == "backup"
    assert entries["backup"].origin == "table:6"
    assert (entries["sync"].timezone, entries["echo"].timezone) == ("UTC", "Europe/Berlin")
    assert entries["backup_2"].job_type == "backup"
    assert entries["echo"].params == {"command": "echo 100% done"}
    assert [(one.origin, one.what.split()[0]) for one in found.left_out] == [
        ("table:3", "MAILTO=…"),
        ("table:4", "GREETING=…"),
        ("table:9", "start_me"),
        ("table:12", "0"),
        ("table:13", "never"),
        ("table:14", "0~30"),
        ("table:15", "not"),
    ]
    reasons = [one.why for one in found.left_out]
    assert "is no time" in reasons[2]
    assert "`%`" in reasons[3]
    assert "hour has `25`" in reasons[4]
    assert "jitter_seconds" in reasons[5]


def test_system_crontab_names_a_user_in_each_line(tmp_path: Path) -> None:
    (tmp_path / "crontab").write_text("17 * * * * root run-parts /etc/cron.hourly\n@weekly www /usr/bin/tidy\n")
    found = crontab.read(tmp_path / "crontab", job_type="shell", timezone="Asia/Tokyo")
    hourly, weekly = found.entries
    assert hourly.params == {"command": "run-parts /etc/cron.hourly"}
    assert hourly.description.endswith("user root")
    assert {hourly.job_type, weekly.job_type} == {"shell"}
    assert {hourly.timezone, weekly.timezone} == {"Asia/Tokyo"}
    assert weekly.cron == "@weekly"


def test_crontab_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="cannot be read"):
        crontab.read(tmp_path / "none")


@settings(max_examples=200, deadline=2000)
@given(
    st.lists(
        st.sampled_from([*"*/-,~%@=#\n\\ '\"", "0 ", "5 ", "* ", "CRON_TZ=", "UTC", "root ", "@daily ", "é", "\x00"]),
        max_size=30,
    ).map("".join)
)
def test_any_crontab_is_read_or_said(text: str) -> None:
    for has_users in (False, True):
        found = crontab.read_text(text, "t", has_users=has_users)
        for entry in found.entries:
            Cron.parse(entry.cron or "", entry.timezone)
        assert all(one.why for one in found.left_out)


# ---- Celery beat ----------------------------------------------------------------------------------------------


@pytest.fixture
def celery_app() -> Any:
    from celery import Celery
    from celery.schedules import crontab as at

    # The real one wants a library for the sun; its kind is all that is asked.
    sunset = type("solar", (), {})()
    app = Celery("demo", broker="memory://", set_as_current=False)
    app.conf.timezone = "Europe/Berlin"
    app.conf.beat_schedule = {
        "every half minute": {"task": "tasks.add", "schedule": 30.0, "args": (16, 17)},
        "hourly": {
            "task": "tasks.add",
            "schedule": timedelta(hours=1),
            "kwargs": {"x": 1},
            "options": {"queue": "slow"},
        },
        "monday-morning": {"task": "tasks.full.name", "schedule": at(hour=7, minute=30, day_of_week=1)},
        "often": {"task": "tasks.other", "schedule": at(minute="*/15", hour=[1, 2], day_of_week="mon-fri")},
        "both": {"task": "tasks.other", "schedule": at(0, 0, day_of_week="fri", day_of_month="13")},
        "sunset": {"task": "tasks.other", "schedule": sunset},
        "fraction": {"task": "tasks.other", "schedule": 0.5},
        "positional": {"task": "tasks.other", "schedule": 60, "args": [1]},
        "unkeepable": {"task": "tasks.other", "schedule": 60, "kwargs": {"x": object()}},
    }
    return app


def test_beat_schedule_is_taken_over(celery_app: Any, types: JobTypes) -> None:
    found = celery_beat.read(celery_app, "celery.py", types)
    entries = by_name(found)
    assert entries["every_half_minute"].interval_seconds == 30
    assert entries["every_half_minute"].params == {"x": 16, "y": 17}
    assert entries["every_half_minute"].job_type == "add"
    assert entries["hourly"].interval_minutes == 60
    assert (entries["monday_morning"].cron, entries["monday_morning"].job_type) == ("30 7 * * 1", "tasks.full.name")
    assert (entries["often"].cron, entries["often"].timezone) == ("*/15 1,2 * * mon-fri", "Europe/Berlin")
    reasons = {one.origin.rpartition(" ")[2]: one.why for one in found.left_out}
    assert "both to fit" in reasons["both"]
    assert "sun" in reasons["sunset"]
    assert "whole number" in reasons["fraction"]
    assert "have no names" in reasons["positional"]
    assert "not JSON" in reasons["unkeepable"]
    assert "job type" in reasons["hourly"]
    assert set(entries) == {"every_half_minute", "hourly", "monday_morning", "often"}


def test_dictionary_of_beat_is_taken_over_without_an_application(celery_app: Any) -> None:
    plain = dict(celery_app.conf.beat_schedule)
    found = celery_beat.read(plain, "beat.py", None, "Asia/Tokyo")
    assert by_name(found)["often"].timezone == "Asia/Tokyo"
    with pytest.raises(InvalidConfig, match="no schedules of Celery beat"):
        celery_beat.read({"a": 1}, "beat.py")


CRON_PARTS = st.sampled_from(["*", "5", "*/15", "1-4", "2,9", "1-9/3"])


@settings(max_examples=60, deadline=None)
@given(
    CRON_PARTS,
    CRON_PARTS,
    st.sampled_from(["*", "0", "1-5", "sun", "mon,wed", "*/2"]),
    st.sampled_from(["*", "2", "*/5"]),
)
def test_what_celery_would_do_next_is_what_is_due_next(minute: str, hour: str, weekday: str, month: str) -> None:
    from celery import Celery
    from celery.schedules import crontab as at

    now = datetime(2026, 11, 18, 12, 7, tzinfo=UTC)
    app = Celery("plain", set_as_current=False)
    theirs = at(minute=minute, hour=hour, day_of_week=weekday, month_of_year=month, nowfun=lambda: now, app=app)
    found = celery_beat.read({"one": {"task": "t", "schedule": theirs}}, "x")
    (entry,) = found.entries
    assert Cron.parse(entry.cron or "").next_after(now) == now + theirs.remaining_estimate(now)


# ---- APScheduler ----------------------------------------------------------------------------------------------


def work(x: int = 0, y: int = 0) -> None: ...


@pytest.fixture
def scheduler() -> Iterator[Any]:
    from apscheduler.schedulers.background import BackgroundScheduler

    made = BackgroundScheduler(timezone="Europe/Berlin")
    made.start(paused=True)
    yield made
    made.shutdown(wait=False)


def test_jobs_of_a_scheduler_are_taken_over(scheduler: Any, types: JobTypes) -> None:
    from apscheduler.triggers.combining import OrTrigger
    from apscheduler.triggers.cron import CronTrigger

    at = datetime(2031, 1, 2, 3, 4, tzinfo=ZoneInfo("Europe/Berlin"))
    scheduler.add_job(
        work, "cron", day_of_week="0-4", hour=2, minute=30, id="weekdays", kwargs={"x": 1}, coalesce=False
    )
    scheduler.add_job(work, "cron", day_of_week="6", hour=2, id="sundays", misfire_grace_time=None, max_instances=3)
    scheduler.add_job(work, "cron", day="1st mon,last fri", hour=2, id="mondays", jitter=60)
    scheduler.add_job(work, "cron", day="last", hour="*/6", id="last day", month="jan-mar")
    scheduler.add_job(work, "interval", minutes=90, id="interval", start_date=at)
    scheduler.add_job(work, "date", run_date=at, id="once")
    scheduler.add_job(work, "interval", seconds=45, id="paused").pause()
    scheduler.add_job(work, "cron", second="*/5", id="seconds")
    scheduler.add_job(work, "cron", week="5", id="weeks")
    scheduler.add_job(work, "cron", day=13, day_of_week="fri", id="both")
    scheduler.add_job(work, "interval", hours=1, end_date=at, id="ends")
    scheduler.add_job(work, OrTrigger([CronTrigger(hour=2), CronTrigger(hour=3)]), id="either")
    scheduler.add_job(work, "interval", hours=1, id="positional", args=[1])
    found = apscheduler_jobs.read(scheduler, "jobs:scheduler", types)
    entries = by_name(found)
    assert entries["weekdays"].cron == "30 2 * * MON,TUE,WED,THU,FRI"
    assert (entries["weekdays"].params, entries["weekdays"].coalesce, entries["weekdays"].job_type) == (
        {"x": 1},
        False,
        "work",
    )
    assert entries["sundays"].cron == "0 2 * * SUN"
    assert (entries["sundays"].misfire_grace_seconds, entries["sundays"].max_instances) == (None, 3)
    assert (entries["mondays"].cron, entries["mondays"].jitter_seconds) == ("0 2 * * MON#1,5L", 60)
    assert entries["last_day"].cron == "0 */6 L JAN-MAR *"
    assert (entries["interval"].interval_minutes, entries["interval"].start_at) == (90, at)
    assert (entries["once"].run_at, entries["once"].timezone) == (at, "Europe/Berlin")
    assert (entries["paused"].interval_seconds, entries["paused"].enabled) == (45, False)
    assert entries["weekdays"].enabled
    assert entries["weekdays"].timezone == "Europe/Berlin"
    reasons = {one.origin.rpartition(" ")[2]: one.why for one in found.left_out}
    assert set(reasons) == {"seconds", "weeks", "both", "ends", "either", "positional"}
    assert "field second" in reasons["seconds"]
    assert "field week" in reasons["weeks"]
    assert "both to fit" in reasons["both"]
    assert "OrTrigger" in reasons["either"]
    assert "have no names" in reasons["positional"]


@settings(max_examples=60, deadline=None)
@given(
    CRON_PARTS,
    CRON_PARTS,
    st.sampled_from(["*", "0", "6", "0-4", "sun", "mon,wed", "*/2", "5-6"]),
    st.sampled_from(["*", "2", "*/5"]),
)
def test_what_apscheduler_would_do_next_is_what_is_due_next(minute: str, hour: str, weekday: str, month: str) -> None:
    from apscheduler.job import Job
    from apscheduler.schedulers.base import BaseScheduler
    from apscheduler.triggers.cron import CronTrigger

    now = datetime(2026, 11, 18, 12, 7, tzinfo=UTC)
    trigger = CronTrigger(minute=minute, hour=hour, day_of_week=weekday, month=month, timezone="UTC")

    class Scheduler:
        add_job = BaseScheduler.add_job

        def get_jobs(self) -> list[Any]:
            job = Job(self, id="one", func=work, trigger=trigger, executor="default", args=(), kwargs={}, name="one",
                      misfire_grace_time=1, coalesce=True, max_instances=1)  # fmt: skip
            job.next_run_time = now
            return [job]

    # Its own class of schedulers is asked for a zone and more; here one method is enough.
    Scheduler.timezone = UTC  # type: ignore[attr-defined]
    found = apscheduler_jobs.read(Scheduler(), "x")
    (entry,) = found.entries
    assert Cron.parse(entry.cron or "").next_after(now) == trigger.get_next_fire_time(None, now + timedelta(seconds=1))


def test_scheduler_that_was_not_started_has_its_jobs_with_our_policies() -> None:
    from apscheduler.schedulers.background import BackgroundScheduler

    made = BackgroundScheduler(timezone="UTC")
    made.add_job(work, "cron", day_of_week="0-4", hour=2, id="weekdays")
    (entry,) = apscheduler_jobs.read(made, "x").entries
    assert entry.enabled
    assert (entry.cron, entry.misfire_grace_seconds) == ("0 2 * * MON,TUE,WED,THU,FRI", 300)


def test_what_is_no_scheduler_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="job stores are never read"):
        apscheduler_jobs.read(object(), "x")


# ---- written as a file ----------------------------------------------------------------------------------------


def test_what_was_found_is_written_as_a_file_that_says_the_same(
    celery_app: Any, scheduler: Any, types: JobTypes
) -> None:
    scheduler.add_job(work, "date", run_date=datetime(2031, 1, 2, 3, 4, tzinfo=UTC), id="once", misfire_grace_time=None)
    entries = [
        *crontab.read_text(TABLE, "table").entries,
        *celery_beat.read(celery_app, "celery.py", types).entries,
        *apscheduler_jobs.read(scheduler, "x").entries,
    ]
    assert schedule_file.read_text(schedule_file.write_text(entries), "s.yaml") == entries
