"""Schedules start what is due: once each, by their policies, and with a record of what was not started."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from onward import InvalidParams, InvalidSchedule, ScheduleNotFound, UnknownJobType
from tests.app_fixtures import rows, run_all
from tests.engine.schedules_place import NOON, Place

MINUTE = timedelta(minutes=1)


def test_due_schedule_starts_one_job_with_its_parameters(at: Place) -> None:
    made = at.schedules.add("hello", "greet", interval_minutes=1, params={"name": "ben"})
    assert (made.next_run_at, made.state, made.params) == (NOON + MINUTE, "active", {"name": "ben"})
    assert at.tick(seconds=59) == []
    [job] = at.tick(seconds=1)
    assert (job.job_type, job.params, job.due_at) == ("greet", {"name": "ben"}, NOON + MINUTE)
    assert at.tick() == []
    at.end([job])
    [run] = at.schedules.runs("hello")
    assert (run.status, run.job_id, run.scheduled_job_id) == ("success", job.id, made.id)
    found = at.schedules.get("hello")
    assert (found.last_run_at, found.next_run_at) == (NOON + MINUTE, NOON + 2 * MINUTE)
    assert found.last_outcome == "success"


def test_cron_is_due_in_its_own_zone(at: Place) -> None:
    found = at.schedules.add("nightly", "greet", cron="30 2 * * *", timezone="Europe/Berlin")
    assert found.next_run_at == datetime(2026, 1, 2, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("expression", ["0 0 * * 0", "0 0 * * 7", "0 0 * * SUN", "@weekly"])
def test_sunday_is_sunday(at: Place, expression: str) -> None:
    found = at.schedules.add("weekly", "greet", cron=expression)
    assert found.next_run_at == datetime(2026, 1, 4, 0, 0, tzinfo=UTC)
    assert found.next_run_at.weekday() == 6


def test_late_run_does_not_shift_the_ones_after_it(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=10)
    at.end(at.tick(minutes=12))
    assert at.schedules.get("hello").next_run_at == NOON + timedelta(minutes=20)
    at.end(at.tick(minutes=8))
    assert at.schedules.get("hello").next_run_at == NOON + timedelta(minutes=30)


def test_interval_begins_at_its_start(at: Place) -> None:
    start = NOON + timedelta(hours=1)
    found = at.schedules.add("hello", "greet", interval_seconds=90, start_at=start)
    assert found.next_run_at == start
    [job] = at.tick(hours=1)
    assert job.due_at == start
    assert at.schedules.get("hello").next_run_at == start + timedelta(seconds=90)


def test_parts_of_a_minute_are_kept_as_seconds(at: Place) -> None:
    found = at.schedules.add("hello", "greet", interval_minutes=0.5)
    assert (found.interval_minutes, found.interval_seconds) == (None, 30)


def test_one_date_is_due_once_and_then_ended(at: Place) -> None:
    at.schedules.add("once", "greet", run_at=NOON + timedelta(hours=2))
    [job] = at.tick(hours=2)
    assert job.due_at == NOON + timedelta(hours=2)
    found = at.schedules.get("once")
    assert (found.state, found.next_run_at) == ("ended", None)
    assert at.tick(days=400) == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"cron": "61 * * * *"}, "minute"),
        ({"cron": "0 0 31 2 *"}, "day-of-month"),
        ({"cron": "* * * * *", "timezone": "Europe/Nowhere"}, "timezone"),
        ({"interval_minutes": 0}, "interval_minutes"),
        ({"interval_minutes": 1, "cron": "* * * * *"}, "interval_minutes"),
        ({"interval_minutes": 0.001}, "interval_minutes"),
        ({}, "nothing says when"),
        ({"run_at": NOON - timedelta(days=1)}, "run_at"),
        ({"interval_minutes": 1, "overlap": "both"}, "overlap"),
        ({"interval_minutes": 1, "catch_up": "some"}, "catch_up"),
        ({"interval_minutes": 1, "max_instances": 0}, "max_instances"),
        ({"interval_minutes": 1, "misfire_grace_seconds": -1}, "misfire_grace_seconds"),
        ({"interval_minutes": 1, "jitter_seconds": -1}, "jitter_seconds"),
    ],
)
def test_wrong_schedule_is_refused_by_its_field(at: Place, given: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidSchedule, match=field):
        at.schedules.add("wrong", "greet", **given)  # type: ignore[arg-type]
    assert at.schedules.list() == []


def test_unknown_job_types_and_wrong_parameters_are_refused(at: Place) -> None:
    with pytest.raises(UnknownJobType, match="greet"):
        at.schedules.add("x", "greeet", interval_minutes=1)
    with pytest.raises(InvalidParams, match="nmae"):
        at.schedules.add("x", "greet", interval_minutes=1, params={"nmae": "ben"})
    with pytest.raises(ScheduleNotFound, match="onward schedule list"):
        at.schedules.get("x")


# ---- what was missed -------------------------------------------------------------------------------------------


def test_ten_missed_due_times_are_one_job_for_the_latest(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=1, misfire_grace_seconds=3600)
    [job] = at.tick(minutes=10)
    assert job.due_at == NOON + 10 * MINUTE
    assert at.words("hello") == "folded " * 9 + "started"
    folded = at.schedules.runs("hello")[0]
    assert folded.status == "skipped"
    assert folded.job_id is None
    assert folded.result["next_at"] == (NOON + 11 * MINUTE).isoformat()
    assert "Folded into the due time of 2026-01-01 12:10:00 UTC" in (folded.error_message or "")


def test_ten_missed_due_times_are_ten_jobs_where_all_are_caught_up(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=1, misfire_grace_seconds=None, catch_up="all")
    jobs = at.tick(minutes=10)
    assert [job.due_at for job in jobs] == [NOON + n * MINUTE for n in range(1, 11)]
    assert at.words("hello") == "started " * 9 + "started"
    # One at a time, as the schedule says; the others wait for their turn, and a worker sees to it.
    assert [job.waiting_on for job in jobs] == [None, *["schedule"] * 9]
    at.end(jobs)
    order = rows(at.app, "SELECT job_id FROM job_runs WHERE status = 'success' ORDER BY started_at, id")
    assert [row[0] for row in order] == [job.id for job in jobs]


def test_so_many_missed_due_times_are_caught_up_and_no_more(at: Place) -> None:
    at.schedules.add(
        "hello",
        "greet",
        interval_minutes=1,
        misfire_grace_seconds=None,
        catch_up="all",
        max_catch_up=3,
        max_instances=9,
    )
    assert len(at.tick(minutes=10)) == 3
    assert at.words("hello") == "over_limit " * 7 + "started started started"


def test_what_is_later_than_its_grace_is_missed(at: Place) -> None:
    at.schedules.add("hourly", "greet", cron="0 * * * *")
    assert at.tick(hours=10, minutes=6) == []
    assert at.words("hourly") == " ".join(["missed"] * 10)
    assert "6 min late, and its grace is 5 min" in (at.schedules.runs("hourly")[0].error_message or "")
    [job] = at.tick(minutes=54)
    assert job.due_at == NOON + timedelta(hours=11)


@pytest.mark.parametrize("rule", [{"interval_seconds": 1}, {"cron": "* * * * *"}], ids=["interval", "cron"])
def test_years_without_a_scheduler_are_told_in_a_thousand_rows_and_one(at: Place, rule: dict[str, object]) -> None:
    at.schedules.add("often", "greet", **rule)  # type: ignore[arg-type]
    [job] = at.tick(days=800)
    assert job.due_at == NOON + timedelta(days=800)
    told = at.told("often")
    assert len(told) == 1001
    assert told[-1] == ("started", "")
    [together] = rows(
        at.app, "SELECT error_message FROM job_runs WHERE error_message LIKE 'Nobody looked for a long time%'"
    )
    assert "until before 2028-03-1" in together[0]


def test_jitter_spreads_starts_and_is_the_same_for_each_due_time(at: Place) -> None:
    for n in range(20):
        at.schedules.add(f"s{n}", "greet", cron="0 13 * * *", jitter_seconds=600)
    starts = {found.next_run_at for found in at.schedules.list()}
    assert len(starts) > 15
    first = NOON + timedelta(hours=1)
    assert all(start is not None and first <= start < first + timedelta(seconds=600) for start in starts)
    jobs = at.tick(hours=1, seconds=600)
    assert {job.due_at for job in jobs} == {first}
    assert at.words("s0") == "started"


# ---- what still runs -------------------------------------------------------------------------------------------


def test_next_one_is_skipped_while_the_one_before_is_active(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=1)
    [first] = at.tick(minutes=1)
    assert at.tick(minutes=1) == []
    assert at.words("hello") == "started still_running"
    run = at.schedules.runs("hello")[0]
    assert "of this schedule has not begun; at most 1 at a time" in (run.error_message or "")
    at.end([first])
    assert len(at.tick(minutes=1)) == 1


def test_next_one_queues_and_goes_on_when_the_one_before_has_ended(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=1, overlap="queue")
    jobs = [job for _ in range(3) for job in at.tick(minutes=1)]
    assert [job.waiting_on for job in jobs] == [None, "schedule", "schedule"]
    why = at.app.get(jobs[2].id).waiting_reason
    assert why is not None
    assert "its turn in schedule hello: 1 of at most 1 of its jobs are active" in why.text
    assert "1 before this one" in why.text
    at.end(jobs)


def test_resumed_job_waits_for_its_turn_too(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=1, overlap="queue")
    [first] = at.tick(minutes=1)
    at.app.cancel(first.id)
    [second] = at.tick(minutes=1)
    assert second.waiting_on is None
    assert at.app.resume(first.id).waiting_on == "schedule"
    at.end([second, first])


def test_running_one_is_cancelled_for_the_next(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=1, overlap="cancel_running")
    [first] = at.tick(minutes=1)
    [second] = at.tick(minutes=1)
    assert at.app.get(first.id).status == "cancelled"
    assert at.app.history(first.id)[-1].actor == "schedule hello"
    assert second.waiting_on is None
    at.end([second])


def test_so_many_instances_are_a_count_over_jobs(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=1, max_instances=2)
    first, second = (at.tick(minutes=1)[0] for _ in range(2))
    assert at.tick(minutes=1) == []
    at.app.cancel(first.id)
    assert len(at.tick(minutes=1)) == 1
    at.app.delete(first.id)
    assert at.tick(minutes=1) == []
    at.app.cancel(second.id)
    assert len(at.tick(minutes=1)) == 1


def test_waiting_for_a_resource_is_a_reason_of_its_own(at: Place) -> None:
    @at.app.job(resources=["gpu"])
    def train() -> None:
        """Train."""

    at.schedules.add("train", "train", interval_minutes=1)
    at.app.resources.hold("gpu", by="ana")
    [first] = at.tick(minutes=1)
    run_all(at.app)
    assert at.app.get(first.id).waiting_on == "resource"
    assert at.tick(minutes=1) == []
    assert at.words("train") == "started waiting_for_resource"
    assert "still waits for gpu" in (at.schedules.runs("train")[0].error_message or "")
