"""Workers of a fan-out are killed at random; what comes out is what one undisturbed run gives."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from onward import Context, Onward
from tests.app_fixtures import quick_settings
from tests.stories.processes import tell, wait_until

TOTAL, PARTS, KILLS = 6000, 8, 5

JOBS = """
import time
from onward import Context, Onward
from tests.app_fixtures import quick_settings

app = Onward(settings=quick_settings({url!r}))


@app.job(max_losses=50)
def portion(ctx: Context, pause: float) -> dict:
    total = 0
    for item in ctx.each(ctx.range.items, every=100):
        ctx.partial().append({{"item": item, "text": f"document {{item}}"}})
        ctx.state["sum"] = total = ctx.state.get("sum", 0) + item
        if item % 50 == 0:
            time.sleep(pause)
    return {{"sum": total, "from": ctx.range.start, "to": ctx.range.end}}


@app.job(max_losses=50)
def whole(ctx: Context, total: int, parts: int, pause: float = 0.05) -> dict:
    results = ctx.fan_out(portion, total, parts, {{"pause": pause}})
    count = 0
    for record in ctx.each(ctx.range_partials("portion")):
        assert record == {{"item": count, "text": f"document {{count}}"}}, (record, count)
        count += 1
    return {{"results": results, "records": count}}
"""


class Crew:
    """Worker processes on one database, each ended by its own id."""

    def __init__(self, folder: Path, url: str) -> None:
        (folder / "range_jobs.py").write_text(JOBS.format(url=url))
        self.folder = folder
        self.app = Onward(settings=quick_settings(url))
        self.app.job(name="whole", max_losses=50)(_whole)
        self.workers: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        paths = os.pathsep.join([str(self.folder), *(path for path in sys.path if path), str(Path.cwd())])
        code = "from range_jobs import app; app.worker(concurrency=2).run()"
        process = subprocess.Popen(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths}, stderr=subprocess.DEVNULL
        )
        self.workers.append(process)

    def kill_one(self, chance: random.Random) -> None:
        victim = chance.choice([process for process in self.workers if process.poll() is None])
        victim.kill()
        victim.wait()

    def close(self) -> None:
        for process in self.workers:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.app.close()


def _whole(ctx: Context, total: int, parts: int, pause: float = 0.05) -> None:
    """Only submitted from here."""


@pytest.fixture
def crews(tmp_path: Path, prepared_url: str) -> Iterator[Callable[[], Crew]]:
    made: list[Crew] = []

    def make() -> Crew:
        made.append(Crew(tmp_path, prepared_url))
        return made[-1]

    yield make
    for crew in made:
        crew.close()


def test_ranges_whose_workers_are_killed_come_out_as_if_nothing_had_been(crews: Callable[[], Crew]) -> None:
    crew, chance = crews(), random.Random(11)
    for _ in range(2):
        crew.start()
    job = crew.app.submit("whole", {"total": TOTAL, "parts": PARTS})
    wait_until(lambda: len(crew.app.children(job.id)) == PARTS, "the ranges")
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.1, 0.5))
        crew.kill_one(chance)
        crew.start()
    done = crew.app.wait(job.id, timeout=60)
    assert done.error is None
    ends = [(TOTAL * n // PARTS, TOTAL * (n + 1) // PARTS) for n in range(PARTS)]
    assert done.result == {
        "results": [{"sum": sum(range(start, end)), "from": start, "to": end} for start, end in ends],
        "records": TOTAL,
    }
    lost = sum(run.status == "lost" for child in crew.app.children(job.id) for run in crew.app.runs(child.id))
    tell(f"{lost} runs of ranges were lost")
    assert lost > 0
    assert len(crew.app.children(job.id)) == PARTS
    assert crew.app.database.check() == []
