"""Servers on which conversations are kept, and clean-ups that run without a worker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from onward import Settings
from onward.catalogue.conversations import job_types
from onward.clock import ManualClock
from onward.testing import JobBench
from tests.conversations.savers import POSTGRES, REDIS, SQLITE, Saver
from tests.redis_server import Redis


@pytest.fixture
def client(plain_server: Redis, redis_url: str) -> Iterator[Any]:
    """A connection to it."""
    connection = plain_server.client()
    yield connection
    connection.close()


@pytest.fixture(params=[*REDIS, *POSTGRES, *SQLITE], ids=lambda kind: kind.__name__)
def saver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Saver]:
    """Each test that asks for it runs with every saver."""
    kind = request.param
    if kind in POSTGRES:
        yield kind(request.getfixturevalue("postgres_url"))
    elif kind in SQLITE:
        yield kind(f"sqlite:///{tmp_path / 'threads.db'}")
    else:
        server = request.getfixturevalue("stack_server")
        # Search is possible in database 0 only.
        yield kind(server.address(0))
        connection = server.client(0)
        connection.flushall()
        connection.close()


class CleanUp:
    """Runs the job without a worker; ``days_later`` moves its clock on instead of making checkpoints old."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.spared: list[str] = []
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setattr("tempfile.tempdir", None)

    def bench(
        self, url: str, *, days_later: float = 0, settings: dict[str, Any] | None = None, **params: Any
    ) -> JobBench:
        clock = ManualClock(datetime.now(UTC) + timedelta(days=days_later))
        return JobBench(
            job_types(lambda: self.spared).get("cleanup_checkpoints"),
            params,
            settings=Settings(langgraph={"url": url, **(settings or {})}),
            clock=clock,
        )

    def __call__(self, url: str, **options: Any) -> dict[str, Any]:
        result: dict[str, Any] = self.bench(url, **options).run()
        return result


@pytest.fixture
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CleanUp:
    """The clean-up."""
    return CleanUp(tmp_path, monkeypatch)


def days_since(moment: datetime) -> float:
    """The retention with which everything before ``moment`` is old."""
    return (datetime.now(UTC) - moment) / timedelta(days=1)
