"""The job ``profile_maintenance``, run by a worker on both databases, with a model on the wire."""

from __future__ import annotations

import json
import threading

import pytest

from onward import Onward
from onward.catalogue.memory import JOB_TYPES, AssistantMemory
from tests.app_fixtures import Apps, ended, rows, run_all
from tests.catalogue.memory.runs import PROFILE, chats, done, status_of_run
from tests.catalogue.model_server import Body, ModelServer


def test_a_profile_is_made_of_attributes_and_says_by_which_model(
    app: Onward, memory: AssistantMemory, server: ModelServer
) -> None:
    tea = memory.learn("user", "ana", "food", "likes", "tea", confidence=0.8)
    memory.learn("user", "ana", "food", "drink", "green tea")
    server.say = lambda body: json.dumps(PROFILE)
    job = done(app, "profile_maintenance", bot_id="*")
    assert (job.status, job.result["success"], job.result["bots"]["default"]["updated"]) == ("completed", True, 1)
    assert job.result["model"]["name"] == "small-local"
    assert job.result["model"]["is_local"]
    found = memory.profile("user", "ana")
    assert found is not None
    assert (found.summary, found.model) == ("Ana likes tea.", "small-local")
    assert "one's own server comes first" in str(found.model_reason)
    kept = memory.summaries("user", "ana")[0]
    assert (kept.facts, kept.made_by_job) == ([{"fact": "Ana likes tea.", "attributes": [tea.id]}], job.id)
    question = chats(server)[0]
    assert question["response_format"]["json_schema"]["strict"]
    assert '"value": "green tea"' in question["messages"][1]["content"]


def test_it_is_skipped_until_an_attribute_changes(app: Onward, memory: AssistantMemory, server: ModelServer) -> None:
    server.say = lambda body: json.dumps(PROFILE)
    assert done(app, "profile_maintenance").result == {"skipped": "There are no attributes."}
    memory.learn("user", "ana", "food", "likes", "tea")
    done(app, "profile_maintenance")
    memory.learn("user", "ana", "food", "likes", "tea", source="said again")
    job = done(app, "profile_maintenance", bot_id="*")
    assert status_of_run(app, job) == "skipped"
    assert job.result == {"skipped": "No attribute has changed since the summaries were made."}
    assert len(chats(server)) == 1
    assert rows(app, "SELECT status FROM job_runs WHERE result_json LIKE '%No attribute has changed%'") == [
        ("skipped",)
    ]
    memory.learn("user", "ana", "food", "likes", "coffee")
    assert done(app, "profile_maintenance", {"entity_id": "ben"}).result["skipped"]
    assert done(app, "profile_maintenance").result["bots"]["default"]["updated"] == 1
    assert done(app, "profile_maintenance", {"force": True}).result["bots"]["default"]["updated"] == 1
    assert [one.summary for one in memory.summaries("user", "ana")] == ["Ana likes tea."] * 3


def test_a_bad_answer_is_asked_again_with_what_was_wrong(
    app: Onward, memory: AssistantMemory, server: ModelServer
) -> None:
    memory.learn("user", "ana", "food", "likes", "tea")
    answers = iter(['{"summary": "Ana"', json.dumps({**PROFILE, "summary": "Ana is 44."}), json.dumps(PROFILE)])
    server.say = lambda body: next(answers)
    assert done(app, "profile_maintenance").status == "completed"
    complaints = [body["messages"][-1]["content"] for body in chats(server)]
    assert "not JSON" in complaints[1]
    assert "number 44 is in none of the attributes" in complaints[2]
    assert memory.profile_summary("user", "ana") == "Ana likes tea."


