"""The database, the settings, chains and the doctor, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from onward import Onward
from onward.cli import exits
from onward.model.ids import parsed
from tests.cli.conftest import Cli

Work = Callable[[], None]
NOWHERE = "postgresql://ana:canary@127.0.0.1:1/jobs"


def test_database_is_made_once_and_shows_its_state(cli: Cli) -> None:
    assert "was made, schema" in cli("db", "init").err
    assert "already" in cli("db", "init").err
    assert "Nothing would be changed" in cli("db", "upgrade", "--dry-run").err
    said = cli("db", "status", "--json").json
    assert said["schema"] == said["needs"]
    assert said["rows"]["jobs"] == 0
    assert "Nothing is wrong." in cli("db", "check").err


def test_sql_runs_one_statement_and_prints_what_it_gives(app: Onward, cli: Cli) -> None:
    app.submit("add", {"a": 1})
    said = cli("db", "sql", "SELECT status, count(*) AS n FROM jobs GROUP BY status", "--json").json
    assert said["items"] == [{"status": "pending", "n": 1}]
    assert cli("db", "sql", "SELECT job_type FROM jobs", "--no-header").out == "add\n"


def test_reset_needs_force_where_nobody_can_be_asked(app: Onward, cli: Cli) -> None:
    app.submit("add", {"a": 1})
    said = cli("db", "reset")
    assert said.code == exits.CONFLICT
    assert "onward db reset --force" in said.err
    assert cli("db", "reset", "--force").code == exits.DONE
    assert cli("job", "list", "-q").out == ""


def test_backup_is_a_database_with_the_same_jobs(app: Onward, cli: Cli, tmp_path: Path) -> None:
    job = app.submit("add", {"a": 1})
    assert cli("db", "backup", str(tmp_path / "copy.db")).code == exits.DONE
    assert cli("db", "backup", str(tmp_path / "copy.db")).code == exits.INVALID
    assert cli("db", "backup", str(tmp_path / "absent" / "copy.db")).code == exits.INVALID
    copy = Onward(f"sqlite:///{tmp_path / 'copy.db'}")
    assert copy.get(job.id).job_type == "add"
    copy.close()


@pytest.mark.parametrize("words", [("job", "list"), ("db", "status"), ("db", "init"), ("watch", "@last")])
def test_database_that_is_not_there_is_told_without_its_password(words: tuple[str, ...], cli: Cli) -> None:
    said = cli(*words, "--database", NOWHERE)
    assert said.code == exits.UNREACHABLE
    assert said.err.startswith("error[database-unreachable]")
    assert "ana:***@127.0.0.1:1" in said.err
    assert "canary" not in said.err


def test_settings_are_shown_with_their_origins(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "onward.toml").write_text('[worker]\nconcurrency = 3\nname = "w"\n', encoding="utf-8")
    monkeypatch.setenv("ONWARD_WORKER_NAME", "x")
    monkeypatch.setenv("ONWARD_DATABASE_URL", NOWHERE)
    said = cli("config", "show", "--json").json
    assert said["worker.concurrency"]["origin"] == "./onward.toml:2"
    assert said["worker.name"]["overridden"] == ["./onward.toml:3"]
    assert said["database.url"]["redacted"] is True
    text = cli("config", "show").out
    assert "(hides ./onward.toml:3)" in text
    assert "canary" not in text
    assert "worker.lease_seconds" in cli("config", "show", "--all").out
    assert cli("config", "get", "worker.name").out == "x\n"
    assert cli("config", "get", "worker.nam").code == exits.INVALID
    assert str(tmp_path / "onward.toml") in cli("config", "path").out


def test_wrong_settings_are_all_told_with_file_and_line(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "onward.toml").write_text("[worker]\nconcurency = 3\nlease_seconds = 'x'\n", encoding="utf-8")
    for words in (("config", "validate"), ("job", "list")):
        said = cli(*words, "--app", "nothing:here") if words[0] == "none" else cli(*words)
        if words[0] == "config":
            assert said.code == exits.INVALID
            assert "onward.toml:2" in said.err
            assert "onward.toml:3" in said.err
            assert "Did you mean worker.concurrency?" in said.err


def test_a_setting_is_written_where_it_says(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = cli("config", "set", "worker.concurrency", "3")
    assert (said.code, said.err) == (exits.DONE, f"worker.concurrency is written in {tmp_path / 'onward.toml'}.\n")
    assert cli("config", "show", "--json").json["worker.concurrency"]["origin"] == "./onward.toml:2"
    assert "./onward.toml:2 comes first" in cli("config", "set", "--user", "worker.concurrency", "4").err
    assert (tmp_path / ".config/onward/config.toml").read_text() == "[worker]\nconcurrency = 4\n"
    monkeypatch.setenv("ONWARD_WORKER_CONCURRENCY", "5")
    assert "env ONWARD_WORKER_CONCURRENCY comes first" in cli("config", "set", "worker.concurrency", "6").err
    refused = cli("config", "set", "webhooks.secret", "canary")
    assert refused.code == exits.INVALID
    assert "canary" not in refused.err + (tmp_path / "onward.toml").read_text()
    monkeypatch.setattr("sys.stdin", StringIO("from stdin\n"))
    assert cli("config", "set", "webhooks.secret", "-").code == exits.DONE
    assert 'secret = "from stdin"' in (tmp_path / "onward.toml").read_text()
    monkeypatch.delenv("ONWARD_WORKER_CONCURRENCY")
    (tmp_path / "onward.toml").unlink()
    (tmp_path / "onward.yaml").write_text("# ours\nworker:\n  concurrency: 2   # cores\n")
    assert cli("config", "set", "worker.concurrency", "3").err.endswith("onward.yaml.\n")
    assert (tmp_path / "onward.yaml").read_text() == "# ours\nworker:\n  concurrency: 3   # cores\n"
    (tmp_path / "onward.yaml").write_text("worker: [")
    assert cli("config", "set", "worker.concurrency", "4").code == exits.INVALID


def test_schema_of_settings_is_json(cli: Cli) -> None:
    assert json.loads(cli("config", "schema").out)["properties"]["worker"]


def test_doctor_says_what_to_do(app: Onward, work: Work, cli: Cli) -> None:
    app.submit("count", {"fail_at": 3})
    work()
    app.submit("add", {"a": 1})
    said = cli("doctor")
    assert said.code == exits.DONE
    assert "warn  workers: none is running: jobs will wait\n        fix: onward worker" in said.out
    assert "warn  queues: 1 job waiting" in said.out
    assert "warn  interrupted: 1 job" in said.out
    assert "ok    library: SQLite" in said.out
    results = {item["check"]: item["result"] for item in cli("doctor", "--json").json["items"]}
    assert results["database"] == "ok"
    with app.worker(concurrency=1):
        assert "ok    workers: 1 running" in cli("doctor").out


def test_doctor_on_postgresql_compares_clocks(cli: Cli, postgres_url: str) -> None:
    said = cli("doctor", "--database", postgres_url)
    assert said.code == exits.DONE
    assert "ok    clock: within" in said.out


def test_doctor_ends_with_the_code_of_what_is_broken(cli: Cli) -> None:
    said = cli("doctor", "--database", NOWHERE)
    assert said.code == exits.UNREACHABLE
    assert "fail  database:" in said.out


CHAIN = """\
name: mine
phases:
  - job_type: add
    weight: 20
    params: {a: 2}
  - job_type: count
    weight: 80
