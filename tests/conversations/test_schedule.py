"""The daily schedule: there from the first start, disabled while nobody has said where the checkpoints are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from onward import Onward
from tests.app_fixtures import quick_settings

OLD = (datetime.now(UTC) - timedelta(days=40)).isoformat(timespec="seconds")
NAME = "cleanup_checkpoints"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which nothing is configured."""
    for name in ("ONWARD_LANGGRAPH_URL", "NAUTOBOT_REDIS_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_is_made_disabled_and_then_configured_and_enabled_without_a_restart(
    client: Any, redis_url: str, place: Path
) -> None:
    client.set(f"checkpoint:a:{OLD}", json.dumps({"ts": OLD}))
    app = Onward(settings=quick_settings(f"sqlite:///{place / 'jobs.db'}"))
    app.include_catalogue()
    with app.scheduler():
        pass
    made = app.schedules.get(NAME)
    assert not made.enabled
    assert "ONWARD_LANGGRAPH_URL" in (made.paused_reason or "")
    (place / ".env").write_text(f"ONWARD_LANGGRAPH_URL={redis_url}\n", "utf-8")
    app.schedules.resume(NAME)
    assert app.schedules.get(NAME).enabled
    job = app.schedules.run_now(NAME)
    app.worker(concurrency=1).run(until_idle=True)
    done = app.get(job.id)
    assert done.status == "completed", done.error
    assert done.result["deleted_count"] == 1
    assert client.dbsize() == 0
    app.close()


def test_it_is_enabled_where_the_settings_say_where_they_are(redis_url: str, place: Path) -> None:
    app = Onward(settings=quick_settings(f"sqlite:///{place / 'jobs.db'}", langgraph={"url": redis_url}))
    app.include_catalogue()
    with app.scheduler():
        pass
    made = app.schedules.get(NAME)
    assert (made.enabled, made.cron) == (True, "15 3 * * *")
    app.close()
