"""Applications on prepared databases: the schema is made once a process and copied for every test."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from onward import Job, Onward, Settings, Worker
from onward.clock import Clock

QUICK: dict[str, dict[str, Any]] = {
    "worker": {
        "lease_seconds": 5,
        "grace_seconds": 3,
        "kill_grace_seconds": 0.4,
        "reap_seconds": 0.2,
        "poll_seconds": 0.002,
        "poll_floor_seconds": 0.5,
        "progress_seconds": 0.05,
    },
    "database": {"pool_size": 5},
}
"""Short intervals, so that a test waits for what happens and not for a timer."""

PATIENCE = 60.0
"""Seconds after which something that ought to happen at once has not happened."""


def quick_settings(url: str, **groups: dict[str, Any]) -> Settings:
    """Settings with short intervals for this database; ``groups`` change single values."""
    names = {*QUICK, *groups}
    merged = {name: {**QUICK.get(name, {}), **groups.get(name, {})} for name in names}
    merged["database"]["url"] = url
    if not url.startswith("sqlite"):
        # Beside a file there is a place already; else it would be in somebody's home.
        name = urlsplit(url).path.strip("/")
        merged.setdefault("journal", {}).setdefault("folder", f"{tempfile.gettempdir()}/onward-journals/{name}")
    return Settings(**merged)


class Apps:
    """Makes applications on one database and closes them at the end."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._made: list[Onward] = []

    def __call__(self, clock: Clock | None = None, **groups: dict[str, Any]) -> Onward:
        app = Onward(settings=quick_settings(self.url, **groups), clock=clock)
        self._made.append(app)
        return app

    def close(self, drop: Callable[[], None]) -> None:
        """Close all at once; the database goes meanwhile, which ends listeners sooner than they would look."""
        closing = [threading.Thread(target=app.close) for app in self._made]
        for thread in closing:
            thread.start()
        drop()
        for thread in closing:
            thread.join()


class Gate:
    """A place where a job waits until the test lets it go on; ``reached`` is set when it is there."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def pass_through(self) -> None:
        """Called by the job."""
        self.reached.set()
        assert self.opened.wait(PATIENCE), "nobody opened the gate"

    def await_job(self) -> None:
        """Called by the test: the job is at the gate."""
        assert self.reached.wait(PATIENCE), "the job never came to the gate"

    def open(self) -> None:
        """Called by the test: go on."""
        self.opened.set()


@pytest.fixture
def gate() -> Gate:
    """A gate for one job."""
    return Gate()


def run_all(app: Onward, concurrency: int = 2, **options: Any) -> int:
    """Work until nothing can be done now."""
    return app.worker(concurrency=concurrency, **options).run(until_idle=True)


def until(fact: Callable[[], Any], what: str = "it", seconds: float = PATIENCE) -> Any:
    """What ``fact`` returns once that is true; fails the test when it does not become true."""
    wait = threading.Event().wait
    for _ in range(int(seconds / 0.01)):
        value = fact()
        if value:
            return value
        wait(0.01)
    raise AssertionError(f"{what} has not happened within {seconds} s")


def ended(app: Onward, job: Job | str, seconds: float = PATIENCE) -> Job:
    """The job once it has ended and its code has left."""
    return app.wait(job if isinstance(job, str) else job.id, timeout=seconds, until="left")


def until_told(worker: Worker) -> None:
    """Wait until the code of a job knows that it must leave."""
    until(lambda: any(desk.interrupt is not None for desk in worker.pool.active.values()), "the word to leave")


def rows(app: Onward, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Rows of a statement by hand; ``values`` of the test's own are put where it says ``{}``."""
    return app.database.query(sql.format(*values))[1]


pause = threading.Event().wait
"""Seconds to pass within a job: jobs of tests are as slow as real ones."""


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema in it."""
    path = tmp_path_factory.mktemp("template") / "onward.db"
    app = Onward(settings=quick_settings(f"sqlite:///{path}"))
    app.database.upgrade()
    app.close()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_databases: Any) -> str:
    """The name of a PostgreSQL database with the schema in it."""
    url = postgres_databases.create()
    app = Onward(settings=quick_settings(url))
    app.database.upgrade()
    app.close()
    return str(url.rpartition("/")[2])


@pytest.fixture(params=["sqlite", "postgresql"])
def prepared_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with the schema in it: each test runs twice, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        path = tmp_path / "onward.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    servers = request.getfixturevalue("postgres_databases")
    url = servers.create(template=request.getfixturevalue("postgres_template"))
    yield url
    servers.drop(url)


@pytest.fixture
def apps(prepared_url: str, request: pytest.FixtureRequest) -> Iterator[Apps]:
    """Makes applications on the test's database."""
    made = Apps(prepared_url)
    yield made
    is_file = prepared_url.startswith("sqlite")
    drop = None if is_file else request.getfixturevalue("postgres_databases").drop
    made.close(lambda: drop(prepared_url) if drop else None)


@pytest.fixture
def app(apps: Apps) -> Onward:
    """An application on the test's database."""
    return apps()
