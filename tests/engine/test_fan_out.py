"""Work in ranges: made with their parent's parking, each with its own checkpoint, merged when all have ended."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from onward import (
    Context,
    InvalidParams,
    InvalidValue,
    Job,
    JobPhase,
    Onward,
    ResourceBusy,
    UnknownJobType,
)
from tests.app_fixtures import Gate, ended, rows, run_all, until
from tests.engine import process_jobs
from tests.engine.ranges import add_squares


def test_results_and_records_come_in_range_order(app: Onward) -> None:
    add_squares(app)
    job = app.submit("squares", {"total": 10, "parts": 3})
    run_all(app)
    done = app.get(job.id)
    assert done.error is None
    assert [part["items"] for part in done.result["results"]] == [3, 3, 4]
    assert [part["number"] for part in done.result["results"]] == [0, 1, 2]
    assert done.result["records"] == [n * n for n in range(10)]
    children = app.children(job.id)
    assert [(str(child.range), child.family, child.parent_id) for child in children] == [
        (f"range {n} of 3", "square", job.id) for n in (1, 2, 3)
    ]
    assert [str(run.status) for run in app.runs(job.id)] == ["parked", "success"]
    assert (done.attempt, done.progress.percent, done.progress.done, done.progress.total) == (1, 100, 10, 10)
    for table in ("checkpoints", "job_steps", "job_partials"):
        assert rows(app, f"SELECT count(*) FROM {table}") == [(0,)]
    assert [event.kind for event in app.history(job.id)] == [
        "started",
        "parked",
        "ranges_ended",
        "started",
        "completed",
    ]


@pytest.mark.parametrize(("total", "parts", "sizes"), [(0, 4, []), (2, 5, [1, 1]), (7, 1, [7]), (7, 2, [3, 4])])
def test_no_range_is_empty(app: Onward, total: int, parts: int, sizes: list[int]) -> None:
    add_squares(app)
    job = app.submit("squares", {"total": total, "parts": parts})
    run_all(app)
    assert [part["items"] for part in app.get(job.id).result["results"]] == sizes
    assert app.get(job.id).result["records"] == [n * n for n in range(total)]


def test_waiting_parent_has_no_worker_and_says_what_it_waits_for(app: Onward, gate: Gate) -> None:
    @app.job()
    def part(ctx: Context) -> int:
        ctx.progress(done=5 if ctx.range.worker_id else 0, total=10)
        if ctx.range.worker_id:
            gate.pass_through()
        return ctx.range.start

    @app.job()
    def whole(ctx: Context) -> list[int]:
        return ctx.fan_out("part", 40, 4)  # type: ignore[no-any-return]

    with app.worker(concurrency=4):
        job = app.submit("whole", source_id="wiki", priority=3, user_id="ana")
        waiting = until(lambda: (found := app.get(job.id)).progress.done == 25 and found)
        assert "Waits for 3 of 4 ranges of `part`: 62 %." in str(waiting.waiting_reason)
        assert (waiting.status, waiting.worker_id, waiting.waiting_on) == ("running", None, "children")
        assert (waiting.progress.percent, waiting.progress.total, waiting.has_checkpoint) == (62, 40, True)
        assert waiting.waiting_reason is not None
        assert waiting.waiting_reason.refs == tuple(child.id for child in app.children(job.id)[1:])
        child = app.children(job.id)[0]
        assert (child.source_id, child.user_id, child.priority, child.resources) == ("wiki", "ana", 3, ())
        # The parent keeps its source.
        app.job(name="other")(lambda: None)
        with pytest.raises(ResourceBusy):
            app.submit("other", source_id="wiki")
        gate.open()
        assert ended(app, job).result == [0, 10, 20, 30]


def test_several_fan_outs_of_a_job_are_told_apart(app: Onward) -> None:
    @app.job()
    def part(ctx: Context, factor: int) -> int:
        return sum(ctx.range.items) * factor

    @app.job()
    def whole(ctx: Context) -> list[Any]:
        found: list[Any] = [ctx.fan_out("part", 4, 2, {"factor": 1}), ctx.fan_out("part", 4, 2, {"factor": 2})]
        for round_ in ctx.each(range(2)):
            ctx.state["rounds"] = [*ctx.state.get("rounds", []), ctx.fan_out("part", 2, 1, {"factor": round_ + 1})]
        found.append(ctx.fan_out("part", 3, 3, {"factor": 1}, name="last"))
        return [*found, ctx.state["rounds"]]

    job = app.submit("whole")
    run_all(app)
    assert app.get(job.id).error is None
    assert app.get(job.id).result == [[1, 5], [2, 10], [0, 1, 2], [[1], [2]]]
    assert sorted({child.family for child in app.children(job.id)}) == [
        "each:0/part", "each:1/part", "last", "part", "part 2",
    ]  # fmt: skip


WRONG: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    ("part", {"total": 4, "parts": 0}, InvalidValue, "parts=0"),
    ("part", {"total": -1, "parts": 2}, InvalidValue, "total=-1"),
    ("part", {"total": 2.5, "parts": 2}, InvalidValue, "not a whole number"),
    ("part", {"total": True, "parts": 2}, InvalidValue, "not a whole number"),
    ("part", {"total": 4, "parts": 5000}, InvalidValue, "parts=5000"),
    ("nothing", {"total": 4, "parts": 2}, UnknownJobType, "nothing"),
    ("pipeline", {"total": 4, "parts": 2}, InvalidValue, "chain"),
    ("part", {"total": 4, "parts": 2, "params": {"extra": 1}}, InvalidParams, "extra"),
]


@pytest.mark.parametrize(("name", "given", "error", "text"), WRONG)
def test_wrong_request_is_refused_where_it_is_made(
    app: Onward, name: str, given: dict[str, Any], error: type[Exception], text: str
) -> None:
    app.job(name="part")(lambda: None)
    app.chain("pipeline", [JobPhase("part")])
    caught: list[Exception] = []

    @app.job()
    def whole(ctx: Context) -> str:
        try:
            ctx.fan_out(name, **given)
        except error as found:
            caught.append(found)
        return "went on"

    job = app.submit("whole")
    run_all(app)
    assert app.get(job.id).result == "went on"
    assert text in str(caught[0])
    assert app.children(job.id) == []


def test_other_work_under_the_same_name_is_refused(app: Onward) -> None:
    total = [6]
    add_squares(app)

    @app.job()
    def whole(ctx: Context) -> int:
        ctx.fan_out("square", total[0], total[0] // 2)
        if total[0] == 6:
            raise ValueError("stop")
        return total[0]

    job = app.submit("whole")
    run_all(app)
    total[0] = 8
    app.resume(job.id)
    run_all(app)
    failed = app.get(job.id)
    assert failed.error is not None
    assert "was begun with 6 items of 'square', and is now asked for 8 items" in failed.error.message


def test_async_parents_and_ranges(app: Onward) -> None:
    @app.job()
    async def part(ctx: Context) -> int:
        async for item in ctx.each(ctx.range.items):
            ctx.partial("words").append(f"w{item}")
        return ctx.range.worker_id

    @app.job()
    async def whole(ctx: Context) -> list[Any]:
        found = await ctx.fan_out(part, 5, 2)
        return [found, [record async for record in ctx.range_partials("part", partial="words")]]

    job = app.submit("whole")
    run_all(app)
    assert app.get(job.id).result == [[0, 1], ["w0", "w1", "w2", "w3", "w4"]]


def test_parents_and_ranges_in_processes_of_their_own(app: Onward) -> None:
    app.include(process_jobs.types)
    job = app.submit("gather", {"total": 6})
    run_all(app)
    assert app.get(job.id).error is None
    assert app.get(job.id).result == [[3, 3], [0, 1, 2, 3, 4, 5]]


def test_phase_of_a_chain_may_fan_out(app: Onward, gate: Gate) -> None:
    @app.job()
    def part(ctx: Context) -> None:
        ctx.progress(done=5, total=10)
        gate.pass_through()

    @app.job()
    def whole(ctx: Context) -> str:
        ctx.fan_out("part", 20, 2)
        return "merged"

    app.job(name="first")(lambda: None)
    with app.worker(concurrency=4):
        job = app.submit_chain([JobPhase("first", weight=50), JobPhase("whole", weight=50)], source_id="wiki")
        until(lambda: app.get(job.id).progress.percent == 75)
        gate.open()
        done = ended(app, job)
    assert [phase["result"] for phase in done.result["phase_results"]] == [None, "merged"]
    assert rows(app, "SELECT count(*) FROM job_resources") == [(0,)]


def test_child_that_a_job_submits_does_not_end_its_wait_for_ranges(app: Onward, gate: Gate) -> None:
    app.job(name="aside")(lambda: None)

    @app.job()
    def part(ctx: Context) -> int:
        gate.pass_through()
        return 7

    @app.job()
    def whole(ctx: Context) -> list[int]:
        ctx.step("aside", lambda: app.submit("aside", parent_id=ctx.job_id, delay=0.05).id)
        return ctx.fan_out("part", 1, 1)  # type: ignore[no-any-return]

    with app.worker(concurrency=2):
        job = app.submit("whole")
        until(lambda: any(child.job_type == "aside" and child.status == "completed" for child in app.children(job.id)))
        assert app.get(job.id).status == "running"
        gate.open()
        assert ended(app, job).result == [7]


def test_ranges_run_at_the_same_time_and_take_what_the_parent_has_not(app: Onward) -> None:
    meet = threading.Barrier(3)

    @app.job(resources=lambda params, source_id: [("lane", 3)])
    def part(ctx: Context) -> None:
        meet.wait(10)

    @app.job(resources=lambda params, source_id: ["index"])
    def whole(ctx: Context) -> int:
        return len(ctx.fan_out("part", 9, 3))

    with app.worker(concurrency=3):
        job = app.submit("whole", source_id="wiki")
        done: Job = ended(app, job)
        assert done.result == 3
    assert [need.resource for need in app.children(job.id)[0].resources] == ["lane"]
