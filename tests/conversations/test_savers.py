"""With every saver of LangGraph: what is old goes with all that belongs to it, and every thread that stays goes on."""

from __future__ import annotations

import dataclasses
import functools
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from langgraph.types import Command

from onward.catalogue.conversations.outside.postgres_place import PostgresPlace
from onward.catalogue.conversations.outside.redis_place import RedisPlace
from onward.catalogue.conversations.outside.sqlite_place import SqlitePlace
from onward.testing import Interrupted
from tests.conversations import graphs
from tests.conversations.conftest import CleanUp, days_since
from tests.conversations.savers import Saver

HELLO = {"words": ["hello"], "turns": 0}


def test_finished_thread_that_is_old_goes_with_all_that_belongs_to_it(saver: Saver, clean: CleanUp) -> None:
    for build in (graphs.chain, graphs.fans_out):
        saver.run(build, "user:1", HELLO)
        saver.run(build, "user:2", HELLO)
        result = clean(saver.url, days_later=31)
        assert result["deleted_count"] == result["processed_count"] > 0
        assert result["threads_by_fate"]["whole"] == 2
        assert saver.count("user:1")["all"] == 0
        assert saver.count("user:2")["all"] == 0
        assert result["freed_bytes"] > 0
        assert saver.dangling() == []


def test_recent_threads_stay_as_they_are(saver: Saver, clean: CleanUp) -> None:
    saver.run(graphs.chain, "user:1", HELLO)
    before = saver.count("user:1")
    result = clean(saver.url, days_later=29)
    assert result["deleted_count"] == 0
    assert result["processed_count"] == before["checkpoints"]
    assert saver.count("user:1") == before


def test_thread_in_use_loses_what_is_old_and_goes_on(saver: Saver, clean: CleanUp) -> None:
    saver.run(graphs.chain, "user:1", HELLO)
    between = datetime.now(UTC)
    saver.run(graphs.chain, "user:1", {"words": ["again"]})
    before, all_before = saver.state(graphs.chain, "user:1"), saver.count("user:1")
    result = clean(saver.url, retention_days=days_since(between))
    assert saver.state(graphs.chain, "user:1") == before
    if not saver.is_shallow:
        assert result["deleted_count"] == 4
        assert saver.count("user:1")["all"] < all_before["all"]
    assert saver.count("user:1")["all"] <= all_before["all"]
    assert saver.dangling() == []
    after = saver.run(graphs.chain, "user:1", {"words": ["more"]})
    assert after["words"] == ["hello", "said", "end", "again", "said", "end", "more", "said", "end"]


@pytest.mark.parametrize("build", [graphs.asks_in_a_subgraph, graphs.asks_in_a_lasting_subgraph])
@pytest.mark.parametrize("days_later", [31, 365])
def test_thread_that_waits_for_an_answer_stays_and_goes_on(
    saver: Saver, clean: CleanUp, build: Any, days_later: int
) -> None:
    saver.run(build, "user:1", HELLO)
    before = saver.count("user:1")
    result = clean(saver.url, days_later=days_later)
    assert result["threads_by_fate"]["waiting"] == 1
    assert saver.count("user:1")["checkpoints"] == 2
    assert saver.count("user:1")["all"] < before["all"]
    assert saver.state(build, "user:1")[1] == ("inner",)
    after = saver.run(build, "user:1", Command(resume="yes"))
    assert after["words"][-2:] == ["answer yes", "end"]
    assert after["turns"] == 2


def test_threads_that_wait_go_when_that_was_asked_for(saver: Saver, clean: CleanUp) -> None:
    saver.run(graphs.asks_in_a_subgraph, "user:1", HELLO)
    assert clean(saver.url, days_later=60, waiting_days=90)["threads_by_fate"]["waiting"] == 1
    assert clean(saver.url, days_later=91, waiting_days=90)["threads_by_fate"]["whole"] == 1
    assert saver.count("user:1")["all"] == 0


def test_thread_that_stopped_before_a_node_stays_and_goes_on(saver: Saver, clean: CleanUp) -> None:
    saver.run(graphs.stops_before_the_end, "user:1", HELLO)
    clean(saver.url, days_later=100)
    assert saver.state(graphs.stops_before_the_end, "user:1")[1] == ("end",)
    assert saver.run(graphs.stops_before_the_end, "user:1", None)["words"] == ["hello", "said", "end"]


