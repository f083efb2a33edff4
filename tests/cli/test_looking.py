from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from onward import Onward
from onward.cli import exits
from onward.model.ids import shown
from tests.cli.conftest import Cli, end_of

Golden = Callable[[str, str], None]
Work = Callable[[], None]


@pytest.fixture
def story(app: Onward, work: Work) -> dict[str, str]:
    """One job of each kind of end, newest last; names to ids."""
    ids = {"added": app.submit("add", {"a": 1, "token": "canary"}).id}
    ids["failed"] = app.submit("fail").id
    ids["interrupted"] = app.submit(
        "count", {"n": 5, "fail_at": 3}, source_id="a-source-with-a-long-name", tags=["t"]
    ).id
    work()
    ids["later"] = app.submit("add", {"a": 2}, delay=3600).id
    ids["queued"] = app.submit("count", {"n": 3}, queue="other").id
    return ids


@pytest.mark.parametrize("width", [80, 200])
def test_list_is_as_it_was_looked_at(
    width: int, story: dict[str, str], cli: Cli, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("onward.cli.show.output.is_terminal", lambda stream: True)
    said = cli("job", "list", "--filter", "-state=scheduled", "--color", "never")
    golden(f"job-list-{width}", said.out)
    for name in ("added", "failed", "interrupted", "queued"):
        assert shown(story[name]) in said.out


def test_list_into_a_pipe_cuts_nothing_and_has_no_colour(story: dict[str, str], cli: Cli) -> None:
    said = cli("job", "list")
    assert "a-source-with-a-long-name" in said.out
    assert "\x1b" not in said.out
    assert "…" not in said.out


def test_list_as_json_has_raw_values_and_whole_ids(story: dict[str, str], cli: Cli) -> None:
    said = cli("job", "list", "--json").json
    assert said["next"] is None
    first = said["items"][0]
    assert first["id"] == shown(story["queued"])
    assert (first["status"], first["state"]) == ("pending", "queued")
    assert first["created_at"].endswith("Z")


def test_list_as_lines_and_as_ids(story: dict[str, str], cli: Cli) -> None:
    lines = [json.loads(line) for line in cli("job", "list", "--jsonl").lines]
    ids = cli("job", "list", "-q").lines
    assert [line["id"] for line in lines] == ids
    assert len(ids) == len(story)


def test_columns_and_header_can_be_chosen(story: dict[str, str], cli: Cli) -> None:
    said = cli("job", "list", "--columns", "job_type,progress.percent,queue", "--no-header", "--limit", "1")
    assert said.out == "count    other\n"
    assert cli("job", "list", "--columns", "colour").code == exits.USAGE


def test_list_goes_on_after_a_job(story: dict[str, str], cli: Cli) -> None:
    first = cli("job", "list", "--limit", "2", "-q")
    more = cli("job", "list", "--limit", "2")
    assert f"2 of 5 · next: onward job list --after {first.lines[-1]}" in more.err
    rest = cli("job", "list", "-q", "--after", first.lines[-1])
    assert [*first.lines, *rest.lines] == cli("job", "list", "-q").lines


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("state=interrupted", {"interrupted"}),
        ("status=failed", {"failed", "interrupted"}),
        ("state=failed,queued", {"failed", "queued"}),
        ("job_type=a*", {"added", "later"}),
        ("-job_type=a*,count", {"failed"}),
        ("tag=t", {"interrupted"}),
        ("source=a-*", {"interrupted"}),
        ("queue=other", {"queued"}),
        ("error=ValueError", {"interrupted"}),
        ("created=..2020-01-01", set()),
        ("'created=1h ago..' job_type=fail", {"failed"}),
    ],
)
def test_filter_finds(text: str, names: set[str], story: dict[str, str], cli: Cli) -> None:
    assert set(cli("job", "list", "-q", "--filter", text).lines) == {shown(story[name]) for name in names}


@pytest.mark.parametrize("text", ["stat=failed", "state=faild", "state", "created=yesterdayish"])
def test_wrong_filter_says_what_is_meant(text: str, cli: Cli) -> None:
    said = cli("job", "list", "--filter", text)
    assert said.code in (exits.USAGE, exits.INVALID)
    assert "fix:" in said.err


def test_show_is_as_it_was_looked_at(story: dict[str, str], cli: Cli, golden: Golden) -> None:
    said = cli("job", "show", end_of(story["interrupted"]), "--history")
    end = end_of(story["interrupted"])
    golden("job-show", said.out.replace(end, "XXXXXX"))


