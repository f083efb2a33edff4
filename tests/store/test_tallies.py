"""How many jobs there are is never counted row by row, and right whoever has changed them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic import command

from onward import Onward
from onward.model.query import JobQuery
from onward.store import migrate, tallies
from tests.app_fixtures import Apps, quick_settings, rows, run_all, until

ENDED = ("completed", "failed", "cancelled")


@pytest.fixture
def app(apps: Apps) -> Onward:
    made = apps()

    @made.job()
    def work(number: int = 0) -> int:
        if number < 0:
            raise ValueError("below zero")
        return number

    return made


def counted(app: Onward) -> dict[str, int]:
    found = dict(rows(app, "SELECT status, count(*) FROM jobs GROUP BY status"))
    return {status: found.get(status, 0) for status in app.counts()}


def test_every_change_is_tallied(app: Onward) -> None:
    app.submit_many([("work", {"number": number}) for number in (1, 2, 3, -1, -2)])
    stopped = app.cancel(app.submit("work", delay=3600).id)
    run_all(app)
    assert [app.counts()[status] for status in ENDED] == [3, 2, 1]
    broken = app.find(status="failed")[0]
    app.resume(stopped.id)
    app.resume(broken.id)
    assert app.counts() == counted(app)
    assert [app.counts()[status] for status in ("pending", *ENDED)] == [2, 3, 1, 0]
    run_all(app)
    app.delete(broken.id)
    assert app.counts() == counted(app)
    assert app.count_matching(JobQuery(), cap=10**9) == 5
    assert app.database.check() == []


def test_what_is_written_by_hand_is_tallied(app: Onward) -> None:
    app.submit_many([("work", {"number": number}) for number in range(4)])
    run_all(app)
    rows(app, "UPDATE jobs SET status = 'failed' WHERE job_id = (SELECT min(job_id) FROM jobs)")
    rows(app, "DELETE FROM jobs WHERE job_id = (SELECT max(job_id) FROM jobs)")
    rows(
        app,
        "INSERT INTO jobs (job_id, job_type, status, created_at, run_at, updated_at, completed_at) "
        "SELECT '0', job_type, 'cancelled', created_at, run_at, updated_at, completed_at FROM jobs LIMIT 1",
    )
    assert app.counts() == counted(app)
    assert [app.counts()[status] for status in ENDED] == [2, 1, 1]
    assert app.database.check() == []


def test_wrong_tally_is_found_and_mended_as_the_reference_says(app: Onward) -> None:
    app.submit("work")
    run_all(app)
    rows(app, "UPDATE job_tallies SET jobs = jobs + 2")
    assert any("job_tallies is wrong by 2" in problem for problem in app.database.check())
    rows(app, "DELETE FROM job_tallies")
    rows(app, "INSERT INTO job_tallies (number, jobs) SELECT 1, count(*) FROM jobs")
    assert app.counts() == counted(app)
    assert app.database.check() == []
    app.submit_many([("work", {"number": number}) for number in range(3)])
    assert app.database.check() == []


def test_many_rows_are_folded_while_others_add_some(app: Onward) -> None:
    store = app._store
    for number in range(12):
        app.submit("work", {"number": number})
    if store.is_sqlite:
        assert rows(app, "SELECT number, jobs FROM job_tallies") == [(1, 12)]
        return
    assert len(rows(app, "SELECT number FROM job_tallies")) == 12
    with store.transaction() as other:
        # What somebody is just adding, and what somebody else is just folding, is left to them.
        store.dialect.execute(other, "INSERT INTO job_tallies (jobs) VALUES (0)", [])
        store.dialect.query(other, "SELECT 1 FROM job_tallies ORDER BY number LIMIT 5 FOR UPDATE", [])
        assert store.write(lambda conn: tallies.fold(conn, store.dialect)) == 7
        assert app.counts()["pending"] == 12
    assert store.write(lambda conn: tallies.fold(conn, store.dialect)) == 7
    assert rows(app, "SELECT jobs FROM job_tallies") == [(12,)]


def test_worker_keeps_the_tallies_short(app: Onward) -> None:
    if app._store.is_sqlite:
        pytest.skip("one row")
    rows(app, "INSERT INTO job_tallies (jobs) SELECT (-1) ^ n FROM generate_series(1, 600) AS s(n)")
    with app.worker():
        until(lambda: len(rows(app, "SELECT number FROM job_tallies")) == 1)
    assert app.database.check() == []


@pytest.fixture
def older(database_url: str) -> Iterator[Onward]:
    """A database of schema 4."""
    made = Onward(settings=quick_settings(database_url))
    config = migrate._config()
    with made.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "4")
    yield made
    made.close()


def test_migration_counts_what_is_there(older: Onward) -> None:
    for number, status in enumerate(("completed", "completed", "failed", "pending")):
        ended = "NULL" if status == "pending" else "'2026-01-01'"
        with older.engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO jobs (job_id, job_type, status, created_at, run_at, updated_at, completed_at) "
                f"VALUES ('{number}', 't', '{status}', '2026-01-01', '2026-01-01', '2026-01-01', {ended})"
            )
    older.database.upgrade()
    assert older.counts() == counted(older)
    rows(older, "UPDATE jobs SET status = 'cancelled', completed_at = '2026-01-01' WHERE status = 'pending'")
    assert [older.counts()[status] for status in ENDED] == [2, 1, 1]
    assert older.database.check() == []
