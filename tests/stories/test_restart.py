"""The service is gone and comes back: what was pending, running or waiting goes on, and shows what it showed."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from onward import Job, Onward
from tests.app_fixtures import quick_settings
from tests.stories.processes import Site, tell, wait_until

Sites = Callable[..., Site]


@pytest.fixture
def sites(tmp_path: Path, prepared_url: str) -> Iterator[Sites]:
    made: list[Site] = []

    def make(**worker: float) -> Site:
        made.append(Site(tmp_path / "site", prepared_url, **worker))
        return made[-1]

    yield make
    for site in made:
        site.close()


def from_elsewhere(site: Site, job_id: str) -> Job:
    """The job as a process that knows nothing of it sees it."""
    app = Onward(settings=quick_settings(site.app.settings.database.url))
    try:
        return app.get(job_id)
    finally:
        app.close()


def begins(site: Site, name: str) -> list[int]:
    """Where each attempt began."""
    return [int(line.split()[1]) for line in site.lines(name) if line.startswith("from")]


def test_crash_in_the_middle_keeps_the_progress_and_goes_on_from_the_checkpoint(sites: Sites) -> None:
    site = sites()
    job = site.app.submit("count", {"name": "c"})
    server = site.start(concurrency=1)
    wait_until(lambda: (site.app.get(job.id).progress.percent or 0) >= 65, "65 %")
    site.kill(server)
    before = from_elsewhere(site, job.id)
    assert before.status == "running"
    assert before.progress.percent is not None
    assert before.progress.percent >= 65
    assert before.progress.message.startswith("item ")
    site.start(concurrency=1)
    wait_until(lambda: len(begins(site, "c")) == 2, "the second attempt")
    done = site.app.wait(job.id, timeout=20)
    assert (done.status, done.result, done.progress.percent) == ("completed", 100, 100)
    first, second = begins(site, "c")
    assert (first, second % 10) == (0, 0)
    assert second >= 60
    did = [int(line.split()[1]) for line in site.lines("c") if line.startswith("did")]
    assert sorted(set(did)) == list(range(100))
    assert len(did) - 100 <= 10


_DIES_IN = """
import os, signal, sys
from onward.store import claims, endings
from story_jobs import app

def deadly(module, name):
    real = getattr(module, name)
    def die(*given, **named):
        found = real(*given, **named)
        if found:
            os.kill(os.getpid(), signal.SIGKILL)
        return found
    setattr(module, name, die)

