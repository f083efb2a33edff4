"""Schedulers as real processes on one database: each second is decided about once, whoever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from onward import Onward
from tests.app_fixtures import quick_settings, rows, until

PROGRAM = """
import os
from pathlib import Path

from onward import Onward
from tests.app_fixtures import quick_settings

app = Onward(settings=quick_settings({url!r}))


@app.job()
def beat() -> None:
    pass


if __name__ == "__main__":
    scheduler = app.scheduler()
    look = scheduler.tick

    def tick():
        (Path(__file__).parent / f"ready.{{os.getpid()}}").touch()
        return look()

    scheduler.tick = tick
    scheduler.run()
"""
ROOT = Path(__file__).parents[2]


class Crowd:
    """Three schedulers, each started anew when it is killed."""

    def __init__(self, folder: Path, url: str) -> None:
        self.path = folder / "beats.py"
        self.path.write_text(PROGRAM.format(url=url))
        self.processes = [self._start() for _ in range(3)]
        self.kills = 0

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
        return subprocess.Popen([sys.executable, str(self.path)], cwd=self.path.parent, env=environment)

    def is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether it has looked at least once."""
        return (self.path.parent / f"ready.{process.pid}").exists()

    def kill_one(self) -> None:
        """Kill the one that has been there longest, and start another in its place."""
        first = self.processes.pop(0)
        first.send_signal(signal.SIGKILL)
        first.wait()
        self.kills += 1
        self.processes.append(self._start())

    def end(self) -> list[int]:
        """End them in order, once all have begun; their exit codes."""
        until(lambda: all(map(self.is_ready, self.processes)), "the last ones at work", 120)
        for process in self.processes:
            process.terminate()
        return [process.wait(60) for process in self.processes]


@pytest.fixture
def app(prepared_url: str) -> Iterator[Onward]:
    made = Onward(settings=quick_settings(prepared_url))
    made.job(name="beat")(lambda: None)
    yield made
    made.close()


def beats(app: Onward, folder: Path, seconds: int, kill_every: int, kills: int) -> None:
    """Let schedulers work until so many seconds were decided about and so many of them killed, one every so often."""
    app.schedules.add(
        "beat", "beat", interval_seconds=1, max_instances=10_000, misfire_grace_seconds=None, catch_up="all"
    )
    crowd = Crowd(folder, app.settings.database.url)
    killed_at = 0

    def decided() -> bool:
        nonlocal killed_at
        count = rows(app, "SELECT count(*) FROM schedule_decisions")[0][0]
        if count - killed_at >= kill_every and crowd.is_ready(crowd.processes[0]):
            killed_at = count
            crowd.kill_one()
        return count >= seconds and crowd.kills >= kills

    try:
        until(decided, f"{seconds} decisions", 480)
    finally:
        codes = crowd.end()
    assert codes == [0, 0, 0], "a scheduler does not stop in order"


def check(app: Onward, seconds: int) -> None:
    """Each second one decision and one job, none twice, none left out."""
    found = app.schedules.get("beat")
    decided = rows(app, "SELECT due_at, started_job FROM schedule_decisions ORDER BY due_at")
    assert len(decided) >= seconds
    assert len({row[0] for row in decided}) == len({row[1] for row in decided}) == len(decided)
    assert rows(app, "SELECT count(*), count(DISTINCT due_at) FROM jobs")[0] == (len(decided), len(decided))
    assert found.anchor_at is not None
    assert found.due_at is not None
    assert (found.due_at - found.anchor_at).total_seconds() == len(decided) + 1


@pytest.mark.timeout(300)
def test_each_second_is_decided_about_once_by_three_schedulers_of_which_one_is_killed(
    app: Onward, tmp_path: Path
) -> None:
    beats(app, tmp_path, 8, 5, 1)
    check(app, 8)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_minute_of_seconds_with_a_kill_every_five(app: Onward, tmp_path: Path) -> None:
    beats(app, tmp_path, 60, 5, 10)
    check(app, 60)
