"""What people do with schedules: pause, resume, run now, skip, make up for, and change."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest

from onward import InvalidConfig, InvalidSchedule, InvalidValue, JobTypes, Onward, ResourceBusy, ScheduleNotFound
from onward.aio import AsyncOnward, AsyncSchedules
from onward.engine.schedules import Schedules
from tests.app_fixtures import Apps, ended, rows
from tests.engine.schedules_place import NOON, Place, with_jobs

MINUTE = timedelta(minutes=1)


def test_paused_schedule_records_what_it_does_not_start(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=1)
    paused = at.schedules.pause("hello", reason="moving house", by="ana")
    assert (paused.enabled, paused.state, paused.paused_reason) == (False, "paused", "moving house")
    for _ in range(3):
        assert at.tick(minutes=1) == []
    assert at.words("hello") == "paused paused paused"
    assert at.schedules.runs("hello")[0].error_message == "The schedule is paused by ana: moving house."
    at.clock.advance(minutes=1)
    resumed = at.schedules.resume("hello")
    assert (resumed.enabled, resumed.next_run_at) == (True, NOON + 5 * MINUTE)
    assert at.words("hello") == "paused paused paused paused"
    assert len(at.tick(minutes=1)) == 1


def test_resume_of_what_was_not_paused_takes_no_due_time_away(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=1)
    at.clock.advance(seconds=60)
    at.schedules.resume("hello")
    assert len(at.tick()) == 1
    assert at.words("hello") == "started"


def test_pause_ends_by_itself_also_without_a_scheduler(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=1, misfire_grace_seconds=None, catch_up="all", max_instances=9)
    at.schedules.pause("hello", until=NOON + timedelta(minutes=2, seconds=30))
    assert len(at.tick(minutes=4)) == 2
    assert at.words("hello") == "paused paused started started"
    assert at.schedules.get("hello").state == "active"
    with pytest.raises(InvalidSchedule, match="until"):
        at.schedules.pause("hello", until=NOON)


def test_pause_of_a_schedule_that_is_not_due_ends_in_time(at: Place) -> None:
    at.schedules.add("daily", "greet", cron="0 0 * * *")
    at.schedules.pause("daily", until=NOON + MINUTE)
    at.tick(minutes=1)
    assert at.schedules.get("daily").enabled


def test_everything_is_paused_but_what_people_start(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=1)
    at.schedules.pause_all(reason="incident", by="ana")
    assert at.schedules.paused_reason() == "All schedules are paused by ana: incident."
    assert at.tick(minutes=1) == []
    job = at.schedules.run_now("hello")
    assert at.app.submit("greet").status == "pending"
    at.end([job])
    at.clock.advance(minutes=1)
    at.schedules.resume_all()
    assert at.words("hello") == "automation_paused automation_paused"
    assert at.schedules.paused_reason() is None
    assert len(at.tick(minutes=1)) == 1


def test_setting_pauses_everything_and_skipped_runs_say_so(apps: Apps) -> None:
    at = Place(apps)
    at.schedules.add("hello", "greet", interval_minutes=1)
    paused = with_jobs(Onward(settings=dataclasses.replace(at.app.settings, automation_pause=True), clock=at.clock))
    at.clock.advance(minutes=1)
    assert paused.schedules.tick() == []
    assert "AUTOMATION_PAUSE" in (paused.schedules.runs("hello")[0].error_message or "")
    paused.close()


def test_run_now_counts_among_the_jobs_of_its_schedule(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=1)
    job = at.schedules.run_now("hello")
    assert (job.scheduled_job_id, job.due_at) == (at.schedules.get("hello").id, None)
    with pytest.raises(ResourceBusy, match="has not begun; at most 1 at a time") as caught:
        at.schedules.run_now("hello")
    assert caught.value.job.id == job.id
    assert at.tick(minutes=1) == []
    assert at.words("hello") == "still_running"
    at.schedules.edit("hello", overlap="queue")
    assert at.schedules.run_now("hello").waiting_on == "schedule"
    assert at.schedules.get("hello").last_run_at == NOON + MINUTE


def test_next_due_time_is_left_out_once(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=1)
    after = at.schedules.skip_next("hello", by="ana")
    assert after.next_run_at == NOON + 2 * MINUTE
    assert at.tick(minutes=1) == []
    assert len(at.tick(minutes=1)) == 1
    assert at.words("hello") == "skipped_by_hand started"
    assert at.schedules.runs("hello")[0].error_message == "Left out by ana."
    at.schedules.add("once", "greet", run_at=NOON + timedelta(hours=1))
    assert at.schedules.skip_next("once").state == "ended"
    with pytest.raises(InvalidSchedule, match="no next due time"):
        at.schedules.skip_next("once")


def test_backfill_makes_up_for_what_was_not_started(at: Place) -> None:
    at.schedules.add("daily", "greet", cron="0 0 * * *")
    at.end(at.tick(hours=12))
    at.tick(days=3, hours=1)
    start, end = NOON - timedelta(days=2), NOON + timedelta(days=9)
    planned = at.schedules.backfill("daily", start, end)
    assert planned.jobs == ()
    assert [item.at.day for item in planned.due_times] == [31, 1, 3, 4, 5]
    done = at.schedules.backfill("daily", start, end, dry_run=False)
    assert [job.due_at for job in done.jobs] == [item.at for item in planned.due_times]
    assert [job.waiting_on for job in done.jobs] == [None, *["schedule"] * 4]
    assert len(at.schedules.backfill("daily", start, end)) == 0
    at.app.worker(concurrency=2).run(until_idle=True)
    assert at.app.counts()["completed"] == rows(at.app, "SELECT count(*) FROM jobs")[0][0]
    with pytest.raises(InvalidValue, match="empty"):
        at.schedules.backfill("daily", end, start)
    at.schedules.add("often", "greet", interval_seconds=1, start_at=NOON)
    with pytest.raises(InvalidValue, match="More than 1,000"):
        at.schedules.backfill("often", NOON, end)


def test_added_again_is_an_update_that_keeps_phase_pause_and_history(at: Place) -> None:
    first = at.schedules.add("hello", "greet", interval_minutes=10, params={"name": "ana"})
    at.end(at.tick(minutes=10))
    at.tick(minutes=3)
    second = at.schedules.add("hello", "greet", interval_minutes=10, params={"name": "ben"})
    assert (second.id, second.next_run_at) == (first.id, NOON + 20 * MINUTE)
    third = at.schedules.add("hello", "greet", interval_minutes=4, params={"name": "ben"})
    assert third.next_run_at == NOON + 16 * MINUTE
    at.schedules.pause("hello")
    fourth = at.schedules.add("hello", "greet", interval_minutes=4, max_instances=3)
    assert (fourth.state, fourth.max_instances) == ("paused", 3)
    assert len(at.schedules.runs("hello")) == 1
    assert at.schedules.add("hello", "greet", interval_minutes=4, enabled=False).state == "disabled"
    assert at.schedules.add("hello", "greet", interval_minutes=4).state == "active"


def test_edit_changes_what_is_said_and_keeps_the_rest(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=10, params={"name": "ben"}, description="Hello.")
    found = at.schedules.edit("hello", cron="0 13 * * *")
    assert (found.cron, found.interval_minutes, found.params) == ("0 13 * * *", None, {"name": "ben"})
    assert (found.next_run_at, found.description) == (NOON + timedelta(hours=1), "Hello.")
    assert at.schedules.get("hello") == found
    with pytest.raises(InvalidSchedule, match="colour"):
        at.schedules.edit("hello", colour="red")


def test_deleted_schedule_leaves_its_jobs_and_lets_those_go_that_wait_for_it(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=1, overlap="queue")
    jobs = [job for _ in range(2) for job in at.tick(minutes=1)]
    at.schedules.delete("hello")
    with pytest.raises(ScheduleNotFound):
        at.schedules.get("hello")
    at.app.worker(concurrency=1).run(until_idle=True)
    with at.app.worker(concurrency=1):
        for job in jobs:
            assert ended(at.app, job).status == "completed"
    again = at.schedules.add("hello", "greet", interval_minutes=1)
    assert at.schedules.runs("hello") == []
    assert again.next_run_at == at.clock.now() + MINUTE


def test_forecast_tells_lengths_and_what_gets_in_each_others_way(at: Place) -> None:
    def train(seconds: int = 0) -> None:
        """Train."""
        at.clock.advance(seconds)

    at.app.job(resources=["gpu"])(train)
    at.app.submit("train", {"seconds": 600})
    at.app.worker(concurrency=1).run(until_idle=True)
    at.schedules.add("first", "train", cron="0 14 * * *")
    at.schedules.add("second", "train", cron="5 14 * * *")
    at.schedules.add("third", "train", cron="0 15 * * *")
    at.schedules.add("off", "train", cron="0 15 * * *", enabled=False)
    found = at.schedules.forecast(hours=24)
    assert [(item.schedule, item.expected_seconds, item.clashes) for item in found] == [
        ("first", 600.0, ()),
        ("second", 600.0, (("gpu", "first"),)),
        ("third", 600.0, ()),
    ]
    assert found[0].resources == ("gpu",)


def test_preview_of_a_schedule_and_of_an_expression(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=10, timezone="Europe/Berlin")
    first, second = at.schedules.preview("hello", count=2)
    assert (first.at, second.at) == (NOON + 10 * MINUTE, NOON + 20 * MINUTE)
    assert first.local.hour == 13
    [due] = at.schedules.preview("0 0 * * 7", count=1, timezone="America/New_York")
    assert due.at == NOON + timedelta(days=2, hours=17)
    with pytest.raises(InvalidSchedule, match="month"):
        at.schedules.preview("0 0 * 13 *")


# ---- those that ship -------------------------------------------------------------------------------------------


def test_schedules_that_ship_are_made_once_and_stay_deleted(apps: Apps) -> None:
    types = JobTypes()
    types.job(name="tidy")(lambda: 1)
    types.job(name="sync")(lambda: 1)
    types.default_schedule("tidy", cron="0 3 * * *", description="Tidies.")
    types.default_schedule("sync", name="sync_all", interval_minutes=60, bot_id="*", ready=lambda: "no vault is set")
    for round_ in range(2):
        app = apps()
        app.include(types)
        with app.scheduler():
            pass
        names = {found.name: found for found in app.schedules.list()}
        if round_ == 0:
            assert {*names} == {"tidy", "sync_all"}
            assert (names["tidy"].state, names["tidy"].origin) == ("active", "default")
            off = names["sync_all"]
            assert (off.state, off.paused_reason, off.bot_id) == ("disabled", "no vault is set", "*")
            app.schedules.delete("tidy")
            assert app.schedules.resume("sync_all").state == "active"
        else:
            assert {*names} == {"sync_all"}
            assert names["sync_all"].state == "active"


def test_catalogue_ships_a_daily_clean_up(apps: Apps) -> None:
    app = apps()
    app.include_catalogue()
    with app.scheduler():
        pass
    assert {"prune_checkpoints", "prune_jobs"} <= {found.name for found in app.schedules.list()}


# ---- files -----------------------------------------------------------------------------------------------------

FILE = (
    "scheduler:\n  jobs:\n    hello:\n      job_type: greet\n      enabled: true\n      cron: '{0}'\n      name: ben\n"
)


def actions(at: Place, path: Path) -> list[tuple[str, str]]:
    return [(change.name, change.action) for change in at.schedules.load(path)]


def test_file_is_loaded_and_what_people_change_stays_until_it_changes(at: Place, tmp_path: Path) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_text(FILE.format("0 2 * * *"))
    assert actions(at, path) == [("hello", "add")]
    assert actions(at, path) == [("hello", "keep")]
    found = at.schedules.get("hello")
    assert (found.origin, found.params) == (f"{path}:3", {"name": "ben"})
    at.schedules.edit("hello", cron="0 5 * * *")
    assert actions(at, path) == [("hello", "keep")]
    assert at.schedules.get("hello").cron == "0 5 * * *"
    path.write_text(FILE.format("0 3 * * *"))
    assert [change.action for change in at.schedules.diff(path)] == ["change"]
    assert actions(at, path) == [("hello", "change")]
    assert (at.schedules.get("hello").cron, at.schedules.get("hello").id) == ("0 3 * * *", found.id)


def test_deleted_schedule_of_a_file_comes_back_only_when_the_file_changes(at: Place, tmp_path: Path) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_text(FILE.format("0 2 * * *"))
    at.schedules.load(path)
    at.schedules.delete("hello")
    assert actions(at, path) == [("hello", "keep")]
    assert at.schedules.list() == []
    path.write_text(FILE.format("0 3 * * *"))
    assert actions(at, path) == [("hello", "add")]


def test_what_is_no_longer_in_the_file_starts_nothing_and_keeps_its_history(at: Place, tmp_path: Path) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_text(FILE.format("* * * * *"))
    at.schedules.load(path)
    at.end(at.tick(minutes=1))
    text = path.read_text()
    path.write_text("scheduler:\n  jobs: {}\n")
    assert actions(at, path) == [("hello", "disable")]
    assert at.tick(minutes=1) == []
    found = at.schedules.get("hello")
    assert (found.state, len(at.schedules.runs("hello"))) == ("disabled", 1)
    path.write_text(text)
    assert actions(at, path) == [("hello", "change")]
    assert at.schedules.get("hello").state == "active"


def test_refused_file_loads_nothing(at: Place, tmp_path: Path) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_text(FILE.format("0 2 * * *") + "    bad:\n      job_type: greeet\n")
    with pytest.raises(InvalidConfig, match=r"schedules.yaml:\d+.*greeet"):
        at.schedules.load(path)
    assert at.schedules.list() == []


def test_scheduler_loads_its_file_at_the_start(apps: Apps, tmp_path: Path) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_text(FILE.format("0 2 * * *"))
    app = with_jobs(apps(scheduler={"file": str(path)}))
    with app.scheduler():
        assert [found.name for found in app.schedules.list()] == ["hello"]
    path.write_text(FILE.format("0 200 * * *"))
    with pytest.raises(InvalidConfig):
        app.scheduler().start()


def test_asyncio_has_every_verb_of_schedules() -> None:
    def verbs(of: type) -> set[str]:
        return {name for name in vars(of) if not name.startswith("_")}

    assert verbs(AsyncSchedules) == verbs(Schedules)


def test_asyncio_forwards_what_it_is_given(at: Place) -> None:
    async def steer() -> list[object]:
        aio = AsyncOnward(at.app)
        await aio.schedules.add("hourly", "greet", interval_minutes=60, params={"name": "ada"})
        paused = await aio.schedules.pause("hourly", reason="moving", by="ada")
        resumed = await aio.schedules.resume("hourly")
        job = await aio.schedules.run_now("hourly")
        listed = [each.name for each in await aio.schedules.list(limit=5)]
        await aio.schedules.delete("hourly")
        left = await aio.schedules.list()
        await aio.close()
        return [paused.paused_reason, resumed.enabled, job.params, listed, left]

    assert asyncio.run(steer()) == ["moving", True, {"name": "ada"}, ["hourly"], []]
