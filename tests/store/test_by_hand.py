"""People read and change the tables with SQL of their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from onward import ManualClock, Onward
from tests.app_fixtures import Apps, rows, run_all


@pytest.fixture
def app(apps: Apps) -> Onward:
    made = apps()

    @made.job()
    def work(number: int = 0) -> dict[str, int]:
        if number < 0:
            raise ValueError("below zero")
        return {"number": number}

    return made


def test_columns_that_people_query_are_there(app: Onward) -> None:
    good, bad = app.submit("work", {"number": 7}, source_id="wiki", user_id="ada"), app.submit("work", {"number": -1})
    run_all(app)
    names = (
        "job_id, status, job_type, source_id, user_id, task_description, progress_percent, progress_message, "
        "hitl_type, hitl_data, hitl_response, result, error, created_at, started_at, completed_at, updated_at"
    )
    found = {row[0]: row for row in rows(app, "SELECT {} FROM jobs", names)}
    assert found[good.id][1:7] == ("completed", "work", "wiki", "ada", "", 100)
    assert found[good.id][11] == '{"number":7}'
    assert '"below zero"' in found[bad.id][12]
    created, started, completed = (str(found[good.id][n]) for n in (13, 14, 15))
    assert created <= started <= completed


def test_times_sort_as_text_on_sqlite_and_read_as_aware_times(apps: Apps) -> None:
    clock = ManualClock(datetime(2026, 3, 1, 9, 59, 59, 999_999, tzinfo=UTC))
    app = apps(clock)
    app.job(name="work")(lambda: None)
    made = []
    for seconds in (0, 0.000001, 0.5, 1, 3600 * 15, 86400 * 40):
        clock.advance(seconds)
        made.append(app.submit("work"))
    by_hand = rows(app, "SELECT job_id, created_at FROM jobs ORDER BY created_at, job_id")
    assert [row[0] for row in by_hand] == [job.id for job in made]
    assert [app.get(job.id).created_at for job in made] == [job.created_at for job in made]
    if app._store.is_sqlite:
        assert {len(row[1]) for row in by_hand} == {26}
        assert by_hand[0][1] == "2026-03-01 09:59:59.999999"


def test_time_set_by_hand_makes_a_job_due(app: Onward) -> None:
    job = app.submit("work", delay=3600)
    past = "datetime('now', '-1 minute')" if app._store.is_sqlite else "now() - interval '1 minute'"
    rows(app, "UPDATE jobs SET run_at = {} WHERE job_id = '{}'", past, job.id)
    run_all(app)
    done = app.get(job.id)
    assert done.status == "completed"
    assert done.run_at is not None
    assert done.run_at.tzinfo is UTC
    assert timedelta(seconds=30) < datetime.now(UTC) - done.run_at < timedelta(minutes=5)


def test_statement_by_hand_is_one_transaction_and_tells_its_rows(app: Onward) -> None:
    app.submit_many([("work", None)] * 3)
    assert app.database.query("UPDATE jobs SET user_id = 'a:b' WHERE 1 = 1") == (["rows changed"], [(3,)])
    assert rows(app, "SELECT DISTINCT user_id FROM jobs") == [("a:b",)]
    with pytest.raises(Exception, match=r"(?i)nonsense"):
        app.database.query("nonsense")


def test_status_tells_size_schema_and_rows(app: Onward) -> None:
    app.submit("work", tags=["a", "b"])
    status = app.database.status()
    assert status["schema"] == status["needs"]
    assert status["bytes"] > 10_000
    assert (status["rows"]["jobs"], status["rows"]["job_tags"]) == (1, 2)


def test_contradictions_are_found(app: Onward) -> None:
    job = app.submit("work", source_id="wiki")
    assert app.database.check() == []
    rows(app, "UPDATE jobs SET status = 'running' WHERE job_id = '{}'", job.id)
    app.database.query("DELETE FROM jobs WHERE status = 'pending'")
    app.database.query("UPDATE job_resources SET job_id = 'gone'")
    found = " ".join(app.database.check())
    assert "running without a worker" in found
    assert "jobs that do not exist" in found
