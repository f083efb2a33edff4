"""Cancel, resume, restart, discard, pause, delete: legal and illegal, at rest and while code still runs.

The file is long because every verb meets every status.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from onward import (
    Context,
    IllegalTransition,
    IncompleteJobFound,
    JobCancelled,
    JobNotFound,
    ManualClock,
    Onward,
    ResourceBusy,
    Submission,
)
from onward.model.states import Status, is_legal
from tests.app_fixtures import Apps, Gate, ended, pause, rows, run_all, until, until_told


class Walk:
    """A job type that goes over items and waits at one of them until told."""

    def __init__(self, app: Onward) -> None:
        self.app = app
        self.gate = Gate()
        self.seen: list[int] = []
        self.fail_at: int | None = None
        self.wait_at: int | None = None

        @app.job()
        def walk(ctx: Context, count: int = 6) -> list[int]:
            for item in ctx.each(range(count)):
                if item == self.wait_at:
                    self.wait_at = None
                    self.gate.pass_through()
                if item == self.fail_at:
                    self.fail_at = None
                    raise OSError("no more")
                self.seen.append(item)
                ctx.state["seen"] = [*ctx.state.get("seen", []), item]
            return list(ctx.state["seen"])

    def failed(self, at: int = 3) -> Any:
        """A job that failed at this item."""
        self.fail_at = at
        job = self.app.submit("walk", source_id="wiki")
        run_all(self.app)
        assert self.app.get(job.id).status == "failed"
        self.seen.clear()
        return job


@pytest.fixture
def walk(app: Onward) -> Walk:
    return Walk(app)


# ---- cancel ---------------------------------------------------------------------------------------------------


def test_cancel_reads_at_once_and_the_source_stays_occupied_until_the_code_has_left(app: Onward, walk: Walk) -> None:
    walk.wait_at = 2
    job = app.submit("walk", source_id="wiki")
    with app.worker(concurrency=1) as worker:
        walk.gate.await_job()
        cancelled = app.cancel(job.id, actor="ada")
        assert (cancelled.status, app.get(job.id).status, cancelled.is_owned) == ("cancelled", "cancelled", True)
        for resume in (None, True, False):
            with pytest.raises(ResourceBusy, match="has not left") as busy:
                app.submit("walk", source_id="wiki", resume=resume)
            assert busy.value.job.id == job.id
        until_told(worker)
        walk.gate.open()
        left = ended(app, job)
    assert (left.status, left.is_owned, left.has_checkpoint, walk.seen) == ("cancelled", False, True, [0, 1, 2])
    with pytest.raises(IncompleteJobFound):
        app.submit("walk", source_id="wiki")
    assert [run.status for run in app.runs(job.id)] == ["cancelled"]
    assert [event.kind for event in app.history(job.id)] == ["started", "cancelled", "left"]
    assert app.cancel(job.id).status == "cancelled"
    app.resume(job.id)
    run_all(app)
    assert (app.get(job.id).result, walk.seen) == ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5])


def test_result_that_comes_after_a_cancel_is_kept_with_the_run_only(app: Onward) -> None:
    gate = Gate()

    @app.job()
    def work() -> int:
        gate.pass_through()
        return 5

    job = app.submit("work")
    with app.worker(concurrency=1):
        gate.await_job()
        app.cancel(job.id)
        gate.open()
        done = ended(app, job)
    assert (done.status, done.result) == ("cancelled", None)
    assert [(run.status, run.result) for run in app.runs(job.id)] == [("success", 5)]


def test_waiting_jobs_are_cancelled_and_free_what_they_wanted(app: Onward, walk: Walk) -> None:
    for options in ({}, {"delay": 3600}, {"source_id": "wiki"}):
        assert app.cancel(app.submit("walk", **options).id).completed_at is not None
    assert app.submit("walk", source_id="wiki").status == "pending"
    paused = app.submit("walk")
    app.pause(paused.id)
    assert (app.cancel(paused.id).status, app.get(paused.id).paused_by) == ("cancelled", None)


def test_thread_that_does_not_look_gets_an_exception_raised_in_it(app: Onward) -> None:
    gate, caught = Gate(), []

    @app.job()
    def work(ctx: Context) -> None:
        ctx.checkpoint({"at": 7})
        gate.reached.set()
        try:
            while True:
                pause(0.01)
        except JobCancelled as error:
            caught.append(error)
            raise

    job = app.submit("work", source_id="wiki")
    with app.worker(concurrency=1):
        gate.await_job()
        app.cancel(job.id)
        left = ended(app, job)
    assert (left.status, left.has_checkpoint, len(caught)) == ("cancelled", True, 1)


def test_except_exception_does_not_swallow_a_cancel(app: Onward) -> None:
    gate = Gate()

    @app.job()
    def work(ctx: Context) -> None:
        while True:
            try:
                gate.reached.set()
                ctx.check()
                pause(0.005)
            except Exception:  # noqa: BLE001, S110 - a job that swallows what it can
                pass

    job = app.submit("work")
    with app.worker(concurrency=1):
        gate.await_job()
        app.cancel(job.id)
        assert ended(app, job).status == "cancelled"


def test_async_job_is_cancelled_by_its_task(app: Onward) -> None:
    gate, tidied = Gate(), []

    @app.job()
    async def work(ctx: Context) -> None:
        await ctx.flush({"at": 1})
        gate.reached.set()
        try:
            await asyncio.sleep(60)
        finally:
            tidied.append(ctx.cancelled)

    job = app.submit("work")
    with app.worker(concurrency=1):
        gate.await_job()
        app.cancel(job.id)
        left = ended(app, job)
    assert (left.status, left.has_checkpoint, tidied) == ("cancelled", True, [True])


def test_slot_of_code_that_never_leaves_is_marked_and_the_job_goes_to_others(apps: Apps) -> None:
    app = apps(worker={"grace_seconds": 0.1})
    gate = Gate()

    @app.job()
    def work() -> None:
        gate.reached.set()
        while not gate.opened.is_set():
            with contextlib.suppress(BaseException):
                pause(0.01)

    job = app.submit("work", source_id="wiki")
    worker = app.worker(concurrency=2)
    with worker:
        gate.await_job()
        app.cancel(job.id)
        until(lambda: worker.pool.leaked == 1)
        with pytest.raises(ResourceBusy):
            app.submit("work", source_id="wiki")
    gate.open()
    assert not app.get(job.id).is_owned
    assert app.submit("work", source_id="wiki").status == "pending"


# ---- incomplete work ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "age"), [(30, "just now"), (600, "10 min ago"), (7200, "2 hrs ago"), (86400 * 3, "3 days ago")]
)
def test_unfinished_work_is_offered_with_its_progress_and_age(apps: Apps, seconds: float, age: str) -> None:
    clock = ManualClock()
    app = apps(clock)
    job = Walk(app).failed(at=3)
    clock.advance(seconds)
    with pytest.raises(IncompleteJobFound) as found:
        app.submit("walk", source_id="wiki")
    assert f"Incomplete job found (50%, {age})" in str(found.value)
    assert (found.value.job.id, found.value.percent) == (job.id, 50)
    assert found.value.age_seconds == pytest.approx(seconds, abs=1)
    assert app.interrupted()[0].id == job.id
    assert sum(app.counts().values()) == 1


def test_resume_goes_on_with_the_same_job(app: Onward, walk: Walk) -> None:
    job = walk.failed()
    same = app.submit("walk", source_id="wiki", resume=True)
    assert (same.id, same.status, same.generation) == (job.id, "pending", 2)
    run_all(app)
    assert (app.get(job.id).result, walk.seen) == ([0, 1, 2, 3, 4, 5], [3, 4, 5])


def test_fresh_start_makes_a_new_job_and_drops_the_old_checkpoint(app: Onward, walk: Walk) -> None:
    job = walk.failed()
    fresh = app.submit("walk", source_id="wiki", resume=False)
    assert fresh.id != job.id
    assert app.get(job.id).superseded_by == fresh.id
    assert app.checkpoints.list(job.id) == app.interrupted() == []
    run_all(app)
    assert walk.seen == [0, 1, 2, 3, 4, 5]


def test_discarded_work_is_not_offered_again(app: Onward, walk: Walk) -> None:
    job = walk.failed()
    app.discard(job.id)
    assert app.get(job.id).status == "failed"
    assert app.interrupted() == []
    app.submit("walk", source_id="wiki")


@pytest.mark.parametrize("other", [{"source_id": "other"}, {"job_type": "else", "source_id": "wiki"}, {}], ids=str)
def test_other_source_type_or_none_is_not_asked(app: Onward, walk: Walk, other: dict[str, str]) -> None:
    app.job(name="else")(lambda: None)
    walk.failed()
    assert app.submit(**{"job_type": "walk"} | other).status == "pending"


def test_conflict_in_a_batch_refuses_all_of_it(app: Onward, walk: Walk) -> None:
    walk.failed()
    with pytest.raises(IncompleteJobFound):
        app.submit_many([Submission(job_type="walk"), Submission(job_type="walk", source_id="wiki")])
    assert sum(app.counts().values()) == 1


# ---- every verb in every status -------------------------------------------------------------------------------


def make(app: Onward, walk: Walk, status: str) -> str:
    if status == "failed":
        return str(walk.failed().id)
    if status == "held":
        job = walk.failed().id
        changes = "status = 'pending', waiting_on = 'hold', completed_at = NULL, error = NULL"
        rows(app, "UPDATE jobs SET {} WHERE job_id = '{}'", changes, job)
        app.database.query("DELETE FROM job_events WHERE kind = 'failed'")
        return str(job)
    job = app.submit("walk", source_id="wiki").id
    if status == "paused":
        app.pause(job)
    elif status == "cancelled":
        app.cancel(job)
    elif status == "completed":
        run_all(app)
    return job


VERBS: dict[str, tuple[Callable[[Onward, str], Any], set[str]]] = {
    "cancel": (lambda app, job: app.cancel(job), {"pending", "paused", "held", "failed*", "cancelled"} - {"failed*"}),
    "resume": (lambda app, job: app.resume(job), {"failed", "cancelled", "held"}),
    "restart": (lambda app, job: app.restart(job), {"failed", "cancelled", "held"}),
    "discard": (lambda app, job: app.discard(job), {"failed", "cancelled", "completed", "held"}),
    "pause": (lambda app, job: app.pause(job), {"pending", "paused", "held"}),
    "unpause": (lambda app, job: app.unpause(job), {"paused"}),
    "delete": (lambda app, job: app.delete(job), {"failed", "cancelled", "completed"}),
}


@pytest.mark.parametrize("status", ["pending", "paused", "held", "failed", "cancelled", "completed"])
def test_illegal_verbs_change_nothing_and_legal_ones_make_legal_moves(app: Onward, walk: Walk, status: str) -> None:
    for verb, (act, legal) in VERBS.items():
        job = make(app, walk, status)
        before = app.get(job)
        if status in legal:
            act(app, job)
            if verb != "delete":
                after = app.get(job).status
                assert after == before.status or is_legal(before.status, Status(after)), verb
        else:
            with pytest.raises(IllegalTransition, match=str(before.status)):
                act(app, job)
            assert _plain(app.get(job)) == _plain(before), verb
        for table in ("jobs", "job_resources", "job_events", "job_runs", "checkpoints"):
            rows(app, "DELETE FROM {}", table)


def _plain(job: Any) -> Any:
    return dataclasses.replace(job, as_of=None, waiting_reason=None)


def test_verbs_on_a_job_that_does_not_exist_say_so(app: Onward) -> None:
    for act, _ in VERBS.values():
        with pytest.raises(JobNotFound, match="nowhere"):
            act(app, "nowhere")
    with pytest.raises(JobNotFound):
        app.get("nowhere")
    with pytest.raises(JobNotFound):
        app.wait("nowhere", timeout=1)


# ---- resume, restart, run again -------------------------------------------------------------------------------


def test_restart_begins_the_same_job_from_nothing(app: Onward, walk: Walk) -> None:
    job = walk.failed()
    fresh = app.restart(job.id)
    assert (fresh.generation, fresh.attempt, fresh.has_checkpoint, fresh.progress.percent) == (2, 0, False, None)
    run_all(app)
    assert walk.seen == [0, 1, 2, 3, 4, 5]
    kinds = [event.kind for event in app.history(job.id)]
    assert kinds == ["started", "failed", "restarted", "started", "completed"]


def test_run_again_makes_a_new_job_with_the_same_parameters(app: Onward, walk: Walk) -> None:
    job = app.submit("walk", {"count": 2}, source_id="wiki", tags=["t"], user_id="ada", priority=4)
    run_all(app)
    again = app.run_again(job.id)
    assert again.id != job.id
    assert (again.params, again.source_id, again.tags, again.user_id, again.priority) == (
        {"count": 2}, "wiki", ("t",), "ada", 4,
    )  # fmt: skip


def test_resume_counts_failures_anew(app: Onward) -> None:
    @app.job(max_attempts=2, backoff=0)
    def work(ctx: Context) -> None:
        raise OSError

    job = app.submit("work")
    with app.worker(concurrency=1):
        ended(app, job)
        app.resume(job.id)
        ended(app, job)
    assert len(app.runs(job.id)) == 4
    assert [event.kind for event in app.history(job.id)].count("failed") == 2


def test_cancelled_job_resumed_while_its_code_runs_waits_for_it_to_leave(app: Onward, walk: Walk) -> None:
    walk.wait_at = 2
    job = app.submit("walk", source_id="wiki")
    with app.worker(concurrency=2) as worker:
        walk.gate.await_job()
        app.cancel(job.id)
        resumed = app.resume(job.id)
        assert (resumed.status, resumed.waiting_on, resumed.is_owned) == ("pending", "owner", True)
        assert "not left" in str(app.get(job.id).waiting_reason)
        until_told(worker)
        walk.gate.open()
        done = ended(app, job)
    assert (done.status, done.result, walk.seen) == ("completed", [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5])
    assert [run.status for run in app.runs(job.id)] == ["cancelled", "success"]


def test_job_started_fresh_while_its_old_code_runs_keeps_nothing_old(app: Onward, walk: Walk) -> None:
    walk.wait_at = 2
    job = app.submit("walk", source_id="wiki")
    with app.worker(concurrency=2) as worker:
        walk.gate.await_job()
        app.cancel(job.id)
        fresh = app.restart(job.id)
        assert (fresh.status, fresh.waiting_on) == ("pending", "owner")
        until_told(worker)
        walk.gate.open()
        done = ended(app, job)
    assert (done.status, done.result) == ("completed", [0, 1, 2, 3, 4, 5])
    assert walk.seen[-6:] == [0, 1, 2, 3, 4, 5]
    assert rows(app, "SELECT count(*) FROM job_runs WHERE status = 'running'") == [(0,)]


def test_old_code_of_a_job_started_fresh_is_told_to_leave(app: Onward) -> None:
    gate, rounds = Gate(), []

    @app.job()
    def work(ctx: Context) -> str:
        if rounds:
            return "fresh"
        rounds.append(1)
        gate.reached.set()
        for _ in range(1500):
            ctx.check()
            pause(0.01)
        return "old"

    job = app.submit("work", source_id="wiki")
    with app.worker(concurrency=1):
        gate.await_job()
        with app.connect():
            pass
        app.cancel(job.id)
        app.restart(job.id)
        assert ended(app, job, 8).result == "fresh"


# ---- pause ----------------------------------------------------------------------------------------------------


def test_paused_job_is_not_claimed_until_it_is_unpaused(app: Onward, walk: Walk) -> None:
    job = app.submit("walk")
    paused = app.pause(job.id, actor="ada", reason="audit")
    assert (paused.status, paused.state, paused.paused_by, paused.paused_reason) == (
        "pending",
        "paused",
        "ada",
        "audit",
    )
    run_all(app)
    assert walk.seen == []
    assert "Paused by ada just now: audit." in str(app.get(job.id).waiting_reason)
    assert app.unpause(job.id).paused_by is None
    run_all(app)
    assert app.get(job.id).status == "completed"


def test_running_job_pauses_at_its_next_consistent_point_and_goes_on_from_there(app: Onward, walk: Walk) -> None:
    walk.wait_at = 2
    job = app.submit("walk", source_id="wiki")
    with app.worker(concurrency=1) as worker:
        walk.gate.await_job()
        app.pause(job.id, actor="ada")
        until_told(worker)
        walk.gate.open()
        paused = until(lambda: (found := app.get(job.id)).state == "paused" and not found.is_owned and found)
        assert (paused.status, paused.has_checkpoint, paused.attempt) == ("pending", True, 0)
        app.unpause(job.id)
        done = ended(app, job)
    assert (done.result, walk.seen) == ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5])


def test_unpaused_job_keeps_its_time(app: Onward, walk: Walk) -> None:
    job = app.submit("walk", delay=3600)
    app.pause(job.id)
    assert app.unpause(job.id).waiting_on == "time"


# ---- delete ---------------------------------------------------------------------------------------------------


def test_deleted_job_leaves_nothing_behind(app: Onward, walk: Walk) -> None:
    job = walk.failed()
    app.submit("walk", tags=["t"], source_id="other")
    app.delete(job.id)
    with pytest.raises(JobNotFound):
        app.get(job.id)
    tables = "job_runs job_events job_logs job_tags job_resources checkpoints job_steps job_partials chain_phases jobs"
    for table in tables.split():
        assert rows(app, "SELECT count(*) FROM {} WHERE job_id = '{}'", table, job.id) == [(0,)], table


def test_owned_job_cannot_be_deleted(app: Onward, walk: Walk) -> None:
    walk.wait_at = 1
    job = app.submit("walk")
    with app.worker(concurrency=1):
        walk.gate.await_job()
        app.cancel(job.id)
        with pytest.raises(IllegalTransition, match="has not left"):
            app.delete(job.id)
        walk.gate.open()
        ended(app, job)
    app.delete(job.id)
