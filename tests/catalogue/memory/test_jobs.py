"""The jobs that keep a memory tidy, run by a worker on both databases, with a model on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onward import Job, Onward
from onward.catalogue.memory import JOB_TYPES, AssistantMemory
from onward.clock import ManualClock
from onward.testing import JobBench
from tests.app_fixtures import Apps, ended, rows, run_all
from tests.catalogue.model_server import Body, ModelServer

TEAS = ("Ana drinks green tea every morning.", "Every morning Ana drinks a green tea.", "Ana likes her green tea.")
PROFILE = {"facts": [{"fact": "Ana likes tea.", "from": [1]}], "summary": "Ana likes tea."}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    made = ModelServer(names=("small-local",))
    yield made
    made.close()


@pytest.fixture
def app(apps: Apps, server: ModelServer) -> Onward:
    """An application with the job types, and a language model of its own."""
    made = apps(models={"local_address": server.url, "attempts": 2})
    made.include(JOB_TYPES)
    return made


@pytest.fixture
def memory(app: Onward) -> AssistantMemory:
    return AssistantMemory(app.connect, app.settings)


def done(app: Onward, job_type: str, params: dict[str, Any] | None = None, **options: Any) -> Job:
    """The job once it has ended."""
    job = app.submit(job_type, params, **options)
    run_all(app)
    return ended(app, job)


def status_of_run(app: Onward, job: Job) -> str:
    return str(app.runs(job.id)[-1].status)


def chats(server: ModelServer) -> list[Body]:
    return [body for path, body in server.asked if path.endswith("/chat/completions")]


# ---- profiles -----------------------------------------------------------------------------------------------


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
    import threading

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


# ---- consolidation ------------------------------------------------------------------------------------------


def test_memories_of_one_meaning_become_one_by_a_model_and_can_be_parted(
    app: Onward, memory: AssistantMemory, server: ModelServer
) -> None:
    for number, content in enumerate(TEAS):
        memory.add(content, importance=0.3 + number / 10, tags=[f"t{number}"], sources=[f"m{number}"])
    other = memory.add("The build server is slow on Mondays.")
    memory.search("green tea", k=3)
    before = {one.id: one for one in memory.list(archived=None)}
    merged_text = "Ana likes and drinks green tea every morning."
    server.say = lambda body: json.dumps({"content": merged_text})
    job = done(app, "memory_consolidation")
    report = job.result["bots"]["default"]
    assert (report["memories"], report["merges"], report["merged"]) == (4, 1, 3)
    merge = next(one for one in memory.list() if one.id != other.id)
    assert (merge.content, merge.made_by) == (merged_text, "small-local")
    assert (merge.importance, merge.access_count) == (0.5, 3)
    assert set(merge.tags) == {"t0", "t1", "t2"}
    assert set(merge.sources) == {"m0", "m1", "m2"}
    memory.unmerge(merge.id)
    after = {one.id: one for one in memory.list()}
    assert set(after) == set(before)
    for key, one in before.items():
        assert (after[key].content, after[key].tags, after[key].access_count) == (
            one.content,
            one.tags,
            one.access_count,
        )


def test_without_a_model_the_best_is_kept_and_all_that_counts_is_joined(apps: Apps) -> None:
    app = apps()
    app.include(JOB_TYPES)
    memory = AssistantMemory(app.connect, app.settings)
    for number, content in enumerate(TEAS):
        memory.add(content, importance=0.9 - number / 10, tags=[f"t{number}"], pinned=number == 1)
    job = done(app, "memory_consolidation", bot_id="default")
    assert job.result["model"] is None
    (merge,) = memory.list()
    assert (merge.content, merge.importance, merge.is_pinned) == (TEAS[1], 0.9, True)
    assert (merge.made_by, set(merge.tags)) == ("kept the best", {"t0", "t1", "t2"})


def test_without_any_embedding_equal_texts_are_merged(app: Onward, monkeypatch: pytest.MonkeyPatch) -> None:
    from onward.errors import MissingExtra

    def choose(*args: Any, **options: Any) -> Any:
        raise MissingExtra("There is none.", hint="Run: pip install 'onward[memory]'")

    monkeypatch.setattr("onward.catalogue.models.embedder.choose", choose)
    memory = AssistantMemory(app.connect, app.settings)
    for content in ("Ana likes tea.", "ana likes TEA", *TEAS):
        memory.add(content, type="preference" if content.isupper() else "fact")
    report = done(app, "memory_consolidation").result["bots"]["default"]
    assert report["merges"] == 1
    assert "pip install" in report["only_equal_texts"]
    assert len(memory.list()) == 4


def test_memories_that_were_added_without_a_vector_get_one(app: Onward, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = AssistantMemory(app.connect, app.settings)
    with monkeypatch.context() as without:
        without.setattr("onward.catalogue.memory.assistant.AssistantMemory._vector", lambda self, text: None)
        for number in range(40):
            memory.add(f"Memory number {number} is about {'tea' * number}.")
    report = done(app, "memory_consolidation", {"threshold": 0.999, "use_model": False}).result["bots"]["default"]
    assert report["embedded"] == 40
    assert all(one.embedding_model == "all-MiniLM-L6-v2" for one in memory.list(archived=None, limit=100))


def test_an_answer_that_invents_is_refused_and_the_best_is_kept(
    app: Onward, memory: AssistantMemory, server: ModelServer
) -> None:
    for content in TEAS:
        memory.add(content)
    server.say = lambda body: json.dumps({"content": "Ana drinks 7 teas."})
    report = done(app, "memory_consolidation").result["bots"]["default"]
    assert (report["merges"], report["kept_best_instead"]) == (1, 1)
    (merge,) = memory.list()
    assert merge.content in TEAS
    assert "number 7" in str(merge.made_by)


def test_a_dry_run_tells_and_changes_nothing(app: Onward, memory: AssistantMemory, server: ModelServer) -> None:
    for content in TEAS:
        memory.add(content)
    before = memory.list(archived=None)
    report = done(app, "memory_consolidation", {"dry_run": True}).result["bots"]["default"]
    assert sorted(report["shown"][0]["from"]) == sorted(TEAS)
    assert report["merges"] == 0
    assert memory.list(archived=None) == before
    assert chats(server) == []


def test_two_runs_at_once_merge_each_cluster_once(app: Onward, memory: AssistantMemory, server: ModelServer) -> None:
    for content in TEAS:
        memory.add(content)
    server.say = lambda body: json.dumps({"content": "Ana likes and drinks green tea every morning."})
    jobs = [app.submit("memory_consolidation", {}) for _ in range(3)]
    run_all(app, concurrency=3)
    reports = [ended(app, job).result["bots"]["default"] for job in jobs]
    assert sum(report["merges"] for report in reports) == 1
    assert len(chats(server)) == 1
    assert len(memory.list()) == 1
    assert len(memory.list(archived=True)) == 3


# ---- decay --------------------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC) - timedelta(days=400))


def test_what_has_not_been_used_is_archived_and_later_pruned(app: Onward, clock: ManualClock) -> None:
    memory = AssistantMemory(app.connect, app.settings, clock)
    faded = memory.add("faded")
    pinned = memory.add("pinned", pinned=True)
    used = memory.add("used")
    lasting = memory.add("lasting", importance=1.0)
    clock.advance(days=300)
    memory.touch([used.id])
    dry = done(app, "memory_decay", {"dry_run": True}).result["bots"]["default"]
    assert (dry["looked_at"], dry["archived"]) == (4, 2)
    assert {one["id"] for one in dry["memories"]} == {faded.id, lasting.id}
    assert len(memory.list()) == 4, "a dry run changes nothing"
    report = done(app, "memory_decay", {"half_life_days": 95}).result["bots"]["default"]
    assert (report["archived"], report["pruned"]) == (1, 0)
    assert {one.id for one in memory.list()} == {pinned.id, used.id, lasting.id}
    assert memory.get(faded.id).archived_because == "decayed"
    assert memory.restore(faded.id).access_count == 1
    report = done(app, "memory_decay", {"half_life_days": 1}).result["bots"]["default"]
    assert report["archived"] == 3
    with app.connect() as conn:
        from sqlalchemy import update

        from onward.catalogue.memory.outside.tables import memories

        conn.execute(update(memories).where(memories.c.memory_id != used.id).values(archived_at=clock.now()))
        conn.execute(update(memories).where(memories.c.memory_id == pinned.id).values(pinned=True))
    report = done(app, "memory_decay").result["bots"]["default"]
    assert (report["archived"], report["pruned"]) == (0, 2)
    assert {one.id for one in memory.list(archived=None)} == {pinned.id, used.id}


def test_originals_are_kept_as_long_as_their_merge_and_go_with_it(app: Onward, clock: ManualClock) -> None:
    memory = AssistantMemory(app.connect, app.settings, clock)
    for content in TEAS:
        memory.add(content)
    clock.advance(days=400)
    done(app, "memory_consolidation", {"use_model": False})
    (merge,) = memory.list()
    assert done(app, "memory_decay").result["bots"]["default"]["archived"] == 1
    assert done(app, "memory_decay").result["bots"]["default"]["pruned"] == 0
    assert done(app, "memory_decay", {"prune_after_days": 0}).result["bots"]["default"]["pruned"] == 1
    assert memory.list(archived=None) == []


def test_many_pages_are_looked_at_once_each(app: Onward, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    from onward.catalogue.memory.jobs import decay

    monkeypatch.setattr(decay, "_AT_ONCE", 7)
    memory = AssistantMemory(app.connect, app.settings, clock)
    monkeypatch.setattr(AssistantMemory, "_vector", lambda self, text: None)
    for number in range(40):
        memory.add(f"memory {number}", importance=0.02 if number % 2 else 0.9, bot_id=f"bot{number % 3}")
    job = done(app, "memory_decay", {"half_life_days": 1e6}, bot_id="*")
    reports = job.result["bots"]
    assert sorted(reports) == ["bot0", "bot1", "bot2"]
    assert sum(report["looked_at"] for report in reports.values()) == 40
    assert sum(report["archived"] for report in reports.values()) == 20
    assert len(memory.list(limit=100)) == 20


# ---- forms --------------------------------------------------------------------------------------------------


def test_forms_add_learn_and_search(app: Onward, memory: AssistantMemory) -> None:
    added = done(app, "memory_add", {"content": TEAS[0], "tags": ["food"]}, bot_id="helper").result
    assert memory.get(added["id"]).content == TEAS[0]
    found = done(app, "memory_search", {"query": "a hot drink"}, bot_id="helper").result["found"]
    assert [one["id"] for one in found] == [added["id"]]
    done(
        app,
        "profile_learn",
        {"entity_type": "user", "entity_id": "ana", "category": "food", "key": "likes", "value": "tea"},
    )
    assert [one.value for one in memory.attributes("user", "ana")] == ["tea"]


def test_every_job_type_has_a_form_with_words_for_each_field() -> None:
    for name in JOB_TYPES.names():
        for field, schema in JOB_TYPES.get(name).schema()["properties"].items():
            assert schema.get("description"), f"{name}.{field} has no description"
