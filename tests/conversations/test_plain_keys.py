"""Plain keys ``checkpoint:{thread}:{checkpoint}`` on a real Redis: what goes, what stays, and who is not disturbed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgpack
import pytest

from onward.catalogue.conversations.outside import redis_place
from onward.catalogue.conversations.plan import moments, plain_keys
from onward.errors import InvalidParams
from onward.testing import Interrupted
from tests.app_fixtures import until
from tests.conversations.conftest import CleanUp

NOW = datetime.now(UTC)


def iso(days_ago: float) -> str:
    return (NOW - timedelta(days=days_ago)).isoformat(timespec="seconds")


def put(client: Any, thread: str, days_ago: float, **more: Any) -> str:
    """A plain checkpoint as JSON, with its time in the key and in the value."""
    at = iso(days_ago)
    key = f"checkpoint:{thread}:{at}"
    client.set(key, json.dumps({"ts": at, "channel_values": {"messages": ["hello"]}, **more}))
    return key


def keys(client: Any) -> set[str]:
    return {key.decode() for key in client.scan_iter("*", count=1000)}


def test_old_keys_go_and_recent_ones_stay(client: Any, redis_url: str, clean: CleanUp) -> None:
    old = {put(client, "user-session-abc", 31), put(client, "user-session-abc", 400)}
    recent = {put(client, "user-session-abc", 29), put(client, "other", 0)}
    client.set("session:abc", "somebody else's")
    client.hset("checkpoint:a:hash", "not", "ours")
    result = clean(redis_url)
    assert keys(client) == recent | {"session:abc", "checkpoint:a:hash"}
    assert old.isdisjoint(keys(client))
    assert {
        name: result[name] for name in ("success", "processed_count", "deleted_count", "retention_days", "error")
    } == {
        "success": True,
        "processed_count": 4,
        "deleted_count": 2,
        "retention_days": 30,
        "error": None,
    }
    assert result["freed_bytes"] > 100


@pytest.mark.parametrize(
    "value",
    [
        {"ts": iso(40)},
        {"timestamp": (NOW - timedelta(days=40)).timestamp()},
        {"created_at": int((NOW - timedelta(days=40)).timestamp() * 1000)},
        {"checkpoint": {"ts": iso(40)}, "metadata": {"step": 1}},
        {"metadata": {"timestamp": iso(40)}, "messages": []},
        [{"ts": iso(40)}, {"source": "loop"}],
    ],
)
@pytest.mark.parametrize("pack", [json.dumps, msgpack.packb])
def test_the_value_says_when_it_was_saved(client: Any, redis_url: str, clean: CleanUp, value: Any, pack: Any) -> None:
    client.set("checkpoint:user:1:latest", pack(value))
    assert clean(redis_url, retention_days=41)["deleted_count"] == 0
    assert clean(redis_url, retention_days=39)["deleted_count"] == 1


def test_the_key_says_when_it_was_saved_if_the_value_does_not(client: Any, redis_url: str, clean: CleanUp) -> None:
    client.set("checkpoint:a:2020-01-05T10:30:00", b"\x00\x01 no JSON, no msgpack \xff")
    client.set("checkpoint:a:1ef4f797-8335-6428-8001-8a1503f9b875", "{}")
    client.set("checkpoint:a:undated", "{}")
    result = clean(redis_url)
    assert (result["deleted_count"], result["without_a_time"]) == (2, 1)
    assert keys(client) == {"checkpoint:a:undated"}


@pytest.mark.parametrize(
    ("key", "value", "thread", "identity"),
    [
        ("checkpoint:user-session-abc123:2024-12-05T10:30:00", {}, "user-session-abc123", "2024-12-05T10:30:00"),
        ("checkpoint:a:b:2024-12-05T10:30:00.25+01:00", {}, "a:b", "2024-12-05T10:30:00.25+01:00"),
        ("checkpoint:a:b:c", {}, "a:b", "c"),
        ("checkpoint:a:b:c", {"thread_id": "a"}, "a", "b:c"),
        ("checkpoint:a:b:c", {"thread_id": "x"}, "a:b", "c"),
        ("checkpoint:alone", {}, "alone", ""),
    ],
)
def test_thread_and_checkpoint_of_a_key_with_colons(key: str, value: Any, thread: str, identity: str) -> None:
    facts = plain_keys.facts(key, json.dumps(value).encode())
    assert (facts.thread, facts.id) == (thread, identity)


def test_times_within_ids_are_those_of_langgraph() -> None:
    from langgraph.checkpoint.base.id import uuid6

    before = datetime.now(UTC).timestamp()
    at = moments.of_id(str(uuid6()))
    assert at is not None
    assert before - 0.001 <= at <= datetime.now(UTC).timestamp() + 0.001
    assert moments.of_id("2024-12-05T10:30:00") is None


class Planted:
    """What would run if anybody unpickled it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def test_values_are_never_brought_to_life(client: Any, redis_url: str, clean: CleanUp, tmp_path: Path) -> None:
    import pickle

    mark = tmp_path / "it-has-run"
    planted = pickle.dumps(Planted(mark))
    call = msgpack.packb(["pathlib", "Path", [str(mark)], "touch"])
    client.set(f"checkpoint:a:{iso(40)}", planted)
    for code in range(8):
        client.set(f"checkpoint:b{code}:{iso(40)}", msgpack.packb({"ts": msgpack.ExtType(code, call), "id": planted}))
    client.set("checkpoint:c:1", b"\x80\x04")
    result = clean(redis_url)
    assert result["deleted_count"] == 9
    assert not mark.exists()


