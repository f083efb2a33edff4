"""How long does the clean-up of plain keys in Redis take, how much memory, and what do others feel of it?

Beside it the plain loop that such jobs often are: ``scan_iter``, ``get``, ``delete``, a key at a time. Each runs in a
process of its own on the same keys, half of which are old, while another client reads and writes and notes how long it
waited. ``python -m benchmarks.conversations 1000000`` prints a table.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
VALUE = "x" * 400


def fill(client: Any, count: int) -> int:
    """Put so many plain keys, every second of them old; returns how many are old."""
    now = datetime.now(UTC)
    pipe = client.pipeline(transaction=False)
    for number in range(count):
        at = (now - timedelta(days=40 if number % 2 else 1, seconds=number % 9000)).isoformat(timespec="seconds")
        value = json.dumps({"ts": at, "channel_values": {"messages": [VALUE]}})
        pipe.set(f"checkpoint:user-{number // 4}-session:{at}-{number}", value)
        if number % 5000 == 4999:
            pipe.execute()
    pipe.execute()
    return count // 2


def ours(url: str) -> dict[str, Any]:
    """The clean-up of onward."""
    from onward import Settings
    from onward.catalogue.conversations import cleanup_old_checkpoints

    return cleanup_old_checkpoints(30, settings=Settings(langgraph={"url": url, "memory_limit_bytes": 0}))


def loop(url: str) -> dict[str, Any]:
    """A key at a time, as one would write it first."""
    import redis

    client = redis.Redis.from_url(url)
    before = datetime.now(UTC) - timedelta(days=30)
    processed = deleted = 0
    for key in client.scan_iter(match="checkpoint:*"):
        processed += 1
        data = client.get(key)
        if data and datetime.fromisoformat(json.loads(data)["ts"]) < before:
            client.delete(key)
            deleted += 1
    return {"processed_count": processed, "deleted_count": deleted}


def run(way: str, url: str) -> None:
    """One way in this process; prints what it did and what it took."""
    begun = time.monotonic()
    result = {"ours": ours, "loop": loop}[way](url)
    seconds = time.monotonic() - begun
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures = {"seconds": seconds, "cpu_seconds": used.ru_utime + used.ru_stime, "megabytes": used.ru_maxrss / 1024}
    print(json.dumps({**result, **figures}))


def probe(client: Any, until: Any) -> list[float]:
    """How long another client waits for its answers, in milliseconds, until ``until`` is true."""
    waited = []
    while not until():
        begun = time.perf_counter()
        client.set("another", "client")
        client.get("another")
        waited.append((time.perf_counter() - begun) * 1000)
        time.sleep(0.002)
    return waited


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def measure(way: str, count: int, url: str, client: Any) -> dict[str, float]:
    """Fill, look at the calm, then run it and look again."""
    client.flushdb()
    old = fill(client, count)
    calm_ends = time.monotonic() + 3
    calm = probe(client, lambda: time.monotonic() > calm_ends)
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.conversations", way, url], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    busy = probe(client, lambda: process.poll() is not None)
    said, _ = process.communicate()
    result = json.loads(said)
    assert result["deleted_count"] == old, result
    assert client.dbsize() == count - old + 1
    return {
        "keys": count,
        "seconds": result["seconds"],
        "cpu_seconds": result["cpu_seconds"],
        "megabytes": result["megabytes"],
        "calm_p99_ms": percentile(calm, 0.99),
        "busy_p99_ms": percentile(busy, 0.99),
    }


def _cells(way: str, count: int, found: dict[str, float]) -> list[str]:
    cells = [way, f"{count:,}", f"{found['seconds']:.1f}", f"{found['cpu_seconds']:.1f}"]
    cells += [f"{count / found['seconds']:,.0f}", f"{found['megabytes']:.0f}"]
    return [*cells, f"{found['calm_p99_ms']:.2f}", f"{found['busy_p99_ms']:.2f}"]


def main(counts: list[int]) -> None:
    from tests.redis_server import Redis

    server = Redis()
    client: Any = server.client()
    try:
        print("| way | keys | seconds | CPU seconds | keys/s | memory MB | others' p99 ms, calm | during it |")
        print("|---|---|---|---|---|---|---|---|")
        for count in counts:
            for way in ("ours", "loop"):
                found = measure(way, count, server.url, client)
                print("|", " | ".join(_cells(way, count, found)), "|", flush=True)
    finally:
        client.close()
        server.close()


if __name__ == "__main__":
    if sys.argv[1] in ("ours", "loop"):
        run(sys.argv[1], sys.argv[2])
    else:
        main([int(argument) for argument in sys.argv[1:]])
