"""A service starts where nothing is configured; what is configured meanwhile works without a restart of it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from onward import Onward
from onward.catalogue.memory import AssistantMemory
from tests.app_fixtures import until
from tests.catalogue.memory.runs import PROFILE
from tests.catalogue.model_server import ModelServer
from tests.redis_server import Redis

OLD = (datetime.now(UTC) - timedelta(days=40)).isoformat(timespec="seconds")
NAMES = ("profile_maintenance", "vault_sync", "cleanup_checkpoints")


class Service:
    """``onward serve`` in a folder of its own, spoken to over HTTP."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ONWARD_", "NAUTOBOT_"))}
        environ = {**kept, "HOME": str(folder)}
        self._log = (folder / "serve.log").open("wb")
        command = [sys.executable, "-m", "onward", "serve", "--port", "0"]
        self.process = subprocess.Popen(
            command, cwd=folder, env=environ, stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True
        )
        self.url = until(self._address, "the start of the service")

    def _address(self) -> str:
        assert self.process.poll() is None, self.log()
        words = [word for word in self.log().split() if word.startswith("http://127.0.0.1:")]
        return words[0].rstrip("/.,") if words else ""

    def log(self) -> str:
        return (self.folder / "serve.log").read_text()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(method, self.url + path, json=body, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.headers["Content-Type"].startswith("application/json") else answer.text

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self._log.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path)
    yield made
    made.close()


def test_jobs_of_services_are_configured_and_enabled_without_a_restart(
    service: Service, plain_server: Redis, redis_url: str, tmp_path: Path
) -> None:
    schedules = until(lambda: _by_name(service), "the schedules that ship")
    for name, variable in zip(NAMES, ("MODELS_LOCAL_ADDRESS", "VAULT_PATH", "LANGGRAPH_URL"), strict=True):
        assert not schedules[name]["enabled"]
        assert f"ONWARD_{variable}" in schedules[name]["paused_reason"]
        assert f"onward schedule resume {name}" in schedules[name]["paused_reason"]

    client = plain_server.client()
    client.set(f"checkpoint:a:{OLD}", json.dumps({"ts": OLD}))
    vault = tmp_path / "notes"
    (vault / "tier1").mkdir(parents=True)
    (vault / "tier1" / "tea.md").write_text("Green tea is made of leaves. <!-- aclarai:id=tea ver=1 --> ^tea\n")
    app = Onward(f"sqlite:///{tmp_path / 'onward.db'}")
    AssistantMemory(app.connect, app.settings).learn("user", "ana", "food", "likes", "tea")
    model = ModelServer()
    model.say = lambda body: json.dumps(PROFILE)
    (tmp_path / ".env").write_text(
        f"ONWARD_LANGGRAPH_URL={redis_url}\nONWARD_VAULT_PATH={vault}\nONWARD_MODELS_LOCAL_ADDRESS={model.url}\n"
    )
    results = {}
    for name in NAMES:
        service.ask("POST", f"/api/v1/schedules/{name}/resume", {})
        job = service.ask("POST", f"/api/v1/schedules/{name}/run", {})
        results[name] = until(lambda job=job: _ended(service, job["id"]), name)
    assert [results[name]["status"] for name in NAMES] == ["completed"] * 3, results
    assert results["profile_maintenance"]["result"]["bots"]["default"]["updated"] == 1
    assert results["vault_sync"]["result"]["created"] == 1
    assert results["cleanup_checkpoints"]["result"]["deleted_count"] == 1
    assert AssistantMemory(app.connect, app.settings).profile_summary("user", "ana") == "Ana likes tea."
    assert client.dbsize() == 0
    assert (tmp_path / "backups" / "vault.graph").exists()

    with sqlite3.connect(tmp_path / "onward.db") as database:
        runs = database.execute("SELECT job_type, status FROM job_runs ORDER BY started_at").fetchall()
    assert runs == [(name, "success") for name in NAMES]
    metrics = service.ask("GET", "/metrics")
    for name in NAMES:
        assert f'onward_runs_ended_total{{job_type="{name}",outcome="success"}} 1.0' in metrics.splitlines()
        assert _by_name(service)[name]["enabled"]

    (tmp_path / ".env").write_text(f"ONWARD_VAULT_PATH={vault}\nONWARD_VAULT_WATCH=true\n")
    (vault / "tier1" / "coffee.md").write_text("Coffee is made of beans. <!-- aclarai:id=coffee ver=1 --> ^coffee\n")
    until(lambda: _has_made_one(service, results["vault_sync"]["id"]), "the sync of a change")
    assert "is watched for vault_sync" in service.log()
    client.close()
    app.close()
    model.close()


def _by_name(service: Service) -> dict[str, Any]:
    found = {item["name"]: item for item in service.ask("GET", "/api/v1/schedules")["items"]}
    return found if set(NAMES) <= found.keys() else {}


def _ended(service: Service, job_id: str) -> Any:
    found = service.ask("GET", f"/api/v1/jobs/{job_id}")
    return found if found["status"] in ("completed", "failed", "cancelled") else None


def _has_made_one(service: Service, before: str) -> bool:
    """Whether a later sync than that one has made a block."""
    items = service.ask("GET", "/api/v1/jobs?job_type=vault_sync")["items"]
    ended = [_ended(service, item["id"]) for item in items if item["id"] != before]
    return any(job is not None and job["result"]["created"] == 1 for job in ended)