def test_threads_with_delta_channels_are_not_cut(client: Any, redis_url: str, clean: CleanUp) -> None:
    marked = {"metadata": {"counters_since_delta_snapshot": {"messages": [1, 2]}}}
    kept = {put(client, "in-use", 40), put(client, "in-use", 35, **marked), put(client, "in-use", 1, **marked)}
    put(client, "over", 40)
    put(client, "over", 35, **marked)
    clean(redis_url)
    assert keys(client) == kept


def test_a_key_that_is_written_again_at_that_moment_stays(
    client: Any, redis_url: str, clean: CleanUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.set("checkpoint:a:latest", json.dumps({"ts": iso(40)}))
    client.set("checkpoint:b:latest", json.dumps({"ts": iso(40)}))
    real, written = redis_place.read_strings, []

    def meanwhile(*args: Any) -> Iterator[Any]:
        yield from real(*args)
        if not written:
            written.append(client.set("checkpoint:a:latest", json.dumps({"ts": iso(0)})))

    # After what is to go was looked at again, and before it is deleted.
    monkeypatch.setattr(redis_place, "read_strings", meanwhile)
    result = clean(redis_url)
    assert keys(client) == {"checkpoint:a:latest"}
    assert (result["deleted_count"], result["changed_meanwhile"]) == (1, 1)


def test_large_values_do_not_fill_the_memory(client: Any, redis_url: str, clean: CleanUp) -> None:
    import tracemalloc

    for number in range(12):
        value = json.dumps({"ts": iso(40), "messages": ["x" * 3_000_000]})
        client.set(f"checkpoint:large:{number}", value)
    tracemalloc.start()
    assert clean(redis_url)["deleted_count"] == 12
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_less_is_kept_while_redis_uses_too_much_memory(client: Any, redis_url: str, clean: CleanUp) -> None:
    for days in (5, 10, 40):
        put(client, "a", days)
    assert clean(redis_url, settings={"memory_limit_bytes": 0})["retention_days"] == 30
    assert clean(redis_url, memory_limit_bytes=10**12)["retention_days"] == 30
    result = clean(redis_url, memory_limit_bytes=1)
    assert (result["retention_days"], result["deleted_count"]) == (7, 1)
    assert clean(redis_url, memory_limit_bytes=1, retention_days=6)["retention_days"] == 6


def test_threads_are_chosen_by_pattern_or_user(client: Any, redis_url: str, clean: CleanUp) -> None:
    for thread in ("user-1-a", "user-12-b", "user-*-c", "team[x]"):
        put(client, thread, 40)
    assert clean(redis_url, user="*")["processed_count"] == 1
    assert clean(redis_url, user="1")["deleted_count"] == 1
    assert clean(redis_url, thread="team[[]x]")["deleted_count"] == 1
    assert {key.split(":")[1] for key in keys(client)} == {"user-12-b"}
    with pytest.raises(InvalidParams, match="any age"):
        clean(redis_url, erase=True)
    with pytest.raises(InvalidParams, match="Both"):
        clean(redis_url, thread="a", user="b")


def test_interrupted_anywhere_it_goes_on_and_counts_each_key_once(client: Any, redis_url: str, clean: CleanUp) -> None:
    with client.pipeline() as pipe:
        for number in range(650):
            pipe.set(f"checkpoint:t{number:03}:{iso(40)}", json.dumps({"ts": iso(40)}))
            pipe.set(f"checkpoint:t{number:03}:{iso(1)}", json.dumps({"ts": iso(1)}))
        pipe.execute()
    bench = clean.bench(redis_url)
    outcomes = list(bench.run_in_pieces(2))
    assert sum(isinstance(outcome, Interrupted) for outcome in outcomes) >= 3
    assert outcomes[-1]["deleted_count"] == 650
    assert outcomes[-1]["processed_count"] <= 1300
    assert client.dbsize() == 650


def test_killed_half_way_another_attempt_goes_on(
    client: Any, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onward import Onward

    with client.pipeline(transaction=False) as pipe:
        for number in range(6_000):
            pipe.set(f"checkpoint:t{number}:{iso(40)}", json.dumps({"ts": iso(40)}))
        pipe.set("checkpoint:t1:now", json.dumps({"ts": iso(0)}))
        pipe.execute()
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    monkeypatch.setenv("ONWARD_LANGGRAPH_URL", redis_url)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("ONWARD_WORKER_REAP_SECONDS", "0.2")
    app = Onward(url)
    app.include_catalogue()
    job = app.submit("cleanup_checkpoints")
    command = [sys.executable, "-m", "onward", "worker", "--no-supervisor", "--database", url]
    worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: client.dbsize() <= 4_500 or worker.poll() is not None, "the clean-up", 60)
        worker.send_signal(signal.SIGKILL)
    finally:
        worker.kill()
        worker.wait()
    assert 1 < client.dbsize() <= 4_500
    with app.worker(concurrency=1):
        done = app.wait(job.id, timeout=60)
    assert done.status == "completed"
    assert done.attempt >= 1
    assert keys(client) == {"checkpoint:t1:now"}
    app.close()


def test_other_threads_of_unfinished_jobs_stay(client: Any, redis_url: str, tmp_path: Path) -> None:
    from onward import Onward, Settings

    put(client, "asked", 40)
    put(client, "named", 40)
    put(client, "free", 40)
    settings = Settings(database={"url": f"sqlite:///{tmp_path / 'jobs.db'}"}, langgraph={"url": redis_url})
    app = Onward(settings=settings)
    app.include_catalogue()

    @app.job
    def talk(config: dict[str, Any]) -> None:
        """Goes on with a conversation some day."""

    app.submit(talk, {"config": {"configurable": {"thread_id": "named"}}}, delay=3600)
    job = app.submit("cleanup_checkpoints")
    app.worker(concurrency=1).run(until_idle=True)
    result = app.get(job.id).result
    assert result["threads_by_fate"]["spared"] == 1
    assert {key.split(":")[1] for key in keys(client)} == {"named"}
    app.close()