def test_show_hides_what_is_sensitive(story: dict[str, str], cli: Cli) -> None:
    for form in ([], ["--json"]):
        said = cli("job", "show", end_of(story["added"]), *form)
        assert "canary" not in said.out
        assert "***" in said.out


def test_show_as_json_has_runs_history_and_what_can_be_done(story: dict[str, str], cli: Cli) -> None:
    said = cli("job", "show", end_of(story["interrupted"]), "--json").json
    assert said["runs"][0]["status"] == "failed"
    assert said["history"][-1]["kind"]
    fitting = [verb for verb, action in said["actions"].items() if action["allowed"]]
    assert fitting == ["resume", "fresh", "again", "ack", "discard", "delete"]
    assert said["error"]["type"] == "ValueError"


def test_logs_are_shown_and_filtered_by_level(story: dict[str, str], cli: Cli) -> None:
    end = end_of(story["interrupted"])
    assert "item 3 is bad" in cli("job", "logs", end).out
    assert "item 3 is bad" not in cli("job", "logs", end, "--level", "error").out
    assert [line["level"] for line in cli("job", "logs", end, "--json").json["items"]][:1] == ["WARNING"]


def test_types_are_listed_with_their_schemas(cli: Cli) -> None:
    said = cli("job", "types", "--json").json["items"]
    assert {item["name"] for item in said} >= {"add", "count", "fail", "both"}
    assert next(item for item in said if item["name"] == "add")["schema"]["properties"]["a"]["type"] == "integer"


def test_export_writes_csv_that_no_spreadsheet_takes_for_a_formula(app: Onward, cli: Cli) -> None:
    app.submit("add", {"a": 1}, user_id="=1+1")
    said = cli("job", "export")
    assert said.lines[0].startswith("id,job_type,state")
    assert "'=1+1" in said.lines[1]
    assert cli("job", "export", "--format", "xml").code == exits.INVALID


def test_job_is_named_by_id_uuid_ending_or_last(story: dict[str, str], cli: Cli) -> None:
    wanted = story["interrupted"]
    whole = shown(wanted)
    for name in (whole, wanted, whole[-6:], whole[-6:].lower(), whole[-12:], whole[4:], wanted[-8:]):
        assert cli("job", "show", name, "-q").out.strip() == whole, name
    assert cli("job", "show", "@last", "-q").out.strip() == shown(story["queued"])
    assert cli("job", "show", "@last:fail", "-q").out.strip() == shown(story["failed"])


def test_job_that_is_not_there_is_not_found(cli: Cli) -> None:
    for name in ("ZZZZZZ", "abc", "job_00000000000000000000000000", "@last", "@last:add"):
        assert cli("job", "show", name).code == exits.NOT_FOUND, name


def test_ambiguous_ending_lists_the_jobs(app: Onward, cli: Cli) -> None:
    tail = "-7000-8000-0123456789ab"
    ids = [f"01a204ad-000{digit}{tail}" for digit in (1, 2)]
    for job_id in ids:
        app.submit("add", {"a": 1}, id=job_id)
    said = cli("job", "show", shown(ids[0])[-6:])
    assert said.code == exits.USAGE
    assert all(shown(job_id) in said.err for job_id in ids)


def test_last_is_what_was_submitted_and_no_phase(app: Onward, work: Work, cli: Cli) -> None:
    chain = app.submit("both")
    work()
    assert cli("job", "show", "@last", "-q").out.strip() == shown(chain.id)
    said = cli("job", "show", "@last")
    assert "✓ add" in said.out
    assert "✓ count" in said.out


def test_empty_lists_are_no_error(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("job", "list", "--json").json == {"items": [], "next": None}
    monkeypatch.setattr("onward.cli.show.output.is_terminal", lambda stream: True)
    assert "No jobs yet" in cli("job", "list").out
    assert "No jobs match" in cli("job", "list", "--filter", "state=failed").out
    assert "Nothing was interrupted" in cli("interrupted", "list").out


def test_resources_checkpoints_and_workers_are_listed(story: dict[str, str], cli: Cli) -> None:
    assert cli("resource", "list", "--json").json["items"][0]["name"] == "source:a-source-with-a-long-name"
    saved = cli("checkpoint", "list", end_of(story["interrupted"]), "--json").json["items"]
    assert saved[0]["number"] == 3
    assert cli("workers", "list", "--json").json["items"][0]["state"] == "stopped"


def test_control_characters_of_a_job_do_not_reach_the_terminal(app: Onward, work: Work, cli: Cli) -> None:
    app.submit("add", {"a": 1, "name": "\x1b[31mred"})
    work()
    assert "\x1b" not in cli("job", "show", "@last").out
    assert "\x1b" not in cli("job", "list", "--columns", "params,result").out
