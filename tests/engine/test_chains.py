"""Durable chains: a parent with one child a phase."""

from __future__ import annotations

from typing import Any

import pytest

from onward import Context, IllegalTransition, IncompleteJobFound, InvalidChain, JobPhase, Onward, ResourceBusy
from tests.app_fixtures import Apps, Gate, ended, pause, rows, run_all, until, until_told


class Trail:
    """Phases that note what they do, and may fail or wait at an item."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.fail_at: str | None = None
        self.wait_at: str | None = None
        self.gate = Gate()
        self.sources: set[str | None] = set()


@pytest.fixture
def trail() -> Trail:
    return Trail()


@pytest.fixture
def app(apps: Apps, trail: Trail) -> Onward:
    made = apps()

    @made.job(resources=lambda params, source_id: ["vectors:768"])
    def walk(ctx: Context, name: str, count: int = 3) -> dict[str, Any]:
        trail.sources.add(ctx.source_id)
        for item in ctx.each(range(count)):
            place = f"{name}{item}"
            if place == trail.wait_at:
                trail.wait_at = None
                trail.gate.pass_through()
                ctx.check()
            if place == trail.fail_at:
                trail.fail_at = None
                raise OSError("no more")
            trail.seen.append(place)
        return {"name": name}

    return made


def phases(*names: str, weights: tuple[int, ...] = ()) -> list[JobPhase]:
    return [
        JobPhase(name, weight=weights[at] if weights else 50, job_type="walk", params={"name": name})
        for at, name in enumerate(names)
    ]


def test_phases_run_in_turn_and_the_chain_has_all_results(app: Onward, trail: Trail) -> None:
    job = app.submit_chain(phases("a", "b", "c"), source_id="wiki", name="three")
    with app.worker(concurrency=2):
        done = ended(app, job)
    assert trail.seen == [f"{name}{item}" for name in "abc" for item in range(3)]
    assert trail.sources == {"wiki"}
    assert (done.status, done.progress.percent, done.has_checkpoint) == ("completed", 100, False)
    assert done.result == {
        "success": True,
        "phases_completed": 3,
        "phase_results": [{"phase": name, "index": at, "result": {"name": name}} for at, name in enumerate("abc")],
    }
    children = app.children(job.id)
    assert [(child.status, child.parent_id, child.position) for child in children] == [
        ("completed", job.id, at) for at in range(3)
    ]
    assert rows(app, "SELECT count(*) FROM job_resources") == [(0,)]
    assert app.database.check() == []


def test_next_phase_exists_only_when_the_one_before_has_completed(app: Onward, trail: Trail) -> None:
    trail.wait_at = "b1"
    job = app.submit_chain(phases("a", "b", "c"), source_id="wiki")
    with app.worker(concurrency=2):
        trail.gate.await_job()
        assert [str(child.status) for child in app.children(job.id)] == ["completed", "running"]
        running = app.get(job.id)
        assert (running.status, running.waiting_on, running.progress.phase) == ("running", "children", "b")
        assert "Waits for phase b" in str(running.waiting_reason)
        with pytest.raises(ResourceBusy):
            app.submit("walk", {"name": "x"}, source_id="wiki")
        trail.gate.open()
        assert ended(app, job).status == "completed"


def test_percent_is_weighted_rises_only_and_is_seen_meanwhile(app: Onward, trail: Trail) -> None:
    @app.job()
    def slow(ctx: Context, name: str) -> None:
        for _ in ctx.each(range(10)):
            pause(0.04)

    listed = [
        JobPhase(name, weight=weight, job_type="slow", params={"name": name}) for name, weight in (("a", 20), ("b", 80))
    ]
    job = app.submit_chain(listed)
    with app.worker(concurrency=1):
        shown = [one.progress.percent or 0 for one in app.watch(job.id, timeout=20)]
    assert shown == sorted(shown)
    assert len({percent for percent in shown if 0 < percent < 100}) > 2
    assert shown[-1] == 100


def test_resumed_chain_skips_what_is_done_and_goes_on_within_the_phase(app: Onward, trail: Trail) -> None:
    trail.fail_at = "b2"
    job = app.submit_chain(phases("a", "b", "c"), source_id="wiki", name="three")
    with app.worker(concurrency=1):
        failed = ended(app, job)
        assert failed.error is not None
        assert (failed.status, failed.has_checkpoint) == ("failed", True)
        assert "Phase 'b': no more" in failed.error.message
        assert [str(child.status) for child in app.children(job.id)] == ["completed", "failed"]
        before = failed.progress.percent or 0
        assert before >= 33
        assert [one.id for one in app.interrupted()] == [job.id]
        with pytest.raises(IncompleteJobFound):
            app.submit_chain(phases("a", "b", "c"), source_id="wiki", name="three")
        trail.seen.clear()
        app.resume(job.id)
        shown = [one.progress.percent or 0 for one in app.watch(job.id, timeout=20)]
    assert app.get(job.id).status == "completed"
    assert trail.seen == ["b2", "c0", "c1", "c2"]
    assert min(shown) >= before
    assert [child.generation for child in app.children(job.id)] == [1, 2, 1]


def test_resuming_the_failed_phase_resumes_its_chain(app: Onward, trail: Trail) -> None:
    trail.fail_at = "a1"
    job = app.submit_chain(phases("a", "b"))
    with app.worker(concurrency=1):
        ended(app, job)
        app.resume(app.children(job.id)[0].id)
        assert ended(app, job).status == "completed"
    assert trail.seen == ["a0", "a1", "a2", "b0", "b1", "b2"]


def test_cancelled_chain_stops_its_phase_starts_no_other_and_keeps_its_source_until_the_code_has_left(
    app: Onward, trail: Trail
) -> None:
    trail.wait_at = "b1"
    job = app.submit_chain(phases("a", "b", "c"), source_id="wiki")
    with app.worker(concurrency=2) as worker:
        trail.gate.await_job()
        assert app.cancel(job.id).status == "cancelled"
        assert [str(child.status) for child in app.children(job.id)] == ["completed", "cancelled"]
        with pytest.raises(ResourceBusy, match="has not left"):
            app.submit("walk", {"name": "x"}, source_id="wiki")
        until_told(worker)
        trail.gate.open()
        until(lambda: not app.children(job.id)[1].is_owned)
        left = app.get(job.id)
        assert (left.status, left.has_checkpoint) == ("cancelled", True)
        assert rows(app, "SELECT count(*) FROM job_resources") == [(0,)]
        assert [event.kind for event in app.history(job.id)].count("cancelled") == 1
        app.resume(job.id)
        assert ended(app, job).status == "completed"
    assert trail.seen == [f"{name}{item}" for name in "abc" for item in range(3)]


def test_cancelled_phase_cancels_its_chain(app: Onward, trail: Trail) -> None:
    trail.wait_at = "a1"
    job = app.submit_chain(phases("a", "b"))
    with app.worker(concurrency=1) as worker:
        trail.gate.await_job()
        app.cancel(app.children(job.id)[0].id)
        assert app.get(job.id).status == "cancelled"
        until_told(worker)
        trail.gate.open()
        ended(app, job)
    assert len(app.children(job.id)) == 1


def test_chain_that_has_not_begun_is_cancelled_and_resumed_like_a_job(app: Onward, trail: Trail) -> None:
    job = app.submit_chain(phases("a"), source_id="wiki")
    app.cancel(job.id)
    assert rows(app, "SELECT count(*) FROM job_resources") == [(0,)]
    app.resume(job.id)
    run_all(app)
    assert app.get(job.id).status == "completed"


def test_restarted_chain_does_every_phase_again(app: Onward, trail: Trail) -> None:
    trail.fail_at = "b0"
    job = app.submit_chain(phases("a", "b"))
    run_all(app)
    trail.seen.clear()
    app.restart(job.id)
    run_all(app)
    assert app.get(job.id).status == "completed"
    assert trail.seen == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert app.interrupted() == []


def test_running_chain_can_neither_be_resumed_nor_deleted_nor_its_phase_by_itself(app: Onward, trail: Trail) -> None:
    trail.wait_at = "b0"
    job = app.submit_chain(phases("a", "b"))
    with app.worker(concurrency=1):
        trail.gate.await_job()
        for act in (app.resume, app.restart, app.delete, app.discard):
            with pytest.raises(IllegalTransition):
                act(job.id)
        with pytest.raises(IllegalTransition):
            app.resume(app.children(job.id)[0].id)
        trail.gate.open()
        ended(app, job)
    app.delete(job.id)
    assert rows(app, "SELECT count(*) FROM jobs") == [(0,)]


def test_registered_chain_is_submitted_by_its_name(app: Onward, trail: Trail) -> None:
    app.chain("nightly", phases("a", "b"), label="Nightly")
    job = app.submit("nightly", source_id="wiki")
    assert (job.label, job.job_type) == ("Nightly", "nightly")
    run_all(app)
    assert trail.seen == ["a0", "a1", "a2", "b0", "b1", "b2"]


def test_retried_phase_does_not_end_the_chain(app: Onward, trail: Trail) -> None:
    calls: list[int] = []

    @app.job(max_attempts=3, backoff=0)
    def flaky() -> int:
        calls.append(1)
        if len(calls) < 3:
            raise OSError
        return len(calls)

    job = app.submit_chain([JobPhase("flaky"), *phases("b")])
    with app.worker(concurrency=1):
        done = ended(app, job)
    assert done.result["phase_results"][0]["result"] == 3


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [JobPhase("nothing")],
        [JobPhase("walk", params={"count": "many"})],
        [JobPhase("f", func=len)],
        [JobPhase("walk", weight=-1, params={"name": "a"})],
    ],
    ids=["empty", "unknown", "parameters", "function", "weight"],
)
def test_chain_that_does_not_fit_is_refused_before_any_row(app: Onward, wrong: list[JobPhase]) -> None:
    with pytest.raises(InvalidChain) as refused:
        app.submit_chain(wrong)
    assert refused.value.report.errors
    assert sum(app.counts().values()) == 0
