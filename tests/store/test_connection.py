"""Submitting within a transaction of the caller's own."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from onward import InvalidParams, JobNotFound, Onward, WrongSqliteLibrary
from tests.app_fixtures import Apps, ended, rows


@pytest.fixture
def app(apps: Apps) -> Onward:
    made = apps()

    @made.job()
    def work(number: int = 0) -> int:
        return number

    made.database.query("CREATE TABLE orders (number INTEGER)")
    return made


class Undo(Exception):
    """The caller changes their mind."""


def test_job_exists_only_if_the_transaction_commits(app: Onward) -> None:
    with pytest.raises(Undo), app.connect() as connection:
        connection.execute(text("INSERT INTO orders VALUES (1)"))
        gone = app.submit("work", {"number": 1}, connection=connection, tags=["t"], source_id="wiki")
        raise Undo
    with pytest.raises(JobNotFound):
        app.get(gone.id)
    assert rows(app, "SELECT count(*) FROM orders") == [(0,)]
    assert sum(app.database.status()["rows"][table] for table in ("jobs", "job_tags", "job_resources")) == 0
    with app.connect() as connection:
        connection.execute(text("INSERT INTO orders VALUES (2)"))
        kept = app.submit("work", {"number": 2}, connection=connection)
    assert app.get(kept.id).status == "pending"
    assert rows(app, "SELECT number FROM orders") == [(2,)]


def test_nobody_sees_the_job_before_the_commit_and_a_worker_takes_it_after(app: Onward) -> None:
    with app.worker(concurrency=1):
        with app.connect() as connection:
            job = app.submit("work", {"number": 3}, connection=connection)
            assert app.counts()["pending"] == 0
        assert ended(app, job).result == 3


def test_refused_submission_leaves_the_transaction_usable(app: Onward) -> None:
    with app.connect() as connection:
        with pytest.raises(InvalidParams):
            app.submit("work", {"number": "many"}, connection=connection)
        connection.execute(text("INSERT INTO orders VALUES (4)"))
    assert rows(app, "SELECT number FROM orders") == [(4,)]


def test_what_is_no_connection_is_refused_with_the_way_to_get_one(app: Onward) -> None:
    with pytest.raises(WrongSqliteLibrary, match=r"app\.connect"):
        app.submit("work", connection=object())


def test_engine_of_the_application_can_be_used_too(app: Onward) -> None:
    with app.engine.begin() as connection:
        job = app.submit("work", connection=connection)
    assert app.get(job.id).status == "pending"
