"""``onward input``: what is asked, and the answers of people and of scripts."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from onward import Onward
from onward.cli import exits
from onward.model.ids import shown
from tests.cli.conftest import Cli, end_of
from tests.cli.terminal import play

Work = Callable[[], None]
WHERE = ["--app", "tests.cli.sample:app", "--database"]


@pytest.fixture
def job(app: Onward, work: Work) -> str:
    made = app.submit("publish")
    work()
    return made.id


def question_of(app: Onward, job_id: str) -> str:
    hitl = app.get(job_id).hitl
    assert hitl is not None
    return hitl.id


def test_list_shows_who_is_asked_what_until_when_and_what_it_blocks(
    job: str, app: Onward, work: Work, cli: Cli
) -> None:
    app.submit("publish", on_conflict="wait")
    work()
    said = cli("input", "list", "--wide")
    assert said.code == exits.DONE
    assert said.lines[0].split() == ["ID", "JOB", "TYPE", "QUESTION", "SINCE", "DEADLINE", "ASKED", "OF", "BLOCKS"]
    line = said.lines[1]
    assert shown(question_of(app, job), "inp") in line
    for part in ("Publish the draft?", "in 59 min: fails", "ana", "holds desk, 1 job behind it"):
        assert part in line
    assert cli("input", "list", "--for", "ben", "-q").out == ""
    assert cli("input", "list", "--job", end_of(job), "-q").out.strip() == shown(question_of(app, job), "inp")


def test_show_has_everything_and_hides_what_is_secret(job: str, app: Onward, work: Work, cli: Cli) -> None:
    said = cli("input", "show", end_of(job))
    assert "Publish the draft?" in said.out
    assert "It is new." in said.out
    assert '"token": "***"' in said.out
    assert f"onward input answer {shown(question_of(app, job), 'inp')}" in said.out
    app.answer(job, {"approve": True, "where": "web", "pin": "canary"})
    for words in (
        ("input", "show", end_of(job)),
        ("input", "show", end_of(job), "--json"),
        ("job", "show", end_of(job)),
    ):
        assert "canary" not in cli(*words).out
    record = cli("input", "show", end_of(job), "--json").json
    assert record["response"] == {"approve": True, "where": "web", "pin": "***"}
    assert (record["state"], record["job_id"]) == ("answered", shown(job))


def test_job_says_that_it_asks_and_how_to_answer(job: str, cli: Cli) -> None:
    said = cli("job", "show", end_of(job))
    assert f"onward input answer {end_of(job)}" in said.out
    assert "Waits for an answer: Publish the draft?" in said.out
    assert cli("job", "show", end_of(job), "--json").json["hitl"]["data"] == {"draft": "Hello", "token": "***"}
    listed = cli("job", "list", "--filter", "state=input")
    assert "Waiting for you" in listed.out
    assert "Publish the draft?" in listed.out


@pytest.mark.parametrize("form", ["job", "question", "id", "whole"])
def test_answer_by_any_name_puts_the_job_back_in_line(form: str, job: str, app: Onward, work: Work, cli: Cli) -> None:
    question = question_of(app, job)
    name = {
        "job": end_of(job), "question": end_of(question, 8), "id": shown(question, "inp"), "whole": shown(job),
    }[form]  # fmt: skip
    said = cli("input", "answer", name, "--set", "approve=yes", "--set", "where=mail", "--reason", "fine", "--json")
    assert said.code == exits.DONE, said.err
    assert said.json["state"] == "queued"
    work()
    assert app.get(job).result == {"approve": True, "where": "mail"}
    answered = next(event for event in app.history(job) if event.kind == "answered")
    assert answered.data["reason"] == "fine"
    assert answered.actor


def test_second_answer_is_a_conflict_that_names_the_first(job: str, app: Onward, cli: Cli) -> None:
    app.answer(job, {"approve": True, "where": "web"}, answered_by="ana")
    said = cli("input", "answer", end_of(job), "--set", "approve=no")
    assert said.code == exits.CONFLICT
    assert said.err.startswith("error[already-answered]: Question 'confirm' of job job_")
    assert "was answered by ana just now" in said.err
    assert "fix: onward input show inp_" in said.err


def test_answer_that_does_not_fit_is_invalid_field_by_field(job: str, app: Onward, cli: Cli) -> None:
    said = cli("input", "answer", end_of(job), "--set", "count=0", "--json")
    assert said.code == exits.INVALID
    assert [item["field"] for item in json.loads(said.err)["errors"]] == ["approve", "where", "count"]
    assert cli("input", "answer", end_of(job), "--set", "approve=perhaps").code == exits.INVALID
    assert cli("input", "answer", end_of(job), "--set", "approve").code == exits.INVALID
    assert app.get(job).status == "pending_hitl"


def test_answer_without_fields_and_from_files(
    app: Onward, work: Work, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [app.submit("pick").id for _ in range(3)]
    work()
    assert cli("input", "answer", end_of(jobs[0]), "--value", "yes").code == exits.DONE
    (tmp_path / "answer.json").write_text("false")
    assert cli("input", "answer", end_of(jobs[1]), "--json-file", str(tmp_path / "answer.json")).code == exits.DONE
    monkeypatch.setattr("sys.stdin", io.StringIO("true"))
    assert cli("input", "answer", end_of(jobs[2]), "--json-file", "-").code == exits.DONE
    work()
    assert [app.get(job_id).result for job_id in jobs] == [True, False, True]


def test_answer_of_nothing_is_wrong_usage_where_nobody_can_be_asked(job: str, cli: Cli) -> None:
    assert cli("input", "answer", end_of(job)).code == exits.USAGE
    both = cli("input", "answer", end_of(job), "--value", "1", "--set", "a=1")
    assert both.code == exits.USAGE


def test_question_that_is_not_there_is_not_found(app: Onward, cli: Cli) -> None:
    idle = app.submit("add", {"a": 1})
    assert cli("input", "show", end_of(idle.id)).code == exits.NOT_FOUND
    assert cli("input", "show", "7K2M9QZZ").code == exits.NOT_FOUND
    assert cli("input", "show", "inp_01M82NFZTDE008V7694Q9AQM9X").code == exits.NOT_FOUND
    assert cli("input", "list", "--state", "odd").code == exits.USAGE


def test_claim_and_release(job: str, app: Onward, cli: Cli) -> None:
    question = question_of(app, job)
    assert cli("input", "claim", end_of(job)).code == exits.DONE
    assert "has claimed it" in cli("input", "list", "--wide").out
    app.questions.release(question)
    app.questions.claim(question, "ana")
    said = cli("input", "claim", end_of(job))
    assert said.code == exits.CONFLICT
    assert "was claimed by ana" in said.err
    assert cli("input", "release", end_of(job)).code == exits.DONE
    assert app.questions.get(question).claimed_by is None


def test_watching_stops_at_a_question_of_a_job_or_of_its_phase(app: Onward, work: Work, job: str, cli: Cli) -> None:
    said = cli("watch", end_of(job), "--until-input")
    assert said.code == exits.WAITS_FOR_INPUT
    assert f"onward input answer {end_of(job)}" in said.err
    chain = app.submit("asking", {})
    work()
    assert cli("watch", end_of(chain.id), "--until-input").code == exits.WAITS_FOR_INPUT
    assert cli("watch", end_of(job), "--timeout", "0.1").code == exits.TIMED_OUT
    with app.worker(concurrency=1):
        assert cli("run", "pick", "--watch", "--until-input").code == exits.WAITS_FOR_INPUT
    assert cli("input", "answer", end_of(chain.id), "--value", "no").code == exits.DONE


def test_person_at_a_terminal_is_asked_field_by_field(job: str, app: Onward, work: Work, sqlite_url: str) -> None:
    typed = [
        ("approve [y/n]:", "perhaps\r"), ("is no boolean", ""), ("approve [y/n]:", "y\r"), ('where ("web"):', "2\r"),
        ("count (may be left out):", "0\r"), ("is less than the minimum", ""), ("count (may be left out):", "\r"),
        ("pin (may be left out):", "hidden\r"),
    ]  # fmt: skip
    code, screen = play(["input", "answer", end_of(job), *WHERE, sqlite_url], typed, {})
    assert code == exits.DONE, screen
    assert "Publish the draft?" in screen
    assert "May it go out?" in screen
    assert "hidden" not in screen
    assert "canary" not in screen
    work()
    assert app.get(job).result == {"approve": True, "where": "mail", "pin": "hidden"}
