"""A fan-out without a database: in a bench for authors, and in an application's run_inline."""

from __future__ import annotations

from typing import Any

import pytest

from onward import Context, JobCancelled, JobTypes, Onward, RangeFailed, UnknownJobType
from onward.testing import Interrupted, JobBench

types = JobTypes()
broken = [True]


@types.job()
def part(ctx: Context, factor: int = 1) -> int:
    for item in ctx.each(ctx.range.items):
        ctx.partial().append(item * factor)
    return ctx.range.worker_id


@types.job()
def fragile(ctx: Context) -> int:
    ctx.state["tries"] = ctx.state.get("tries", 0) + 1
    ctx.checkpoint()
    if ctx.range.worker_id == 1 and broken[0]:
        raise ValueError("broken")
    return int(ctx.state["tries"])


def test_ranges_run_one_after_the_other_and_leave_their_records() -> None:
    def whole(ctx: Context) -> list[Any]:
        found = ctx.fan_out(part, 5, 2, {"factor": 10})
        return [found, list(ctx.range_partials(part)), ctx.fan_out("part", 0, 3, name="none")]

    bench = JobBench(whole, job_types=types)
    assert bench.run() == [[0, 1], [0, 10, 20, 30, 40], []]
    assert bench.memory.families == {}


def test_functions_need_no_registry_and_names_do() -> None:
    assert JobBench(lambda ctx: ctx.fan_out(part, 2, 2)).run() == [0, 1]
    with pytest.raises(UnknownJobType):
        JobBench(lambda ctx: ctx.fan_out("part", 2, 2)).run()


def test_only_failed_ranges_are_done_again() -> None:
    def whole(ctx: Context) -> Any:
        return ctx.fan_out("fragile", 3, 3)

    bench = JobBench(whole, job_types=types)
    broken[0] = True
    with pytest.raises(RangeFailed, match="Range 2 of 3 failed: ValueError: broken"):
        bench.run()
    broken[0] = False
    assert bench.run() == [1, 2, 1]


def test_interrupted_parent_keeps_the_results_of_its_ranges() -> None:
    calls: list[int] = []

    def counted(ctx: Context) -> int:
        calls.append(ctx.range.worker_id)
        return ctx.range.worker_id

    def whole(ctx: Context) -> int:
        found = ctx.fan_out(counted, 4, 2)
        for _ in ctx.each(found):
            pass
        return len(found)

    bench = JobBench(whole)
    assert isinstance(bench.run(interrupt_at=1), Interrupted)
    assert bench.run() == 2
    assert calls == [0, 1]


def test_async_parent_and_ranges() -> None:
    async def piece(ctx: Context) -> int:
        ctx.partial("words").append(f"w{ctx.range.worker_id}")
        return ctx.range.size

    async def whole(ctx: Context) -> list[Any]:
        found = await ctx.fan_out(piece, 4, 2)
        return [found, [word async for word in ctx.range_partials(piece, partial="words")]]

    assert JobBench(whole).run() == [[2, 2], ["w0", "w1"]]


def test_application_runs_ranges_inline_and_a_cancel_leaves() -> None:
    app = Onward("sqlite:///unused.db")
    app.include(types)
    app.job(name="whole")(lambda ctx: ctx.fan_out("part", 4, 2))
    assert app.run_inline("whole") == [0, 1]
    with pytest.raises(JobCancelled):
        app.run_inline("whole", cancel_checker=lambda: True)
    app.close()
