"""Databases for tests: one suite runs on SQLite files and on a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.redis_server import NoRedis, Redis
from tests.servers import Databases, NoPostgres, Postgres, postgres_server

# What a test finds must not hang on how busy the machine is.
settings.register_profile("onward", deadline=None)
settings.load_profile("onward")

MEMORY = Path("/dev/shm")
_ROOM = 4 * 2**30


def pytest_configure() -> None:
    """Files of tests lie in memory where there is room: most of a suite's time is waiting for a disk to flush.

    A killed process leaves there what it would leave on a disk. ``TMPDIR`` names another place.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < _ROOM:
        return
    folder = MEMORY / f"onward-tests-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)  # the user of the database server passes through
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None


@pytest.fixture(scope="session")
def postgres_databases() -> Iterator[Databases]:
    """The server that all tests of this process share, started when the first of them asks."""
    try:
        with postgres_server() as server:
            yield server
    except NoPostgres as error:
        pytest.skip(str(error))


@pytest.fixture
def postgres_url(postgres_databases: Databases) -> Iterator[str]:
    """A fresh PostgreSQL database, dropped afterwards."""
    url = postgres_databases.create()
    yield url
    postgres_databases.drop(url)


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A server of the test's own, which it may stop, kill and start again."""
    try:
        server = Postgres()
    except NoPostgres as error:
        pytest.skip(str(error))
    yield server
    server.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path / 'onward.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each test that asks for it runs twice: on SQLite and on PostgreSQL."""
    name = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture(scope="session")
def plain_server() -> Iterator[Redis]:
    """A Redis without modules that all tests of this process share."""
    try:
        server = Redis()
    except NoRedis as error:
        pytest.skip(str(error))
    yield server
    server.close()


@pytest.fixture(scope="session")
def stack_server() -> Iterator[Redis]:
    """A Redis with JSON and search, as LangGraph's savers want it."""
    try:
        server = Redis(modules=True)
    except NoRedis as error:
        pytest.skip(str(error))
    yield server
    server.close()


@pytest.fixture
def redis_url(plain_server: Redis) -> Iterator[str]:
    """Database 2 of a Redis, empty."""
    yield plain_server.url
    plain_server.client().flushdb()
