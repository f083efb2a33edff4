"""The plain functions, what a failure looks like, and who is told of it."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from prometheus_client import REGISTRY

from onward import Settings
from onward.catalogue.conversations import (
    cleanup_old_checkpoints,
    cleanup_user_checkpoints,
    get_redis_connection,
)
from onward.catalogue.conversations.outside.alert import sign
from onward.clock import SystemClock
from onward.errors import OnwardError
from onward.model.load import Load
from onward.telemetry.metrics import Metrics
from tests.conversations.conftest import CleanUp
from tests.redis_server import Redis

NOWHERE = "redis://:topsecret@127.0.0.1:1/2"
OLD = (datetime.now(UTC) - timedelta(days=40)).isoformat(timespec="seconds")


@pytest.fixture
def here(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The functions find the test's Redis as they find any."""
    monkeypatch.setenv("ONWARD_LANGGRAPH_URL", redis_url)


def put(client: Any, *threads: str, at: str = OLD) -> None:
    for thread in threads:
        client.set(f"checkpoint:{thread}:{at}", json.dumps({"ts": at}))


def test_old_checkpoints_go_by_a_call(client: Any, here: None) -> None:
    put(client, "a", "b")
    result = cleanup_old_checkpoints(retention_days=39)
    assert {name: result[name] for name in ("success", "deleted_count", "retention_days", "error")} == {
        "success": True,
        "deleted_count": 2,
        "retention_days": 39,
        "error": None,
    }
    assert cleanup_old_checkpoints()["retention_days"] == 30


def test_all_checkpoints_of_a_user_go_and_nobody_elses(client: Any, here: None) -> None:
    put(client, "user-7-a", "user-7-b", "user-77-c")
    put(client, "user-7-a", at=datetime.now(UTC).isoformat())
    assert cleanup_user_checkpoints("7") == 3
    assert client.keys("*") == [f"checkpoint:user-77-c:{OLD}".encode()]


def test_failure_is_in_the_result_and_names_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONWARD_LANGGRAPH_URL", NOWHERE)
    result = cleanup_old_checkpoints()
    assert (result["success"], result["deleted_count"]) == (False, 0)
    assert "ConnectionError" in result["error"]
    assert "topsecret" not in str(result)


def test_cancelled_by_its_caller_it_leaves(client: Any, here: None) -> None:
    from onward.errors import JobCancelled

    put(client, "a")
    with pytest.raises(JobCancelled):
        cleanup_old_checkpoints(cancel_checker=lambda: True)


def test_redis_is_found_by_the_names_of_nautobot(plain_server: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONWARD_LANGGRAPH_URL", raising=False)
    assert not Settings().langgraph.is_configured
    monkeypatch.setenv("NAUTOBOT_REDIS_HOST", "127.0.0.1")
    monkeypatch.setenv("NAUTOBOT_REDIS_PORT", str(plain_server.port))
    monkeypatch.setenv("NAUTOBOT_REDIS_PASSWORD", "p@ss/word")
    monkeypatch.setenv("LANGGRAPH_REDIS_DB", "5")
    settings = Settings.load()
    assert settings.langgraph.is_configured
    assert "p@ss" not in str([origin.value for origin in settings.origins()]) + repr(settings)
    asked = get_redis_connection().connection_pool.connection_kwargs
    assert (asked["host"], asked["port"], asked["password"], asked["db"]) == (
        "127.0.0.1",
        plain_server.port,
        "p@ss/word",
        5,
    )
    monkeypatch.delenv("NAUTOBOT_REDIS_PASSWORD")
    assert get_redis_connection().ping()


def test_by_default_it_is_database_2_of_this_machine() -> None:
    asked = get_redis_connection(Settings()).connection_pool.connection_kwargs
    assert (asked["host"], asked["port"], asked["db"]) == ("localhost", 6379, 2)
    with pytest.raises(OnwardError, match="not in Redis"):
        get_redis_connection(Settings(langgraph={"url": "postgresql://ana:secret@db/threads"}))


def test_log_says_what_was_done_and_where_nothing_was_found(
    client: Any, redis_url: str, clean: CleanUp, caplog: pytest.LogCaptureFixture, plain_server: Redis
) -> None:
    caplog.set_level(logging.INFO)
    put(client, "a")
    clean(redis_url)
    said = caplog.text
    assert "Starting the clean-up" in said
    assert "Processed 1 checkpoints" in said
    assert "Deleted 1 old checkpoints" in said
    caplog.clear()
    clean(plain_server.address(1))
    assert "No checkpoints were found in database 1 of Redis" in caplog.text
    assert "database 1 of Redis, where Celery is often kept" in caplog.text


def test_metrics_say_how_much_was_there_and_went(client: Any, redis_url: str, clean: CleanUp) -> None:
    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0

    runs = value("onward_conversations_cleanups_total", outcome="success")
    deleted = value("onward_conversations_deleted_total", place="redis")
    put(client, "a", "b")
    put(client, "c", at=datetime.now(UTC).isoformat())
    clean(redis_url)
    assert value("onward_conversations_cleanups_total", outcome="success") == runs + 1
    assert value("onward_conversations_deleted_total", place="redis") == deleted + 2
    assert value("onward_conversations_checkpoints", place="redis") == 1
    assert value("onward_conversations_memory_bytes", place="redis") > 100_000
    assert value("onward_conversations_deleted_per_second", place="redis") > 0
    offered = Metrics(Load, SystemClock()).text().decode()
    assert 'onward_conversations_deleted_total{place="redis"}' in offered


class Receiver:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.told.append((dict(self.headers), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/alerts"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A web address that listens."""
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_failure_is_told_with_a_signature_and_the_job_still_fails(receiver: Receiver, clean: CleanUp) -> None:
    alert = {"alert_url": receiver.url, "alert_secret": "key"}
    with pytest.raises(Exception, match="refused"):
        clean(NOWHERE, settings=alert)
    [(headers, body)] = receiver.told
    content = json.loads(body)
    assert content["event"] == "cleanup_checkpoints.failed"
    assert "topsecret" not in body.decode()
    at = int(headers["X-Onward-Timestamp"])
    assert headers["X-Onward-Signature"] == sign("key", at, body)
    assert headers["X-Onward-Signature"] != sign("other", at, body)
    assert headers["X-Onward-Delivery"].startswith(content["job_id"])


def test_alert_that_nobody_takes_hides_nothing(clean: CleanUp, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Exception, match="refused"):
        clean(NOWHERE, settings={"alert_url": "http://127.0.0.1:1/"})
    assert "could not be delivered" in caplog.text
    with pytest.raises(Exception, match="refused"):
        clean(NOWHERE, settings={"alert_url": "file:///etc/passwd"})
    assert "no web address" in caplog.text


@pytest.mark.parametrize(
    ("url", "said"),
    [("sqlite:///nowhere.db", "no file"), ("mysql://db/threads", "begins with 'mysql'")],
)
def test_address_that_leads_nowhere_says_so(clean: CleanUp, url: str, said: str) -> None:
    with pytest.raises(OnwardError, match=said):
        clean(url)