deadly({module}, "{function}")
sys.exit(app.worker(concurrency=1).run())
"""


@pytest.mark.parametrize(
    ("module", "function", "status"), [("claims", "claim_jobs", "pending"), ("endings", "end_runs", "running")]
)
def test_change_in_flight_at_the_crash_is_as_if_it_had_not_been_begun(
    sites: Sites, module: str, function: str, status: str
) -> None:
    site = sites()
    server = site.start(code=_DIES_IN.format(module=module, function=function))
    job = site.app.submit("count", {"name": "c", "total": 5})
    assert server.wait(20) == -signal.SIGKILL
    left = from_elsewhere(site, job.id)
    assert left.status == status
    assert len(site.app.runs(job.id)) == (status == "running")
    site.start(concurrency=1)
    done = site.app.wait(job.id, timeout=20)
    assert (done.status, done.result) == ("completed", 5)
    verdicts = [event.kind for event in site.app.history(job.id) if event.kind in ("completed", "failed", "cancelled")]
    assert verdicts == ["completed"]
    assert site.app.database.check() == []


def test_service_that_starts_finds_every_kind_of_unfinished_job(sites: Sites) -> None:
    site = sites()
    app = site.app
    running = app.submit("count", {"name": "running", "total": 60}, priority=5)
    server = site.start(concurrency=1)
    wait_until(lambda: (app.get(running.id).progress.percent or 0) >= 30, "some progress")
    pending = app.submit("count", {"name": "pending", "total": 5})
    later = app.submit("quick", delay=3600)
    held = app.pause(app.submit("quick").id, reason="not yet")
    app.jobs.create_job("asking", status="running")
    app.jobs.update_job("asking", progress_percent=40, progress_message="Asked", status="pending_hitl")
    begun = time.monotonic()
    server.send_signal(signal.SIGTERM)
    assert server.wait(10) == 0
    tell(f"gone after {time.monotonic() - begun:.2f} s")
    shown = {job.id: from_elsewhere(site, job.id) for job in (running, pending, later, held)}
    assert {job.status for job in shown.values()} == {"pending"}
    left_at = shown[running.id].progress.percent
    assert left_at is not None
    assert 30 <= left_at < 100
    site.start(concurrency=1)
    for job, total in ((running, 60), (pending, 5)):
        done = app.wait(job.id, timeout=20)
        assert (done.status, done.result) == ("completed", total)
    assert begins(site, "running")[1] * 100 // 60 >= left_at
    asking = app.jobs.get_job("asking")
    assert (asking.status, asking.progress_percent, asking.progress_message) == ("pending_hitl", 40, "Asked")
    assert app.get(later.id).state == "scheduled"
    assert app.get(held.id).state == "paused"
    app.jobs.update_job("asking", status="pending", hitl_response="yes")
    app.unpause(held.id)
    assert app.wait(held.id, timeout=10).status == "completed"


def test_stop_during_checkpoints_never_goes_back_behind_one_that_was_durable(sites: Sites) -> None:
    site = sites(grace_seconds=3)
    chance = random.Random(3)
    job = site.app.submit("count", {"name": "c", "total": 4000, "pause": 0, "flush": True})
    for turn in range(4):
        server = site.start(concurrency=1)
        known = len(site.lines("c"))
        wait_until(lambda known=known: len(site.lines("c")) > known + 5, "some checkpoints")
        time.sleep(chance.uniform(0, 0.05))
        begun = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) == 0
        assert time.monotonic() - begun < 3 + 2
        left = site.app.get(job.id)
        assert left.status in ("pending", "completed")
        tell(f"turn {turn}: {left.checkpoint_number} checkpoints, gone after {time.monotonic() - begun:.2f} s")
    durable = -1
    for line in site.lines("c"):
        word, number = line.split()
        if word == "from":
            assert int(number) >= durable + 1, "it began before a checkpoint that was durable"
        else:
            durable = int(number)


def test_code_that_never_looks_is_pressed_and_the_worker_still_ends_in_order(sites: Sites) -> None:
    site = sites(grace_seconds=0.5)
    job = site.app.submit("busy", {"name": "b"})
    server = site.start(concurrency=1)
    wait_until(lambda: site.lines("b"), "the job")
    before = site.app.get(job.id)
    begun = time.monotonic()
    server.send_signal(signal.SIGTERM)
    assert server.wait(10) == 0
    assert time.monotonic() - begun < 0.5 + 2
    left = site.app.get(job.id)
    assert (left.status, left.is_owned, left.attempt) == ("pending", False, before.attempt - 1)
    site.start(concurrency=1)
    wait_until(lambda: len(site.lines("b")) == 2, "the next run", 5)


_EMBEDDED = """
import signal, sys, threading
from story_jobs import app

over = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: over.set())
with app.worker(concurrency=1):
    while not over.wait(0.05):
        pass
sys.exit(7)
"""


def test_program_with_a_worker_inside_keeps_its_own_signals_and_loses_nothing(sites: Sites) -> None:
    site = sites()
    job = site.app.submit("count", {"name": "c", "total": 80})
    program = site.start(code=_EMBEDDED)
    wait_until(lambda: len(site.lines("c")) > 20, "some items")
    program.send_signal(signal.SIGTERM)
    assert program.wait(10) == 7
    left = site.app.get(job.id)
    assert (left.status, left.has_checkpoint) == ("pending", True)
    second = site.start(code=_EMBEDDED)
    wait_until(lambda: len(begins(site, "c")) == 2, "the second attempt")
    site.kill(second)
    site.start(code=_EMBEDDED)
    assert site.app.wait(job.id, timeout=20).result == 80
    first, after_stop, after_kill = begins(site, "c")
    assert first == 0
    assert after_stop >= 20
    assert after_kill >= after_stop
