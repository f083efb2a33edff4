from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn

from onward import Onward
from onward.engine.keys import Holder
from onward.server.app import create_app
from onward.server.run import listen
from tests.app_fixtures import PATIENCE, Apps, run_all, until
from tests.server.conftest import add_jobs


@dataclass
class Served:
    """A server in this process, with everything of it."""

    port: int
    server: uvicorn.Server
    web: Any


@pytest.fixture
def served(app: Onward) -> Iterator[Served]:
    """A real server, as a real client finds it."""
    with serving(app) as found:
        yield found


@contextmanager
def serving(app: Onward) -> Iterator[Served]:
    web = create_app(app)
    server = uvicorn.Server(uvicorn.Config(web, log_config=None, timeout_graceful_shutdown=2))
    with listen("127.0.0.1", 0) as socket:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
        thread.start()
        until(lambda: server.started, "the start")
        yield Served(socket.getsockname()[1], server, web)
        server.should_exit = True
        thread.join()


class Client:
    """Reads events as a browser does."""

    def __init__(self, port: int, path: str = "/api/v1/events", last: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        headers = {"Last-Event-ID": last} if last else {}
        self._connection.request("GET", path, headers=headers)
        self.answer = self._connection.getresponse()
        self.last = last

    def next(self) -> tuple[str, dict[str, Any]]:
        """The next event: name and data. An id alone is remembered and no event."""
        name, data = "message", ""
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            key, _, value = line.partition(": ")
            if key == "id":
                assert not self.last or int(value) >= int(self.last), "numbers rise"
                self.last = value
            elif key == "event":
                name = value
            elif key == "data":
                data = value
            elif not line and data:
                return name, json.loads(data)

    def until(self, wanted: Callable[[str, dict[str, Any]], bool]) -> list[tuple[str, dict[str, Any]]]:
        """Events up to the one that is wanted."""
        seen = [self.next()]
        while not wanted(*seen[-1]):
            seen.append(self.next())
        return seen

    def close(self) -> None:
        self.answer.close()
        self._connection.close()


def listening(served: Served) -> Callable[[], bool]:
    return lambda: served.web.state.stream.listeners > 0


def test_changes_of_another_process_are_told(app: Onward, apps: Apps, served: Served) -> None:
    client = Client(served.port)
    assert client.answer.getheader("X-Accel-Buffering") == "no"
    assert client.answer.getheader("Content-Type", "").startswith("text/event-stream")
    until(listening(served), "the client")
    other = apps()
    add_jobs(other)
    job = other.submit("count")
    submitted = client.until(lambda name, data: name == "jobs" and data["state"] == "queued")
    run_all(other)
    ended = client.until(lambda name, data: name == "jobs" and data["state"] == "succeeded")
    assert {data["id"] for name, data in submitted + ended if name == "jobs"} == {job_id(other, job.id)}
    versions = [data["v"] for name, data in submitted + ended if name == "jobs"]
    assert versions == sorted(versions)
    client.close()


def job_id(app: Onward, stored: str) -> str:
    from onward.model.ids import shown

    return shown(stored)


def test_client_that_comes_back_has_missed_no_state(app: Onward, served: Served) -> None:
    client = Client(served.port, "/api/v1/events?topics=jobs")
    until(listening(served), "the client")
    first = app.submit("count")
    client.until(lambda _name, data: data["state"] == "queued")
    for _ in range(3):
        # Cut off, something happens, back again: with the number of what came last.
        client.close()
        job = app.submit("breaks", source_id="wiki", resume=False)
        run_all(app)
        client = Client(served.port, "/api/v1/events?topics=jobs", client.last)
        seen = client.until(
            lambda _name, data, job=job: data["id"] == job_id(app, job.id) and data["state"] == "interrupted"
        )
        assert all(name == "jobs" for name, _ in seen), "no reset: nothing was lost"
    assert app.get(first.id).status == "completed"
    client.close()


def test_unknown_place_is_answered_with_a_reset(app: Onward, served: Served) -> None:
    client = Client(served.port, last="17")
    assert client.next() == ("reset", {})
    client.close()
    client = Client(served.port, "/api/v1/events?last_event_id=nonsense")
    assert client.next() == ("reset", {})
    client.close()


def test_one_job_may_be_watched_alone(app: Onward, served: Served) -> None:
    one, two = app.submit("count"), app.submit("count")
    client = Client(served.port, f"/api/v1/events?topics=jobs&job={one.id}")
    until(listening(served), "the client")
    app.cancel(two.id)
    app.cancel(one.id)
    _, data = client.next()
    assert (data["id"], data["state"]) == (job_id(app, one.id), "cancelled")
    client.close()


def test_more_changes_than_can_be_told_are_a_reset(
    app: Onward, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onward.engine.news._MOST", 20)
    client = Client(served.port)
    until(listening(served), "the client")
    app.submit_many([("count", {"number": n}) for n in range(300)])
    client.until(lambda name, _data: name == "reset")
    app.submit("count")
    client.until(lambda name, data: name == "jobs" and data["state"] == "queued")
    client.close()


def test_schedules_are_told_when_they_change_run_and_go(app: Onward, served: Served) -> None:
    client = Client(served.port, "/api/v1/events?topics=schedules")
    until(listening(served), "the client")
    added = app.schedules.add("nightly", "count", cron="0 3 * * *")
    name, data = client.next()
    assert (name, data["name"], data["state"]) == ("schedules", "nightly", "active")
    assert data["next_run_at"] == f"{added.next_run_at:%Y-%m-%dT%H:%M:%S}Z"
    app.schedules.pause("nightly")
    assert client.next()[1]["state"] == "paused"
    app.schedules.resume("nightly")
    assert client.next()[1]["state"] == "active"
    app.schedules.skip_next("nightly")
    assert client.next()[1]["next_run_at"] > data["next_run_at"]
    app.schedules.delete("nightly")
    assert client.next()[1] == {"id": data["id"], "name": "nightly", "deleted": True}
    client.close()


def test_ticket_lets_its_role_listen_once_within_a_minute(apps: Apps) -> None:
    """For browsers of other applications, which can send EventSource neither a header nor our cookie."""
    app = apps(server={"login": "always"})
    add_jobs(app)
    _, secret = app.keys.create("board", "viewer")
    headers = {"Authorization": f"Bearer {secret}"}
    with serving(app) as served:
        assert Client(served.port).answer.status == 401
        first, late, other = (issued(served.port, headers) for _ in range(3))
        assert first not in str(app.database.query("SELECT * FROM http_answers")[1]), "only its hash is kept"
        client = Client(served.port, f"/api/v1/events?topics=jobs&ticket={first}")
        assert client.answer.status == 200
        until(listening(served), "the client")
        job = app.submit("count")
        assert client.next()[1]["id"] == job_id(app, job.id)
        assert Client(served.port, f"/api/v1/events?ticket={first}").answer.status == 401, "it was used"
        app.database.query("UPDATE http_answers SET at = '2020-01-01 00:00:00+00'")
        assert Client(served.port, f"/api/v1/events?ticket={late}").answer.status == 401, "its minute is over"
        assert Client(served.port, f"/api/v1/jobs?ticket={other}").answer.status == 401, "it is for events alone"
        client.close()
    holder = Holder("board", "viewer")
    assert app.tickets.redeem(app.tickets.issue(holder)[0]) == holder


def issued(port: int, headers: dict[str, str]) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("POST", "/api/v1/events/ticket", headers=headers)
    answer = connection.getresponse()
    assert answer.status == 201
    ticket: str = json.loads(answer.read())["ticket"]
    connection.close()
    return ticket


def test_only_so_many_may_listen(apps: Apps) -> None:
    with serving(apps(server={"streams": 1})) as served:
        client = Client(served.port)
        until(listening(served), "the client")
        assert Client(served.port).answer.status == 429
        client.close()


def test_key_that_is_revoked_is_told_nothing_more(app: Onward, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onward.server.stream._ASK_SECONDS", 0.1)
    key, secret = app.keys.create("ana", "viewer")
    ticket, _ = app.tickets.issue(Holder("ana", "viewer", key.id))
    client = Client(served.port, f"/api/v1/events?ticket={ticket}")
    until(listening(served), "the client")
    app.submit("count")
    client.until(lambda name, _data: name == "jobs")
    app.keys.revoke(key.id)
    until(lambda: served.web.state.stream.listeners == 0, "the end of the connection")
    assert app.keys.check(secret) is None
    client.close()
