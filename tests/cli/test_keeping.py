"""``onward retention | archive | checkpoint``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from onward import Onward
from onward.cli import exits
from onward.model.ids import shown
from tests.app_fixtures import until
from tests.cli.conftest import Cli, end_of

Work = Callable[[], None]


@pytest.fixture
def failed(app: Onward, work: Work) -> str:
    job = app.submit("count", {"n": 5, "fail_at": 3})
    work()
    return job.id


def test_retention_shows_its_settings_and_where_they_come_from(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    said = cli("retention", "show", "--json")
    assert {item["setting"]: item["value"] for item in said.json["items"]} == {
        "retention.finished_days": 30,
        "retention.checkpoint_days": 7,
        "retention.archive": "table",
        "retention.tombstone_days": 30,
    }


def test_preview_counts_and_changes_nothing(app: Onward, work: Work, cli: Cli) -> None:
    app.submit("add", {"a": 1})
    work()
    assert cli("retention", "preview").code == exits.DONE
    said = cli("retention", "preview", "--older-than", "0s", "--json")
    assert said.json["items"][0]["by_type"] == {"add": 1}
    assert app.counts()["completed"] == 1


def test_run_asks_for_the_number(app: Onward, work: Work, cli: Cli) -> None:
    for _ in range(3):
        app.submit("add", {"a": 1})
    work()
    prune = ("retention", "run", "--older-than", "0s")
    refused = cli(*prune)
    assert refused.code == exits.CONFLICT
    assert "Pruning of 3 jobs (3 completed) was not confirmed" in refused.err
    assert cli(*prune, "--yes", "--expect", "4").code == exits.CONFLICT
    assert cli(*prune, "--dry-run").code == exits.DONE
    assert app.counts()["completed"] == 3
    said = cli(*prune, "--yes", "--expect", "3")
    assert said.code == exits.DONE
    assert "3 finished jobs were archived in the database (3 completed)" in said.err
    assert app.counts()["completed"] == 0


def test_archived_job_is_shown_and_its_id_explains_itself(app: Onward, work: Work, cli: Cli) -> None:
    job = app.submit("add", {"a": 1, "token": "secret"})
    work()
    cli("retention", "run", "--older-than", "0s", "--yes", "--expect", "1")
    said = cli("job", "show", shown(job.id))
    assert said.code == exits.NOT_FOUND
    assert "was archived by retention on" in said.err
    assert f"onward archive show {shown(job.id)}" in said.err
    assert cli("archive", "list", "-q").out.strip() == shown(job.id)
    sheet = cli("archive", "show", shown(job.id)).out
    assert '{"sum": 2' in sheet
    assert "secret" not in sheet
    assert cli("archive", "show", shown(job.id), "--json").json["job"]["state"] == "succeeded"


def test_checkpoint_is_shown_pinned_and_pruned(failed: str, app: Onward, cli: Cli) -> None:
    name = end_of(failed)
    assert cli("checkpoint", "show", name, "--json").json["number"] == 3
    assert cli("checkpoint", "pin", name).code == exits.DONE
    assert {item["pinned"] for item in cli("checkpoint", "list", name, "--json").json["items"]} == {True}
    prune = ("checkpoint", "prune", "--older-than", "0s")
    assert cli(*prune, "--dry-run", "--json").json["kept"] == {"a checkpoint is pinned": 1}
    assert cli("checkpoint", "unpin", name).code == exits.DONE
    assert cli(*prune).code == exits.CONFLICT
    assert app.get(failed).is_interrupted
    assert cli(*prune, "--yes", "--expect", "1").code == exits.DONE
    until(lambda: not app.get(failed).is_interrupted)
    assert cli("checkpoint", "pin", name).code == exits.CONFLICT


CHAIN = "name: nightly\nlabel: Nightly\nphases:\n  - job_type: add\n    weight: 1\n    params: {a: 2}\n  - job_type: count\n"


def test_chain_is_saved_listed_shown_run_exported_and_deleted(
    app: Onward, work: Work, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "chain.yaml").write_text(CHAIN)
    assert "nightly is saved, version 1" in cli("chain", "import", "chain.yaml").err
    assert cli("chain", "save", "nightly", "chain.yaml", "--expect-version", "7").code == exits.CONFLICT
    assert "version 2" in cli("chain", "save", "nightly", "chain.yaml", "--expect-version", "1").err
    assert "weekly is saved" in cli("chain", "save", "weekly", "both").err
    listed = {item["name"]: item["version"] for item in cli("chain", "list", "--json").json["items"]}
    assert listed == {"both": None, "picking": None, "nightly": 2, "weekly": 1}
    assert [item["name"] for item in cli("chain", "show", "nightly", "--json").json["items"]] == ["add", "count"]
    assert cli("chain", "run", "nightly", "-a", "add.a=5").code == exits.DONE
    work()
    (chain,) = app.find(job_type="chain")
    assert chain.result["phase_results"][0]["result"]["sum"] == 6
    assert cli("chain", "export", "nightly", "out.yaml").code == exits.DONE
    assert cli("chain", "export", "nightly", "out.yaml").code == exits.INVALID
    assert (tmp_path / "out.yaml").read_text().strip() == cli("chain", "export", "nightly").out.strip()
    assert cli("chain", "validate", "out.yaml").code == exits.DONE
    assert cli("chain", "delete", "nightly").code == exits.DONE
    assert cli("chain", "delete", "nightly").code == exits.NOT_FOUND
    assert cli("chain", "run", "nightly").code == exits.USAGE
