"""What jobs are given, make, log, ask and are answered is for those who may act on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from onward import Context, Onward
from onward.model.ids import shown
from onward.server.access import Role
from onward.server.app import API, NOUNS
from tests.app_fixtures import run_all

MAKE = Callable[..., TestClient]


@pytest.fixture
def names(app: Onward) -> Iterator[dict[str, str]]:
    """What stands in the addresses; everything in it carries a canary where payload is."""

    @app.job()
    def carries(ctx: Context, text: str, fail: bool = False) -> dict[str, Any]:
        ctx.log.info("a line", said=text)
        ctx.state["text"] = text
        ctx.checkpoint()
        if fail:
            raise ValueError("broke")
        return {"made": [text]}

    @app.job()
    def wonders(ctx: Context, text: str) -> object:
        schema = {"type": "object", "properties": {"text": {"type": "string"}}}
        return ctx.ask("confirm", {"about": text}, prompt="Go on?", schema=schema, on_timeout="default",
                       default={"text": text})  # fmt: skip

    given = {"text": "canary"}
    done = app.submit("carries", given)
    app.submit("carries", given | {"fail": True}, source_id="wiki")
    asked, open_one = app.submit("wonders", given), app.submit("wonders", given)
    app.submit("carries", given, delay=600)
    app.schedules.add("nightly", "carries", cron="0 3 * * *", params=given)
    run_all(app)
    app.answer(asked.id, given)
    run_all(app)
    yield {
        "job_id": shown(done.id), "question_id": shown(app.questions.list()[0].id, "inp"), "name": "nightly",
        "asked": shown(asked.id), "open": shown(open_one.id),
    }  # fmt: skip


def looks(names: dict[str, str]) -> list[str]:
    """Every address that viewers may look at, of things that are there; and lists in every form."""
    found = [
        API + route.path.format(**names)  # type: ignore[attr-defined]
        for routes in NOUNS
        for route in routes.routes
        if "GET" in route.methods and not {"operation_id"} & set(route.param_convertors)  # type: ignore[attr-defined]
    ]
    jobs = f"{API}/jobs/"
    more = [f"{API}/inputs?state=all", jobs + names["asked"], jobs + names["open"], f"{jobs}{names['job_id']}/logs"]
    return [path for path in dict.fromkeys(found + more) if path != f"{API}/events"]


def test_viewers_see_no_payload_anywhere_and_operators_do(app: Onward, clients: MAKE, names: dict[str, str]) -> None:
    web = clients(app, "10.0.0.7")
    seen: dict[Role, set[str]] = {}
    for role in (Role.VIEWER, Role.OPERATOR):
        _, secret = app.keys.create(role.word, role.word)
        answers = {path: web.get(path, headers={"Authorization": f"Bearer {secret}"}) for path in looks(names)}
        assert all(answer.status_code < 500 for answer in answers.values())
        seen[role] = {path for path, answer in answers.items() if "canary" in answer.text}
    assert seen[Role.VIEWER] == set()
    assert {path.removeprefix(API) for path in seen[Role.OPERATOR]} == {
        "/jobs", f"/jobs/{names['job_id']}", f"/jobs/{names['job_id']}/logs", f"/jobs/{names['asked']}",
        f"/jobs/{names['open']}", "/inputs", "/inputs?state=all", f"/inputs/{names['question_id']}", "/schedules",
        "/schedules/nightly", "/interrupted",
    }  # fmt: skip


def test_hidden_values_say_so_and_keep_their_names(clients: MAKE, app: Onward, names: dict[str, str]) -> None:
    _, secret = app.keys.create("board", "viewer")
    web = clients(app, "10.0.0.7")
    web.headers["Authorization"] = f"Bearer {secret}"
    job = web.get(f"{API}/jobs/{names['job_id']}").json()
    assert (job["params"], job["result"]) == ({"text": "***", "fail": "***"}, "***")
    assert web.get(f"{API}/jobs/{names['job_id']}/logs").json()["items"][0]["fields"] == {"said": "***"}
    question = web.get(f"{API}/inputs/{names['question_id']}").json()
    assert (question["data"], question["default"], question["response"]) == ("***", "***", None)
    assert question["prompt"] == "Go on?"
    waiting = web.get(f"{API}/jobs/{names['open']}").json()
    assert (waiting["result"], waiting["hitl"]["data"], waiting["hitl"]["response"]) == (None, "***", None)
    guess = web.get(f"{API}/jobs?arg.text=canary")
    assert (guess.status_code, guess.json()["code"]) == (403, "not-allowed"), "guesses would be answered otherwise"


def test_live_events_carry_no_payload(app: Onward, names: dict[str, str]) -> None:
    """What is told is the same for everybody, so there is none in it."""
    news = app.news()
    news.look()
    app.answer(names["open"], {"text": "canary"})
    app.submit("carries", {"text": "canary"})
    run_all(app)
    items = news.look().items
    assert {item.topic for item in items} >= {"jobs", "inputs"}
    assert "canary" not in str(items)
