"""Schedules on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from onward import Onward
from onward.cli import exits
from onward.model.ids import shown
from tests.cli.conftest import Cli

Golden = Callable[[str, str], None]
YEARS = timedelta(days=3653)


@pytest.fixture
def nightly(app: Onward) -> Onward:
    """A schedule that is due in years, and one that has never been."""
    app.schedules.add("nightly", "add", run_at=datetime.now(UTC) + YEARS, params={"a": 1, "token": "canary"})
    app.schedules.add("sums", "add", cron="30 2 * * 1-5", timezone="Europe/Berlin", params={"a": 2}, enabled=False)
    return app


def test_schedule_is_added_looked_at_changed_and_deleted(app: Onward, cli: Cli) -> None:
    said = cli("schedule", "add", "sums", "add", "--cron", "30 2 * * *", "--zone", "Europe/Berlin", "-a", "a=3")
    assert said.code == exits.DONE, said.err
    assert "sums is scheduled: Every day at 02:30 Europe/Berlin, next " in said.out
    found = app.schedules.get("sums")
    assert (found.params, found.timezone, found.misfire_grace_seconds) == ({"a": 3}, "Europe/Berlin", 300)
    words = ("--every", "90s", "-a", "b=4", "--overlap", "queue", "--grace", "none", "--catch-up", "all")
    assert cli("schedule", "edit", "sums", *words).code == exits.DONE
    found = app.schedules.get("sums")
    assert (found.cron, found.interval_seconds, found.params) == (None, 90, {"a": 3, "b": 4})
    assert (found.overlap, found.misfire_grace_seconds, found.catch_up) == ("queue", None, "all")
    assert cli("schedule", "edit", "sums").code == exits.USAGE
    assert cli("schedule", "delete", "sums", "--json").code == exits.USAGE
    cli("schedule", "delete", "sums")
    assert app.schedules.list() == []
    assert cli("schedule", "show", "sums").code == exits.NOT_FOUND


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--cron", "61 * * * *"), "minute"),
        (("--cron", "0 2 * * *", "--zone", "Nowhere"), "Nowhere"),
        (("--every", "soon"), "length of time"),
        ((), "nothing says when"),
        (("--every", "1h", "--overlap", "both"), "overlap"),
    ],
)
def test_wrong_schedule_is_refused_with_its_field(words: tuple[str, ...], what: str, cli: Cli) -> None:
    said = cli("schedule", "add", "x", "add", "-a", "a=1", *words)
    assert said.code == 6
    assert what in said.err


@pytest.mark.parametrize("width", [80, 200])
def test_list_is_as_it_was_looked_at(
    width: int, nightly: Onward, cli: Cli, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    golden(f"schedule-list-{width}", cli("schedule", "list").out)


def test_show_is_as_it_was_looked_at(nightly: Onward, cli: Cli, golden: Golden) -> None:
    nightly.schedules.pause("sums", reason="moving house", by="ana")
    nightly.schedules.skip_next("nightly", by="ben")
    golden("schedule-show-nightly", cli("schedule", "show", "nightly").out)
    golden("schedule-show-sums", cli("schedule", "show", "sums").out)
    assert "canary" not in cli("schedule", "show", "nightly", "--json").out


def test_record_has_every_field_of_a_schedule(nightly: Onward, cli: Cli) -> None:
    record = cli("schedule", "show", "sums", "--json").json
    assert record["in_words"].startswith("Weekdays at 02:30")
    assert (record["state"], record["timezone"], record["catch_up"], record["runs"]) == (
        "disabled", "Europe/Berlin", "latest", [],
    )  # fmt: skip
    listed = cli("schedule", "list", "--json").json["items"]
    assert {*listed[0]} | {"runs"} == {*record}
    assert cli("schedule", "list", "-q").lines == ["nightly", "sums"]


def test_next_says_what_happens_when_clocks_change(cli: Cli) -> None:
    said = cli("schedule", "next", "30 2 * * *", "--zone", "Europe/Berlin", "--after", "2026-03-28T12:00Z", "-n", "1")
    assert said.code == exits.DONE, said.err
    assert "2026-03-29T01:00:00Z" in said.out
    assert "does not exist" in said.out
    [item] = cli("schedule", "next", "0 0 * * 0", "--after", "2026-01-01T00:00Z", "-n", "1", "--json").json["items"]
    assert item["at"] == "2026-01-04T00:00:00Z"


def test_schedule_is_run_now_and_not_beside_itself(nightly: Onward, cli: Cli) -> None:
    said = cli("schedule", "run", "nightly", "--json")
    [job] = nightly.find()
    assert said.json["id"] == shown(job.id)
    said = cli("schedule", "run", "nightly")
    assert said.code == exits.CONFLICT
    assert "has not begun; at most 1 at a time" in said.err
    assert "Nothing was started." in said.err
    assert f"onward job show {shown(job.id)}" in said.err


def test_one_or_all_are_paused_and_go_on(nightly: Onward, cli: Cli) -> None:
    assert cli("schedule", "pause", "nightly", "--reason", "incident").code == exits.DONE
    found = nightly.schedules.get("nightly")
    assert (found.state, found.paused_reason) == ("paused", "incident")
    assert cli("schedule", "resume", "nightly").code == exits.DONE
    assert nightly.schedules.get("nightly").state == "active"
    assert cli("schedule", "pause", "--all", "--reason", "incident").code == exits.DONE
    assert "incident" in (nightly.schedules.paused_reason() or "")
    assert "incident" in cli("schedule", "list").err
    assert cli("schedule", "resume", "--all").code == exits.DONE
    assert nightly.schedules.paused_reason() is None
    assert cli("schedule", "pause").code == exits.USAGE
    assert cli("schedule", "pause", "nightly", "--all").code == exits.USAGE


def test_skipped_due_time_is_told(nightly: Onward, cli: Cli) -> None:
    said = cli("schedule", "skip", "nightly")
    assert said.code == exits.DONE
    assert "nightly leaves out 20" in said.err
    record = cli("schedule", "show", "nightly", "--json").json
    assert [run["reason"] for run in record["runs"]] == ["skipped_by_hand"]


def test_backfill_shows_first_and_then_starts(app: Onward, cli: Cli) -> None:
    app.schedules.add("daily", "add", cron="0 0 * * *", params={"a": 1})
    words = ("schedule", "backfill", "daily", "--from", "2026-01-01T00:00Z", "--to", "2026-01-04T00:00Z")
    dry = cli(*words, "--dry-run", "--json").json
    assert [item["at"][:10] for item in dry["items"]] == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert (dry["dry_run"], app.find().items) == (True, [])
    done = cli(*words, "--json").json
    assert len(done["jobs"]) == 3
    assert cli(*words, "--json").json["items"] == []


def test_file_is_compared_and_loaded(app: Onward, cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_text("scheduler:\n  jobs:\n    add:\n      enabled: true\n      cron: '0 3 * * *'\n      a: 1\n")
    assert [item["action"] for item in cli("schedule", "diff", str(path), "--json").json["items"]] == ["add"]
    assert app.schedules.list() == []
    assert [item["action"] for item in cli("schedule", "load", str(path), "--json").json["items"]] == ["add"]
    assert app.schedules.get("add").params == {"a": 1}
    path.write_text("scheduler:\n  jobs:\n    add:\n      cron: '0 33 * * *'\n      a: 1\n")
    said = cli("schedule", "load", str(path))
    assert said.code == 6
    assert "schedules.yaml:4" in said.err
    assert app.schedules.get("add").cron == "0 3 * * *"


def test_forecast_is_in_order(app: Onward, cli: Cli) -> None:
    app.schedules.add("often", "add", interval_minutes=10, params={"a": 1})
    app.schedules.add("rarely", "add", interval_minutes=25, params={"a": 1})
    items = cli("schedule", "forecast", "--hours", "1", "--json").json["items"]
    assert [item["schedule"] for item in items][:3] == ["often", "often", "rarely"]
    assert cli("schedule", "forecast").code == exits.DONE


def test_scheduler_that_is_switched_off_says_so(cli: Cli, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONWARD_SCHEDULER_ENABLED", "false")
    said = cli("scheduler", "--database", sqlite_url)
    assert (said.code, json.dumps(said.out)) == (exits.DONE, '""')
    assert "nothing is started by schedule" in said.err
