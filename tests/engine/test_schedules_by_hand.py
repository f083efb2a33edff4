"""The table of schedules is worked on with SQL by hand, on both databases, and what is written there is meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from tests.app_fixtures import rows
from tests.engine.schedules_place import NOON, Place

MINUTE = timedelta(minutes=1)


def test_next_time_that_is_set_by_hand_is_due_and_never_too_late(at: Place) -> None:
    at.schedules.add("hello", "greet", cron="0 0 * * *")
    at.schedules.add("off", "greet", cron="0 0 * * *", enabled=False)
    at.by_hand("UPDATE scheduled_jobs SET next_run_at = '2026-01-01 11:59:00'")
    [job] = at.tick()
    assert job.due_at == NOON - MINUTE
    assert at.schedules.get("hello").next_run_at == datetime(2026, 1, 2, tzinfo=UTC)
    assert at.told("off") == []
    at.end([job])


def test_phase_of_an_interval_stays_when_the_next_time_is_set_by_hand(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=60)
    at.by_hand("UPDATE scheduled_jobs SET next_run_at = '2020-05-05 05:05:05'")
    at.end(at.tick(minutes=7))
    assert at.schedules.get("hello").next_run_at == NOON + timedelta(hours=1)
    assert at.words("hello") == "started"


def test_same_time_set_by_hand_again_starts_again(at: Place) -> None:
    at.schedules.add("hello", "greet", cron="0 0 * * *", max_instances=9)
    for _ in range(3):
        at.by_hand("UPDATE scheduled_jobs SET next_run_at = '2025-01-01 00:00:00'")
        assert len(at.tick()) == 1
    assert rows(at.app, "SELECT count(*), count(DISTINCT due_at) FROM schedule_decisions")[0] == (3, 3)


def test_time_that_is_put_off_by_hand_leaves_out_what_was_due_before(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=10)
    at.by_hand("UPDATE scheduled_jobs SET next_run_at = '2026-01-01 12:35:00'")
    assert at.tick(minutes=34) == []
    at.end(at.tick(minutes=1))
    assert at.told("hello") == [("started", "")]
    assert at.schedules.get("hello").next_run_at == NOON + 40 * MINUTE


@pytest.mark.parametrize(
    "text",
    ["2026-01-01 12:01", "2026-01-01T12:01:00Z", "2026-01-01 12:01:00.000", "2026-01-01 13:01:00+01:00"],
)
def test_times_are_understood_as_people_write_them(at: Place, text: str) -> None:
    at.schedules.add("hello", "greet", cron="0 0 * * *")
    # Where no zone is said, it is UTC on SQLite, and on PostgreSQL the session's.
    if "+" not in text and not text.endswith("Z") and not at.app.settings.database.url.startswith("sqlite"):
        text += "+00"
    at.by_hand(f"UPDATE scheduled_jobs SET next_run_at = '{text}'")
    found = at.schedules.get("hello").next_run_at
    assert found == NOON + MINUTE
    assert at.tick(seconds=59) == []
    assert len(at.tick(seconds=1)) == 1


def test_what_is_no_time_is_refused(at: Place) -> None:
    at.schedules.add("hello", "greet", cron="0 0 * * *")
    with pytest.raises(DBAPIError):
        at.by_hand("UPDATE scheduled_jobs SET next_run_at = 'soon'")
    assert at.schedules.get("hello").next_run_at == datetime(2026, 1, 2, tzinfo=UTC)


def test_rule_that_is_changed_by_hand_is_planned_at_the_next_look(at: Place) -> None:
    at.schedules.add("hello", "greet", cron="0 0 * * *")
    at.by_hand("UPDATE scheduled_jobs SET cron = NULL, interval_minutes = 5")
    assert at.tick() == []
    assert at.schedules.get("hello").next_run_at == NOON + 5 * MINUTE
    at.by_hand(
        "UPDATE scheduled_jobs SET cron = '0 0 * * *', interval_minutes = NULL, next_run_at = '2026-01-01 11:00Z'"
    )
    assert [job.due_at for job in at.tick()] == [NOON - timedelta(hours=1)]
    assert at.schedules.get("hello").next_run_at == datetime(2026, 1, 2, tzinfo=UTC)


def test_schedule_is_switched_off_and_on_by_hand(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=1)
    at.by_hand("UPDATE scheduled_jobs SET enabled = false")
    assert at.tick(minutes=30) == []
    at.by_hand("UPDATE scheduled_jobs SET enabled = true")
    assert at.tick() == []
    assert at.schedules.get("hello").next_run_at == NOON + 31 * MINUTE
    assert at.told("hello") == []
    at.schedules.pause("hello")
    at.tick(minutes=1)
    at.by_hand("UPDATE scheduled_jobs SET enabled = true WHERE name = 'hello'")
    assert len(at.tick(minutes=1)) == 1
    assert at.words("hello") == "paused started"


def test_schedule_is_made_by_hand(at: Place) -> None:
    at.by_hand("INSERT INTO scheduled_jobs (id, name, job_type, interval_minutes) VALUES ('mine', 'hello', 'greet', 5)")
    assert at.tick() == []
    found = at.schedules.get("hello")
    assert (found.next_run_at, found.misfire_grace_seconds, found.coalesce) == (NOON + 5 * MINUTE, 300, True)
    at.end(at.tick(minutes=5))
    at.by_hand("DELETE FROM scheduled_jobs")
    assert at.tick(minutes=5) == []


def test_column_by_column_as_documented(at: Place) -> None:
    documented = {
        "id", "name", "job_type", "bot_id", "enabled", "interval_minutes", "cron", "timezone", "start_at", "last_run_at",
        "next_run_at", "config_json", "misfire_grace_seconds", "coalesce", "max_instances", "description",
    }  # fmt: skip
    at.schedules.add("hello", "greet", interval_minutes=1, params={"name": "ben"})
    names, found = at.app.database.query("SELECT * FROM scheduled_jobs")
    assert documented <= set(names)
    row = dict(zip(names, found[0], strict=True))
    assert (row["config_json"], row["interval_minutes"]) == ('{"name":"ben"}', 1)
