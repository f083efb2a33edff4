from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from onward import Context, Onward, StoreUnavailable
from onward.store.session_lock import SessionLock
from tests.app_fixtures import Gate, quick_settings, run_all
from tests.servers import Postgres


def test_database_that_cannot_be_reached_is_named_without_its_password() -> None:
    app = Onward(settings=quick_settings("postgresql://me:canary@127.0.0.1:1/jobs"))
    with pytest.raises(StoreUnavailable) as caught:
        app.counts()
    assert "127.0.0.1:1" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="nowhere"):
        Onward(settings=quick_settings(f"sqlite:///{tmp_path / 'nowhere' / 'onward.db'}")).counts()


def test_application_goes_on_after_its_server_was_restarted(own_postgres: Postgres) -> None:
    app = Onward(settings=quick_settings(own_postgres.create()))

    @app.job()
    def work() -> int:
        return 1

    app.submit("work")
    own_postgres.kill()
    with pytest.raises(StoreUnavailable):
        app.submit("work")
    with pytest.raises(StoreUnavailable):
        app.counts()
    own_postgres.start()
    app.submit("work")
    assert app.counts()["pending"] == 2
    run_all(app)
    assert app.counts()["completed"] == 2
    app.close()


def test_server_that_was_restarted_while_nobody_looked_is_nobodys_error(own_postgres: Postgres) -> None:
    app = Onward(settings=quick_settings(own_postgres.create()))
    app.job(name="work")(lambda: 1)
    job = app.submit("work")
    # Several connections lie in the pool.
    with app._store.read(), app._store.read(), app._store.read():
        app.counts()
    for stop in (own_postgres.kill, own_postgres.stop):
        stop()
        own_postgres.start()
        app.submit("work")
        assert app.get(job.id).stale is False
        with app._store.read(), app._store.read(), app._store.read():
            app.counts()
    assert app.counts()["pending"] == 3
    app.close()


def test_running_job_goes_on_while_the_database_is_away_and_ends_on_its_first_run(
    own_postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    app = Onward(settings=quick_settings(own_postgres.create()))
    gate, away, back = Gate(), threading.Event(), threading.Event()

    @app.job()
    def work(ctx: Context) -> int:
        gate.pass_through()
        for item in ctx.each(range(20), every=1):
            ctx.state["sum"] = ctx.state.get("sum", 0) + item
        away.set()
        assert back.wait(30)
        return ctx.state["sum"]

    job = app.submit("work")
    with app.worker(concurrency=1):
        gate.await_job()
        own_postgres.kill()
        gate.open()
        assert away.wait(30), "the job did not go on"
        # Every service has met the outage by the time that somebody else is told of it.
        with pytest.raises(StoreUnavailable):
            app.counts()
        assert app.get(job.id).stale
        back.set()
        own_postgres.start()
        done = app.wait(job.id, timeout=30)
    assert (done.error, done.result, len(app.runs(job.id))) == (None, 190, 1)
    assert [record.getMessage() for record in caplog.records if "An error in the" in record.getMessage()] == []
    app.close()


def test_lock_that_is_asked_for_in_an_outage_says_so(own_postgres: Postgres) -> None:
    app = Onward(settings=quick_settings(own_postgres.create()))
    lock = SessionLock(app._store, 7)
    lock.hold()
    own_postgres.kill()
    with pytest.raises(StoreUnavailable):
        lock.hold()
    own_postgres.start()
    lock.hold()
    lock.let_go()
    app.close()


def test_outage_costs_a_job_time_and_no_attempt(own_postgres: Postgres) -> None:
    """Neither one that meets it in a transaction, nor one that fails in it and is to be tried again later."""
    app = Onward(settings=quick_settings(own_postgres.create()))
    gate, away = Gate(), threading.Event()

    @app.job()
    def pays(ctx: Context) -> int:
        gate.pass_through()
        with ctx.transaction():
            return ctx.attempt

    @app.job(max_attempts=2, backoff=0.01)
    def breaks(ctx: Context) -> int:
        if ctx.attempt == 1:
            assert away.wait(30)
            raise ValueError("once")
        return ctx.attempt

    first, second = app.submit("pays"), app.submit("breaks")
    with app.worker(concurrency=2):
        gate.await_job()
        own_postgres.kill()
        assert app._store._offset is not None
        # As after an outage of more than a minute: the database's time is to be asked for again.
        app._store._offset = (app._store._offset[0] - 3600, app._store._offset[1] - timedelta(hours=1))
        gate.open()
        away.set()
        assert app.get(first.id).stale
        own_postgres.start()
        done = [app.wait(job.id, timeout=30) for job in (first, second)]
    assert [(job.status, job.result) for job in done] == [("completed", 1), ("completed", 2)]
    app.close()


def test_session_that_stands_still_within_a_transaction_is_ended_and_that_is_an_outage(postgres_url: str) -> None:
    idle, other = (Onward(settings=quick_settings(postgres_url)) for _ in range(2))
    other.job(name="work")(lambda: 1)
    job = other.submit("work")
    sql = "UPDATE jobs SET priority = priority"
    with pytest.raises(StoreUnavailable), idle._store.transaction() as conn:
        conn.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 100")
        conn.exec_driver_sql(sql)
        # Waits for the row until the server has ended the session that keeps it.
        assert other.cancel(job.id).status == "cancelled"
        conn.exec_driver_sql(sql)
    idle.close()
    other.close()


@pytest.mark.parametrize(("lease", "shown"), [(45, "45s"), (2, "10s")])
def test_transactions_may_stand_still_for_a_lease_and_at_least_ten_seconds(
    postgres_url: str, lease: float, shown: str
) -> None:
    app = Onward(settings=quick_settings(postgres_url, worker={"lease_seconds": lease}))
    with app._store.read() as conn:
        assert app._store.dialect.query(conn, "SHOW idle_in_transaction_session_timeout", [])[0][0] == shown
    app.close()
