"""The daily schedule: there from the first start, and enabled where the settings say where the checkpoints are.

What it is like where they do not is told by ``tests/stories/test_services_come_later.py``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from onward import Onward
from tests.app_fixtures import quick_settings

NAME = "cleanup_checkpoints"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which nothing is configured."""
    for name in ("ONWARD_LANGGRAPH_URL", "NAUTOBOT_REDIS_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_is_enabled_where_the_settings_say_where_they_are(redis_url: str, place: Path) -> None:
    app = Onward(settings=quick_settings(f"sqlite:///{place / 'jobs.db'}", langgraph={"url": redis_url}))
    app.include_catalogue()
    with app.scheduler():
        pass
    made = app.schedules.get(NAME)
    assert (made.enabled, made.cron) == (True, "15 3 * * *")
    app.close()
