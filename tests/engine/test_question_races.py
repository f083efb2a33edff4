"""Answers, timeouts, workers and people at the same time: exactly one wins, and every answer that was taken counts."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from typing import Any

import pytest

from onward import (
    AlreadyAnswered,
    AlreadyClaimed,
    Context,
    IllegalTransition,
    Job,
    JobPhase,
    ManualClock,
    Onward,
    OnwardError,
    QuestionClosed,
)
from onward.engine.expirer import Expirer
from tests.app_fixtures import Apps, rows, run_all, until

MANY = 500


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def app(apps: Apps, clock: ManualClock) -> Onward:
    made = apps(clock)

    @made.job(resources=lambda params, source_id: ["desk"])
    def late(ctx: Context, how: Any = "fail", hold: bool = False) -> Any:
        ctx.checkpoint({"seen": True})
        default = {"ok": None} if how == "default" else None
        return ctx.ask("confirm", prompt="Well?", timeout=60, on_timeout=how, default=default, hold=hold)

    return made


def keeper(app: Onward) -> Expirer:
    return Expirer(app._store, app.clock, app._ids)


def asked(app: Onward, **params: Any) -> Job:
    job = app.submit("late", params, on_conflict="wait")
    run_all(app)
    found = app.get(job.id)
    assert found.status == "pending_hitl"
    return found


def together(*acts: Any) -> list[Any]:
    """What each act returned or raised, all begun at the same time."""
    found: list[Any] = [None] * len(acts)
    start = threading.Barrier(len(acts))

    def run(at: int) -> None:
        start.wait()
        try:
            found[at] = acts[at]()
        except OnwardError as error:
            found[at] = error

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


# ---- timeouts ---------------------------------------------------------------------------------------------------


def test_nothing_happens_before_the_time_is_over(app: Onward, clock: ManualClock) -> None:
    job = asked(app)
    clock.advance(59)
    keeper(app).tick()
    assert app.get(job.id).status == "pending_hitl"


def test_unanswered_question_fails_its_job_and_is_asked_anew_after_a_resume(app: Onward, clock: ManualClock) -> None:
    job = asked(app, hold=True)
    clock.advance(60)
    keeper(app).tick()
    keeper(app).tick()
    found = app.get(job.id)
    assert (found.status, found.state, found.waiting_on) == ("failed", "interrupted", None)
    assert found.error is not None
    assert (found.error.type, found.error.message) == (
        "QuestionExpired", "Nobody has answered the question 'confirm' (Well?) within 1 min.",
    )  # fmt: skip
    assert [event.kind for event in app.history(job.id)] == ["started", "asked", "expired", "failed"]
    assert rows(app, "SELECT count(*) FROM job_resources") == [(0,)]
    with pytest.raises(QuestionClosed, match="has expired"):
        app.answer(job.id, 1)
    app.resume(job.id)
    run_all(app)
    with pytest.raises(QuestionClosed):
        app.answer(job.id, 1, question_id=job.hitl.id)  # type: ignore[union-attr]  # it has asked
    app.answer(job.id, 2)
    run_all(app)
    assert app.get(job.id).result == 2
    assert app.database.check() == []


def test_unanswered_question_cancels_its_job_if_it_said_so(app: Onward, clock: ManualClock) -> None:
    job = asked(app, how="cancel")
    clock.advance(61)
    keeper(app).tick()
    assert app.get(job.id).status == "cancelled"
    last = app.history(job.id)[-1]
    assert (last.kind, last.actor) == ("cancelled", "timeout")
    assert "Nobody has answered" in last.data["reason"]
    assert [question.state for question in app.questions.list(None)] == ["expired"]


def test_default_is_the_answer_when_nobody_gives_one(app: Onward, clock: ManualClock) -> None:
    job = asked(app, how="default")
    clock.advance(61)
    keeper(app).tick()
    with pytest.raises(AlreadyAnswered, match="went on with its default"):
        app.answer(job.id, 1)
    run_all(app)
    assert app.get(job.id).result == {"ok": None}
    [question] = app.questions.list(None)
    assert (question.state, question.answered_by, question.response) == ("answered", "timeout", {"ok": None})


@pytest.mark.parametrize(("how", "status"), [("fail", "failed"), ("cancel", "cancelled")])
def test_phase_that_ends_by_its_timeout_ends_its_chain(app: Onward, clock: ManualClock, how: str, status: str) -> None:
    chain = app.submit_chain([JobPhase("late", params={"how": how}), JobPhase("late")], source_id="wiki")
    run_all(app)
    clock.advance(61)
    keeper(app).tick()
    found = app.get(chain.id)
    assert found.status == status
    assert (found.error is not None) == (how == "fail")
    assert rows(app, "SELECT count(*) FROM job_resources WHERE slot IS NOT NULL") == [(0,)]
    app.resume(chain.id)
    run_all(app)
    app.answer(chain.id, "now")
    run_all(app)
    assert [child.status for child in app.children(chain.id)] == ["completed", "pending_hitl"]
    assert app.database.check() == []


def test_answer_after_the_deadline_loses_though_nobody_has_looked_yet(app: Onward, clock: ManualClock) -> None:
    job, other = asked(app), asked(app, how="default")
    clock.advance(60)
    with pytest.raises(QuestionClosed):
        app.answer(job.id, 1)
    with pytest.raises(AlreadyAnswered):
        app.answer(other.id, 1)
    assert (app.get(job.id).status, app.get(other.id).status) == ("failed", "pending")


def test_worker_ends_what_is_overdue_also_after_a_restart(apps: Apps) -> None:
    app = apps()

    @app.job()
    def brief(ctx: Context) -> Any:
        return ctx.ask("confirm", timeout=0.5, on_timeout="default", default="nobody was there")

    job = app.submit(brief)
    run_all(app)
    assert app.get(job.id).status == "pending_hitl"
    with app.worker(concurrency=1):
        until(lambda: app.get(job.id).result == "nobody was there", "the default")


# ---- races ------------------------------------------------------------------------------------------------------


def test_of_two_answers_at_once_one_counts(app: Onward) -> None:
    for _ in range(5):
        job = asked(app)
        acts = [lambda n=n: app.answer(job.id, n, answered_by=f"person {n}") for n in range(4)]
        found = together(*acts)
        won = [at for at, outcome in enumerate(found) if isinstance(outcome, Job)]
        assert len(won) == 1
        assert all(isinstance(found[at], AlreadyAnswered) for at in range(4) if at not in won)
        run_all(app)
        assert app.get(job.id).result == won[0]
        [told] = [event for event in app.history(job.id) if event.kind == "answered"]
        assert told.actor == f"person {won[0]}"


def test_of_two_claims_at_once_one_counts(app: Onward) -> None:
    job = asked(app)
    assert job.hitl is not None
    question = job.hitl.id
    found = together(*[lambda n=n: app.questions.claim(question, f"person {n}") for n in range(4)])
    assert sum(isinstance(outcome, AlreadyClaimed) for outcome in found) == 3


@pytest.mark.parametrize("how", ["fail", "default"])
def test_timeout_and_answer_at_once_end_the_question_once(app: Onward, clock: ManualClock, how: str) -> None:
    outcomes: Counter[str] = Counter()
    for turn in range(6):
        job = asked(app, how=how)
        # The answer is on its way when the time is over.
        clock.advance(59.999 if turn % 2 else 60)
        acts = [lambda: app.answer(job.id, "in time"), lambda: clock.advance(0.001), keeper(app).tick, keeper(app).tick]
        answered = isinstance(together(*acts)[0], Job)
        keeper(app).tick()
        run_all(app)
        found = app.get(job.id)
        expected = "in time" if answered else {"fail": None, "default": {"ok": None}}[how]
        assert found.result == expected
        kinds = Counter(event.kind for event in app.history(job.id))
        assert kinds["expired"] == int(not answered)
        assert kinds["asked"] == 1
        outcomes["answered" if answered else "expired"] += 1
    assert outcomes["expired"] >= 3


def test_cancel_and_answer_at_once_leave_one_truth(app: Onward) -> None:
    for _ in range(5):
        job = asked(app)
        answered, cancelled = together(lambda: app.answer(job.id, 1), lambda: app.cancel(job.id))
        assert isinstance(cancelled, Job)
        [question] = app.questions.list(None, job_id=job.id)
        assert question.state == ("answered" if isinstance(answered, Job) else "withdrawn")
        assert app.get(job.id).status == "cancelled"
        assert isinstance(answered, Job | IllegalTransition)
    assert app.database.check() == []


def test_five_hundred_jobs_answered_as_soon_as_they_ask_all_complete(apps: Apps) -> None:
    app = apps()
    told: queue.SimpleQueue[str] = queue.SimpleQueue()

    @app.job()
    def ask(ctx: Context, n: int) -> Any:
        if ctx.fence == 1:
            told.put(ctx.job_id)
        return ctx.ask("confirm", n)

    jobs = app.submit_many([("ask", {"n": n}) for n in range(MANY)])
    failures: list[OnwardError] = []

    def answer() -> None:
        while (job_id := told.get()) != "":
            try:
                app.answer(job_id, job_id)
            except OnwardError as error:
                failures.append(error)

    people = [threading.Thread(target=answer) for _ in range(4)]
    for person in people:
        person.start()
    with app.worker(concurrency=8):
        until(lambda: app.counts()["completed"] == MANY or failures, "all of them", 100)
    for _ in people:
        told.put("")
    for person in people:
        person.join()
    assert failures == []
    assert all(job.result == job.id for job in app.find(limit=MANY))
    assert {job.id for job in app.find(limit=MANY)} == {job.id for job in jobs}
    assert rows(app, "SELECT state, count(*) FROM questions GROUP BY state") == [("answered", MANY)]
    assert app.database.check() == []
