"""The rules by which checkpoints go, for any thread that there could be."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from onward.catalogue.conversations.plan import pending, values
from onward.catalogue.conversations.plan.thread import Head, Policy, Saved, Why, heads, judge

NOW = 1000.0
NAMESPACES = ("", "inner", "call:1", "call:2")


@st.composite
def threads(draw: st.DrawFn) -> list[Saved]:
    """Checkpoints in the order of their ids, as a program saves them; some do not say when."""
    count = draw(st.integers(1, 12))
    ages = sorted(draw(st.lists(st.floats(0, 100), min_size=count, max_size=count)), reverse=True)
    found: list[Saved] = []
    for number, age in enumerate(ages):
        namespace = draw(st.sampled_from(NAMESPACES))
        before = [saved for saved in found if saved.namespace == namespace]
        roots = [saved.id for saved in found if saved.namespace == ""]
        found.append(
            Saved(
                namespace,
                f"{number:03}",
                NOW - age if draw(st.integers(0, 9)) else None,
                before[-1].id if before else None,
                draw(st.sampled_from([3, 4])),
                roots[-1] if roots and namespace else None,
                is_delta=draw(st.integers(0, 9)) == 0,
            )
        )
    return found


@given(threads(), st.floats(0, 100), st.booleans(), st.booleans())
def test_what_goes_is_old_and_what_is_needed_stays(found: list[Saved], days: float, waits: bool, delta: bool) -> None:
    policy = Policy(NOW - days)
    verdict = judge("t", found, lambda newest: [Head(waits, delta)] * len(newest), policy)
    by_place = {saved.place: saved for saved in found}
    gone = [by_place[place] for place in verdict.gone]
    assert all(policy.is_old(saved) for saved in gone)
    is_delta = delta or any(saved.is_delta for saved in found)
    if is_delta:
        assert len(gone) in (0, len(found))
    if waits and gone:
        assert len(gone) < len(found)
    if len(gone) == len(found):
        assert verdict.why is Why.WHOLE
        return
    newest = heads(found)
    for namespace, head in newest.items():
        # Only a finished call of a subgraph goes while its thread stays.
        if ":" not in namespace or head.root is None or head.root == newest.get("", head).id:
            assert head not in gone
    kept = {saved.place for saved in found} - verdict.gone
    for place in kept:
        saved = by_place[place]
        if saved.version < 4 and saved.parent and (saved in newest.values() or not policy.is_old(saved)):
            assert (saved.namespace, saved.parent) in kept


@given(threads())
def test_threads_that_are_spared_lose_nothing_and_erased_ones_all(found: list[Saved]) -> None:
    def never(newest: Any) -> Any:
        raise AssertionError("nothing is to be read for this")

    everything = frozenset(saved.place for saved in found)
    assert judge("t", found, never, Policy(NOW, spared=frozenset({"t"}))).gone == frozenset()
    assert judge("t", found, never, Policy(0, erase=True)).gone == everything


def test_join_waits_until_all_have_come() -> None:
    def waits(names: Any) -> bool:
        return pending.is_waiting({"join:a+b+c:then": names}, {}, {}, has_writes=False)

    assert not waits([])
    assert not waits(["a", "b"])
    assert not waits(["a+b"])
    assert waits(["c", "a", "b"])
    assert waits(["c", "a+b"])
    assert waits(None)


def test_nodes_of_graphs_without_branches_wait_for_news() -> None:
    seen = {"node": {"channel": "2"}, "__interrupt__": {"channel": "1"}, "__input__": {}}
    assert not pending.is_waiting({"channel": None}, {"channel": "2"}, seen, has_writes=False)
    assert pending.is_waiting({"channel": None}, {"channel": "3"}, seen, has_writes=False)
    assert not pending.is_waiting({}, {"channel": "3"}, seen, has_writes=False)
    assert pending.is_waiting({"__start__": None}, {}, {}, has_writes=False)
    assert pending.is_waiting({"__pregel_tasks": [1]}, {}, {}, has_writes=False)
    assert not pending.is_waiting({"__pregel_tasks": []}, {}, {}, has_writes=False)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        values.has_delta_mark(values.read(data))
    except values.Unreadable:
        pass
