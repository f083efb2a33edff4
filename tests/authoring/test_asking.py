"""Questions of jobs that run without a database: an error, or the answers that a test hands in."""

from __future__ import annotations

from typing import Any

import pytest

from onward import Context, DuplicateStep, InvalidAnswer, JobParked, JobPhase, Onward, OnwardError, run_combined_job
from onward.testing import Interrupted, JobBench


def publish(ctx: Context) -> list[Any]:
    draft = ctx.step("draft", lambda: "text")
    yes = ctx.ask("confirm", draft, prompt="May it go out?", schema={"type": "boolean"})
    return [draft, yes, ctx.ask("clarify")]


async def publish_async(ctx: Context) -> list[Any]:
    return [await ctx.ask("confirm", schema={"type": "boolean"}), await ctx.ask("clarify")]


@pytest.mark.parametrize("job", [publish, publish_async])
def test_bench_gives_the_answers_that_it_was_given(job: Any) -> None:
    assert JobBench(job, answers={"confirm": True, "clarify": "so"}).run()[-2:] == [True, "so"]


def test_job_on_the_bench_leaves_to_ask_and_goes_on_with_the_answer() -> None:
    bench = JobBench(publish)
    left = bench.run()
    assert isinstance(left, Interrupted)
    assert isinstance(left.reason, JobParked)
    assert bench.question is not None
    assert (bench.question.name, bench.question.data, bench.question.prompt) == ("confirm", "text", "May it go out?")
    with pytest.raises(InvalidAnswer):
        bench.answer("yes")
    bench.answer(True)
    assert isinstance(bench.run(), Interrupted)
    assert bench.question.name == "clarify"
    bench.answer(None)
    assert bench.run() == ["text", True, None]
    assert bench.question is None
    with pytest.raises(OnwardError, match="has not asked"):
        bench.answer(1)


def test_answer_of_a_test_must_fit_as_well() -> None:
    with pytest.raises(InvalidAnswer):
        JobBench(publish, answers={"confirm": "perhaps"}).run()


def test_job_without_people_says_that_it_cannot_ask() -> None:
    app = Onward("sqlite:///unused.db")
    app.job(publish)
    with pytest.raises(OnwardError, match="runs inline cannot ask anybody: question 'confirm'"):
        app.run_inline("publish")
    result = run_combined_job([JobPhase("publish")], app=app)
    assert result["success"] is False
    assert "cannot ask anybody" in result["error"]


def test_names_are_told_apart_by_item_and_not_used_twice() -> None:
    def each(ctx: Context) -> list[Any]:
        return [ctx.ask("confirm", item, name="same") for item in ctx.each([1, 2])]

    def twice(ctx: Context) -> None:
        ctx.ask("confirm", name="same")
        ctx.ask("clarify", name="same")

    assert JobBench(each, answers={"same": 1}).run() == [1, 1]
    with pytest.raises(DuplicateStep):
        JobBench(twice, answers={"same": 1}).run()
