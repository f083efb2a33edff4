"""What the other tests stand on: a real server, durable, gone when the tests are gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.servers import Postgres


def test_database_is_fresh_and_durable(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        fsync = connection.execute("SHOW fsync").fetchone()
        connection.execute("CREATE TABLE left_behind (x int)")
    assert (tables, fsync) == ((0,), ("on",))


def test_one_suite_runs_on_both_databases(database_url: str, request: pytest.FixtureRequest) -> None:
    assert database_url.startswith(request.node.callspec.params["database_url"])


def test_own_server_survives_a_kill(own_postgres: Postgres) -> None:
    with psycopg.connect(own_postgres.url) as connection:
        connection.execute("CREATE TABLE kept (x int)")
    own_postgres.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(own_postgres.url, connect_timeout=2)
    own_postgres.start()
    with psycopg.connect(own_postgres.url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


@pytest.mark.skipif("ONWARD_TEST_DATABASE_URL" in os.environ, reason="the server is somebody else's")
def test_killed_tests_leave_no_server_behind() -> None:
    root = Path(__file__).parents[2]
    tests = subprocess.Popen([sys.executable, "-m", "tests.servers"], cwd=root, stdout=subprocess.PIPE, text=True)
    assert tests.stdout is not None
    assert tests.stdout.readline().startswith("postgresql://")
    family = psutil.Process(tests.pid).children(recursive=True)
    assert any("postgres" in process.name() for process in family)
    tests.send_signal(signal.SIGKILL)
    tests.wait()
    _, alive = psutil.wait_procs(family, timeout=30)
    tests.stdout.close()
    assert alive == []
