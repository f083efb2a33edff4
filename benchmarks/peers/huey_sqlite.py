"""Huey on SQLite. Runs in the peers' environment: ``huey_sqlite.py drain|submit ADDRESS FOLDER COUNT``.

Its consumer is started as its manual says, with two threads; it keeps results by default.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from huey import SqliteHuey

PLACE = Path(os.environ.get("PEER_FOLDER") or sys.argv[3])
huey: Any = SqliteHuey("bench", filename=str(PLACE / "huey.db"))
_marked: list[int] = []


@huey.task()
def noop(user: int, kind: str, tags: list[str]) -> int:
    if not _marked:
        _marked.append(1)
        (PLACE / f"began.{os.getpid()}").write_text(repr(time.time()))
    return 1 if user and kind and tags else 0


def preload(count: int) -> None:
    for _ in range(count):
        noop(42, "mail", ["a", "b"])


def drain(count: int, processes: int) -> float:
    """Jobs a second from the first one's start until all results are kept, looked at every 20 ms."""
    preload(count)
    environment = {**os.environ, "PEER_FOLDER": str(PLACE), "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-m", "huey.bin.huey_consumer", "huey_sqlite.huey", "-w", "2", "-k", "thread", "-q"]
    before = huey.result_count()
    started = [
        subprocess.Popen(command, env=environment, cwd=PLACE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(processes)
    ]
    try:
        deadline = time.monotonic() + 120
        while huey.result_count() - before < count and time.monotonic() < deadline:
            time.sleep(0.02)
        ended = time.time()
    finally:
        for process in started:
            process.kill()
            process.wait()
    began = min(float(path.read_text()) for path in PLACE.glob("began.*"))
    for path in PLACE.glob("began.*"):
        path.unlink()
    return float(huey.result_count() - before) / (ended - began)


def main() -> None:
    question, _, _, count = sys.argv[1:]
    found: dict[str, Any] = {"peer": f"Huey {importlib.metadata.version('huey')}"}
    if question == "drain":
        found["no-op jobs, one worker process"] = drain(int(count), 1)
        found["no-op jobs, two worker processes"] = drain(int(count), 2)
    else:
        begun = time.perf_counter()
        preload(3000)
        found["one at a time"] = 3000 / (time.perf_counter() - begun)
    print(json.dumps(found))


if __name__ == "__main__":
    # A task is known by its module's name, which must be the same in the consumer.
    from huey_sqlite import main as main_of_module

    main_of_module()
