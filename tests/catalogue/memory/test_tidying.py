"""The jobs ``memory_consolidation`` and ``memory_decay``, and the forms, run by a worker on both databases."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import update

from onward import Onward
from onward.catalogue.memory import JOB_TYPES, AssistantMemory
from onward.catalogue.memory.outside.tables import memories as table
from onward.clock import ManualClock
from onward.errors import MissingExtra
from tests.app_fixtures import Apps, ended, run_all
from tests.catalogue.memory.runs import TEAS, chats, done
from tests.catalogue.model_server import ModelServer

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
        archived = table.c.archived_at.is_not(None)
        conn.execute(update(table).where(archived).values(archived_at=clock.now()))
    memory.pin(lasting.id)
    report = done(app, "memory_decay").result["bots"]["default"]
    assert (report["archived"], report["pruned"]) == (0, 2)
    assert {one.id for one in memory.list(archived=None)} == {pinned.id, lasting.id}


def test_originals_are_kept_as_long_as_their_merge_and_go_with_it(app: Onward, clock: ManualClock) -> None:
    memory = AssistantMemory(app.connect, app.settings, clock)
    for content in TEAS:
        memory.add(content)
    clock.advance(days=400)
    done(app, "memory_consolidation", {"use_model": False})
    assert len(memory.list()) == 1
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