@pytest.mark.parametrize(
    "answer",
    [
        "I cannot do that.",
        json.dumps({"summary": "Ana likes tea."}),
        json.dumps({**PROFILE, "facts": [{"fact": "Ana likes tea.", "from": [7]}]}),
        json.dumps({**PROFILE, "summary": ""}),
    ],
    ids=["text", "no facts", "a number that is none", "empty"],
)
def test_what_never_holds_fails_the_run_and_leaves_the_profile(
    app: Onward, memory: AssistantMemory, server: ModelServer, answer: str
) -> None:
    memory.learn("user", "ana", "food", "likes", "tea")
    server.say = lambda body: json.dumps(PROFILE)
    done(app, "profile_maintenance")
    before = memory.profile("user", "ana")
    memory.learn("user", "ana", "food", "likes", "coffee")
    memory.learn("user", "ben", "food", "likes", "coffee")
    good = {"facts": [{"fact": "Ben likes coffee.", "from": [1]}], "summary": "Ben likes coffee."}
    server.say = lambda body: json.dumps(good) if "ben (user)" in body["messages"][0]["content"] else answer
    job = done(app, "profile_maintenance")
    assert job.status == "failed"
    assert job.error is not None
    assert "1 profiles were left as they were; user ana" in job.error.message
    assert memory.profile("user", "ana") == before
    assert memory.profile_summary("user", "ben") == "Ben likes coffee.", "the others are made all the same"
    asked = len(chats(server))
    server.say = lambda body: json.dumps(PROFILE)
    app.resume(job.id)
    run_all(app)
    assert ended(app, job).status == "completed"
    assert len(chats(server)) == asked + 1, "resumed, only what was refused is asked again"


def test_a_model_that_is_away_fails_the_run_and_the_next_one_makes_it_good(
    app: Onward, memory: AssistantMemory, server: ModelServer
) -> None:
    memory.learn("user", "ana", "food", "likes", "tea", bot_id="a")
    memory.learn("user", "ana", "food", "likes", "tea", bot_id="b")
    busy = (429, {"Retry-After": "0"}, {"error": {"message": "Slow down."}})
    server.troubles = [busy, busy]
    job = done(app, "profile_maintenance", {"model": "small-local"})
    assert (job.status, job.error and job.error.type) == ("failed", "ModelUnavailable")
    assert memory.summaries("user", "ana", bot_id="a") == []
    server.say = lambda body: json.dumps(PROFILE)
    server.troubles = [busy]
    assert done(app, "profile_maintenance", {"model": "small-local"}).status == "completed"
    assert memory.profile_summary("user", "ana", bot_id="b") == "Ana likes tea."


def test_an_answer_that_takes_too_long_is_given_up(apps: Apps, server: ModelServer) -> None:
    app = apps(models={"local_address": server.url, "attempts": 1, "timeout_seconds": 0.2})
    app.include(JOB_TYPES)
    AssistantMemory(app.connect).learn("user", "ana", "food", "likes", "tea")
    hang = threading.Event()

    def say(body: Body) -> str:
        hang.wait(20)
        return json.dumps(PROFILE)

    server.say = say
    job = done(app, "profile_maintenance", {"model": "small-local"})
    hang.set()
    assert (job.status, job.error and job.error.type) == ("failed", "ModelUnavailable")


def test_without_a_model_the_job_says_what_to_set(apps: Apps) -> None:
    app = apps()
    app.include(JOB_TYPES)
    AssistantMemory(app.connect).learn("user", "ana", "food", "likes", "tea")
    job = done(app, "profile_maintenance")
    assert job.status == "failed"
    assert job.error is not None
    assert "ONWARD_MODELS_LOCAL_ADDRESS" in job.error.message


def test_one_bots_failure_is_not_anothers(app: Onward, memory: AssistantMemory, server: ModelServer) -> None:
    for bot in ("a", "b", "c"):
        memory.learn("user", bot, "food", "likes", "tea", bot_id=bot)
    refused = (400, {}, {"error": {"message": "The context is too long."}})

    def say(body: Body) -> str:
        return "no" if "b (user)" in body["messages"][0]["content"] else json.dumps(PROFILE)

    server.say = say
    job = done(app, "profile_maintenance", bot_id="*")
    assert job.status == "failed"
    assert job.error is not None
    assert "failed for 1 of 3 bots: b:" in job.error.message
    assert [bool(memory.profile("user", bot, bot_id=bot)) for bot in ("a", "b", "c")] == [True, False, True]
    server.asked.clear()
    server.troubles = [refused]
    job = done(app, "profile_maintenance", {"model": "small-local"}, bot_id="b")
    assert job.error is not None
    assert "context is too long" in job.error.message
    assert len(chats(server)) == 1, "what is refused is not asked again"
