"""Ranges that fail, are cancelled, paused, resumed or deleted, and what becomes of their parent."""

from __future__ import annotations

from typing import Any

import pytest

from onward import (
    Context,
    IllegalTransition,
    Onward,
    ResourceBusy,
)
from tests.app_fixtures import Gate, ended, rows, run_all, until, until_told
from tests.engine.ranges import add_squares


def test_failed_range_fails_the_parent_after_the_others_and_resume_redoes_it_alone(app: Onward) -> None:
    done_by: list[tuple[int, int]] = []

    @app.job()
    def part(ctx: Context, broken: int) -> int:
        for item in ctx.each(ctx.range.items):
            if item == broken and not ctx.resumed:
                raise ValueError("no such item")
            done_by.append((ctx.range.worker_id, item))
            ctx.partial().append(item)
        return ctx.range.worker_id

    @app.job(max_attempts=3)
    def whole(ctx: Context) -> list[Any]:
        found = ctx.fan_out(part, 30, 3, {"broken": 14})
        return [found, list(ctx.range_partials(part))]

    job = app.submit("whole")
    run_all(app)
    failed = app.get(job.id)
    assert failed.error is not None
    assert (failed.status, failed.state, failed.error.type) == ("failed", "interrupted", "RangeFailed")
    assert "Range 2 of 3 (items 10 to 19" in failed.error.message
    assert "ValueError: no such item" in failed.error.message
    assert [str(child.status) for child in app.children(job.id)] == ["completed", "failed", "completed"]
    assert len(app.runs(job.id)) == 2
    before = len(done_by)
    app.resume(job.id)
    run_all(app)
    assert app.get(job.id).error is None
    assert app.get(job.id).result == [[0, 1, 2], list(range(30))]
    assert done_by[before:] == [(1, item) for item in range(14, 20)]


def test_fresh_start_does_all_ranges_again_and_forgets_what_they_saved(app: Onward) -> None:
    fails = [True]
    add_squares(app)

    @app.job()
    def whole(ctx: Context) -> int:
        ctx.fan_out("square", 6, 2)
        if fails[0]:
            raise ValueError("merge")
        return len(list(ctx.range_partials("square")))

    job = app.submit("whole")
    run_all(app)
    assert app.get(job.id).status == "failed"
    first = [child.id for child in app.children(job.id)]
    fails[0] = False
    app.restart(job.id)
    assert rows(app, "SELECT count(*) FROM job_partials") == [(0,)]
    run_all(app)
    assert app.get(job.id).result == 6
    children = app.children(job.id)
    assert len(children) == 4
    assert {child.id for child in children if child.superseded_by} == set(first)
    app.delete(job.id)
    assert rows(app, "SELECT count(*) FROM jobs") == [(0,)]


def test_resumed_merge_finds_the_same_ranges(app: Onward) -> None:
    fails = [True]
    add_squares(app)

    @app.job()
    def whole(ctx: Context) -> int:
        ctx.fan_out("square", 6, 2)
        total = 0
        for record in ctx.each(ctx.range_partials("square")):
            total = ctx.state["total"] = ctx.state.get("total", 0) + record
            if record == 9 and fails[0]:
                raise ValueError("merge")
        return total

    job = app.submit("whole")
    run_all(app)
    assert app.get(job.id).status == "failed"
    fails[0] = False
    app.resume(job.id)
    run_all(app)
    assert app.get(job.id).result == sum(n * n for n in range(6))
    assert len(app.children(job.id)) == 2


def test_cancelled_parent_cancels_its_ranges_and_keeps_its_source_until_they_have_left(app: Onward, gate: Gate) -> None:
    left = Gate()

    @app.job()
    def part(ctx: Context) -> None:
        gate.pass_through()
        left.pass_through()
        ctx.check()

    @app.job()
    def middle(ctx: Context) -> None:
        ctx.fan_out("part", 1, 1)

    @app.job()
    def whole(ctx: Context) -> None:
        ctx.fan_out("middle", 2, 2)

    app.job(name="other")(lambda: None)
    with app.worker(concurrency=4):
        job = app.submit("whole", source_id="wiki")
        gate.await_job()
        app.cancel(job.id)
        family = [app.get(job.id), *app.children(job.id)]
        family += [child for one in app.children(job.id) for child in app.children(one.id)]
        assert {str(one.status) for one in family} == {"cancelled"}
        with pytest.raises(ResourceBusy):
            app.submit("other", source_id="wiki")
        gate.open()
        left.open()
        until(lambda: rows(app, "SELECT count(*) FROM job_resources") == [(0,)])
        assert app.get(job.id).status == "cancelled"
        app.submit("other", source_id="wiki")
    app.resume(job.id)
    run_all(app)
    assert app.get(job.id).status == "completed"


