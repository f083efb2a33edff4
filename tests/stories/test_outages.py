"""PostgreSQL goes away under real worker processes, each with a way to it of its own."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from chaos.proxy import Mode, Proxies, Proxy
from tests.servers import Postgres
from tests.stories.processes import Site, tell, wait_until

AWAY_SECONDS = float(os.environ.get("ONWARD_TEST_OUTAGE_SECONDS", "6"))
"""How long the server is away; a minute is what is promised."""


class Ways:
    """Proxies to one server: half open when it is away, so that nothing says that it is gone."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._proxies = Proxies()
        self._made: list[Proxy] = []

    def new(self) -> str:
        """The address of the database through a proxy of its own."""
        parts = urlsplit(self.url)
        proxy = self._proxies.add((parts.hostname or "", parts.port or 0))
        self._made.append(proxy)
        return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{proxy.port}")))

    def change(self, mode: Mode) -> None:
        """Have all of them behave so."""
        for proxy in self._made:
            self._proxies.change(proxy, mode)

    def close(self) -> None:
        self._proxies.close()


@pytest.fixture
def ways(own_postgres: Postgres) -> Iterator[Ways]:
    made = Ways(own_postgres.create())
    yield made
    made.close()


def test_eight_jobs_of_four_workers_outlast_an_outage_on_their_first_run(ways: Ways, tmp_path: Path) -> None:
    home = Site(tmp_path / "home", ways.url)
    sites = [Site(tmp_path / f"w{n}", ways.new(), seen_at=ways.url) for n in range(4)]
    workers = [site.start(concurrency=3) for site in sites]
    count = int(AWAY_SECONDS / 0.1) + 60
    jobs = [home.app.submit("steps", {"name": f"s{n}", "count": count, "pause": 0.1}) for n in range(8)]
    wait_until(lambda: home.app.counts()["running"] == 8, "all jobs")
    ways.change(Mode.HOLE)
    time.sleep(AWAY_SECONDS)
    ways.change(Mode.PASS)
    begun = time.monotonic()
    assert home.app.wait(home.app.submit("quick").id, timeout=30).status == "completed"
    waited = time.monotonic() - begun
    tell(f"a new job was done {waited:.1f} s after the return")
    assert waited < 15
    for job in jobs:
        done = home.app.wait(job.id, timeout=90)
        assert (done.error, len(home.app.runs(job.id))) == (None, 1)
    assert [worker.poll() for worker in workers] == [None] * 4, "a worker has ended"
    lines = Counter(
        (path.name, line.split()[0])
        for site in sites
        for path in site.folder.glob("s?")
        for line in path.read_text().splitlines()
    )
    assert set(lines.values()) == {1}, "a step was done twice"
    assert len(lines) == 8 * count
    assert home.app.conflicts() == []
    for site in (home, *sites):
        site.close()


def test_worker_killed_in_an_outage_leaves_what_it_did_to_the_next_one_in_its_place(ways: Ways, tmp_path: Path) -> None:
    home, site = Site(tmp_path / "home", ways.url), Site(tmp_path / "w", ways.new(), seen_at=ways.url)
    first = site.start(concurrency=1)
    job = home.app.submit("steps", {"name": "s", "count": 60, "pause": 0.05})
    wait_until(lambda: len(site.lines("s")) >= 5, "some steps")
    ways.change(Mode.HOLE)
    before = len(site.lines("s"))
    # The call that was under way when the server went silent is given up first.
    wait_until(lambda: len(site.lines("s")) >= before + 15, "steps without the database", 40)
    site.kill(first)
    done_so_far = len(site.lines("s"))
    ways.change(Mode.PASS)
    site.start(concurrency=1)
    done = home.app.wait(job.id, timeout=60)
    assert (done.error, done.result) == (None, [item * 2 for item in range(60)])
    counted = Counter(line.split()[0] for line in site.lines("s"))
    assert set(counted) == {str(item) for item in range(60)}
    assert sum(counted.values()) <= 61, "more than the step in flight was done again"
    tell(f"killed after {done_so_far} steps, {sum(counted.values()) - 60} done again")
    for each in (home, site):
        each.close()
