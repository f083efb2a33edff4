"""One job per source, named resources with a capacity, and why a job waits."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from onward import CapacityMismatch, Context, InvalidValue, ManualClock, Onward, ResourceBusy
from tests.app_fixtures import Apps, Gate, ended, rows, run_all, until


@pytest.fixture
def app(apps: Apps, gate: Gate) -> Onward:
    made = apps()

    @made.job()
    def work(ctx: Context) -> None:
        ctx.progress(30)
        if not gate.opened.is_set():
            gate.pass_through()

    @made.job(resources=lambda params, source_id: [("crane", 2)])
    def lift() -> None:
        gate.pass_through()

    @made.job(resources=lambda params, source_id: [f"vectors:{params.dimension}"])
    def index(dimension: int) -> None:
        gate.pass_through()

    return made


def test_second_job_on_a_source_is_rejected_with_the_job_in_the_way(app: Onward) -> None:
    first = app.submit("work", source_id="wiki")
    with pytest.raises(ResourceBusy) as busy:
        app.submit("index", {"dimension": 768}, source_id="wiki")
    assert first.id in str(busy.value)
    assert "work" in str(busy.value)
    assert (busy.value.job.id, busy.value.resource) == (first.id, "source:wiki")
    assert sum(app.counts().values()) == 1
    app.submit("work", source_id="other")
    app.submit("work")


def test_job_may_wait_behind_the_holder_and_says_so(app: Onward, gate: Gate) -> None:
    with app.worker(concurrency=2):
        first = app.submit("work", source_id="wiki")
        gate.await_job()
        second = app.submit("work", source_id="wiki", on_conflict="wait")
        third = app.submit("work", source_id="wiki", on_conflict="wait")
        blocked = until(lambda: (found := app.get(third.id)).blocked_by and app.get(second.id).blocked_by and found)
        assert (blocked.status, blocked.state, blocked.blocked_by) == ("pending", "blocked", "source:wiki")
        until(lambda: app.get(first.id).progress.percent)
        reason = app.get(third.id).waiting_reason
        assert reason is not None
        assert (reason.code, reason.refs) == ("resource", (first.id,))
        assert "source:wiki is held by job" in reason.text
        assert "(work, 30%" in reason.text
        assert "1 before this one" in reason.text
        free = app.submit("work", source_id="free")
        gate.open()
        for job in (first, second, third, free):
            assert ended(app, job).status == "completed"
    starts = [app.get(job.id).started_at for job in (first, second, third)]
    assert starts == sorted(starts)  # type: ignore[type-var]


def test_replacement_cancels_the_holder_softly_and_waits_for_it(app: Onward, gate: Gate) -> None:
    with app.worker(concurrency=2):
        first = app.submit("work", source_id="wiki")
        gate.await_job()
        second = app.submit("work", source_id="wiki", on_conflict="replace")
        assert app.get(first.id).status == "cancelled"
        assert app.get(second.id).status == "pending"
        gate.open()
        assert ended(app, second).status == "completed"
    assert [event.kind for event in app.history(first.id)].count("cancelled") == 1


def test_type_may_set_the_policy(app: Onward) -> None:
    app.job(name="queued", on_conflict="wait")(lambda: None)
    app.submit("queued", source_id="wiki")
    app.submit("queued", source_id="wiki")
    with pytest.raises(ResourceBusy):
        app.submit("queued", source_id="wiki", on_conflict="reject")


def test_at_most_as_many_run_as_the_capacity_allows(app: Onward) -> None:
    at_once: list[int] = []
    lock = threading.Lock()
    running = 0

    @app.job(resources=lambda params, source_id: [("pump", 3)])
    def pump() -> None:
        nonlocal running
        with lock:
            running += 1
            at_once.append(running)
        threading.Event().wait(0.03)
        with lock:
            running -= 1

    for _ in range(12):
        app.submit("pump", on_conflict="wait")
    with app.worker(concurrency=6):
        until(lambda: app.counts()["completed"] == 12)
    assert max(at_once) == 3
    assert rows(app, "SELECT count(*) FROM job_resources") == [(0,)]


def test_capacity_is_rejected_only_when_it_is_used_up(app: Onward) -> None:
    app.submit("lift")
    app.submit("lift")
    with pytest.raises(ResourceBusy, match="crane"):
        app.submit("lift")


def test_blocked_job_takes_no_slot_from_others(app: Onward, gate: Gate) -> None:
    with app.worker(concurrency=2):
        one = app.submit("index", {"dimension": 768})
        gate.await_job()
        two = app.submit("index", {"dimension": 768}, on_conflict="wait")
        app.job(name="quick")(lambda: 1)
        free = app.submit("quick")
        # Registered after the worker began: it serves what the application knows now.
        assert ended(app, free).result == 1
        assert app.get(two.id).fence == 0
        gate.open()
        ended(app, two)
        assert app.get(one.id).status == "completed"


def test_declarations_that_differ_are_refused(app: Onward) -> None:
    app.job(name="other", resources=lambda params, source_id: [("crane", 5)])(lambda: None)
    app.submit("lift")
    with pytest.raises(CapacityMismatch, match="capacity of 5, but has 2"):
        app.submit("other")


def test_resources_and_their_holders_are_listed(app: Onward, gate: Gate) -> None:
    with app.worker(concurrency=2):
        job = app.submit("lift")
        gate.await_job()
        nobody = {"waiting": 0, "held_by": None, "held_reason": None, "held_at": None}
        assert app.resources.list() == [{"name": "crane", "capacity": 2, "token": 1, "holders": [job.id], **nobody}]
        gate.open()
        ended(app, job)
    assert app.resources.list() == [{"name": "crane", "capacity": 2, "token": 1, "holders": [], **nobody}]
    app.resources.set("crane", capacity=7)
    assert app.resources.list()[0]["capacity"] == 7
    with pytest.raises(InvalidValue):
        app.resources.set("crane", capacity=0)


def test_retrying_job_gives_its_source_to_others_meanwhile(apps: Apps) -> None:
    clock = ManualClock()
    app = apps(clock)

    @app.job(max_attempts=2, backoff=3600)
    def flaky(ctx: Context) -> int:
        if ctx.attempt == 1:
            raise OSError
        return ctx.attempt

    job = app.submit("flaky", source_id="wiki")
    run_all(app)
    assert app.get(job.id).state == "retrying"
    other = app.submit("flaky", source_id="wiki", on_conflict="wait")
    run_all(app)
    assert app.get(other.id).attempt == 1
    clock.advance(7200)
    run_all(app)
    assert [app.get(one.id).result for one in (job, other)] == [2, 2]


# ---- held for a while -----------------------------------------------------------------------------------------


def test_resource_may_be_held_for_a_while_and_is_free_afterwards(app: Onward, gate: Gate) -> None:
    got: list[Any] = []

    @app.job()
    def hold(ctx: Context) -> None:
        with ctx.hold("gpu"):
            gate.pass_through()

    @app.job()
    def try_hold(ctx: Context) -> None:
        try:
            with ctx.hold("gpu"):
                got.append("held")
        except ResourceBusy as busy:
            got.append(str(busy))

    with app.worker(concurrency=2):
        holder = app.submit("hold")
        gate.await_job()
        ended(app, app.submit("try_hold"))
        gate.open()
        ended(app, holder)
        ended(app, app.submit("try_hold"))
    assert holder.id in got[0]
    assert got[1] == "held"
    assert rows(app, "SELECT count(*) FROM job_resources") == [(0,)]


def test_resource_is_free_after_a_job_that_fails_while_holding_it(app: Onward) -> None:
    @app.job()
    def hold(ctx: Context) -> None:
        with ctx.hold("gpu"):
            raise ValueError

    job = app.submit("hold")
    run_all(app)
    assert app.get(job.id).status == "failed"
    assert rows(app, "SELECT count(*) FROM job_resources") == [(0,)]


def test_holding_what_the_job_has_declared_is_no_conflict_with_itself(app: Onward) -> None:
    @app.job(resources=lambda params, source_id: ["gpu"])
    def hold(ctx: Context) -> int:
        with ctx.hold("gpu"), ctx.hold("gpu"):
            pass
        ctx.checkpoint(flush=True)
        return len(rows(app, "SELECT 1 FROM job_resources WHERE slot >= 0"))

    job = app.submit("hold")
    run_all(app)
    assert (app.get(job.id).error, app.get(job.id).result) == (None, 1)
    assert rows(app, "SELECT count(*) FROM job_resources") == [(0,)]


# ---- why does it wait -----------------------------------------------------------------------------------------


def test_every_waiting_job_says_why(app: Onward, apps: Apps, gate: Gate) -> None:
    def why(job: Any) -> tuple[str, str]:
        reason = app.get(job.id).waiting_reason
        assert reason is not None
        return reason.code, reason.text

    lonely = app.submit("work")
    assert why(lonely)[0] == "no-worker"
    assert "onward worker" in why(lonely)[1]
    later = app.submit("work", delay=3600)
    code, text = why(later)
    assert code == "scheduled"
    assert text.startswith("Starts at ")
    assert text.endswith("(in 59 min).")
    app.job(name="rare")(lambda: None)
    rare = app.submit("rare")
    other = apps()
    other.job(name="work")(lambda: None)
    far = app.submit("work", queue="far")
    with other.worker(concurrency=1, queues=["default"]):
        assert why(far) == ("no-queue", "No worker serves queue far.")
        assert why(rare) == ("no-type", "No live worker knows rare.")
        ended(other, lonely)
    assert app.get(lonely.id).waiting_reason is None
    busy = app.submit("work", priority=9)
    with app.worker(concurrency=1):
        gate.await_job()
        assert app.get(busy.id).waiting_reason is None
        ahead, behind = app.submit("work"), app.submit("work", priority=-1)

        def is_queued(job: Any) -> bool:
            reason = app.get(job.id).waiting_reason
            return reason is not None and reason.code == "queued" and ("next" in reason.text or "before" in reason.text)

        # What was claimed ahead for a moment is handed back.
        until(lambda: is_queued(ahead))
        until(lambda: is_queued(behind))
        gate.open()


def test_retry_says_when(apps: Apps) -> None:
    app = apps(ManualClock())
    app.job(name="flaky", max_attempts=2, backoff=(100, 1, 100, 0))(lambda: 1 / 0)
    job = app.submit("flaky")
    run_all(app)
    reason = app.get(job.id).waiting_reason
    assert reason is not None
    assert (reason.code, reason.text) == ("retrying", "Tries again at 2026-01-01 00:01:40 UTC (in 1 min).")
