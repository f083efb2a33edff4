"""Workers are killed, stopped and drained; jobs go on, and nothing is lost or done twice without need."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from onward import Job
from tests.stories.processes import Site, lives, tell, wait_until

COUNT = 70
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


def test_killed_worker_costs_at_most_the_step_in_flight_and_another_goes_on(sites: Sites) -> None:
    site = sites()
    chance = random.Random(7)
    first, second = site.start(concurrency=1), site.start(concurrency=1)
    jobs = [site.app.submit("steps", {"name": f"s{n}", "count": COUNT, "pause": 0.04}) for n in range(2)]
    takeovers = []
    kills = 0
    for _ in range(2):
        time.sleep(chance.uniform(0.05, 0.4))
        wait_until(lambda: _of(site, jobs, first.pid), "a job of the victim")
        busy = _of(site, jobs, first.pid)
        fences = {job.id: site.app.get(job.id).fence for job in busy}
        site.kill(first)
        kills += 1
        victims = [job for job in busy if site.app.get(job.id).fence == fences[job.id]]
        # None when the takeover was quicker than this look.
        begun = time.monotonic()
        wait_until(lambda: not _of(site, victims, first.pid), "a takeover", 10)
        takeovers.append(time.monotonic() - begun)
        third = site.start(concurrency=1)
        first, second = second, third
    for job in jobs:
        done = site.app.wait(job.id, timeout=30)
        assert done.error is None
        assert (done.status, done.result) == ("completed", [item * 2 for item in range(COUNT)])
    tell(f"takeovers after {takeovers} s")
    for name in ("s0", "s1"):
        done_by = Counter(line.split()[0] for line in site.lines(name))
        assert set(done_by) == {str(item) for item in range(COUNT)}
        assert sum(done_by.values()) - COUNT <= kills
        fences = [int(line.split()[1]) for line in site.lines(name)]
        assert fences == sorted(fences)
    assert site.app.database.check() == []


def _of(site: Site, jobs: list[Job], pid: int) -> list[Job]:
    """Those of the jobs that the worker process of this id has."""
    mine = {worker.id for worker in site.app.workers.list() if worker.pid == pid}
    return [job for job in jobs if site.app.get(job.id).worker_id in mine]


def test_stopped_worker_that_wakes_after_its_lease_changes_nothing(sites: Sites) -> None:
    site = sites(lease_seconds=1)
    job = site.app.submit("slow", {"name": "slow"})
    first = site.start(concurrency=1)
    wait_until(lambda: site.lines("slow"), "the first run")
    site.freeze(first)
    second = site.start(concurrency=1)
    seconds = wait_until(lambda: len(site.lines("slow")) == 2, "the second run", 15)
    tell(f"taken over {seconds:.2f} s after the lease's holder was stopped")
    (site.folder / "go").touch()
    done = site.app.wait(job.id, timeout=10)
    owner = done.result
    first.send_signal(signal.SIGCONT)
    wait_until(lambda: "JobLost" in site.lines("slow"), "the word to the first run")
    assert site.lines("slow").count("saved") == 1
    after = site.app.get(job.id)
    assert (after.status, after.result, owner) == ("completed", owner, f"fence {after.fence}")
    assert [str(run.status) for run in site.app.runs(job.id)] == ["lost", "success"]
    # Under a new name it works again.
    site.kill(second)
    quick = site.app.submit("quick")
    assert site.app.wait(quick.id, timeout=10).result == first.pid


@pytest.mark.parametrize("prepared_url", ["sqlite"], indirect=True)  # the database makes no difference
@pytest.mark.parametrize("how", ["grandchild", "busy"])
def test_no_process_of_a_job_outlives_its_killed_worker(sites: Sites, how: str) -> None:
    site = sites()
    site.app.submit("family", {"name": "pids", "how": how})
    worker = site.start(concurrency=1)
    wait_until(lambda: site.lines("pids"), "the child")
    pids = [int(pid) for pid in site.lines("pids")[0].split()]
    assert all(map(lives, pids))
    site.kill(worker)
    seconds = wait_until(lambda: not any(map(lives, pids)), "the end of the group", 5)
    tell(f"gone {seconds:.2f} s after the worker")
    assert seconds < 2.5


def test_job_that_kills_its_worker_is_set_aside_and_others_go_on(sites: Sites) -> None:
    site = sites()
    job = site.app.submit("poison", priority=5)
    for losses in (1, 2):
        worker = site.start(concurrency=1)
        worker.wait(20)
        assert worker.returncode == -signal.SIGKILL
        if losses == 1:
            continue
    quick = site.app.submit("quick")
    site.start(concurrency=1)
    assert site.app.wait(quick.id, timeout=10).status == "completed"
    failed = site.app.wait(job.id, timeout=10)
    assert failed.error is not None
    assert (failed.status, failed.error.type, failed.losses) == ("failed", "WorkerLost", 2)


def test_drained_worker_exits_in_order_and_the_job_goes_on_elsewhere(sites: Sites) -> None:
    site = sites()
    job = site.app.submit("steps", {"name": "s", "count": 40})
    first = site.start(concurrency=1)
    wait_until(lambda: len(site.lines("s")) > 5, "some steps")
    begun = time.monotonic()
    first.send_signal(signal.SIGTERM)
    assert first.wait(10) == 0
    tell(f"drained in {time.monotonic() - begun:.2f} s")
    left = site.app.get(job.id)
    assert (left.status, left.is_owned, left.has_checkpoint, left.attempt) == ("pending", False, True, 0)
    site.start(concurrency=1)
    assert site.app.wait(job.id, timeout=20).result == [item * 2 for item in range(40)]
    assert [line.split()[0] for line in site.lines("s")] == [str(item) for item in range(40)]


@pytest.mark.parametrize("prepared_url", ["sqlite"], indirect=True)  # the database makes no difference
def test_code_that_does_not_leave_is_handed_back_at_the_end_of_the_grace(sites: Sites) -> None:
    site = sites(grace_seconds=0.5)
    job = site.app.submit("stubborn", {"name": "s"}, source_id="wiki")
    worker = site.start(concurrency=1)
    wait_until(lambda: site.lines("s"), "the job")
    begun = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) in (0, 75)
    assert time.monotonic() - begun < 6
    left = site.app.get(job.id)
    assert (left.status, left.is_owned) == ("pending", False)
    assert [str(run.status) for run in site.app.runs(job.id)] == ["interrupted"]


@pytest.mark.parametrize("prepared_url", ["sqlite"], indirect=True)  # the database makes no difference
def test_second_signal_hurries(sites: Sites) -> None:
    site = sites(grace_seconds=60)
    site.app.submit("stubborn", {"name": "s"})
    worker = site.start(concurrency=1)
    wait_until(lambda: site.lines("s"), "the job")
    worker.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert worker.poll() is None
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) in (0, 75)


@pytest.mark.parametrize("prepared_url", ["sqlite"], indirect=True)  # the database makes no difference
def test_worker_process_ends_by_itself_when_nothing_is_left(sites: Sites) -> None:
    site = sites()
    jobs = site.app.submit_many([("quick", None)] * 5)
    worker = site.start(run="until_idle=True")
    assert worker.wait(20) == 0
    assert {site.app.get(job.id).result for job in jobs} == {worker.pid}
