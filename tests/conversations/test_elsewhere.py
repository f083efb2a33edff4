"""The clean-up in programs with a scheduler of their own: Celery, and Nautobot where it is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from onward.catalogue.conversations import celery as tasks
from onward.errors import OnwardError
from tests.app_fixtures import until
from tests.redis_server import Redis

OLD = (datetime.now(UTC) - timedelta(days=40)).isoformat(timespec="seconds")


def put(client: Any, *threads: str) -> None:
    for thread in threads:
        client.set(f"checkpoint:{thread}:{OLD}", json.dumps({"ts": OLD}))


@pytest.fixture
def celery_app(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Celery:
    """An application of Celery without a broker, whose tasks run where they are called."""
    monkeypatch.setenv("ONWARD_LANGGRAPH_URL", redis_url)
    app = Celery("test", broker="memory://", backend="cache+memory://")
    app.conf.update(task_always_eager=True, task_store_eager_result=True)
    app.set_default()
    app.finalize()
    return app


def test_celery_task_does_it_and_says_what_it_did(client: Any, celery_app: Celery) -> None:
    put(client, "a", "user-7-b", "user-7-c")
    assert celery_app.tasks["cleanup_user_checkpoints"].delay("7").get() == 2
    result = celery_app.tasks["cleanup_old_checkpoints"].delay(retention_days=39).get()
    assert (result["success"], result["deleted_count"], result["retention_days"]) == (True, 1, 39)


def test_celery_task_fails_when_the_clean_up_does(celery_app: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONWARD_LANGGRAPH_URL", "redis://127.0.0.1:1/2")
    outcome = tasks.cleanup_old_checkpoints.delay()
    assert outcome.state == "FAILURE"
    with pytest.raises(OnwardError, match="ConnectionError"):
        outcome.get()


def test_worker_of_celery_runs_it_from_a_real_queue(
    client: Any, plain_server: Redis, redis_url: str, tmp_path: Path
) -> None:
    (tmp_path / "work.py").write_text(
        "from celery import Celery\n"
        f"app = Celery('work', broker='{plain_server.address(1)}', backend='{plain_server.address(1)}',\n"
        "             include=['onward.catalogue.conversations.celery'])\n",
        "utf-8",
    )
    put(client, "a", "b")
    environment = {**os.environ, "ONWARD_LANGGRAPH_URL": redis_url, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "celery", "-A", "work", "worker", "--pool=solo", "--loglevel=warning"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    worker = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        app = Celery("caller", broker=plain_server.address(1), backend=plain_server.address(1))
        outcome = app.send_task("cleanup_old_checkpoints", kwargs={"retention_days": 30})
        until(lambda: outcome.ready() or worker.poll() is not None, "the task", 90)
        assert outcome.get(timeout=1)["deleted_count"] == 2
        assert client.dbsize() == 0
        app.close()
    finally:
        worker.terminate()
        worker.wait(20)
        plain_server.client(1).flushdb()


@pytest.mark.skipif(importlib.util.find_spec("nautobot") is None, reason="nautobot is not installed")
@pytest.mark.slow
def test_job_of_nautobot_does_it(client: Any, plain_server: Redis, tmp_path: Path) -> None:
    """The form, the result and a failure, in a process set up as Nautobot sets itself up; needs no migrated database."""
    put(client, "a", "b")
    script = """
import json, os
import nautobot
nautobot.setup()
from onward.catalogue.conversations.nautobot import CleanupCheckpointsJob as Job, name
facts = {"name": Job.name, "grouping": Job.grouping, "module": name, "fields": sorted(Job._get_vars())}
job = Job()
facts["would"] = job.run(dryrun=True)["deleted_count"]
facts["did"] = job.run(retention_days=30)["deleted_count"]
os.environ["NAUTOBOT_REDIS_PORT"] = "1"
try:
    job.run()
except RuntimeError as error:
    facts["error"] = str(error)
print("FACTS" + json.dumps(facts))
"""
    environment = {
        **os.environ,
        "NAUTOBOT_ROOT": str(tmp_path),
        "NAUTOBOT_REDIS_HOST": "127.0.0.1",
        "NAUTOBOT_REDIS_PORT": str(plain_server.port),
    }
    environment.pop("ONWARD_LANGGRAPH_URL", None)
    server = [sys.executable, "-m", "nautobot.core.cli", "init", "--disable-installation-metrics"]
    subprocess.run([*server, str(tmp_path / "nautobot_config.py")], check=True, env=environment, capture_output=True)
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.partition("FACTS")[2])
    assert facts["name"] == "Cleanup Old Checkpoints"
    assert facts["grouping"] == facts["module"] == "AI Agents"
    assert facts["fields"] == ["dryrun", "retention_days", "thread"]
    assert (facts["would"], facts["did"]) == (2, 2)
    assert "ConnectionError" in facts["error"]
