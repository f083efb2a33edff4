"""Worlds on either database; all examples of a test share its connections."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from onward import Onward
from onward.settings import Settings
from onward.store.tables import metadata
from tests.simulation.world import World

NewWorld = Callable[[], World]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Every loss of a worker is told; here there are thousands."""
    log = logging.getLogger("onward")
    before, log.level = log.level, logging.ERROR
    yield
    log.level = before


@pytest.fixture
def fast_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: here every commit waits for the disk."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="onward-simulation-", dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def new_world(request: pytest.FixtureRequest, fast_folder: Path) -> Iterator[NewWorld]:
    """Makes a world with an empty database; the one before it is gone."""
    if request.param == "sqlite":
        url = f"sqlite:///{fast_folder / 'onward.db'}"
    else:
        url = request.getfixturevalue("postgres_url")
    yield from worlds(url)


@pytest.fixture
def new_sqlite_world(fast_folder: Path) -> Iterator[NewWorld]:
    yield from worlds(f"sqlite:///{fast_folder / 'onward.db'}")


def worlds(url: str) -> Iterator[NewWorld]:
    settings = Settings.load(code={"database.url": url})
    first = Onward(settings=settings)
    first._store.prepare()
    engines = first._store.engines
    shared: list[Onward] = []

    def end() -> None:
        """Its threads would go on, without a pause, on a clock that stands still."""
        while shared:
            app = shared.pop()
            app._store.doorbell.close()
            app._store._engines = None
            app.close()

    def share(app: Onward) -> None:
        end()
        shared.append(app)
        app._store._engines = engines
        app._store._checked = True
        with engines.writing() as conn:
            for name in metadata.tables:
                engines.dialect.execute(conn, f"DELETE FROM {name}", [])

    yield lambda: World(share, settings)
    end()
    first.close()
