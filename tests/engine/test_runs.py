"""How runs go and end: results, logs, errors, retries, limits.

The file is long because a run can end in many ways.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest

from onward import Context, ManualClock, Onward, SystemClock
from onward.events import Event, JobStalled, RunEnded
from tests.app_fixtures import Apps, Gate, ended, pause, rows, run_all, until

# ---- results, logs, errors ------------------------------------------------------------------------------------


def test_result_times_and_run_are_kept(app: Onward) -> None:
    @app.job()
    def work(ctx: Context) -> dict[str, Any]:
        return {"items_processed": 3, "tuple": (1, 2)}

    job = app.submit("work")
    run_all(app)
    done = app.get(job.id)
    assert (done.status, done.result, done.error, done.attempt) == (
        "completed",
        {"items_processed": 3, "tuple": [1, 2]},
        None,
        1,
    )
    assert done.created_at <= done.started_at <= done.completed_at  # type: ignore[operator]
    assert (done.progress.percent, done.worker_id, done.has_checkpoint) == (100, None, False)
    (run,) = app.runs(job.id)
    assert (run.status, run.result, run.fence) == ("success", done.result, 1)
    assert run.finished_at is not None
    assert [event.kind for event in app.history(job.id)] == ["started", "completed"]


@pytest.mark.parametrize(
    "value",
    [float("nan"), {"a": 2**60}, "a\x00", object(), {1: 2}, "x" * 40_000, {"at": {3}}],
    ids=lambda v: repr(v)[:20],
)
def test_result_that_cannot_be_kept_fails_the_job(apps: Apps, value: Any) -> None:
    app = apps(limits={"result_bytes": 30_000})
    app.job(name="work")(lambda: value)
    job = app.submit("work")
    run_all(app)
    error = app.get(job.id).error
    assert error is not None
    assert error.type == "InvalidValue"
    assert "The result" in error.message


def test_returned_dictionary_may_say_failed_or_cancelled(app: Onward) -> None:
    @app.job()
    def work(how: dict[str, Any]) -> dict[str, Any]:
        return how

    failed = app.submit("work", {"how": {"success": False, "error": "disk full"}})
    cancelled = app.submit("work", {"how": {"success": False, "cancelled": True, "n": 1}})
    run_all(app)
    error = app.get(failed.id).error
    assert error is not None
    assert (app.get(failed.id).status, error.message) == ("failed", "disk full")
    assert app.get(cancelled.id).status == "cancelled"


def test_error_keeps_class_message_and_traceback_but_no_locals(app: Onward) -> None:
    @app.job()
    def work() -> None:
        password = "canary" + "-secret"
        raise RuntimeError("broke\x00\ud800 " + str(len(password)))

    job = app.submit("work")
    run_all(app)
    error = app.get(job.id).error
    assert error is not None
    assert error.type == "RuntimeError"
    assert "broke" in error.message
    assert "in work" in error.traceback
    assert "canary-secret" not in error.traceback
    (run,) = app.runs(job.id)
    assert (run.status, run.error_message) == ("failed", error.message)


@pytest.mark.parametrize(
    "raised", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), BaseException("odd")], ids=repr
)
def test_whatever_a_job_raises_fails_it_and_the_worker_goes_on(app: Onward, raised: BaseException) -> None:
    @app.job()
    def work(bad: bool) -> int:
        if bad:
            raise raised
        return 1

    bad, good = app.submit("work", {"bad": True}), app.submit("work", {"bad": False})
    run_all(app, concurrency=1)
    assert [app.get(job.id).status for job in (bad, good)] == ["failed", "completed"]


def test_logs_of_the_job_and_of_any_library_are_kept_and_bounded(apps: Apps) -> None:
    app = apps(limits={"log_lines": 20, "log_line_bytes": 100})

    @app.job()
    def work(ctx: Context) -> None:
        for number in range(60):
            ctx.log.debug("line %d", number)
        ctx.log.bind(url="u").warning("long " + "x" * 500, n=1.5, odd=object(), nul="a\x00b\ud800")
        logging.getLogger("some.library").warning("from %s", "afar")
        logging.getLogger("onward.engine.x").warning("not the job's")
        try:
            raise KeyError("k")
        except KeyError:
            ctx.log.exception("it failed\x00\ud800")

    job = app.submit("work")
    other = app.submit("work")
    run_all(app, concurrency=2)
    assert app.get(job.id).error is None
    for one in (job, other):
        lines = app.logs(one.id)
        assert len(lines) == 20
        assert [line.seq for line in lines] == sorted(line.seq for line in lines)
        long, library, failure = lines[-3:]
        assert (len(long.message), long.level, long.fields["url"]) == (100, "WARNING", "u")
        assert (library.message, library.fields["logger"]) == ("from afar", "some.library")
        assert "KeyError" in failure.fields["traceback"]
        assert app.logs(one.id, after=lines[-2].seq) == [failure]


def test_logs_outside_of_jobs_are_not_kept(app: Onward) -> None:
    app.job(name="work")(lambda: None)
    job = app.submit("work")
    with app.worker(concurrency=1):
        ended(app, job)
        logging.getLogger("some.library").error("nobody's")
    assert rows(app, "SELECT count(*) FROM job_logs") == [(0,)]


@pytest.mark.parametrize(
    "odd", [{"message": "a\x00b"}, {"message": "\ud800"}, {"phase": "\x00"}, {"done": 2**70}], ids=repr
)
def test_odd_progress_does_not_keep_a_job_from_ending(app: Onward, odd: dict[str, Any]) -> None:
    @app.job()
    def work(ctx: Context) -> int:
        ctx.progress(**odd)
        pause(0.12)
        return 5

    job = app.submit("work")
    with app.worker(concurrency=1):
        done = ended(app, job)
        after = app.submit("work")
        ended(app, after)
    if "done" in odd:
        assert done.status in ("completed", "failed")
    else:
        assert (done.status, done.result) == ("completed", 5)


def test_progress_is_visible_to_others_while_the_job_runs(app: Onward, apps: Apps) -> None:
    gate = Gate()

    @app.job()
    def work(ctx: Context) -> None:
        ctx.progress(done=30, total=120, message="reading", phase="first")
        gate.pass_through()
        ctx.progress_callback(60, 120, "half")

    job = app.submit("work")
    elsewhere = apps()
    with app.worker(concurrency=1):
        gate.await_job()
        shown = until(lambda: elsewhere.get(job.id).progress if elsewhere.get(job.id).progress.percent else None)
        gate.open()
        done = ended(app, job)
    assert (shown.percent, shown.done, shown.total, shown.message, shown.phase) == (25, 30, 120, "reading", "first")
    assert (done.progress.percent, done.progress.done, done.progress.message) == (100, 60, "half")


# ---- retries --------------------------------------------------------------------------------------------------


def test_failures_are_retried_with_backoff_until_attempts_are_used(apps: Apps) -> None:
    clock = ManualClock()
    app = apps(clock)
    calls: list[int] = []

    @app.job(max_attempts=3, backoff=(10, 2, 100, 0))
    def work(ctx: Context) -> None:
        calls.append(ctx.attempt)
        raise OSError(f"try {ctx.attempt}")

    job = app.submit("work")
    run_all(app)
    waits = app.get(job.id)
    assert (waits.status, waits.state, waits.run_at) == (
        "pending",
        "retrying",
        waits.updated_at + (waits.run_at - waits.updated_at),
    )  # type: ignore[operator]
    assert (waits.run_at - clock.now()).total_seconds() == pytest.approx(10)  # type: ignore[operator]
    clock.advance(9.9)
    run_all(app)
    assert calls == [1]
    clock.advance(0.2)
    run_all(app)
    assert (app.get(job.id).run_at - clock.now()).total_seconds() == pytest.approx(20)  # type: ignore[operator]
    clock.advance(21)
    run_all(app)
    done = app.get(job.id)
    assert (done.status, done.attempt, calls) == ("failed", 3, [1, 2, 3])
    assert [run.error_message for run in app.runs(job.id)] == ["try 1", "try 2", "try 3"]
    assert [event.kind for event in app.history(job.id)].count("failed") == 1


def test_exception_that_is_not_listed_is_not_retried(app: Onward) -> None:
    @app.job(max_attempts=5, backoff=0, retry_on=OSError)
    def work() -> None:
        raise ValueError

    job = app.submit("work")
    run_all(app)
    assert (app.get(job.id).status, len(app.runs(job.id))) == ("failed", 1)


def test_retry_goes_on_from_the_checkpoint(app: Onward) -> None:
    seen: list[int] = []

    @app.job(max_attempts=3, backoff=0)
    def work(ctx: Context) -> int:
        for item in ctx.each(range(6)):
            if item == 3 and ctx.attempt < 3:
                raise OSError
            seen.append(item)
            ctx.state["count"] = ctx.state.get("count", 0) + 1
        return int(ctx.state["count"])

    job = app.submit("work")
    with app.worker(concurrency=1):
        done = ended(app, job)
    assert (done.result, seen, done.attempt) == (6, [0, 1, 2, 3, 4, 5], 3)


def test_jobs_of_a_hundred_failures_do_not_hold_up_others(app: Onward) -> None:
    app.job(name="bad")(lambda: 1 / 0)
    app.job(name="good")(lambda: 1)
    app.submit_many([("bad", None), ("good", None)] * 50)
    run_all(app)
    counts = app.counts()
    assert (counts["failed"], counts["completed"]) == (50, 50)


# ---- limits ---------------------------------------------------------------------------------------------------


def test_thread_over_its_timeout_fails_and_leaves(app: Onward) -> None:
    @app.job(timeout=0.2)
    def work(ctx: Context, polite: bool) -> None:
        for _ in range(2000):
            if polite:
                ctx.check()
            pause(0.01)

    jobs = [app.submit("work", {"polite": polite}) for polite in (True, False)]
    with app.worker(concurrency=2):
        for job in jobs:
            done = ended(app, job)
            assert done.error is not None
            assert (done.status, done.error.type) == ("failed", "Timeout")
            assert "0.2 s" in done.error.message


def test_async_job_over_its_timeout_is_cancelled_and_may_tidy_up(app: Onward) -> None:
    tidied: list[bool] = []

    @app.job(timeout=0.2)
    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            tidied.append(True)

    job = app.submit("work")
    with app.worker(concurrency=1):
        done = ended(app, job)
    assert done.error is not None
    assert (done.error.type, tidied) == ("Timeout", [True])


def test_timeout_is_retried_like_any_failure(app: Onward) -> None:
    @app.job(timeout=0.15, max_attempts=2, backoff=0, retry_on=TimeoutError)
    async def work(ctx: Context) -> int:
        if ctx.attempt == 1:
            await asyncio.sleep(60)
        return ctx.attempt

    job = app.submit("work")
    with app.worker(concurrency=1):
        assert ended(app, job).result == 2


def test_job_without_progress_is_told_of_and_goes_on(app: Onward) -> None:
    gate = Gate()
    told: list[Event] = []
    app.events.subscribe(told.append)

    @app.job(stall_after=0.15)
    def work(ctx: Context) -> int:
        gate.pass_through()
        return 1

    job = app.submit("work")
    with app.worker(concurrency=1):
        until(lambda: any(isinstance(event, JobStalled) and event.job_id == job.id for event in told))
        gate.open()
        assert ended(app, job).result == 1
    assert any("No progress" in line.message for line in app.logs(job.id))
    assert any(isinstance(event, RunEnded) and event.outcome == "success" for event in told)


def test_job_that_reports_is_not_stalled(app: Onward) -> None:
    told: list[Event] = []
    app.events.subscribe(told.append)

    @app.job(stall_after=0.4)
    def work(ctx: Context) -> None:
        for item in range(80):
            ctx.progress(done=item)
            pause(0.01)

    job = app.submit("work")
    with app.worker(concurrency=1):
        assert ended(app, job).status == "completed"
    assert not any(isinstance(event, JobStalled) for event in told)


def test_stalled_job_is_cancelled_by_policy_with_its_checkpoint(app: Onward) -> None:
    @app.job(stall_after=0.15, on_stall="cancel")
    def work(ctx: Context) -> None:
        ctx.checkpoint({"at": 1}, flush=True)
        for _ in range(2000):
            pause(0.01)
            ctx.check()

    job = app.submit("work", source_id="wiki")
    with app.worker(concurrency=1):
        done = ended(app, job)
    assert (done.status, done.has_checkpoint, done.is_interrupted) == ("cancelled", True, True)


# ---- types and versions ---------------------------------------------------------------------------------------


def test_unknown_type_is_left_for_a_worker_that_knows_it(app: Onward, apps: Apps) -> None:
    app.job(name="new_work")(lambda: 7)
    job = app.submit("new_work")
    old = apps()
    old.job(name="old_work")(lambda: 1)
    with old.worker(concurrency=1):
        assert "knows new_work" in str(until(lambda: old.get(job.id).waiting_reason))
        assert old.submit("old_work")
        until(lambda: old.counts()["completed"] == 1)
        assert old.get(job.id).fence == 0
    run_all(app)
    assert app.get(job.id).result == 7


def test_upgrade_reads_what_an_older_version_left(apps: Apps) -> None:
    old = apps()

    @old.job()
    def work(ctx: Context, path: str) -> None:
        ctx.checkpoint({"index": 3})
        raise OSError

    job = old.submit("work", {"path": "a"})
    fresh = old.submit("work", {"path": "b"})
    old.pause(fresh.id)
    run_all(old)
    new = apps()

    def upgrade(version: int, params: dict[str, Any], state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        assert version == 1
        return {"folder": params["path"] + "/"}, {"cursor": state.get("index", 0) * 10}

    @new.job(name="work", version=2, upgrade=upgrade)
    def work_2(ctx: Context, folder: str) -> list[Any]:
        return [folder, ctx.state["cursor"] if ctx.resumed else None]

    new.resume(job.id)
    new.unpause(fresh.id)
    run_all(new)
    assert new.get(job.id).result == ["a/", 30]
    assert new.get(fresh.id).result == ["b/", None]


def test_job_of_a_newer_version_is_left_for_a_worker_that_knows_it(apps: Apps) -> None:
    old, new = apps(), apps()
    old.job(name="work")(lambda: 1)
    new.job(name="work", version=2)(lambda: 2)
    job = new.submit("work")
    run_all(old)
    assert (old.get(job.id).status, old.get(job.id).fence) == ("pending", 0)
    run_all(new)
    assert new.get(job.id).result == 2


def test_job_whose_parameters_no_longer_fit_fails_at_once(apps: Apps) -> None:
    old, new = apps(), apps()

    @old.job()
    def work(path: str) -> None:
        pass

    job = old.submit("work", {"path": "a"})

    @new.job(name="work", max_attempts=3, backoff=0)
    def work_2(folder: str) -> None:
        pass

    run_all(new)
    error = new.get(job.id).error
    assert error is not None
    assert (error.type, len(new.runs(job.id))) == ("InvalidParams", 1)


# ---- workers --------------------------------------------------------------------------------------------------


def test_idle_means_that_nothing_runs_and_nothing_can_be_claimed_now(app: Onward) -> None:
    made: list[str] = []

    @app.job()
    def work(depth: int) -> None:
        if depth:
            made.append(app.submit("work", {"depth": depth - 1}).id)

    app.submit("work", {"depth": 5})
    later = app.submit("work", {"depth": 0}, delay=3600)
    paused = app.submit("work", {"depth": 0})
    app.pause(paused.id)
    app.submit("work", {"depth": 0}, source_id="wiki")
    app.submit("work", {"depth": 0}, source_id="wiki", on_conflict="wait")
    assert run_all(app) == 0
    assert app.counts()["completed"] == 8
    assert {app.get(job.id).status for job in (later, paused)} == {"pending"}
    assert len(made) == 5


def test_worker_is_listed_while_it_works_and_signs_off(app: Onward) -> None:
    app.job(name="work")(lambda: None)
    with app.worker(concurrency=3, queues=["a", "b"], name="me") as worker:
        (seen,) = app.workers.list(alive=True)
        assert (seen.id, seen.name, seen.slots, seen.queues, seen.state) == (worker.id, "me", 3, ("a", "b"), "online")
        assert any(name.startswith("work") for name in seen.job_types)
        first = seen.heartbeat_seq
        until(lambda: app.workers.list(alive=True)[0].heartbeat_seq > first)
    assert app.workers.list(alive=True) == []
    assert app.workers.list()[0].state == "stopped"


def test_two_workers_share_the_jobs_and_run_each_once(app: Onward, apps: Apps) -> None:
    ran: list[int] = []
    both = threading.Barrier(2)

    def define(one: Onward) -> None:
        @one.job()
        def work(number: int) -> None:
            ran.append(number)
            if number < 2:
                both.wait(20)

    second = apps()
    define(app)
    define(second)
    app.submit_many([("work", {"number": n}) for n in range(30)])
    with app.worker(concurrency=1), second.worker(concurrency=1):
        until(lambda: app.counts()["completed"] == 30)
    assert sorted(ran) == list(range(30))


def test_job_claimed_ahead_does_not_wait_behind_a_long_one(app: Onward, apps: Apps) -> None:
    gate = Gate()
    idle = apps()
    for one in (app, idle):
        one.job(name="quick")(lambda: 1)
        one.job(name="long", queue="here")(gate.pass_through)
    app.submit("long", priority=-1)
    app.submit_many([("quick", None)] * 40)
    with app.worker(concurrency=1):
        gate.await_job()
        app.submit_many([("quick", None)] * 5)
        with idle.worker(concurrency=1, queues=["default"]):
            until(lambda: app.counts()["completed"] == 45)
        gate.open()


def test_async_jobs_run_side_by_side_within_the_slots(app: Onward) -> None:
    at_once: list[int] = []
    running = 0

    @app.job()
    async def work() -> None:
        nonlocal running
        running += 1
        at_once.append(running)
        await asyncio.sleep(0.03)
        running -= 1

    app.submit_many([("work", None)] * 9)
    run_all(app, concurrency=3)
    assert app.counts()["completed"] == 9
    assert max(at_once) == 3


def test_wait_returns_at_the_verdict_and_times_out_without_touching_the_job(app: Onward) -> None:
    gate = Gate()
    app.job(name="work")(gate.pass_through)
    job = app.submit("work")
    with pytest.raises(TimeoutError, match="goes on"):
        app.wait(job.id, timeout=0.05)
    with app.worker(concurrency=1):
        gate.await_job()
        app.cancel(job.id)
        assert app.wait(job.id, timeout=5).is_owned
        with pytest.raises(TimeoutError):
            app.wait(job.id, timeout=0.1, until="left")
        gate.open()
        assert not ended(app, job).is_owned


def test_watch_gives_every_status_and_ends_with_the_job(app: Onward) -> None:
    gate = Gate()
    app.job(name="work")(gate.pass_through)
    job = app.submit("work")
    seen = []
    with app.worker(concurrency=1):
        for one in app.watch(job.id, timeout=20):
            seen.append(str(one.status))
            if one.status == "running":
                gate.open()
    assert list(dict.fromkeys(seen)) in (["pending", "running", "completed"], ["running", "completed"])


def test_job_submitted_by_another_application_starts_soon(app: Onward, apps: Apps) -> None:
    clock = SystemClock()
    other = apps()
    for one in (app, other):
        one.job(name="work")(lambda: None)
    with app.worker(concurrency=1):
        slowest = 0.0
        for number in range(3):
            begun = clock.monotonic()
            ended(other, other.submit("work"))
            slowest = max(slowest, clock.monotonic() - begun)
            if number == 1:
                other.close()
    assert slowest < 2