"""


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    path = tmp_path / "chain.yaml"
    path.write_text(CHAIN, encoding="utf-8")
    return path


def test_chains_of_the_application_are_listed_and_shown(cli: Cli, golden: Callable[[str, str], None]) -> None:
    assert cli("chain", "list", "--json").json["items"][0]["phases"] == ["add", "count"]
    golden("chain-show", cli("chain", "show", "both").out)
    assert cli("chain", "show", "add").code == exits.USAGE
    assert "count 80%" in cli("chain", "graph", "both").out
    assert cli("chain", "graph", "both", "--mermaid").out.startswith("flowchart LR")


def test_chain_of_a_file_runs_with_parameters_by_phase(chain: Path, app: Onward, work: Work, cli: Cli) -> None:
    said = cli("chain", "run", str(chain), "--source", "s", "-a", "count.n=2", "-a", "add.name=7")
    assert said.code == exits.DONE
    work()
    job = app.get(parsed(said.out.strip()))
    assert job.status == "completed"
    assert [child.result for child in app.children(job.id)][1] == 2
    assert app.children(job.id)[0].result["name"] == "7"
    assert cli("chain", "run", str(chain), "-a", "n=2").code == exits.INVALID


def test_registered_chain_runs(app: Onward, work: Work, cli: Cli) -> None:
    said = cli("chain", "run", "both", "-a", "count.n=3")
    work()
    job = app.get(parsed(said.out.strip()))
    assert (job.job_type, job.status) == ("both", "completed")
    assert app.children(job.id)[1].result == 3


def test_what_is_wrong_with_a_chain_has_its_line(chain: Path, cli: Cli) -> None:
    assert "is valid" in cli("chain", "validate", str(chain)).out
    chain.write_text(CHAIN.replace("count", "cuont"), encoding="utf-8")
    said = cli("chain", "validate", str(chain), "--json")
    assert said.code == exits.INVALID
    assert said.json["valid"] is False
    assert said.json["errors"][0]["where"] == f"{chain}:6"
    assert "Did you mean count?" in said.json["errors"][0]["hint"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("phases:\n  - wieght: 3\n    job_type: add\n", ":2: 'wieght'"),
        ("phases:\n  - job_type: add\n  - weight: 3\n", ":3: the phase has no job_type"),
        ("phases:\n  - {job_type: add, weight: heavy}\n", ":2: weight is 'heavy'"),
        ("phases:\n  - {job_type: add, params: [1]}\n", ":2: params are a mapping"),
        ("phases: [\n", "chain.yaml:2:"),
        ("steps: []\n", "expected `phases:`"),
        ("phases: !!python/object/apply:os.system ['true']\n", "chain.yaml:1:"),
    ],
)
def test_file_that_is_no_chain_is_told_with_its_line(text: str, line: str, chain: Path, cli: Cli) -> None:
    chain.write_text(text, encoding="utf-8")
    said = cli("chain", "validate", str(chain))
    assert said.code == exits.INVALID
    assert line in said.err


def test_completion_offers_commands_types_and_jobs(app: Onward, cli: Cli, sqlite_url: str) -> None:
    from onward.model.ids import shown

    job = app.submit("add", {"a": 1})
    where = ("--app", "tests.cli.sample:app", "--database", sqlite_url)

    def offered(*words: str) -> list[str]:
        return cli("completion", *where, "--words", str(len(words)), "--", "onward", *words).lines

    assert "job" in offered("jo")
    assert {"list", "show", "resume"} <= set(offered("job", ""))
    assert offered("run", "ad") == ["add"]
    assert shown(job.id) in offered("job", "show", "")
    assert "--filter" in offered("job", "list", "--f")
    for shell in ("bash", "zsh", "fish"):
        assert "onward completion --words" in cli("completion", shell).out
    assert cli("completion", "tcsh").code == exits.INVALID
