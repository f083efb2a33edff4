"""Steps that are not done twice without a person's word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from onward import Context, DuplicateStep, InvalidValue, Job, Onward
from onward.model import doubt
from onward.records.resume import resume_record
from onward.testing import JobBench
from tests.app_fixtures import Apps, ended, run_all, until
from tests.engine import process_jobs


@pytest.fixture
def calls() -> list[str]:
    return []


@pytest.fixture
def app(apps: Apps, calls: list[str]) -> Onward:
    made = apps()

    def pay(who: str) -> dict[str, Any]:
        calls.append(who)
        if who == "ben" and calls.count("ben") < 2:
            raise TimeoutError("no answer: was it paid?")
        return {"paid": who}

    @made.job(max_attempts=3, backoff=0)
    def salaries(ctx: Context, people: list[str]) -> list[Any]:
        for who in ctx.each(people, key=str):
            ctx.state["paid"] = [*ctx.state.get("paid", []), ctx.once("pay", pay, who)]
        return ctx.state["paid"]

    @made.job(max_attempts=3, backoff=0)
    async def gently(ctx: Context) -> Any:
        async def later() -> dict[str, Any]:
            return pay("ben")

        return await ctx.once("pay", later)

    return made


def asked(app: Onward, job: Job) -> Any:
    """The question of a job that waits for a person."""
    until(lambda: app.get(job.id).status == "pending_hitl")
    return app.get(job.id).hitl


@pytest.mark.parametrize(
    ("answer", "paid", "times"),
    [
        ({"decision": doubt.AGAIN}, {"paid": "ben"}, 2),
        ({"decision": doubt.SKIP}, None, 1),
        ({"decision": doubt.SKIP, "result": '{"paid": "by hand"}'}, {"paid": "by hand"}, 1),
        ({"decision": doubt.SKIP, "result": "receipt 7"}, "receipt 7", 1),
    ],
)
def test_a_step_in_doubt_is_settled_by_a_person(
    app: Onward, calls: list[str], answer: dict[str, str], paid: Any, times: int
) -> None:
    job = app.submit("salaries", {"people": ["ana", "ben", "cleo"]})
    with app.worker(concurrency=1):
        question = asked(app, job)
        assert question.type == "in_doubt"
        assert question.data["step"] == "pay"
        assert "`pay` (each:1) may already have happened" in question.prompt
        assert question.expires_at is None
        app.answer(job.id, answer, answered_by="ana")
        done = ended(app, job)
    assert done.result == [{"paid": "ana"}, paid, {"paid": "cleo"}]
    assert calls.count("ben") == times
    assert (calls.count("ana"), calls.count("cleo")) == (1, 1)


def test_an_async_job_asks_too(app: Onward, calls: list[str]) -> None:
    job = app.submit("gently")
    with app.worker(concurrency=1):
        asked(app, job)
        app.answer(job.id, {"decision": doubt.AGAIN})
        assert ended(app, job).result == {"paid": "ben"}
    assert calls == ["ben", "ben"]


def test_each_beginning_is_a_question_of_its_own(apps: Apps) -> None:
    app = apps()
    calls: list[int] = []

    def fails() -> None:
        calls.append(1)
        raise TimeoutError

    @app.job(max_attempts=9, backoff=0)
    def stubborn(ctx: Context) -> None:
        ctx.once("send", fails)

    job = app.submit("stubborn")
    with app.worker(concurrency=1):
        for times in (1, 2, 3):
            until(lambda times=times: len(calls) == times)
            asked(app, job)
            app.answer(job.id, {"decision": doubt.AGAIN if times < 3 else doubt.SKIP})
        assert ended(app, job).status == "completed"
    assert len(calls) == 3


def test_a_killed_run_leaves_the_step_in_doubt_and_the_resume_question_names_it(apps: Apps, tmp_path: Path) -> None:
    app = apps()
    app.include(process_jobs.types)
    job = app.submit("pay_and_die", {"path": str(tmp_path / "paid")})
    with app.worker(concurrency=1):
        failed = ended(app, job)
        assert failed.status == "failed"
        (found,) = app.checkpoints.in_doubt(job.id)
        assert (found.step, found.scope, found.times) == ("pay", "", 1)
        facts = resume_record(app, failed)
        assert [item["step"] for item in facts["in_doubt"]] == ["pay"]
        assert facts["default"] == "resume"
        app.resume(job.id)
        asked(app, job)
        app.answer(job.id, {"decision": doubt.SKIP, "result": "7"})
        assert ended(app, job).result == 7
    assert (tmp_path / "paid").read_text() == "paid\n"
    assert app.checkpoints.in_doubt(job.id) == []


def test_a_fresh_start_forgets_what_has_begun(app: Onward, calls: list[str]) -> None:
    job = app.submit("salaries", {"people": ["ben"]})
    with app.worker(concurrency=1):
        asked(app, job)
        app.cancel(job.id)
        ended(app, job)
        assert [found.scope for found in app.checkpoints.in_doubt(job.id)] == ["each:0"]
        app.restart(job.id)
        assert ended(app, job).result == [{"paid": "ben"}]
    assert calls == ["ben", "ben"]
    assert app.checkpoints.in_doubt(job.id) == []


def test_a_step_cannot_have_the_name_of_a_beginning(app: Onward) -> None:
    app.job(name="sly")(lambda ctx: ctx.step("begun 1: pay", str))
    job = app.submit("sly")
    run_all(app)
    assert app.get(job.id).error.type == InvalidValue.__name__


def test_names_are_bounded_and_unique(app: Onward) -> None:
    @app.job()
    def twice(ctx: Context, name: str) -> None:
        ctx.once(name, str)
        ctx.once(name, str)

    short, long = app.submit("twice", {"name": "a"}), app.submit("twice", {"name": "a" * 151})
    run_all(app)
    assert app.get(short.id).error.type == DuplicateStep.__name__
    assert app.get(long.id).error.type == InvalidValue.__name__


def test_a_bench_is_given_the_answer(calls: list[str]) -> None:
    def note(ctx: Context) -> Any:
        def act() -> int:
            calls.append("a")
            return 1 // (ctx.attempt - 1)

        return ctx.once("a", act)

    bench = JobBench(note, answers={"in doubt 1: a": {"decision": doubt.AGAIN}})
    with pytest.raises(ZeroDivisionError):
        bench.run()
    assert bench.run() == 1
    assert calls == ["a", "a"]