def test_thread_that_failed_stays_and_goes_on_when_it_is_mended(
    saver: Saver, clean: CleanUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(graphs.Broken):
        saver.run(graphs.fails, "user:1", HELLO)
    clean(saver.url, days_later=100)
    monkeypatch.setattr(graphs, "broken", False)
    assert saver.run(graphs.fails, "user:1", None)["words"] == ["hello", "said", "mended"]


def test_ended_calls_of_subgraphs_go_with_the_checkpoint_they_began_at(saver: Saver, clean: CleanUp) -> None:
    build = graphs.asks_in_a_subgraph
    saver.run(build, "user:1", HELLO)
    saver.run(build, "user:1", Command(resume="one"))
    between = datetime.now(UTC)
    saver.run(build, "user:1", {"words": ["again"]})
    before = saver.state(build, "user:1")
    clean(saver.url, retention_days=days_since(between))
    assert saver.state(build, "user:1") == before
    assert before[1] == ("inner",)
    after = saver.run(build, "user:1", Command(resume="two"))
    assert after["words"][-2:] == ["answer two", "end"]
    result = clean(saver.url, days_later=31)
    assert result["threads_by_fate"]["whole"] == 1
    assert saver.count("user:1")["all"] == 0
    assert saver.dangling() == []


@pytest.mark.parametrize("build", [graphs.delta, graphs.snapshots])
def test_state_that_is_made_of_older_checkpoints_stays_whole_or_goes_whole(
    saver: Saver, clean: CleanUp, build: Any
) -> None:
    if not saver.has_delta:
        pytest.skip("this saver of LangGraph does not keep such state")
    saver.run(build, "user:1", HELLO)
    between = datetime.now(UTC)
    saver.run(build, "user:1", {"words": ["again"]})
    before, all_before = saver.state(build, "user:1"), saver.count("user:1")
    result = clean(saver.url, retention_days=days_since(between))
    assert result["threads_by_fate"]["delta"] == 1
    assert saver.count("user:1") == all_before
    assert saver.state(build, "user:1") == before
    assert clean(saver.url, days_later=31)["threads_by_fate"]["whole"] == 1
    assert saver.count("user:1")["all"] == 0


def test_dry_run_says_what_would_go_and_changes_nothing(saver: Saver, clean: CleanUp) -> None:
    saver.run(graphs.chain, "user:1", HELLO)
    before = saver.count("user:1")
    would = clean(saver.url, days_later=31, dry_run=True)
    assert saver.count("user:1") == before
    did = clean(saver.url, days_later=31)
    assert would["deleted_count"] == did["deleted_count"] == before["checkpoints"]
    assert would["dry_run"] is True


def test_only_the_threads_that_are_named_go(saver: Saver, clean: CleanUp) -> None:
    for thread in ("user-7-a", "user-77-b", "user-7-c"):
        saver.run(graphs.chain, thread, HELLO)
    clean.spared = ["user-7-c"]
    clean(saver.url, days_later=31, user="7")
    assert [bool(saver.count(f"user-7{end}")["all"]) for end in ("-a", "7-b", "-c")] == [False, True, True]
    clean(saver.url, days_later=31, thread="user-7*")
    assert [bool(saver.count(f"user-7{end}")["all"]) for end in ("-a", "7-b", "-c")] == [False, False, True]
    clean(saver.url, user="7", erase=True)
    assert saver.count("user-7-c")["all"] == 0


def test_thread_that_is_used_again_meanwhile_stays(
    saver: Saver, clean: CleanUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    saver.run(graphs.chain, "user:1", HELLO)
    saver.run(graphs.chain, "user:2", HELLO)
    between = datetime.now(UTC)
    for place in (RedisPlace, PostgresPlace, SqlitePlace):
        survey = place.survey

        def used_again(self: Any, policy: Any, survey: Any = survey) -> int:
            found: int = survey(self, policy)
            saver.run(graphs.chain, "user:1", {"words": ["again"]})
            return found

        monkeypatch.setattr(place, "survey", used_again)
    clean(saver.url, retention_days=days_since(between))
    assert saver.count("user:2")["all"] == 0
    words, following = saver.state(graphs.chain, "user:1")
    assert words["words"] == ["hello", "said", "end", "again", "said", "end"]
    assert following == ()
    assert saver.dangling() == []


def test_damaged_checkpoints_stop_nobody(saver: Saver, clean: CleanUp) -> None:
    saver.run(graphs.chain, "user:1", HELLO)
    saver.run(graphs.chain, "user:2", HELLO)
    saver.damage("user:1")
    result = clean(saver.url, days_later=31)
    assert result["success"] is True
    assert saver.count("user:2")["all"] == 0


def test_killed_after_a_deletion_that_was_not_noted_it_goes_on(saver: Saver, clean: CleanUp) -> None:
    """What an attempt has deleted is still in its notes: the next attempt finds it gone."""
    for number in range(3):
        saver.run(graphs.chain, f"user:{number}", HELLO)
    bench = clean.bench(saver.url, days_later=31)
    fixed_id = "0199" + "0" * 28
    bench.job_type = dataclasses.replace(bench.job_type, func=_with_id(bench.job_type.func, fixed_id))
    first = bench.run(interrupt_at=2)
    assert isinstance(first, Interrupted)
    assert all(saver.count(f"user:{number}")["all"] == 0 for number in range(3))
    bench.memory.checkpoint = _without_the_last_point(bench.memory.checkpoint)
    result = bench.run()
    assert result["success"] is True
    assert result["changed_meanwhile"] in (0, 3)
    assert saver.dangling() == []


def _with_id(function: Any, job_id: str) -> Any:
    """A worker gives every attempt of a job the same id; the bench does not."""

    @functools.wraps(function)
    def run(ctx: Any, **params: Any) -> Any:
        object.__setattr__(ctx.facts, "job_id", job_id)
        return function(ctx, **params)

    return run


def _without_the_last_point(saved: str | None) -> str:
    content = json.loads(saved or "{}")
    content["cursors"] = {}
    content["state"].pop("done", None)
    return json.dumps(content)
