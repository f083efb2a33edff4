"""`onward schedule import`: from files and modules, shown, written and added."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from onward import Onward
from onward.authoring import schedule_file
from tests.cli.conftest import Cli

TABLE = """\
MAILTO=ops
30 2 * * 1-5 /usr/local/bin/backup.sh --full
@reboot /usr/bin/start
"""
BEAT = """\
beat_schedule = {"hourly": {"task": "tasks.sum_up", "schedule": 3600.0, "kwargs": {"count": 1}}}
"""
BOTH = (
    BEAT
    + """
from apscheduler.schedulers.background import BackgroundScheduler

scheduler = BackgroundScheduler(timezone="UTC")


def sum_up():
    pass


scheduler.add_job(sum_up, "cron", day_of_week="0-4", hour=2, id="weekdays")
"""
)


@pytest.fixture(autouse=True)
def _forget_modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    known = set(sys.modules)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name in set(sys.modules) - known:
        if name in ("beat", "both"):
            del sys.modules[name]


@pytest.fixture
def command(app: Onward, cli: Cli) -> Cli:
    """With a job type that takes a command."""
    from tests.cli import sample

    if "command" not in sample.app.job_types:

        @sample.app.job
        def command(command: str) -> None: ...

        app.job(command)
    return cli


def test_dry_run_shows_what_would_be_added_and_adds_nothing(command: Cli, tmp_path: Path) -> None:
    (tmp_path / "table").write_text(TABLE)
    said = command("schedule", "import", "table", "--job-type", "command", "--dry-run", "--json")
    assert said.code == 0, said.err
    taken, mail, boot = said.json["items"]
    assert taken["name"] == "backup"
    assert taken["when"] == "30 2 * * 1-5 UTC"
    assert taken["params"] == {"command": "/usr/local/bin/backup.sh --full"}
    assert (mail["origin"], boot["origin"]) == ("table:1", "table:3")
    assert "@reboot" in boot["why"]
    assert "1 schedule would be added; 2 left out. Nothing was changed." in said.err
    assert command("schedule", "show", "backup").code == 3


def test_what_is_imported_waits_to_be_resumed_and_is_not_imported_twice(command: Cli, tmp_path: Path) -> None:
    (tmp_path / "table").write_text(TABLE)
    words = ("schedule", "import", "table", "--job-type", "command", "--zone", "Asia/Tokyo")
    said = command(*words)
    assert said.code == 0, said.err
    found = command("schedule", "show", "backup", "--json").json
    assert found["enabled"] is False
    assert found["timezone"] == "Asia/Tokyo"
    again = command(*words)
    assert again.code == 6
    assert "called backup already" in again.err


def test_written_file_says_the_same_and_is_never_overwritten(command: Cli, tmp_path: Path) -> None:
    (tmp_path / "table").write_text(TABLE)
    words = ("schedule", "import", "table", "--job-type", "command", "--write", "schedules.yaml")
    assert command(*words).code == 0
    (entry,) = schedule_file.read(tmp_path / "schedules.yaml")
    assert (entry.name, entry.job_type, entry.enabled) == ("backup", "command", False)
    assert command(*words).code == 6
    assert command("schedule", "import", "table", "--write", "a", "--dry-run").code == 2


def test_python_file_and_module_are_looked_through_for_schedules(command: Cli, tmp_path: Path) -> None:
    (tmp_path / "beat.py").write_text(BEAT)
    (tmp_path / "both.py").write_text(BOTH)
    said = command("schedule", "import", "beat.py", "--dry-run")
    assert said.code == 0, said.err
    assert "every 60 min" in said.out
    unclear = command("schedule", "import", "both.py", "--dry-run")
    assert unclear.code == 6
    assert "more than one source" in unclear.err
    named = command("schedule", "import", "both:scheduler", "--dry-run")
    assert named.code == 0, named.err
    assert "0 2 * * MON,TUE,WED,THU,FRI UTC" in named.out
    wrong = command("schedule", "import", "both:sum_up", "--dry-run")
    assert wrong.code == 6
    assert "neither a Celery application" in wrong.err
