"""Schedules for each bot, with faults, beside each other, and on clocks that go back."""

from __future__ import annotations

import threading
from datetime import timedelta

from onward import JobPhase, Onward
from onward.events import Event, StartSkipped
from tests.app_fixtures import Apps, ended, rows, run_all, until
from tests.engine.schedules_place import NOON, Place, with_jobs

MINUTE = timedelta(minutes=1)


# ---- bots ------------------------------------------------------------------------------------------------------


def test_every_bot_has_its_own_job_and_its_own_count(apps: Apps) -> None:
    at = Place(apps)
    names = ["ada", "bob"]
    at.app.bots = lambda: names
    app = with_jobs(Onward(settings=at.app.settings, clock=at.clock, bots=lambda: names))
    app.schedules.add("all", "who", interval_minutes=1, bot_id="*")
    at.clock.advance(minutes=1)
    first = app.schedules.tick()
    assert [job.bot_id for job in first] == ["ada", "bob"]
    names.append("cleo")
    app.cancel(first[0].id)
    at.clock.advance(minutes=1)
    assert [job.bot_id for job in app.schedules.tick()] == ["ada", "cleo"]
    run_all(app)
    assert [run.bot_id for run in app.schedules.runs("all") if run.status == "skipped"] == ["bob"]
    names.clear()
    at.clock.advance(minutes=1)
    assert app.schedules.tick() == []
    assert app.schedules.runs("all")[0].result["reason"] == "no_bots"
    app.close()


def test_without_a_list_of_bots_every_bot_is_one_run(at: Place) -> None:
    at.schedules.add("all", "who", interval_minutes=1, bot_id="*")
    [job] = at.tick(minutes=1)
    assert job.bot_id == "*"
    at.end([job])
    assert at.app.get(job.id).result == "*"


# ---- faults ----------------------------------------------------------------------------------------------------


def test_start_that_cannot_be_made_is_recorded_and_hurts_no_other(at: Place) -> None:
    at.schedules.add("good", "greet", interval_minutes=1)
    at.schedules.add("bad", "greet", interval_minutes=1)
    at.by_hand("UPDATE scheduled_jobs SET config_json = '{\"nmae\": 1}' WHERE name = 'bad'")
    [job] = at.tick(minutes=1)
    assert job.scheduled_job_id == at.schedules.get("good").id
    assert at.words("bad") == "cannot_start"
    assert "nmae" in (at.schedules.runs("bad")[0].error_message or "")


def test_rule_that_cannot_be_worked_out_shows_its_fault_and_pauses_nothing_else(at: Place) -> None:
    at.schedules.add("good", "greet", interval_minutes=1)
    at.schedules.add("bad", "greet", interval_minutes=1)
    at.by_hand("UPDATE scheduled_jobs SET cron = 'every day', interval_minutes = NULL WHERE name = 'bad'")
    assert len(at.tick(minutes=1)) == 1
    bad = at.schedules.get("bad")
    assert bad.state == "faulty"
    assert "every day" in (bad.fault or "")
    at.by_hand("UPDATE scheduled_jobs SET cron = '*/5 * * * *' WHERE name = 'bad'")
    at.tick()
    assert at.schedules.get("bad").next_run_at == NOON + timedelta(minutes=5)


def test_schedule_of_a_job_type_that_is_not_known_here_is_left_to_others(at: Place, apps: Apps) -> None:
    at.schedules.add("hello", "greet", interval_minutes=1)
    stranger = apps(clock=at.clock)
    at.clock.advance(minutes=1)
    assert stranger.schedules.tick() == []
    assert at.told("hello") == []
    assert len(at.tick()) == 1


def test_many_schedulers_at_once_start_each_due_time_once(at: Place, apps: Apps) -> None:
    for n in range(30):
        at.schedules.add(f"s{n}", "greet", interval_minutes=1)
    others = [with_jobs(apps(clock=at.clock)) for _ in range(3)]
    at.clock.advance(minutes=1)
    gate = threading.Barrier(3)
    made: list[str] = []

    def look(app: Onward) -> None:
        gate.wait()
        made.extend(job.id for job in app.schedules.tick())

    threads = [threading.Thread(target=look, args=(app,)) for app in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made += [job.id for job in at.tick()]
    assert len(made) == len(set(made)) == 30
    assert rows(at.app, "SELECT count(*) FROM jobs")[0][0] == 30
    assert rows(at.app, "SELECT count(*) FROM schedule_decisions")[0][0] == 30


def test_backward_clock_decides_nothing_again(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=1, max_instances=100)
    assert len(at.tick(minutes=1)) == 1
    at.clock.jump(-3600)
    for _ in range(70):
        assert at.tick(minutes=1) == [] or at.clock.now() > NOON + MINUTE
    # Also not when it is planned anew from where the clock has been before.
    at.clock.jump(-3600)
    at.by_hand("UPDATE scheduled_jobs SET next_run_at = NULL")
    before = rows(at.app, "SELECT count(*) FROM jobs")[0][0]
    at.tick()
    at.tick(minutes=5)
    assert rows(at.app, "SELECT count(*) FROM jobs")[0][0] == before
    times = rows(at.app, "SELECT due_at, count(*) FROM jobs GROUP BY due_at HAVING count(*) > 1")
    assert times == []


def test_skipped_starts_are_told_to_listeners(at: Place) -> None:
    told: list[Event] = []
    at.app.events.subscribe(told.append)
    at.schedules.add("hello", "greet", interval_minutes=1)
    at.tick(minutes=1)
    at.tick(minutes=1)
    assert [event for event in told if isinstance(event, StartSkipped)] == [
        StartSkipped(schedule="hello", job_type="greet", reason="still_running")
    ]


def test_nothing_to_do_is_a_run_that_was_skipped(at: Place) -> None:
    @at.app.job(skip_if=lambda: "nothing has changed")
    def tidy() -> None:
        """Tidy up."""

    at.schedules.add("tidy", "tidy", interval_minutes=1)
    at.end(at.tick(minutes=1))
    [run] = at.schedules.runs("tidy")
    assert (run.status, run.result) == ("skipped", {"skipped": "nothing has changed"})


def test_scheduler_starts_what_is_due_and_sleeps_until_then(apps: Apps) -> None:
    app = with_jobs(apps(scheduler={"check_interval_seconds": 30}))
    with app.scheduler(), app.worker(concurrency=1):
        app.schedules.add("often", "greet", interval_seconds=1, max_instances=5)
        job = app.schedules.run_now("often")
        assert ended(app, job).status == "completed"
        until(lambda: len(app.find(job_type="greet")) >= 3, "the second due time")


def test_chain_may_be_scheduled(at: Place) -> None:
    at.app.chain("both", [JobPhase("greet"), JobPhase("who")])
    at.schedules.add("chain", "both", interval_minutes=1)
    [job] = at.tick(minutes=1)
    at.end([job])
    assert [child.job_type for child in at.app.children(job.id)] == ["greet", "who"]
    assert at.tick(minutes=1) != []
