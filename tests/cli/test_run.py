from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from onward import Onward
from onward.cli import exits
from onward.model.ids import parsed, shown
from tests.cli.conftest import Cli

Work = Callable[[], None]


def test_run_prints_the_id_and_says_that_nobody_works(app: Onward, cli: Cli) -> None:
    said = cli("run", "add", "-a", "a=3", "-a", "name=3", "-a", "tags=x,y")
    assert said.code == exits.DONE
    job = app.get(parsed(said.out.strip()))
    assert job.params["a"] == 3
    assert job.params["name"] == "3"
    assert job.params["tags"] == ["x", "y"]
    assert "No worker is running" in said.err


def test_run_takes_parameters_from_a_file_and_from_stdin(
    app: Onward, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "params.json"
    file.write_text('{"a": 1, "b": 2}', encoding="utf-8")
    assert app.get(parsed(cli("run", "add", "--args-file", str(file), "-a", "b=9").out.strip())).params["b"] == 9
    monkeypatch.setattr("sys.stdin", io.StringIO('{"a": 5}'))
    assert app.get(parsed(cli("run", "add", "--args-file", "-").out.strip())).params["a"] == 5
    file.write_text("[1]", encoding="utf-8")
    assert cli("run", "add", "--args-file", str(file)).code == exits.INVALID


@pytest.mark.parametrize(("text", "field"), [("a=x", "a"), ("b=1.5", "b"), ("c=1", "c")])
def test_wrong_parameter_is_named(text: str, field: str, cli: Cli) -> None:
    words = ["-a", text] if text.startswith("a=") else ["-a", "a=1", "-a", text]
    said = cli("run", "add", *words)
    assert said.code == exits.INVALID
    assert said.err.startswith("error[params-invalid]")
    assert field in said.err


def test_unknown_job_type_gives_near_names(cli: Cli) -> None:
    said = cli("run", "ad", "-a", "a=1")
    assert said.code == exits.USAGE
    assert "Did you mean 'add'?" in said.err


def test_run_later(app: Onward, cli: Cli) -> None:
    soon = app.get(parsed(cli("run", "add", "-a", "a=1", "--in", "10m").out.strip()))
    assert soon.run_at is not None
    assert soon.created_at is not None
    assert timedelta(minutes=9) < soon.run_at - soon.created_at <= timedelta(minutes=10, seconds=1)
    exact = app.get(parsed(cli("run", "add", "-a", "a=1", "--at", "2030-01-02T03:04:05Z").out.strip()))
    assert exact.run_at is not None
    assert exact.run_at.isoformat() == "2030-01-02T03:04:05+00:00"
    assert cli("run", "add", "--in", "1m", "--at", "12:00").code == exits.USAGE
    assert cli("run", "add", "-a", "a=1", "--in", "soon").code == exits.INVALID


def test_same_key_gives_the_same_job(cli: Cli) -> None:
    words = ["run", "add", "-a", "a=1", "--idempotency-key", "k"]
    assert cli(*words).out == cli(*words).out
    assert cli("run", "add", "-a", "a=2", "--idempotency-key", "k").code == exits.CONFLICT


def test_run_as_json_is_the_job(cli: Cli) -> None:
    said = cli("run", "add", "-a", "a=1", "--tag", "x", "--priority", "3", "--queue", "q", "--json").json
    assert (said["tags"], said["priority"], said["queue"]) == (["x"], 3, "q")


def test_held_source_is_a_conflict_and_wait_queues_behind_it(cli: Cli) -> None:
    first = cli("run", "count", "--source", "s").out.strip()
    said = cli("run", "count", "--source", "s")
    assert said.code == exits.CONFLICT
    assert said.err.startswith(f"error[resource-held]: source:s is held by job {first}")
    assert "Nothing was queued." in said.err
    assert "--wait" in said.err
    assert cli("run", "count", "--source", "s", "--wait").code == exits.DONE


@pytest.fixture
def unfinished(app: Onward, work: Work) -> str:
    job = app.submit("count", {"n": 5, "fail_at": 3}, source_id="s")
    work()
    return job.id


SAME = ["run", "count", "--source", "s", "-a", "n=5", "-a", "fail_at=3"]


def test_unfinished_work_is_never_resumed_unasked(unfinished: str, cli: Cli) -> None:
    said = cli(*SAME)
    assert said.code == exits.CONFLICT
    assert said.out == ""
    assert said.err.startswith("error[incomplete-job-exists]: Incomplete job found (60%, just now)")
    assert "Nothing was started." in said.err
    assert "--resume" in said.err
    assert "--fresh" in said.err


def test_resume_goes_on_with_the_same_job(unfinished: str, cli: Cli, app: Onward, work: Work) -> None:
    assert cli(*SAME, "--resume").out.strip() == shown(unfinished)
    work()
    assert app.get(unfinished).status == "completed"


def test_fresh_makes_a_new_job(unfinished: str, cli: Cli) -> None:
    assert cli(*SAME, "--if-incomplete", "fresh").out.strip() != shown(unfinished)
    assert cli(*SAME, "--resume", "--fresh").code == exits.USAGE


def test_resume_with_other_inputs_is_refused(unfinished: str, cli: Cli) -> None:
    said = cli("run", "count", "--source", "s", "-a", "n=7", "--resume")
    assert said.code == exits.CONFLICT
    assert "n 5 to 7" in said.err
    assert f"onward job resume {shown(unfinished)}" in said.err


def test_error_as_json_is_on_stderr(unfinished: str, cli: Cli) -> None:
    said = cli(*SAME, "--json")
    problem = json.loads(said.err)
    assert said.out == ""
    assert (problem["code"], problem["exit_code"]) == ("incomplete-job-exists", exits.CONFLICT)


def test_debug_shows_and_keeps_the_trace(cli: Cli) -> None:
    said = cli("run", "nothing", "--debug")
    assert "Traceback" in said.err
    assert "trace was written to" in said.err


def test_application_that_cannot_be_loaded_says_why(cli: Cli, tmp_path: Path, sqlite_url: str) -> None:
    from onward.cli.main import run

    (tmp_path / "broken_one.py").write_text("import nothing_like_this\n", encoding="utf-8")
    (tmp_path / "empty_one.py").write_text("x = 1\n", encoding="utf-8")
    for name in ("no_such_module:app", "broken_one:app", "empty_one", "empty_one:x", "absent.py"):
        assert run(["job", "list", "--app", name, "--database", sqlite_url]) == exits.INVALID, name
    assert "broken_one.py:1" in _error(["job", "list", "--app", "broken_one"], cli)


def _error(words: list[str], cli: Cli) -> str:
    return cli(*words[:2], "--database", "sqlite:///x.db", *words[2:]).err


def test_application_is_found_in_a_file(tmp_path: Path, sqlite_url: str, cli: Cli) -> None:
    (tmp_path / "mine_here.py").write_text(
        "from onward import Onward\napp = Onward()\n@app.job\ndef hello() -> str:\n    return 'hi'\n", encoding="utf-8"
    )
    said = cli("job", "types", "--app", "mine_here.py", "--database", sqlite_url, "-q")
    assert "hello" in said.lines


def test_without_an_application_the_catalogue_is_there(cli: Cli, sqlite_url: str) -> None:
    said = cli("job", "types", "--database", sqlite_url, "-q")
    assert {"scrape", "metadata", "index_offline", "suggest_tags"} <= set(said.lines)
