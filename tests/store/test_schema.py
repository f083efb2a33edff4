from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from onward import Onward, SchemaMismatch
from onward.store import migrate
from onward.store.tables import metadata
from tests.app_fixtures import quick_settings, rows


@pytest.fixture
def fresh(database_url: str) -> Onward:
    """An application on a database with nothing in it."""
    return Onward(settings=quick_settings(database_url))


def run(app: Onward, *statements: str) -> None:
    """Statements by hand, past every check."""
    with app.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_migrations_make_exactly_the_tables_of_the_code(fresh: Onward) -> None:
    fresh.database.upgrade()
    with fresh.engine.begin() as connection:
        assert migrate.differences(connection) == []
    assert migrate.script_heads() == [str(migrate.HEAD)]
    assert fresh.database.check() == []


def test_schema_that_differs_is_noticed(fresh: Onward) -> None:
    fresh.database.upgrade()
    run(fresh, "ALTER TABLE jobs ADD COLUMN extra TEXT")
    assert any("extra" in problem for problem in fresh.database.check())


def test_empty_database_is_prepared_at_first_use_by_any_number_at_once(database_url: str) -> None:
    apps = [Onward(settings=quick_settings(database_url)) for _ in range(4)]
    errors: list[Exception] = []

    def use(app: Onward) -> None:
        try:
            assert app.counts()["pending"] == 0
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=use, args=(app,)) for app in apps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert apps[0].database.version() == migrate.HEAD


def test_tables_of_others_are_left_alone(fresh: Onward) -> None:
    run(fresh, "CREATE TABLE customers (name TEXT)", "INSERT INTO customers VALUES ('Ada')")
    fresh.counts()
    assert rows(fresh, "SELECT name FROM customers") == [("Ada",)]
    fresh.database.reset()
    assert rows(fresh, "SELECT name FROM customers") == [("Ada",)]


def test_database_with_a_foreign_table_of_our_name_is_refused_unchanged(fresh: Onward) -> None:
    run(fresh, "CREATE TABLE jobs (title TEXT)")
    with pytest.raises(SchemaMismatch, match="'jobs' that is not onward's"):
        fresh.counts()
    assert fresh.database.version() is None
    run(fresh, "INSERT INTO jobs VALUES ('gardener')")


@pytest.mark.parametrize(("version", "what"), [("1", f"needs {migrate.HEAD}"), ("99", "newer than this version")])
def test_other_schema_version_is_refused_unchanged(database_url: str, version: str, what: str) -> None:
    first = Onward(settings=quick_settings(database_url))
    first.counts()
    run(first, f"UPDATE onward_version SET version_num = '{version}'")
    run(first, f"UPDATE onward_meta SET value = '{version}' WHERE key = 'oldest_reader'")
    second = Onward(settings=quick_settings(database_url))
    for act in (second.counts, second.worker().start):
        with pytest.raises(SchemaMismatch, match=what):
            act()
    assert second.database.version() == int(version)


def test_newer_schema_that_only_adds_is_used_as_it_is(database_url: str) -> None:
    first = Onward(settings=quick_settings(database_url))
    first.counts()
    run(
        first,
        "UPDATE onward_version SET version_num = '99'",
        f"UPDATE onward_meta SET value = '{migrate.HEAD}' WHERE key = 'oldest_reader'",
    )
    second = Onward(settings=quick_settings(database_url))
    assert second.counts()["pending"] == 0


def test_newer_schema_is_not_brought_down_by_an_upgrade(fresh: Onward) -> None:
    fresh.counts()
    run(fresh, "UPDATE onward_version SET version_num = '99'")
    with pytest.raises(SchemaMismatch):
        fresh.database.upgrade()


