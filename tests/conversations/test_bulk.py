"""Many keys: work grows with their number and memory does not; a process that is killed leaves nothing undone."""

from __future__ import annotations

import tracemalloc
from typing import Any

from benchmarks.conversations import fill, loop, ours
from tests.conversations.conftest import CleanUp


def measure(client: Any, url: str, count: int) -> tuple[float, int]:
    """Commands that the server was sent for each key, and bytes of memory at most."""
    client.flushdb()
    old = fill(client, count)
    before = client.info("stats")["total_commands_processed"]
    tracemalloc.start()
    result = ours(url)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    commands = client.info("stats")["total_commands_processed"] - before
    assert (result["processed_count"], result["deleted_count"]) == (count, old)
    assert client.dbsize() == count - old
    return commands / count, peak


def test_work_grows_with_the_keys_and_memory_does_not(client: Any, redis_url: str, clean: CleanUp) -> None:
    few, memory_of_few = measure(client, redis_url, 400)
    many, memory_of_many = measure(client, redis_url, 1_600)
    assert many < few * 1.2
    assert memory_of_many < memory_of_few * 1.5 + 500_000


def test_it_leaves_what_the_plain_loop_leaves(client: Any, redis_url: str, clean: CleanUp) -> None:
    fill(client, 500)
    assert loop(redis_url)["deleted_count"] == 250
    assert ours(redis_url)["deleted_count"] == 0
