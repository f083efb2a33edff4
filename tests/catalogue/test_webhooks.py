"""Webhooks against a real receiver, which believes only what is signed, new and has not come before."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from onward import Context, Job, JobPhase, Onward
from onward.catalogue.webhooks import sign, verify
from onward.errors import InvalidConfig
from onward.model.ids import shown
from tests.app_fixtures import Apps, apps, postgres_template, prepared_url, run_all, sqlite_template, until

__all__ = ["apps", "postgres_template", "prepared_url", "sqlite_template"]
SECRET = "a secret of both sides"


@dataclass
class Receiver:
    """A web server that can be taken away and brought back at the same port."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?for=ci"

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.seen.append((dict(self.headers), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.send_header("Location", receiver.url)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        assert self.server is not None
        self.server.shutdown()
        self.server.server_close()

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.seen]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made.start()
    yield made
    made.stop()


def telling(apps: Apps, receiver: Receiver, **more: Any) -> Onward:
    """An application that tells the receiver."""
    told = {"urls": [receiver.url], "secret": SECRET, "allowed_hosts": [f"127.0.0.1:{receiver.port}"]}
    app = apps(
        webhooks={**told, "events": ["asked", "completed", "failed", "cancelled"], "retry_seconds": 0.05, **more}
    )

    @app.job()
    def asks(ctx: Context, text: str = "canary") -> object:
        return ctx.ask("confirm", {"about": text}, prompt="Go on?", assigned_to="ana")

    @app.job()
    def breaks(ctx: Context) -> None:
        raise ValueError("broke")

    @app.job()
    def works(ctx: Context, text: str = "canary") -> str:
        return text

    return app


def deliveries(app: Onward) -> list[Job]:
    return list(app.find(job_type="webhook"))


def test_a_question_is_told_signed_and_without_values(apps: Apps, receiver: Receiver) -> None:
    app = telling(apps, receiver)
    job = app.submit("asks", source_id="wiki")
    run_all(app)
    [(headers, body)] = receiver.seen
    now = app.clock.now().timestamp()
    assert verify(SECRET, headers, body, now)
    assert not verify(SECRET, headers, body + b" ", now), "altered"
    assert not verify("another", headers, body, now)
    assert not verify(SECRET, headers, body, now + 301), "sent again later"
    assert not verify(SECRET, headers | {"X-Onward-Timestamp": str(int(now) + 5)}, body, now), "made younger"
    [message] = receiver.messages()
    assert message["event"] == "asked"
    assert (message["job"]["id"], message["job"]["source_id"]) == (shown(job.id), "wiki")
    assert (message["question"]["prompt"], message["question"]["assigned_to"]) == ("Go on?", "ana")
    assert message["question"]["id"] == shown(app.questions.list()[0].id, "inp")
    assert b"canary" not in body
    [delivery] = deliveries(app)
    assert (message["delivery"], headers["X-Onward-Delivery"]) == (delivery.id, delivery.id)
    assert delivery.result == {"status": 204}


def test_what_a_receiver_does_not_take_is_sent_again_until_it_is_back(apps: Apps, receiver: Receiver) -> None:
    """The delivery is there from the moment on that the job has failed, and outlives receiver and worker."""
    app = telling(apps, receiver)
    receiver.stop()
    app.submit("breaks")
    run_all(app)
    [delivery] = deliveries(app)
    assert delivery.error is not None
    assert (delivery.status, delivery.error.type) == ("pending", "NotDelivered")
    receiver.answers = [500, 302]
    receiver.start()
    with app.worker(concurrency=1):
        until(lambda: app.get(delivery.id).status == "completed", "the delivery")
    assert len(receiver.seen) == 3, "neither an error nor a redirect counts as taken"
    assert {headers["X-Onward-Delivery"] for headers, _ in receiver.seen} == {delivery.id}, "so it can be told apart"
    assert all(verify(SECRET, headers, body, app.clock.now().timestamp()) for headers, body in receiver.seen)


def test_ends_are_told_once_and_neither_phases_nor_deliveries(apps: Apps, receiver: Receiver) -> None:
    app = telling(apps, receiver)
    app.chain("both", [JobPhase("works"), JobPhase("works")])
    chain = app.submit("both")
    later = app.submit("works", delay=600)
    app.cancel(later.id)
    run_all(app)
    told = {(message["event"], message["job"]["id"]) for message in receiver.messages()}
    assert told == {("completed", shown(chain.id)), ("cancelled", shown(later.id))}
    assert len(receiver.seen) == 2


def test_event_and_delivery_are_there_together_or_not_at_all(
    apps: Apps, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = telling(apps, receiver)
    job = app.submit("works", delay=600)

    def breaks(*_: object) -> None:
        raise RuntimeError("the power goes")

    with monkeypatch.context() as patch:
        patch.setattr("onward.engine.submitter.Submitter.write", breaks)
        with pytest.raises(RuntimeError):
            app.cancel(job.id)
    assert (app.get(job.id).status, deliveries(app)) == ("pending", [])
    app.cancel(job.id)
    assert len(deliveries(app)) == 1


def test_nobody_is_told_inside_the_network_or_by_somebodys_word(apps: Apps, receiver: Receiver) -> None:
    app = telling(apps, receiver, allowed_hosts=[])
    app.submit("works")
    elsewhere = app.submit("webhook", {"url": "http://127.0.0.1:9/", "message": {}})
    run_all(app)
    errors = {job.id: job.error for job in deliveries(app)}
    assert {error and error.type for error in errors.values()} == {"AddressRefused", "NotConfigured"}
    assert getattr(errors[elsewhere.id], "type", "") == "NotConfigured"
    assert receiver.seen == []
    assert "/hook" not in str([item.value for item in app.settings.origins()]), "who knows it may often speak there"


def test_settings_that_cannot_work_are_refused(apps: Apps) -> None:
    with pytest.raises(InvalidConfig, match=r"webhooks\.secret"):
        apps(webhooks={"urls": ["https://example.org/hook"]})
    with pytest.raises(InvalidConfig, match="finished"):
        apps(webhooks={"urls": ["https://example.org/hook"], "secret": SECRET, "events": ["finished"]})


def test_signature_is_what_it_was() -> None:
    """Receivers are written by others: it may not change."""
    assert sign("key", 1_700_000_000, b'{"a":1}') == (
        "sha256=a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03"
    )