JOB = (
    "INSERT INTO jobs (job_id, job_type, status, created_at, run_at, updated_at, completed_at) "
    "VALUES ('{0}', 't', '{1}', '2026-01-01', '2026-01-01', '2026-01-01', {2})"
)
EVENT = "INSERT INTO job_events (job_id, generation, kind, at, fence) VALUES ('a', {0}, '{1}', '2026-01-01', 1)"
RUN = (
    "INSERT INTO job_runs (id, job_id, job_type, status, fence, started_at) "
    "VALUES ('{0}', 'a', 't', '{1}', {2}, '2026-01-01')"
)
HOLD = "INSERT INTO job_resources (resource, job_id, slot) VALUES ('gpu', '{0}', {1})"


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param([JOB.format("a", "dead", "NULL")], id="unknown status"),
        pytest.param([JOB.format("a", "pending", "'2026-01-01'")], id="pending and ended"),
        pytest.param([JOB.format("a", "pending", "NULL")] * 2, id="one id twice"),
        pytest.param([EVENT.format(1, "completed"), EVENT.format(1, "failed")], id="two verdicts"),
        pytest.param([RUN.format("r1", "running", 1), RUN.format("r2", "running", 1)], id="one fence twice"),
        pytest.param([RUN.format("r1", "zombie", 1)], id="unknown run status"),
        pytest.param([HOLD.format("a", 0), HOLD.format("b", 0)], id="two holders of one place"),
    ],
)
def test_illegal_rows_cannot_be_committed(app: Onward, statements: list[str]) -> None:
    app.counts()
    if len(statements) == 2:
        run(app, statements[0])
    with pytest.raises(IntegrityError):
        run(app, statements[-1])


def test_next_generation_may_have_its_own_verdict(app: Onward) -> None:
    app.counts()
    run(app, EVENT.format(1, "completed"), EVENT.format(2, "failed"), EVENT.format(1, "started"))
    told = rows(app, "SELECT generation, kind FROM job_events ORDER BY seq")
    assert [tuple(row) for row in told] == [(1, "completed"), (2, "failed"), (1, "started")]


def test_idempotency_key_cannot_be_committed_twice(app: Onward) -> None:
    app.job(name="t")(nothing)
    first, second = app.submit("t", idempotency_key="k"), app.submit("t")
    with pytest.raises(IntegrityError):
        run(app, f"UPDATE jobs SET idempotency_key = 'k' WHERE job_id = '{second.id}'")
    assert app.get(first.id).idempotency_key == "k"


def nothing() -> None:
    """Do nothing."""


def test_reset_empties_every_table(app: Onward) -> None:
    app.job(name="t")(nothing)
    app.submit("t")
    app.database.reset()
    rows_of = app.database.status()["rows"]
    assert {name for name, count in rows_of.items() if count} == {"onward_meta"}


def test_status_and_ids_of_events_are_never_reused(app: Onward) -> None:
    """A deleted newest row must not give its number to the next."""
    app.counts()
    run(app, EVENT.format(1, "started"))
    before = rows(app, "SELECT max(seq) FROM job_events")[0][0]
    run(app, "DELETE FROM job_events", EVENT.format(1, "started"))
    assert rows(app, "SELECT max(seq) FROM job_events")[0][0] > before


def test_migrations_make_what_the_tables_say_down_to_every_condition(sqlite_url: str, tmp_path: Path) -> None:
    """The comparison of ``database.check`` does not see conditions of indexes and checks; the text of SQLite does."""

    def words(rows: Any) -> dict[str, list[str]]:
        """Columns and conditions may stand in another order; their words are the same."""
        return {name: sorted(re.split(r"[\s,()]+", sql)) for name, sql in rows}

    select = (
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'trigger' AND name <> 'onward_version'"
    )
    migrated = Onward(settings=quick_settings(sqlite_url))
    migrated.counts()
    engine = create_engine(f"sqlite:///{tmp_path / 'today.db'}")
    metadata.create_all(engine)
    with engine.connect() as connection:
        today = [tuple(row) for row in connection.exec_driver_sql(select)]
    made = migrated.database.query(select)[1]
    assert words(made) == words(today)
