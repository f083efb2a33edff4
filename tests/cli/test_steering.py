from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from onward import Onward
from onward.cli import exits
from onward.model.ids import shown
from tests.cli.conftest import Cli, end_of

Work = Callable[[], None]


@pytest.fixture
def stopped(app: Onward, work: Work) -> list[str]:
    ids = [app.submit("count", {"n": 5, "fail_at": 3}).id for _ in range(3)]
    work()
    return ids


def test_resume_goes_on_from_the_checkpoint(stopped: list[str], app: Onward, work: Work, cli: Cli) -> None:
    said = cli("job", "resume", end_of(stopped[0]))
    assert said.code == exits.DONE
    assert "goes on from 60%" in said.out
    work()
    assert app.get(stopped[0]).status == "completed"


def test_resume_of_a_paused_job_lets_it_go_on(app: Onward, work: Work, cli: Cli) -> None:
    job = app.submit("add", {"a": 1})
    assert cli("job", "pause", end_of(job.id), "--reason", "lunch").code == exits.DONE
    assert "lunch" in cli("job", "show", end_of(job.id)).out
    assert cli("job", "resume", end_of(job.id)).code == exits.DONE
    work()
    assert app.get(job.id).status == "completed"


def test_verbs_that_do_not_fit_are_conflicts_and_say_what_does(app: Onward, work: Work, cli: Cli) -> None:
    app.submit("add", {"a": 1})
    work()
    said = cli("job", "resume", "@last")
    assert said.code == exits.CONFLICT
    assert said.err.startswith("error[illegal-transition]")
    assert "fix: onward job again job_" in said.err


def test_fresh_again_cancel_and_delete(stopped: list[str], app: Onward, cli: Cli) -> None:
    assert cli("job", "fresh", end_of(stopped[0])).code == exits.DONE
    assert app.get(stopped[0]).progress.percent is None
    assert cli("job", "cancel", end_of(stopped[0]), "--reason", "no").code == exits.DONE
    again = cli("job", "again", end_of(stopped[1]), "-q").out.strip()
    assert again not in {shown(job_id) for job_id in stopped}
    assert cli("job", "delete", end_of(stopped[2])).code == exits.DONE
    assert cli("job", "show", shown(stopped[2])).code == exits.NOT_FOUND


def test_bulk_needs_its_number_where_nobody_can_be_asked(stopped: list[str], app: Onward, cli: Cli) -> None:
    bulk = ["job", "resume", "--filter", "state=interrupted"]
    said = cli(*bulk)
    assert said.code == exits.CONFLICT
    assert "--yes --expect 3" in said.err
    assert cli(*bulk, "--yes", "--expect", "2").code == exits.CONFLICT
    assert cli(*bulk, "--yes").code == exits.CONFLICT
    assert {app.get(job_id).status for job_id in stopped} == {"failed"}
    done = cli(*bulk, "--yes", "--expect", "3", "--json")
    assert [item["outcome"] for item in done.json["items"]] == ["resumed"] * 3


def test_dry_run_changes_nothing(stopped: list[str], app: Onward, cli: Cli) -> None:
    said = cli("job", "delete", "--filter", "status=failed", "--dry-run", "--json").json
    assert {item["outcome"] for item in said["items"]} == {"would delete"}
    assert app.counts()["failed"] == 3


def test_bulk_leaves_out_what_cannot_be_done(stopped: list[str], app: Onward, work: Work, cli: Cli) -> None:
    app.submit("add", {"a": 1})
    work()
    said = cli("job", "resume", "--filter", "job_type=*", "--dry-run", "-q")
    assert len(said.lines) == 3
    assert "1 more match, but cannot resume" in said.err


def test_names_and_filter_exclude_each_other(cli: Cli) -> None:
    assert cli("job", "cancel").code == exits.USAGE
    assert cli("job", "cancel", "7K2M9Q", "--filter", "state=queued").code == exits.USAGE


def test_ids_come_from_stdin(stopped: list[str], cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(shown(job_id) for job_id in stopped) + "\n"))
    assert len(cli("job", "resume", "-", "-q").lines) == 3


def test_one_refusal_among_several_is_told_and_the_rest_is_done(
    stopped: list[str], app: Onward, work: Work, cli: Cli
) -> None:
    done = app.submit("add", {"a": 1})
    app.worker().run(until_idle=True)
    said = cli("job", "resume", end_of(stopped[0]), end_of(done.id), "--json")
    assert said.code == exits.UNEXPECTED
    assert [item["outcome"] for item in said.json["items"]] == ["resumed", "refused"]


def test_interrupted_are_listed_resumed_and_discarded(stopped: list[str], app: Onward, cli: Cli) -> None:
    assert len(cli("interrupted", "list", "-q").lines) == 3
    assert cli("interrupted", "resume").code == exits.USAGE
    assert cli("interrupted", "discard", end_of(stopped[1])).code == exits.DONE
    assert cli("interrupted", "discard", end_of(stopped[1])).code == exits.CONFLICT
    assert cli("interrupted", "resume", "--all").code == exits.CONFLICT
    assert cli("interrupted", "resume", "--all", "--yes", "--expect", "2").code == exits.DONE
    assert app.interrupted() == []
    assert app.get(stopped[0]).status == app.get(stopped[2]).status == "pending"


def test_failures_are_acknowledged_with_a_note(stopped: list[str], app: Onward, cli: Cli) -> None:
    said = cli("job", "ack", end_of(stopped[0]), "--note", "disk was full")
    assert said.code == exits.DONE
    assert "acknowledged" in said.out
    assert app.get(stopped[0]).acknowledged_note == "disk was full"
    assert "disk was full" in cli("job", "show", end_of(stopped[0])).out


def test_what_does_not_run_cannot_be_forced_out(stopped: list[str], cli: Cli) -> None:
    said = cli("job", "force-stop", end_of(stopped[0]))
    assert said.code == exits.CONFLICT
    assert "none of its code runs" in said.err
