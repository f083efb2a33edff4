"""Schedules go along with exports and moves, running on; and what was decided long ago is not kept for ever."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from onward import ManualClock, Onward
from tests.app_fixtures import quick_settings, rows
from tests.engine.schedules_place import NOON, Place, with_jobs

MINUTE = timedelta(minutes=1)


def test_schedules_run_on_in_the_database_that_everything_was_brought_to(at: Place, tmp_path: Path) -> None:
    at.schedules.add("hello", "greet", interval_minutes=10, params={"name": "ben"}, misfire_grace_seconds=None)
    at.end(at.tick(minutes=10))
    at.schedules.pause("hello", reason="moving")
    at.tick(minutes=10)
    at.schedules.resume("hello")
    at.app.database.export(tmp_path / "all.jsonl")
    clock = ManualClock(at.clock.now())
    other = with_jobs(Onward(settings=quick_settings(f"sqlite:///{tmp_path / 'other.db'}"), clock=clock))
    other.database.import_(tmp_path / "all.jsonl")
    before, after = at.schedules.get("hello"), other.schedules.get("hello")
    assert before == after
    assert [run.status for run in other.schedules.runs("hello")] == ["skipped", "success"]
    clock.advance(minutes=10)
    [job] = other.schedules.tick()
    assert job.due_at == NOON + 30 * MINUTE
    # What was decided about there is decided about here.
    with other.connect() as connection:
        connection.execute(text("UPDATE scheduled_jobs SET next_run_at = NULL, due_at = NULL, planned_at = NULL"))
    clock.jump(-3600)
    other.schedules.tick()
    clock.advance(minutes=25)
    assert other.schedules.tick() == []
    other.close()


def test_old_decisions_go_with_old_jobs_and_none_is_made_again(at: Place) -> None:
    at.schedules.add("hello", "greet", interval_minutes=10)
    for _ in range(4):
        at.tick(minutes=10)
    at.app.cancel(at.app.find().items[0].id)
    at.clock.advance(days=40)
    at.app.prune()
    assert rows(at.app, "SELECT count(*) FROM schedule_decisions")[0][0] == 0
    assert rows(at.app, "SELECT count(*) FROM job_runs WHERE status = 'skipped'")[0][0] == 0
    at.tick()
    told = rows(at.app, "SELECT count(*), count(DISTINCT due_at) FROM schedule_decisions")[0]
    assert told[0] == told[1] > 1
    assert at.schedules.get("hello").due_at == NOON + timedelta(days=40, minutes=50)
