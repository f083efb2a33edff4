"""The rules on paper: who says the same, what a merge keeps, what fades; and what of a model's answer holds."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onward.catalogue.memory.outside import vectors
from onward.catalogue.memory.plan import merging, profiling
from onward.catalogue.memory.plan.clustering import Likeness, best_first, clusters
from onward.catalogue.memory.plan.decay import Fate, Rules, effective_importance, fate
from onward.catalogue.memory.plan.records import DECAYED, MERGED, UNDONE, Attribute, Entity, Memory
from onward.catalogue.memory.plan.wording import coverage, invented_numbers, normalized, overlap

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ANA = Entity("default", "user", "ana")
some = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def memory(key: str = "m", content: str = "Ana likes tea.", **more: Any) -> Memory:
    given: dict[str, Any] = {"type": "fact", "importance": 0.5, "created_at": NOW, "updated_at": NOW, **more}
    return Memory(id=key, bot_id="default", content=content, **given)


times = st.integers(0, 400).map(lambda days: NOW - days * DAY)
shares = st.floats(0, 1, allow_nan=False)

VECTORS = vectors.as_bytes([[x, y, z, 0.1] for x in (0.0, 0.2, 1.0) for y in (0.0, 0.6, 1.0) for z in (0.0, 0.3)])
"""In a few directions, so that some are near."""

facts = st.fixed_dictionaries(
    {
        "content": st.sampled_from(["tea", "Tea!", "coffee", "green tea", "a dog", "A dog.", "two dogs", "42"]),
        "type": st.sampled_from(["fact", "preference"]),
        "importance": shares,
        "created_at": times,
        "last_accessed_at": st.none() | times,
        "access_count": st.integers(0, 9),
        "tags": st.sampled_from([(), ("a",), ("b", "a"), ("c",)]),
        "sources": st.sampled_from([(), ("w",), ("x", "w")]),
        "is_pinned": st.booleans(),
        "embedding": st.none() | st.sampled_from(VECTORS),
    }
)


def remembered(least: int = 0, most: int = 12) -> st.SearchStrategy[list[Memory]]:
    """Memories, each with an id of its own."""
    return st.lists(facts, min_size=least, max_size=most).map(
        lambda rows: [
            memory(f"m{at:02}", embedding_model="small" if row["embedding"] else None, **row)
            for at, row in enumerate(rows)
        ]
    )


def found_clusters(memories: list[Memory], likeness: Likeness) -> list[list[Memory]]:
    near = vectors.neighbours(memories, min(likeness.within_type, likeness.across_types), lambda: None)
    return clusters(memories, near, likeness)


@some
@given(remembered(), st.randoms(use_true_random=False), st.sampled_from([0.5, 0.75, 0.95]))
def test_in_a_cluster_each_is_like_every_other_whatever_the_order(
    memories: list[Memory], chance: Any, threshold: float
) -> None:
    likeness = Likeness(threshold, 0.92)
    groups = found_clusters(memories, likeness)
    ids = Counter(one.id for group in groups for one in group)
    assert all(count == 1 for count in ids.values())
    by_id = {one.id: numpy.frombuffer(one.embedding, "<f4") if one.embedding else None for one in memories}
    for group in groups:
        assert len(group) > 1
        assert group == best_first(group)
        for one in group:
            for other in group:
                mine, theirs = by_id[one.id], by_id[other.id]
                cosine = None if mine is None or theirs is None else float(mine @ theirs) + 1e-4
                assert one is other or likeness.joins(one, other, cosine)
    shuffled = list(memories)
    chance.shuffle(shuffled)
    assert found_clusters(shuffled, likeness) == groups


@some
@given(remembered(least=1))
def test_no_memory_stays_alone_beside_one_of_the_same_words(memories: list[Memory]) -> None:
    grouped = {one.id for group in found_clusters(memories, Likeness()) for one in group}
    alone = Counter(normalized(one.content) for one in memories if one.id not in grouped)
    assert all(count == 1 for count in alone.values())


def test_two_types_are_merged_only_when_much_more_alike() -> None:
    def pair(cosine: float, *types: str) -> list[Memory]:
        rows = vectors.as_bytes([[1.0, 0.0], [cosine, (1 - cosine**2) ** 0.5]])
        return [
            memory(f"m{at}", f"text {at}", type=kind, embedding=row, embedding_model="small")
            for at, (kind, row) in enumerate(zip(types, rows, strict=True))
        ]

    assert found_clusters(pair(0.76, "fact", "fact"), Likeness())
    assert not found_clusters(pair(0.74, "fact", "fact"), Likeness())
    assert not found_clusters(pair(0.9, "fact", "preference"), Likeness())
    assert found_clusters(pair(0.93, "fact", "preference"), Likeness())


def test_a_chain_of_likenesses_does_not_join_its_ends() -> None:
    rows = vectors.as_bytes([[1.0, 0.0], [0.8, 0.6], [0.28, 0.96]])
    chain = [memory(f"m{at}", f"text {at}", embedding=row, embedding_model="s") for at, row in enumerate(rows)]
    assert [len(group) for group in found_clusters(chain, Likeness())] == [2]


def test_vectors_of_two_models_are_not_compared() -> None:
    row = vectors.as_bytes([[1.0, 0.0]])[0]
    two = [memory(f"m{at}", f"text {at}", embedding=row, embedding_model=f"model {at}") for at in range(2)]
    assert found_clusters(two, Likeness()) == []


@some
@given(remembered(least=2), st.integers(0, 5), st.booleans())
def test_a_merge_loses_nothing_and_its_undoing_restores_the_originals(
    originals: list[Memory], accesses: int, pins: bool
) -> None:
    merge = merging.joined(originals, "merge", NOW, "Ana likes tea.", "model")
    assert merge.access_count == sum(one.access_count for one in originals)
    assert merge.importance == max(one.importance for one in originals)
    assert set(merge.tags) == {tag for one in originals for tag in one.tags}
    assert set(merge.sources) == {source for one in originals for source in one.sources}
    assert merge.is_pinned == any(one.is_pinned for one in originals)
    assert merge.used_at == max(one.used_at for one in originals)
    archived = [replace(one, archived_at=NOW, archived_because=MERGED, merged_into="merge") for one in originals]
    assert merging.parted(merge, archived, NOW) == [replace(one, updated_at=NOW) for one in originals]
    later = replace(merge, access_count=merge.access_count + accesses, last_accessed_at=NOW + DAY)
    later = replace(later, is_pinned=merge.is_pinned or pins)
    back = merging.parted(later, archived, NOW)
    assert sum(one.access_count for one in back) == later.access_count
    assert any(one.is_pinned for one in back) == later.is_pinned
    assert [one.content for one in back] == [one.content for one in originals]
    assert (max(one.used_at for one in back) == NOW + DAY) == (accesses > 0)


@some
@given(shares, st.floats(0.1, 1000), st.floats(0, 5000), st.floats(0, 5000))
def test_importance_halves_with_each_half_life_and_never_grows(
    importance: float, half_life: float, one: float, other: float
) -> None:
    kept = memory(importance=importance)
    sooner, later = sorted((one, other))
    early = effective_importance(kept, NOW + sooner * DAY, half_life)
    late = effective_importance(kept, NOW + later * DAY, half_life)
    assert 0 <= late <= early <= importance
    halved = effective_importance(kept, NOW + half_life * DAY, half_life)
    assert halved == pytest.approx(importance / 2)
    assert effective_importance(kept, NOW - DAY, half_life) == importance


@some
@given(remembered(least=1, most=1), st.integers(0, 5000), st.integers(0, 100))
def test_nothing_is_pruned_that_was_not_archived_before_and_pins_and_accesses_keep(
    one: list[Memory], days: int, since: int
) -> None:
    now = NOW + days * DAY
    kept = one[0]
    assert fate(kept, now, Rules()) is not Fate.PRUNE
    assert fate(replace(kept, is_pinned=True), now, Rules()) is Fate.KEEP
    accessed = replace(kept, last_accessed_at=now, importance=max(0.05, kept.importance))
    assert fate(accessed, now, Rules()) is Fate.KEEP
    for why in (DECAYED, UNDONE, MERGED):
        archived = replace(kept, archived_at=now - since * DAY, archived_because=why, is_pinned=False)
        expected = Fate.PRUNE if since >= 30 and why != MERGED else Fate.KEEP
        assert fate(archived, now, Rules()) is expected


def test_a_memory_of_half_importance_fades_after_three_hundred_days() -> None:
    """0.5 halves to 0.05 in log2(10) half-lives of 90 days."""
    kept = memory(importance=0.5)
    assert fate(kept, NOW + 298 * DAY, Rules()) is Fate.KEEP
    assert fate(kept, NOW + 300 * DAY, Rules()) is Fate.ARCHIVE
    assert fate(replace(kept, last_accessed_at=NOW + 200 * DAY), NOW + 300 * DAY, Rules()) is Fate.KEEP


def test_what_a_merge_may_say() -> None:
    originals = [memory("a", "Ana has 2 dogs."), memory("b", "Ana's dogs are called Bo and Mo.")]

    def objection(content: str) -> str | None:
        return merging.objection({"content": content}, originals)

    assert objection("Ana has 2 dogs, Bo and Mo.") is None
    assert "number 3" in (objection("Ana has 3 dogs.") or "")
    assert "in common" in (objection("The weather was fine.") or "")
    assert "longer" in (objection("Ana has dogs. " * 20) or "")
    assert "empty" in (objection("  ") or "")


def attribute(key: str, value: Any, days: int = 0, confidence: float = 1.0) -> Attribute:
    at = NOW - days * DAY
    return Attribute(f"id-{key}", ANA, "about", key, value, confidence, "", at, at)


def test_what_a_profile_may_say() -> None:
    known = [attribute("age", 41), attribute("born", "1985-02-03"), attribute("likes", "tea")]

    def objection(summary: str, fact: str = "Ana likes tea.") -> str | None:
        return profiling.objection({"summary": summary, "facts": [{"fact": fact, "from": [3]}]}, known, None)

    assert objection("Ana is 41, was born in 1985 and likes tea.") is None
    assert "number 42" in (objection("Ana is 42.") or "")
    assert "number 7" in (objection("Ana likes tea.", "Ana has 7 cats.") or "")
    assert "empty" in (objection(" ") or "")


def test_attributes_that_do_not_fit_are_the_doubtful_and_old_ones() -> None:
    known = [attribute(f"k{at}", "x" * 50, days=at, confidence=1.0 if at % 2 else 0.5) for at in range(20)]
    chosen = profiling.chosen(known, 1500)
    assert 5 < len(chosen) < 12
    assert all(one.confidence == 1.0 for one in chosen)
    assert [one.updated_at for one in chosen] == sorted(one.updated_at for one in chosen)
    assert len(profiling.chosen(known, 1)) == 1, "one is handed over, whatever its size"


@some
@given(st.dictionaries(st.sampled_from("abcdef"), shares, min_size=1))
def test_a_fingerprint_is_that_of_what_is_known_and_not_of_its_order(known: dict[str, float]) -> None:
    marks = list(known.items())
    assert profiling.fingerprint(marks) == profiling.fingerprint(reversed(marks))
    assert profiling.fingerprint(marks) != profiling.fingerprint([*marks, ("g", 1.0)])
    assert profiling.due({ANA: marks}, {ANA: profiling.fingerprint(marks)}) == {}
    assert list(profiling.due({ANA: marks}, {})) == [ANA]


def test_words_are_compared_without_case_and_punctuation() -> None:
    assert normalized("Ana LIKES tea!") == normalized("ana likes tea")
    assert normalized("ﬁne") == normalized("fine")
    assert normalized("!!") != normalized("??")
    assert overlap("green tea", "Green tea.") == 1
    assert coverage("green tea please", "I like tea") == pytest.approx(1 / 3)
    assert invented_numbers("born 1985, aged 41", "born 1985-02-03") == ["41"]


def test_schemas_count_no_characters_and_answers_are_measured_afterwards() -> None:
    """A server that makes a grammar of a schema stands still over a text of 1 to 2,000 characters."""
    asked = json.dumps([merging.SCHEMA, profiling.schema(3)])
    assert "Length" not in asked
    assert "maxItems" not in asked
    text = "Ana likes tea. " * 200
    originals = [memory(f"m{at}", text) for at in range(2)]
    assert "2,000" in (merging.objection({"content": text}, originals) or "")
    assert "2,000" in (profiling.objection({"summary": text, "facts": []}, [attribute("likes", "tea")], None) or "")
