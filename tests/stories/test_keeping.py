"""What keeps the database small, and what moves it, is killed half-way: nothing is lost, and it can be run again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from onward import DatabaseMoved, Onward
from onward.engine import archive_files
from tests.app_fixtures import quick_settings, rows, run_all
from tests.stories.processes import wait_until

COUNT = 120

PRUNE = """
import sys
from datetime import timedelta
from onward.engine import pruner
from onward import Onward
from tests.app_fixtures import quick_settings

pruner._MOST_ROWS = 12
app = Onward(settings=quick_settings(sys.argv[1], retention={"archive": sys.argv[2]}))
app.prune(timedelta(0), on_batch=lambda report: print(report.jobs, flush=True))
"""


@pytest.fixture(params=["table", "folder"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "table" if request.param == "table" else str(tmp_path / "archive")


def run_and_kill(code: str, *given: str, when: Callable[[], object]) -> None:
    """A process of its own, killed when something is so."""
    paths = os.pathsep.join([path for path in sys.path if path] + [str(Path.cwd())])
    command = [sys.executable, "-c", code, *given]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.DEVNULL)
    try:
        wait_until(when, "what it is killed at")
    finally:
        process.kill()
        process.wait()


def test_killed_pruning_loses_nothing_and_goes_on(database_url: str, where: str, tmp_path: Path) -> None:
    app = Onward(settings=quick_settings(database_url, retention={"archive": where}))

    @app.job()
    def noop(number: int) -> int:
        return number

    ids = {app.submit(noop, {"number": number}).id for number in range(COUNT)}
    run_all(app)
    for _ in range(2):
        before = app.counts()["completed"]
        run_and_kill(PRUNE, database_url, where, when=lambda before=before: app.counts()["completed"] < before)
        there = {job.id for job in app.find(limit=1000)}
        known = {job.id for job in app.archive.list(limit=1000)}
        assert there | known == ids
        assert not there & known
        if where != "table":
            written = {
                line["job"]["job_id"] for path in Path(where).iterdir() for line in archive_files.read_lines(path)
            }
            assert known <= written, "what is deleted has been flushed before"
        for table in ("job_runs", "job_events"):
            assert {row[0] for row in rows(app, f"SELECT DISTINCT job_id FROM {table}")} == there
    app.prune(timedelta(0))
    assert app.counts()["completed"] == 0
    results = [app.archive.get(job_id).job for job_id in ids]
    assert sorted(job.result for job in results if job) == list(range(COUNT))
    app.close()


MOVE = """
import sys, time
from onward import Onward
from tests.app_fixtures import quick_settings

app = Onward(settings=quick_settings(sys.argv[1]))
app.database.move(sys.argv[2], on_rows=lambda table, count: time.sleep(0.2) if count else None)
"""


def test_killed_move_loses_nothing_and_goes_on(sqlite_url: str, postgres_url: str, tmp_path: Path) -> None:
    """There and back: each way is killed in its middle, and run again."""
    places = [sqlite_url, postgres_url, f"sqlite:///{tmp_path / 'back.db'}"]
    app = Onward(settings=quick_settings(places[0]))
    app.job(name="noop")(lambda: 1)
    ids = {app.submit("noop").id for _ in range(COUNT)}
    run_all(app)
    ids |= {app.submit("noop", delay=3600).id for _ in range(COUNT)}
    app.close()
    for source, target in pairwise(places):
        old, new = Onward(settings=quick_settings(source)), Onward(settings=quick_settings(target))
        run_and_kill(MOVE, source, target, when=lambda old=old: old.database.moved_to())
        with pytest.raises(DatabaseMoved, match="is being moved"):
            old.counts()
        assert new.database.status()["rows"].get("jobs", 0) == 0
        assert old.database.move(target).rows["jobs"] == 2 * COUNT
        assert {job.id for job in new.find(limit=1000)} == ids
        assert new.database.check() == []
        for each in (old, new):
            each.close()