def test_cancelled_range_fails_the_parent_when_the_others_have_ended(app: Onward, gate: Gate) -> None:
    @app.job()
    def part(ctx: Context) -> None:
        if ctx.range.worker_id == 0:
            gate.pass_through()

    @app.job()
    def whole(ctx: Context) -> None:
        ctx.fan_out("part", 2, 2)

    with app.worker(concurrency=2):
        job = app.submit("whole")
        gate.await_job()
        until(lambda: app.children(job.id)[1].status == "completed")
        app.cancel(app.children(job.id)[0].id)
        gate.open()
        failed = ended(app, job)
    assert failed.error is not None
    assert (failed.status, "Range 1 of 2" in failed.error.message, "was cancelled" in failed.error.message) == (
        "failed", True, True,
    )  # fmt: skip


def test_range_may_be_resumed_while_its_parent_waits_for_others(app: Onward, gate: Gate) -> None:
    fails = [True]

    @app.job()
    def part(ctx: Context) -> int:
        if ctx.range.worker_id == 0:
            gate.pass_through()
        elif fails[0]:
            raise ValueError("not yet")
        return ctx.range.worker_id

    @app.job()
    def whole(ctx: Context) -> list[int]:
        return ctx.fan_out("part", 2, 2)  # type: ignore[no-any-return]

    with app.worker(concurrency=2):
        job = app.submit("whole")
        gate.await_job()
        failed = until(lambda: (found := app.children(job.id)[1]).status == "failed" and found)
        with pytest.raises(IllegalTransition, match="range 2 of 2"):
            app.restart(failed.id)
        with pytest.raises(IllegalTransition, match="range 2 of 2"):
            app.delete(failed.id)
        fails[0] = False
        app.resume(failed.id)
        until(lambda: app.get(failed.id).status == "completed")
        gate.open()
        assert ended(app, job).result == [0, 1]


def test_paused_parent_pauses_its_ranges(app: Onward, gate: Gate) -> None:
    @app.job()
    def part(ctx: Context) -> int:
        for item in ctx.each(ctx.range.items):
            if item == 1 and not ctx.resumed:
                gate.pass_through()
        return ctx.range.size

    @app.job()
    def whole(ctx: Context) -> list[int]:
        return ctx.fan_out("part", 4, 1)  # type: ignore[no-any-return]

    with app.worker(concurrency=2) as worker:
        job = app.submit("whole")
        gate.await_job()
        paused = app.pause(job.id, actor="ana")
        assert (paused.state, app.children(job.id)[0].paused_by) == ("paused", "ana")
        until_told(worker)
        gate.open()
        until(lambda: app.children(job.id)[0].state == "paused")
        assert "Paused by ana" in str(app.get(job.id).waiting_reason)
        app.unpause(job.id, actor="ana")
        assert ended(app, job).result == [4]


def test_parent_whose_ranges_were_deleted_by_hand_is_woken_and_makes_them_again(app: Onward, gate: Gate) -> None:
    @app.job()
    def part(ctx: Context) -> int:
        return ctx.range.worker_id

    @app.job()
    def whole(ctx: Context) -> list[int]:
        return ctx.fan_out("part", 2, 2)  # type: ignore[no-any-return]

    job = app.submit("whole")
    app.job(name="part", queue="nobody")(app.job_types.get("part").func)
    run_all(app, queues=["default"])
    assert app.get(job.id).waiting_on == "children"
    app.database.query("DELETE FROM jobs WHERE family IS NOT NULL AND range_number = 1")
    app.database.query("DELETE FROM jobs WHERE family IS NOT NULL")
    with app.worker(concurrency=2):
        assert ended(app, job).result == [0, 1]
