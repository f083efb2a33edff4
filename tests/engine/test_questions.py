"""Jobs that ask people: how they park, who may answer, and what becomes of the job.

The file is long because every move that others can make meets a waiting job here.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from pydantic import BaseModel

from onward import (
    AlreadyAnswered,
    AlreadyClaimed,
    Context,
    IllegalTransition,
    InvalidAnswer,
    InvalidValue,
    Job,
    JobNotFound,
    JobPhase,
    Onward,
    QuestionClosed,
    QuestionNotFound,
)
from onward.aio import AsyncOnward
from onward.model.ids import shown
from tests.app_fixtures import Apps, Gate, ended, rows, run_all, until
from tests.engine import process_jobs

APPROVAL = {"type": "object", "required": ["approve"], "properties": {"approve": {"type": "boolean"}}}


class Verdict(BaseModel):
    """An answer as a model."""

    stars: int


@pytest.fixture
def calls() -> list[str]:
    return []


@pytest.fixture
def app(apps: Apps, calls: list[str]) -> Onward:
    made = apps()

    @made.job(resources=lambda params, source_id: ["desk"])
    def publish(ctx: Context, hold: bool = False, timeout: float | None = 3600) -> Any:
        """Write a draft, and ask whether it may go out."""
        calls.append("begin")
        draft = ctx.step("draft", lambda: calls.append("draft") or "text")
        ctx.checkpoint({"draft": draft})
        answer = ctx.ask(
            "confirm", {"draft": draft}, prompt="May it go out?", schema=APPROVAL, hold=hold, timeout=timeout,
            assigned_to="ana",
        )  # fmt: skip
        calls.append(f"answer {answer['approve']}")
        return {"approved": answer["approve"], "draft": ctx.state["draft"]}

    @made.job()
    def quiz(ctx: Context) -> list[Any]:
        return [ctx.ask("clarify"), ctx.ask("clarify"), ctx.ask("validate", name="last")]

    @made.job()
    async def gentle(ctx: Context) -> Any:
        return await ctx.ask("confirm", schema=Verdict)

    @made.job()
    def each(ctx: Context, count: int = 3) -> list[Any]:
        for item in ctx.each(range(count)):
            calls.append(f"item {item}")
            answer = ctx.ask("confirm", item)
            ctx.state["answers"] = [*ctx.state.get("answers", []), answer]
        return ctx.state["answers"]

    made.include(process_jobs.types)
    return made


def asked(app: Onward, name: str, params: dict[str, Any] | None = None, **options: Any) -> Job:
    """A job of this type that waits for an answer."""
    job = app.submit(name, params, **options)
    run_all(app)
    found = app.get(job.id)
    assert found.status == "pending_hitl", found
    return found


# ---- asking -----------------------------------------------------------------------------------------------------


def test_question_parks_the_job_and_says_all_about_itself(app: Onward) -> None:
    job = asked(app, "publish", source_id="wiki")
    assert (job.state, job.waiting_on, job.worker_id) == ("input", "person", None)
    hitl = job.hitl
    assert hitl is not None
    assert (hitl.name, hitl.type, hitl.prompt, hitl.data) == ("confirm", "confirm", "May it go out?", {"draft": "text"})
    assert (hitl.schema, hitl.response) == (APPROVAL, None)
    assert hitl.expires_at is not None
    reason = job.waiting_reason
    assert reason is not None
    assert reason.code == "input"
    assert reason.refs == (hitl.id,)
    assert str(reason).startswith("Waits for an answer: May it go out? (asked of ana; expires ")
    assert str(reason).endswith(" then fails).")
    assert rows(app, "SELECT hitl_type, hitl_data, hitl_response FROM jobs") == [("confirm", '{"draft":"text"}', None)]
    assert [run.status for run in app.runs(job.id)] == ["parked"]
    assert app.find(status="pending_hitl")[0].hitl == hitl
    assert app.wait(job.id, timeout=1).hitl == hitl
    assert app.database.check() == []


def test_answer_goes_on_from_the_checkpoint_with_the_answer_in_hand(app: Onward, calls: list[str]) -> None:
    job = asked(app, "publish")
    after = app.answer(job.id, {"approve": True}, answered_by="ana", reason="read it")
    assert (after.status, after.waiting_on) == ("pending", None)
    assert after.hitl is not None
    assert after.hitl.response == {"approve": True}
    run_all(app)
    done = app.get(job.id)
    assert done.result == {"approved": True, "draft": "text"}
    assert calls == ["begin", "draft", "begin", "answer True"]
    assert done.attempt == 1
    [question] = app.questions.list(None)
    assert (question.state, question.response, question.answered_by) == ("answered", {"approve": True}, "ana")
    assert question.answered_at is not None
    events = [(event.kind, event.actor) for event in app.history(job.id) if event.kind != "started"]
    assert events == [("asked", None), ("answered", "ana"), ("completed", None)]
    told = next(event for event in app.history(job.id) if event.kind == "answered")
    assert told.data == {"question_id": question.id, "name": "confirm", "reason": "read it"}
    assert rows(app, "SELECT hitl_response FROM jobs") == [('{"approve":true}',)]


def test_several_questions_of_one_job_are_asked_once_each(app: Onward) -> None:
    job = asked(app, "quiz")
    for number, name in enumerate(("clarify", "clarify 2", "last")):
        found = app.get(job.id)
        assert found.hitl is not None
        assert found.hitl.name == name
        app.answer(job.id, number)
        run_all(app)
    assert app.get(job.id).result == [0, 1, 2]
    assert [question.name for question in app.questions.list("answered")] == ["last", "clarify 2", "clarify"]


def test_questions_within_each_belong_to_their_item(app: Onward, calls: list[str]) -> None:
    job = asked(app, "each")
    for item in range(3):
        found = app.get(job.id)
        assert found.hitl is not None
        assert (found.hitl.name, found.hitl.data) == ("confirm", item)
        app.answer(job.id, f"answer {item}")
        run_all(app)
    assert app.get(job.id).result == ["answer 0", "answer 1", "answer 2"]
    assert calls == ["item 0", "item 0", "item 1", "item 1", "item 2", "item 2"]


def test_async_job_awaits_its_answer_and_a_model_is_its_schema(app: Onward) -> None:
    job = asked(app, "gentle")
    assert job.hitl is not None
    assert job.hitl.schema["properties"]["stars"]["type"] == "integer"
    with pytest.raises(InvalidAnswer):
        app.answer(job.id, {"stars": "many"})
    app.answer(job.id, {"stars": 5})
    run_all(app)
    assert app.get(job.id).result == {"stars": 5}


def test_job_in_a_process_of_its_own_asks_and_gets_its_answer(app: Onward) -> None:
    job = asked(app, "ask_twice")
    app.answer(job.id, "one")
    run_all(app)
    found = app.get(job.id)
    assert found.hitl is not None
    assert found.hitl.data == {"sum": 1}
    app.answer(job.id, None)
    run_all(app)
    assert app.get(job.id).result == ["one", None, 1]


@pytest.mark.parametrize("prepared_url", ["sqlite"], indirect=True)  # nothing reaches the database
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kind": ""}, "The kind of a question"),
        ({"name": "x" * 201}, "The name of a question"),
        ({"schema": {"type": "bolean"}}, "is not a JSON Schema at type"),
        ({"schema": {"$ref": "http://127.0.0.1/schema"}}, "refers to 'http://127.0.0.1/schema'"),
        ({"timeout": 0}, "A timeout of 0"),
        ({"timeout": float("inf")}, "A timeout of inf"),
        ({"on_timeout": "shrug"}, "on_timeout='shrug'"),
        ({"schema": {"type": "boolean"}, "default": "x"}, "does not fit its schema: 'x' is not of type 'boolean'"),
        ({"schema": {"type": "boolean"}, "on_timeout": "default"}, "does not fit its schema"),
        ({"data": object()}, "The data of a question"),
        ({"data": "x" * 2_000_000}, "The data of a question"),
        ({"prompt": "nul \x00"}, "NUL"),
        ({"assigned_to": ""}, "assigned_to"),
    ],
)
def test_question_that_cannot_be_asked_fails_its_job_with_the_reason(
    apps: Apps, wrong: dict[str, Any], words: str
) -> None:
    app = apps()

    @app.job()
    def ask(ctx: Context) -> None:
        ctx.ask(**{"kind": "confirm", **wrong})

    job = app.submit(ask)
    run_all(app)
    error = app.get(job.id).error
    assert error is not None
    assert error.type == "InvalidValue"
    assert words in error.message
    assert rows(app, "SELECT count(*) FROM questions") == [(0,)]


def test_question_in_a_transaction_or_asked_twice_is_an_error(apps: Apps) -> None:
    app = apps()

    @app.job()
    def inside(ctx: Context) -> None:
        with ctx.transaction():
            ctx.ask("confirm")

    @app.job()
    def twice(ctx: Context) -> None:
        ctx.ask("confirm", name="a")
        ctx.ask("clarify", name="a")

    first, second = app.submit(inside), app.submit(twice)
    run_all(app)
    app.answer(second.id, 1)
    run_all(app)
    errors = [app.get(job.id).error for job in (first, second)]
    assert "not possible inside a transaction" in errors[0].message  # type: ignore[union-attr]  # both have failed
    assert errors[1].type == "DuplicateStep"  # type: ignore[union-attr]  # both have failed


# ---- answering --------------------------------------------------------------------------------------------------


def test_answer_that_does_not_fit_is_refused_field_by_field_and_changes_nothing(app: Onward) -> None:
    job = asked(app, "publish")
    for wrong, field in (({"approve": "yes"}, "approve"), ({}, "approve"), ("yes", "")):
        with pytest.raises(InvalidAnswer) as refused:
            app.answer(job.id, wrong)
        assert [item["field"] for item in refused.value.errors] == [field]
    with pytest.raises(InvalidValue):
        app.answer(job.id, {"approve": object()})
    assert app.get(job.id).hitl == job.hitl
    assert [event.kind for event in app.history(job.id)] == ["started", "asked"]


def test_second_answer_is_told_who_was_first(app: Onward) -> None:
    job = asked(app, "publish")
    app.answer(job.id, {"approve": False}, answered_by="ana")
    for _ in range(2):
        with pytest.raises(AlreadyAnswered, match="was answered by ana just now") as refused:
            app.answer(job.id, {"approve": True}, answered_by="ben")
        assert refused.value.question.response == {"approve": False}
        run_all(app)
    assert app.get(job.id).result["approved"] is False


def test_answer_is_bound_to_its_question(app: Onward) -> None:
    job, other = asked(app, "quiz"), asked(app, "publish")
    assert job.hitl is not None
    assert other.hitl is not None
    with pytest.raises(QuestionNotFound):
        app.answer(job.id, 1, question_id=other.hitl.id)
    with pytest.raises(QuestionNotFound):
        app.answer(job.id, 1, question_id="nothing")
    app.answer(shown(job.id), 1, question_id=shown(job.hitl.id, "inp"))
    run_all(app)
    with pytest.raises(AlreadyAnswered):
        app.answer(job.id, 2, question_id=job.hitl.id)
    newer = app.get(job.id)
    assert newer.hitl is not None
    assert (newer.status, newer.hitl.name, newer.hitl.response) == ("pending_hitl", "clarify 2", None)


def test_answer_to_a_job_that_asks_nothing_is_an_error(app: Onward) -> None:
    waiting = app.submit("publish", delay=60)
    with pytest.raises(IllegalTransition, match="asks nothing"):
        app.answer(waiting.id, 1)
    with pytest.raises(JobNotFound):
        app.answer("nobody", 1)


def test_answer_that_comes_while_the_job_is_on_its_way_to_the_question_counts(apps: Apps) -> None:
    app, gate = apps(), Gate()

    @app.job()
    def slow(ctx: Context) -> Any:
        gate.pass_through()
        return ctx.ask("confirm")

    job = app.submit(slow)
    with app.worker(concurrency=1):
        gate.await_job()
        thread = threading.Thread(target=app.answer, args=(job.id, "early"))
        thread.start()
        gate.open()
        thread.join()
        assert ended(app, job).result == "early"


# ---- other moves ------------------------------------------------------------------------------------------------


def test_cancel_withdraws_the_question_and_resume_asks_anew(app: Onward) -> None:
    job = asked(app, "publish")
    cancelled = app.cancel(job.id, actor="ben")
    assert (cancelled.status, cancelled.waiting_on) == ("cancelled", None)
    assert [question.state for question in app.questions.list(None)] == ["withdrawn"]
    assert ("withdrawn", "ben") in [(event.kind, event.actor) for event in app.history(job.id)]
    with pytest.raises(QuestionClosed, match="withdrawn"):
        app.answer(job.id, {"approve": True})
    app.resume(job.id)
    run_all(app)
    assert job.hitl is not None
    [question] = app.questions.list()
    assert question.id != job.hitl.id
    assert question.generation == 2
    with pytest.raises(QuestionClosed):
        app.answer(job.id, {"approve": True}, question_id=job.hitl.id)
    app.answer(job.id, {"approve": True})
    run_all(app)
    assert app.get(job.id).status == "completed"
    app.delete(job.id)
    assert rows(app, "SELECT count(*) FROM questions") == [(0,)]


def test_resume_keeps_answers_and_a_fresh_start_forgets_them(app: Onward) -> None:
    job = asked(app, "quiz")
    app.answer(job.id, "first", answered_by="ana")
    run_all(app)
    app.cancel(job.id)
    app.resume(job.id)
    run_all(app)
    assert app.get(job.id).hitl.name == "clarify 2"  # type: ignore[union-attr]  # it asks
    app.cancel(job.id)
    fresh = app.restart(job.id)
    assert fresh.hitl is None
    run_all(app)
    [question] = app.questions.list()
    assert question.name == "clarify"
    kept = [(q.name, q.state, q.answered_by) for q in app.questions.list(None) if q.answered_by]
    assert kept == [("clarify", "withdrawn", "ana")]


def test_job_that_waits_cannot_be_resumed_started_fresh_or_deleted(app: Onward) -> None:
    job = asked(app, "publish")
    for verb in (app.resume, app.restart, app.delete, app.discard):
        with pytest.raises(IllegalTransition, match="pending_hitl"):
            verb(job.id)


def test_paused_job_takes_its_answer_and_stays_paused(app: Onward) -> None:
    job = asked(app, "publish")
    paused = app.pause(job.id, actor="ben")
    assert (paused.status, paused.waiting_on, paused.paused_by) == ("pending_hitl", "person", "ben")
    assert "Paused by ben" in str(app.get(job.id).waiting_reason)
    after = app.answer(job.id, {"approve": True})
    assert (after.status, after.waiting_on) == ("pending", "pause")
    run_all(app)
    assert app.get(job.id).status == "pending"
    app.unpause(job.id)
    run_all(app)
    assert app.get(job.id).status == "completed"


def test_pause_that_ends_before_the_answer_leaves_the_question_open(app: Onward) -> None:
    job = asked(app, "publish")
    app.pause(job.id)
    found = app.unpause(job.id)
    assert (found.status, found.waiting_on) == ("pending_hitl", "person")


def test_job_cancelled_while_it_asks_has_no_question(apps: Apps) -> None:
    app, gate = apps(), Gate()

    @app.job()
    def slow(ctx: Context) -> Any:
        try:
            ctx.ask("confirm")
        finally:
            gate.pass_through()

    job = app.submit(slow)
    with app.worker(concurrency=1):
        gate.await_job()
        app.cancel(job.id)
        gate.open()
        assert ended(app, job).status == "cancelled"
    assert rows(app, "SELECT count(*) FROM questions") == [(0,)]


# ---- resources --------------------------------------------------------------------------------------------------


def test_waiting_job_frees_what_it_occupies(app: Onward) -> None:
    first = asked(app, "publish")
    second = asked(app, "publish", on_conflict="wait")
    assert [question.holds for question in app.questions.list()] == [(), ()]
    for job in (first, second):
        app.answer(job.id, {"approve": True})
    run_all(app)
    assert {app.get(job.id).status for job in (first, second)} == {"completed"}


def test_job_that_holds_while_it_waits_keeps_others_behind(app: Onward) -> None:
    first = asked(app, "publish", {"hold": True})
    second = app.submit("publish", on_conflict="wait")
    run_all(app)
    assert app.get(second.id).state == "blocked"
    [question] = app.questions.list()
    assert (question.holds, question.behind) == (("desk",), 1)
    app.cancel(first.id)
    run_all(app)
    assert app.get(second.id).status == "pending_hitl"
    assert app.database.check() == []


# ---- chains -----------------------------------------------------------------------------------------------------


def test_chain_goes_on_when_its_phase_is_answered_by_either_id(app: Onward) -> None:
    chain = app.submit_chain([JobPhase("publish"), JobPhase("each", params={"count": 1})], source_id="wiki")
    run_all(app)
    parent, [child] = app.get(chain.id), app.children(chain.id)
    assert (parent.status, parent.waiting_on, child.status) == ("running", "children", "pending_hitl")
    assert "May it go out?" in str(parent.waiting_reason)
    [question] = app.questions.list(job_id=chain.id)
    assert (question.job_id, question.parent_id, question.holds) == (child.id, chain.id, ("source:wiki",))
    app.answer(child.id, {"approve": True})
    run_all(app)
    app.answer(chain.id, "by the chain's id")
    run_all(app)
    done = app.get(chain.id)
    assert done.status == "completed"
    assert done.result["phase_results"][1]["result"] == ["by the chain's id"]
    with pytest.raises(AlreadyAnswered):
        app.answer(chain.id, "late")


def test_cancelled_chain_withdraws_the_question_of_its_phase(app: Onward) -> None:
    chain = app.submit_chain([JobPhase("publish")])
    run_all(app)
    app.cancel(chain.id)
    assert [question.state for question in app.questions.list(None)] == ["withdrawn"]
    assert app.children(chain.id)[0].status == "cancelled"
    app.resume(chain.id)
    run_all(app)
    app.answer(chain.id, {"approve": True})
    run_all(app)
    assert app.get(chain.id).status == "completed"


# ---- whose it is ------------------------------------------------------------------------------------------------


def test_claim_is_shown_and_refused_for_a_second_person(app: Onward) -> None:
    job = asked(app, "publish")
    assert job.hitl is not None
    claimed = app.questions.claim(job.hitl.id, "ana")
    assert (claimed.claimed_by, claimed.claimed_at is not None) == ("ana", True)
    assert app.questions.claim(job.hitl.id, "ana").claimed_at == claimed.claimed_at
    with pytest.raises(AlreadyClaimed, match="claimed by ana"):
        app.questions.claim(job.hitl.id, "ben")
    with pytest.raises(AlreadyClaimed):
        app.questions.release(job.hitl.id, "ben")
    assert app.questions.release(job.hitl.id, "ana").claimed_by is None
    app.questions.claim(shown(job.hitl.id, "inp"), "ben")
    moved = app.questions.reassign(job.hitl.id, "eva", actor="ben")
    assert (moved.assigned_to, moved.claimed_by) == ("eva", None)
    app.answer(job.id, {"approve": True}, answered_by="ana")
    with pytest.raises(AlreadyAnswered):
        app.questions.claim(job.hitl.id, "ana")
    kinds = [(event.kind, event.actor) for event in app.history(job.id) if event.kind != "started"]
    assert kinds == [
        ("asked", None), ("claimed", "ana"), ("released", "ana"), ("claimed", "ben"), ("reassigned", "ben"),
        ("answered", "ana"),
    ]  # fmt: skip


def test_questions_are_listed_by_what_they_are_and_in_pages(app: Onward) -> None:
    jobs = [asked(app, "quiz") for _ in range(3)]
    other = asked(app, "publish")
    assert [q.job_id for q in app.questions.list()] == [job.id for job in [*jobs, other]]
    assert [q.job_type for q in app.questions.list(job_type="publish")] == ["publish"]
    assert [q.job_id for q in app.questions.list(assigned_to="ana")] == [other.id]
    assert len(app.questions.list(claimed_by="ana")) == 0
    page = app.questions.list(limit=2)
    assert [q.job_id for q in page] == [job.id for job in jobs[:2]]
    assert [q.job_id for q in app.questions.list(limit=2, after=page.next)] == [jobs[2].id, other.id]
    app.answer(jobs[0].id, 1)
    assert [q.job_id for q in app.questions.list("answered")] == [jobs[0].id]
    assert len(app.questions.list(None)) == 4
    with pytest.raises(InvalidValue):
        app.questions.list("odd")  # type: ignore[arg-type]  # that is the point
    with pytest.raises(QuestionNotFound):
        app.questions.get("nothing")


def test_changed_inputs_forget_answers_too(apps: Apps) -> None:
    app, model = apps(), {"name": "old"}

    @app.job()
    def index(ctx: Context) -> Any:
        ctx.fingerprint(model=model["name"])
        ctx.checkpoint(flush=True)
        first = ctx.ask("preview", model["name"])
        return [first, ctx.ask("confirm")]

    job = app.submit(index)
    run_all(app)
    app.answer(job.id, "looks well")
    run_all(app)
    model["name"] = "new"
    app.answer(job.id, True)
    run_all(app)
    found = app.get(job.id)
    assert found.hitl is not None
    assert (found.status, found.hitl.name, found.hitl.data) == ("pending_hitl", "preview", "new")


def test_waiting_job_survives_every_worker_and_goes_on_at_another(app: Onward, apps: Apps) -> None:
    job = asked(app, "quiz")
    run_all(app)
    other = apps()
    other.include(app.job_types)
    other.answer(job.id, 1)
    with other.worker(concurrency=1):
        until(lambda: other.get(job.id).hitl.name == "clarify 2", "the second question")  # type: ignore[union-attr]  # it asks


def test_callers_of_asyncio_look_claim_and_answer(app: Onward) -> None:
    async def act() -> Any:
        aio = AsyncOnward(app)
        job = await aio.submit("publish")
        waiting = await aio.wait(job.id, 20)
        assert waiting.hitl is not None
        [question] = await aio.questions(assigned_to="ana")
        assert question.id == waiting.hitl.id
        await aio.claim_question(question.id, "ana")
        assert (await aio.release_question(question.id)).claimed_by is None
        assert (await aio.reassign_question(question.id, "ben")).assigned_to == "ben"
        await aio.answer(job.id, {"approve": True}, answered_by="ben")
        done = await aio.wait(job.id, 20, until="left")
        assert (await aio.question(question.id)).answered_by == "ben"
        await aio.close()
        return done.result["approved"]

    with app.worker(concurrency=1):
        assert asyncio.run(act()) is True


def test_discard_forgets_what_would_be_asked_again_and_nothing_else(app: Onward) -> None:
    done, left = asked(app, "publish"), asked(app, "quiz")
    for job in (done, left):
        app.answer(job.id, {"approve": True}, answered_by="ana")
    run_all(app)
    app.cancel(left.id)
    for job in (done, left):
        app.discard(job.id)
    assert [question.state for question in app.questions.list(None, job_id=done.id)] == ["answered"]
    assert [question.state for question in app.questions.list(None, job_id=left.id)] == ["withdrawn", "withdrawn"]


def test_nobody_answers_in_the_name_of_the_timeout(app: Onward) -> None:
    job = asked(app, "publish")
    with pytest.raises(InvalidValue, match="said of defaults only"):
        app.answer(job.id, {"approve": True}, answered_by="timeout")
