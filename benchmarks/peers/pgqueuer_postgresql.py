"""PgQueuer on PostgreSQL. Runs in the peers' environment: ``pgqueuer_postgresql.py drain|submit ADDRESS FOLDER COUNT``.

One worker process is one event loop on uvloop that takes 250 jobs at a time, its fastest setting in a trial; a finished
job is a row of its log table.
"""

from __future__ import annotations

import asyncio
import datetime
import importlib.metadata
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

PAYLOAD = json.dumps({"user": 42, "kind": "mail", "tags": ["a", "b"]}).encode()
AT_A_TIME = 250
DONE = "SELECT count(*) FROM pgqueuer_log WHERE status = 'successful'"


async def work(address: str, folder: Path) -> None:
    """A worker process."""
    pgq = PgQueuer(AsyncpgDriver(await asyncpg.connect(address)))
    marked = False

    @pgq.entrypoint("noop")
    async def noop(job: Any) -> None:
        nonlocal marked
        json.loads(job.payload)
        if not marked:
            marked = True
            (folder / f"began.{os.getpid()}").write_text(repr(time.time()))

    await pgq.run(batch_size=AT_A_TIME, dequeue_timeout=datetime.timedelta(seconds=30))


async def submit(address: str, single: int, bulk: int, *, install: bool = False) -> tuple[float, float]:
    """Rates of single and of bulk submissions, 1,000 a call."""
    connection = await asyncpg.connect(address)
    queries = Queries(AsyncpgDriver(connection))
    if install:
        await queries.install()
    begun = time.perf_counter()
    for _ in range(single):
        await queries.enqueue("noop", PAYLOAD)
    singly = time.perf_counter() - begun
    begun = time.perf_counter()
    for _ in range(0, bulk, 1000):
        await queries.enqueue(["noop"] * 1000, [PAYLOAD] * 1000, [0] * 1000)
    in_bulk = time.perf_counter() - begun
    await connection.close()
    return single / singly, bulk / in_bulk


def drain(address: str, folder: Path, count: int, processes: int, *, install: bool) -> float:
    """Jobs a second from the first one's start until all are logged as successful, looked at every 20 ms."""
    asyncio.run(submit(address, 0, count, install=install))
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        before = _one(connection)
        command = [sys.executable, __file__, "work", address, str(folder), "0"]
        started = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(processes)]
        try:
            deadline = time.monotonic() + 120
            while _one(connection) - before < count and time.monotonic() < deadline:
                time.sleep(0.02)
            ended = time.time()
        finally:
            for process in started:
                process.kill()
                process.wait()
        done = _one(connection) - before
    began = min(float(path.read_text()) for path in folder.glob("began.*"))
    for path in folder.glob("began.*"):
        path.unlink()
    return done / (ended - began)


def _one(connection: Any) -> int:
    return int(connection.execute(DONE).fetchone()[0])


def main() -> None:
    question, address, place, text = sys.argv[1:]
    folder, count = Path(place), int(text)
    if question == "work":
        uvloop.run(work(address, folder))
        return
    found: dict[str, Any] = {"peer": f"PgQueuer {importlib.metadata.version('pgqueuer')}"}
    if question == "drain":
        found["no-op jobs, one worker process"] = drain(address, folder, count, 1, install=True)
        found["no-op jobs, two worker processes"] = drain(address, folder, count, 2, install=False)
    else:
        singly, in_bulk = asyncio.run(submit(address, 2000, 20_000, install=True))
        found["one at a time"] = singly
        found["in bulk, 1,000 a call"] = in_bulk
    print(json.dumps(found))


if __name__ == "__main__":
    main()
