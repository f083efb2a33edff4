"""Links with which one person answers one question: what they open, and all that they do not."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from onward import AlreadyAnswered, Context, InvalidValue, ManualClock, Onward, QuestionClosed, QuestionNotFound
from onward.model.ids import shown
from onward.model.question import AnswerLink, QuestionRecord
from onward.server.app import API
from tests.app_fixtures import Apps, run_all

MAKE = Callable[..., TestClient]
LOOK, ANSWER = f"{API}/answer-links/look", f"{API}/answer-links/answer"


def asked(app: Onward, job_type: str = "asks", **params: Any) -> QuestionRecord:
    """The open question of a new job."""
    job = app.submit(job_type, params)
    run_all(app)
    [question] = app.questions.list(job_id=job.id)
    return question


def test_link_answers_once_in_the_name_of_its_person(app: Onward, clients: MAKE) -> None:
    web, stranger = clients(app), clients(app, "10.0.0.7", "http://127.0.0.1")
    question = asked(app)
    made = web.post(f"{API}/inputs/{shown(question.id, 'inp')}/link", json={"person": "ana"})
    assert made.status_code == 201, made.text
    token = made.json()["token"]
    assert made.json()["url"] == f"http://127.0.0.1:8811/answer#{token}"
    assert stranger.get(f"{API}/inputs").status_code == 401, "it opens nothing else"
    for _ in range(3):
        looked = stranger.post(LOOK, json={"token": token}).json()
    assert (looked["person"], looked["prompt"], looked["state"]) == ("ana", "Go on?", "open")
    assert "job_id" not in looked
    wrong = stranger.post(ANSWER, json={"token": token, "response": "perhaps"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "answer-invalid")
    done = stranger.post(ANSWER, json={"token": token, "response": True, "reason": "read it"})
    assert (done.status_code, done.json()["answered_by"]) == (200, "ana"), done.text
    again = stranger.post(ANSWER, json={"token": token, "response": False})
    assert (again.status_code, again.json()["code"]) == (409, "already-answered")
    told = {event.kind: event for event in app.history(question.job_id)}
    assert (told["linked"].data["to"], told["linked"].actor) == ("ana", "local")
    answered = told["answered"]
    assert (answered.actor, answered.data["via"], answered.data["reason"]) == ("ana", "link", "read it")
    run_all(app)
    assert app.get(question.job_id).result is True


def changed(token: str) -> list[str]:
    """A token with something else in it: each byte of what it says, its signature, its length."""
    said, _, signature = token.partition(".")
    body = base64.urlsafe_b64decode(said + "=" * (-len(said) % 4))
    others = [bytes([*body[:at], body[at] ^ 1, *body[at + 1 :]]) for at in range(len(body))]
    forged = [f"{base64.urlsafe_b64encode(other).decode().rstrip('=')}.{signature}" for other in others]
    return [*forged, said, f"{said}.", f".{signature}", token[:-2], f"{token}AA", "", "a.b", "é.é", "." * 99]


def test_token_that_was_changed_opens_nothing(app: Onward, clients: MAKE) -> None:
    stranger = clients(app, "10.0.0.7", "http://127.0.0.1")
    nothing = stranger.post(LOOK, json={"token": "a.b"})
    assert nothing.status_code == 404, "before any link was made, too"
    token = app.answer_links.make(asked(app).id, "ana").token
    for forged in changed(token):
        with pytest.raises(QuestionNotFound):
            app.answer_links.look(forged)
        assert stranger.post(ANSWER, json={"token": forged, "response": True}).status_code == 404


def test_link_of_another_database_opens_nothing(apps: Apps, app: Onward, make_app: Callable[[], Onward]) -> None:
    other = make_app()
    for one in (app, other):
        asked(one)
    made = [one.answer_links.make(one.questions.list()[0].id, "ana") for one in (app, other)]
    with pytest.raises(QuestionNotFound):
        app.answer_links.look(made[1].token)


@pytest.fixture
def make_app(tmp_path: Any) -> Callable[[], Onward]:
    def make() -> Onward:
        made = Onward(f"sqlite:///{tmp_path}/other.db")

        @made.job()
        def asks(ctx: Context) -> object:
            return ctx.ask("confirm", schema={"type": "boolean"})

        return made

    return make


def test_link_ends_with_its_time_with_its_question_and_with_another_person(apps: Apps) -> None:
    clock = ManualClock()
    app = apps(clock=clock)

    @app.job()
    def asks(ctx: Context, hours: int = 24, who: str | None = None) -> object:
        return ctx.ask("confirm", schema={"type": "boolean"}, timeout=hours * 3600, assigned_to=who)

    def link(question: QuestionRecord, **options: Any) -> AnswerLink:
        return app.answer_links.make(question.id, "ana", **options)

    short = link(asked(app), days=0.5)
    whole = asked(app, hours=2)
    assert link(whole).expires_at == whole.expires_at, "no longer than the question"
    moved = asked(app)
    passed_on = link(moved)
    app.questions.reassign(moved.id, "ben")
    with pytest.raises(QuestionClosed, match="ben is asked now; this link was for ana"):
        app.answer_links.answer(passed_on.token, True)
    app.answer(moved.job_id, True, answered_by="ben")
    with pytest.raises(QuestionClosed, match="ben is asked now"):
        app.answer_links.look(passed_on.token)
    with pytest.raises(InvalidValue, match="ben is asked, not ana"):
        link(asked(app, who="ben"))
    anew = asked(app)
    before = link(anew)
    app.cancel(anew.job_id)
    app.restart(anew.job_id)
    run_all(app)
    with pytest.raises(QuestionClosed, match="withdrawn"):
        app.answer_links.answer(before.token, True)
    clock.advance(13 * 3600)
    with pytest.raises(QuestionClosed, match="This link was good until"):
        app.answer_links.look(short.token)
    assert app.answer_links.look(before.token)[0].state == "withdrawn"
    for days in (0, -1, 1000):
        with pytest.raises(InvalidValue):
            link(asked(app), days=days)


def test_of_many_who_answer_at_once_one_is_taken(app: Onward) -> None:
    question = asked(app)
    tokens = [app.answer_links.make(question.id, name).token for name in ("ana", "ben", "eve", "kim")]
    taken, late = [], []
    begin = threading.Barrier(len(tokens))

    def send(token: str) -> None:
        begin.wait()
        try:
            app.answer_links.answer(token, True)
            taken.append(token)
        except AlreadyAnswered as error:
            late.append(error)

    threads = [threading.Thread(target=send, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), len(late)) == (1, 3)


def test_secrets_of_the_question_are_hidden_from_the_link_too(app: Onward, clients: MAKE) -> None:
    @app.job(sensitive=["pin"])
    def careful(ctx: Context) -> object:
        return ctx.ask("confirm", {"pin": "canary", "text": "shown"}, schema={"type": "boolean"})

    token = app.answer_links.make(asked(app, "careful").id, "ana").token
    answer = clients(app, "10.0.0.7", "http://127.0.0.1").post(LOOK, json={"token": token})
    assert answer.json()["data"] == {"pin": "***", "text": "shown"}


def test_messages_of_webhooks_carry_a_link_where_the_address_of_the_pages_is_known(apps: Apps) -> None:
    hooks = {"urls": ["https://chat.example.org/hook"], "secret": "a long text that both know"}
    app = apps(webhooks=hooks, server={"public_url": "https://jobs.example.org/jobs/"})

    @app.job()
    def asks(ctx: Context) -> object:
        return ctx.ask("confirm", schema={"type": "boolean"}, assigned_to="ana")

    job = app.submit("asks")
    app.worker(queues=["default"]).run(until_idle=True)
    [message] = [one.params["message"] for one in app.find(job_type="webhook")]
    url = message["question"]["answer_link"]
    assert url.startswith("https://jobs.example.org/jobs/answer#")
    app.answer_links.answer(url.partition("#")[2], True)
    assert app.get(job.id).hitl.answered_by == "ana"


def test_link_has_its_end_in_whole_seconds_and_its_person_in_any_script(app: Onward) -> None:
    question = asked(app)
    made = app.answer_links.make(question.id, "Ана 安娜 😀")
    assert app.answer_links.look(made.token)[1] == "Ана 安娜 😀"
    assert made.expires_at - app.clock.now() < timedelta(hours=1, seconds=1)
