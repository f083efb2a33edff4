"""A person at a terminal: live progress, Ctrl-C, the question about unfinished work, confirmations."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from onward import Onward
from onward.cli import exits
from onward.model.ids import shown
from tests.cli.terminal import play

Work = Callable[[], None]
CTRL_C = "\x03"
WHERE = ["--app", "tests.cli.sample:app", "--database"]
SAME = ["run", "count", "--source", "s", "-a", "n=5", "-a", "fail_at=3"]


def test_first_ctrl_c_stops_watching_and_the_job_goes_on(app: Onward, sqlite_url: str) -> None:
    job = app.submit("count", {"n": 4000, "pause": 0.05})
    with app.worker(concurrency=1):
        code, screen = play(["watch", "@last", *WHERE, sqlite_url], [("%", CTRL_C)], {})
        assert app.get(job.id).status == "running"
        app.cancel(job.id)
    assert code == exits.CTRL_C
    assert "Stopped watching; the job keeps running. Press again within 2 s to cancel it." in screen


def test_second_ctrl_c_cancels(app: Onward, sqlite_url: str) -> None:
    job = app.submit("count", {"n": 4000, "pause": 0.05})
    with app.worker(concurrency=1):
        typed = [("%", CTRL_C), ("Press again", CTRL_C)]
        code, screen = play(["watch", "@last", *WHERE, sqlite_url], typed, {})
    assert code == exits.CANCELLED
    assert "is cancelled." in screen
    assert app.get(job.id).status == "cancelled"


@pytest.fixture
def unfinished(app: Onward, work: Work) -> str:
    job = app.submit("count", {"n": 5, "fail_at": 3}, source_id="s")
    work()
    return job.id


def test_enter_resumes_where_it_is_the_same_work(unfinished: str, app: Onward, sqlite_url: str) -> None:
    code, screen = play([*SAME, *WHERE, sqlite_url], [("(r):", "\r")], {})
    assert code == exits.DONE
    assert "Incomplete job found (60%, just now)" in screen
    assert "[r] Resume from 60%  [f] Start fresh  [c] Cancel  (r):" in screen
    assert "ValueError: item 3 is bad" in screen
    assert "3 of 5" in screen
    assert shown(unfinished) in screen.partition("(r):")[2]
    assert app.get(unfinished).status == "pending"


def test_other_letters_are_asked_again_and_cancel_changes_nothing(
    unfinished: str, app: Onward, sqlite_url: str
) -> None:
    code, screen = play([*SAME, *WHERE, sqlite_url], [("(r):", "x\r"), ("(r):", "c\r")], {})
    assert code == exits.CONFLICT
    assert "Nothing was changed." in screen
    assert app.get(unfinished).status == "failed"


def test_start_fresh_makes_a_new_job(unfinished: str, app: Onward, sqlite_url: str) -> None:
    code, _ = play([*SAME, *WHERE, sqlite_url], [("(r):", "f\r")], {})
    assert code == exits.DONE
    assert app.get(unfinished).superseded_by is not None


def test_step_that_may_have_happened_is_named_and_a_fresh_start_is_asked_twice(
    app: Onward, work: Work, sqlite_url: str
) -> None:
    job = app.submit("pay", source_id="s")
    work()
    words = ["run", "pay", "--source", "s", *WHERE, sqlite_url]
    code, screen = play(words, [("(r):", "f\r"), ("[b] Back:", "b\r")], {})
    assert code == exits.CONFLICT
    assert "! transfer was under way and may have happened: you are asked before it is done again." in screen
    assert "May have happened already, and is done again without a question: transfer." in screen
    assert app.get(job.id).status == "failed"


def test_with_other_inputs_resume_is_not_offered(unfinished: str, sqlite_url: str) -> None:
    words = ["run", "count", "--source", "s", "-a", "n=7", *WHERE, sqlite_url]
    code, screen = play(words, [("[c] Cancel:", "\r"), ("[c] Cancel:", "c\r")], {})
    assert code == exits.CONFLICT
    assert "[r]" not in screen
    assert "n 5 to 7" in screen


def test_bulk_asks_for_the_number(app: Onward, sqlite_url: str) -> None:
    for _ in range(21):
        app.submit("add", {"a": 1})
    words = ["job", "cancel", "--filter", "state=queued", *WHERE, sqlite_url]
    code, screen = play(words, [("Type 21 to go on:", "20\r")], {})
    assert code == exits.CONFLICT
    assert "Nothing was done." in screen
    code, _ = play(words, [("Type 21 to go on:", "21\r")], {})
    assert code == exits.DONE
    assert app.counts()["cancelled"] == 21


def test_colour_is_for_terminals_and_no_color_is_obeyed(app: Onward, sqlite_url: str) -> None:
    app.submit("add", {"a": 1})
    _, screen = play(["job", "list", *WHERE, sqlite_url], [], {})
    assert "\x1b[" in screen
    _, plain = play(["job", "list", *WHERE, sqlite_url], [], {"NO_COLOR": "1"})
    assert "\x1b[" not in plain
