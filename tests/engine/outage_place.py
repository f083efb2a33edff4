"""A database that can be made to go away: a server behind a proxy, or a file that somebody keeps locked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from chaos.proxy import Mode, Proxies
from onward import Onward, Worker
from onward.store.engines import sqlite_module
from onward.store.journal import SUFFIX, place_of
from tests.app_fixtures import quick_settings

WEATHER = {"call_timeout_seconds": 0.5, "busy_timeout_seconds": 0.2}


class Place:
    """A database that can be made to go away, and an application on it."""

    def __init__(self, url: str, folder: Path, direct: str) -> None:
        self.settings = quick_settings(
            url,
            database=WEATHER,
            journal={"folder": str(folder / "journals"), "max_bytes": 1 << 20},
            worker={"lease_seconds": 2},
        )
        self.app = Onward(settings=self.settings)
        self.other = Onward(settings=quick_settings(direct, database=WEATHER))
        """One that has its own way to the database."""

    def go_away(self) -> None:
        raise AssertionError("every place goes away in its own way")

    def come_back(self) -> None:
        raise AssertionError("and comes back")

    @property
    def journals(self) -> list[Path]:
        return list(place_of(self.app._store).glob(f"*{SUFFIX}"))

    def close(self) -> None:
        self.app.close()
        self.other.close()


class Server(Place):
    """PostgreSQL behind a proxy: half open, so that nothing says that it is gone."""

    def __init__(self, url: str, folder: Path) -> None:
        parts = urlsplit(url)
        self.proxies = Proxies()
        self.proxy = self.proxies.add((parts.hostname or "", parts.port or 0))
        netloc = parts.netloc.replace(f":{parts.port}", f":{self.proxy.port}")
        super().__init__(urlunsplit(parts._replace(netloc=netloc)), folder, url)

    def go_away(self) -> None:
        self.proxies.change(self.proxy, Mode.HOLE)

    def come_back(self) -> None:
        self.proxies.change(self.proxy, Mode.PASS)

    def close(self) -> None:
        super().close()
        self.proxies.close()


class File(Place):
    """A SQLite file that somebody keeps locked."""

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__(url, folder, url)
        path = self.app._store.sqlite_path
        # The same library: two in one process do not see each other's locks.
        self._library = sqlite_module()
        self._locker = self._library.connect(str(path), isolation_level=None, check_same_thread=False)

    def go_away(self) -> None:
        while True:
            try:
                self._locker.execute("BEGIN IMMEDIATE")
            except self._library.OperationalError:
                continue
            return

    def come_back(self) -> None:
        self._locker.execute("ROLLBACK")

    def close(self) -> None:
        self._locker.close()
        super().close()


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Iterator[Place]:
    made = File(database_url, tmp_path) if database_url.startswith("sqlite") else Server(database_url, tmp_path)
    yield made
    made.close()


def is_away(worker: Worker) -> bool:
    return worker._outage.is_on
