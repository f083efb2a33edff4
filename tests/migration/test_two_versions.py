"""Workers of schema 1 and of this one on the same database; and a database of schema 1 brought forward."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from alembic import command

from onward import Context, Onward, SchemaMismatch
from onward.cli.main import run as run_cli
from onward.store import migrate
from tests.app_fixtures import Apps, quick_settings, rows, run_all, until
from tests.migration.schema_1 import OldWorker, Overtaken


def with_jobs(app: Onward) -> Onward:
    @app.job()
    def shared(ctx: Context, number: int = 0) -> dict[str, Any]:
        """Tell where it went on from."""
        return {"number": number, "from": ctx.state.get("far"), "by": "new"}

    return app


@pytest.fixture
def app(apps: Apps) -> Onward:
    made = with_jobs(apps())
    made.counts()
    return made


@pytest.fixture
def old(app: Onward) -> OldWorker:
    return OldWorker(app.engine, ["shared"])


def test_each_runs_what_the_other_submits(app: Onward, old: OldWorker) -> None:
    by_new, by_old = app.submit("shared", {"number": 1}).id, old.submit("shared", number=2)
    claims = {claim["job_id"]: claim for claim in old.claim("shared", 10)}
    assert {*claims} == {by_new, by_old}
    for claim in claims.values():
        old.save(claim, far=1)
        old.end(claim, {"by": "old", **claim["params"]})
    assert app.get(by_new).result == {"by": "old", "number": 1}
    assert [event.kind for event in app.history(by_new)] == ["started", "completed"]
    another = old.submit("shared", number=3)
    run_all(app)
    assert app.get(another).result == {"number": 3, "from": None, "by": "new"}
    assert old.look(another)["status"] == "completed"
    assert app.database.check() == []


def test_they_share_a_queue_and_no_job_runs_twice(app: Onward, old: OldWorker) -> None:
    count = 150
    for number in range(count):
        app.submit("shared", {"number": number})
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            for claim in old.claim("shared", 3):
                old.save(claim, far=claim["params"]["number"])
                old.end(claim, {"by": "old", "number": claim["params"]["number"]})
            old.beat()
            stop.wait(0.002)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        until(lambda: app.counts()["completed"] > 10, "the old worker at work")
        with app.worker(concurrency=2):
            until(lambda: app.counts()["completed"] == count, "all of them", 60)
    finally:
        stop.set()
        thread.join()
    done = app.find(limit=1000)
    assert sorted(job.result["number"] for job in done) == list(range(count))
    assert rows(app, "SELECT count(*), count(DISTINCT job_id) FROM job_runs") == [(count, count)]
    assert "old" in {job.result["by"] for job in done}
    assert app.database.check() == []


def test_new_worker_goes_on_from_what_the_old_one_saved_and_the_old_one_is_refused(app: Onward, old: OldWorker) -> None:
    job_id = old.submit("shared", number=5)
    (claim,) = old.claim("shared")
    old.save(claim, far=3)
    rows(app, "UPDATE workers SET state = 'lost'")
    with app.worker(concurrency=1):
        assert app.wait(job_id, timeout=20).result == {"number": 5, "from": 3, "by": "new"}
    with pytest.raises(Overtaken):
        old.save(claim, far=4)
    with pytest.raises(Overtaken):
        old.end(claim, {"by": "old"})
    assert app.get(job_id).fence == 3, "one for the takeover, one for the claim"


def test_what_the_old_one_has_left_is_pruned(app: Onward, old: OldWorker) -> None:
    old.submit("shared")
    (claim,) = old.claim("shared")
    old.end(claim, 1)
    assert app.prune(timedelta(0)).jobs == 1
    assert app.archive.get(claim["job_id"]).job is not None


# ---- forward --------------------------------------------------------------------------------------------------


@pytest.fixture
def first(database_url: str) -> Iterator[Onward]:
    """An application on a database of schema 1."""
    app = with_jobs(Onward(settings=quick_settings(database_url)))
    with app._store.engines.writing() as conn:
        migrate.version(conn)
        config = migrate._config()
        config.attributes["connection"] = conn
        command.upgrade(config, "1")
    yield app
    app.close()


def test_filled_database_of_schema_1_comes_forward_with_all_that_is_in_it(first: Onward, database_url: str) -> None:
    old = OldWorker(first.engine, ["shared"])
    ids = {name: old.submit("shared", name=name) for name in ("done", "failed", "running")}
    claims = {claim["job_id"]: claim for claim in old.claim("shared", 3)}
    old.end(claims[ids["done"]], {"by": "old"})
    old.save(claims[ids["failed"]], far=1)
    old.save(claims[ids["failed"]], far=2)
    old.fail(claims[ids["failed"]])
    old.save(claims[ids["running"]], far=7)
    waiting = old.submit("shared", number=9)
    with pytest.raises(SchemaMismatch, match="onward db upgrade"):
        first.counts()
    assert run_cli(["db", "upgrade", "--dry-run", "--database", database_url]) == 0
    assert first.database.version() == 1
    assert first.database.upgrade() == (1, migrate.HEAD)
    assert first.database.upgrade() == (migrate.HEAD, migrate.HEAD)
    assert first.database.check() == []
    # The old worker goes on with what it has, as if nothing had happened.
    old.save(claims[ids["running"]], far=8)
    old.end(claims[ids["running"]], {"by": "old"})
    assert first.get(ids["done"]).result == first.get(ids["running"]).result == {"by": "old"}
    rows(first, "UPDATE jobs SET params = '{{}}' WHERE job_id = '{}'", ids["failed"])
    first.resume(ids["failed"])
    run_all(first)
    assert first.get(ids["failed"]).result == {"number": 0, "from": 2, "by": "new"}
    assert first.get(waiting).result["number"] == 9


def test_dry_run_says_what_it_would_do(first: Onward, database_url: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["db", "upgrade", "--dry-run", "--database", database_url]) == 0
    said = capfd.readouterr().err
    assert f"from schema 1 to schema {migrate.HEAD}" in said
    assert first.database.version() == 1
