from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable

import pytest

from onward.cli import exits
from onward.cli.command import SHARED
from onward.cli.commands import COMMANDS, OLD_WORDS, TOP, paths
from onward.cli.reference import reference, verbs
from onward.cli.tree import load
from tests.cli.conftest import Cli
from tests.house.conftest import ROOT, text_of

PAGES = [
    "job list", "job resume", "run", "watch", "worker", "demo", "chain validate", "db sql", "config show",
    "schedule", "schedule add", "schedule list", "schedule next", "schedule backfill", "scheduler", "simulate",
]  # fmt: skip


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("path", [*PAGES, "job", "help"])
def test_help_page_is_as_it_was_looked_at(
    path: str, columns: int, cli: Cli, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    said = cli("help", *([] if path == "help" else path.split()))
    assert said.code == 0
    golden(f"help-{path.replace(' ', '-')}-{columns}", said.out)
    assert all(len(line) <= columns for line in said.lines)


def test_command_alone_shows_a_dozen_lines_with_three_examples(capsys: pytest.CaptureFixture[str]) -> None:
    from onward.cli.main import run

    for words in ([], ["--help"], ["-h"]):
        assert run(words) == 0
        assert capsys.readouterr().out == TOP
    assert len([line for line in TOP.splitlines() if line.strip()]) <= 12
    assert TOP.count("  onward ") == 4


def test_help_loads_no_database_and_no_command() -> None:
    code = "import sys; from onward.cli.main import run; run(['--help']); print([m for m in sys.modules if m in LOOK])"
    look = "['sqlalchemy', 'pydantic', 'typer', 'rich', 'onward.app', 'onward.settings', 'yaml']"
    done = subprocess.run(
        [sys.executable, "-c", code.replace("LOOK", look)], capture_output=True, text=True, check=True, cwd="/"
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_of_a_noun_loads_no_database() -> None:
    code = "import sys; from onward.cli.main import run; run(['job', 'list', '--help']); print('LOOK' in sys.modules)"
    code = code.replace("LOOK", "sqlalchemy")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.splitlines()[-1] == "False"


def test_every_listed_command_is_there_and_no_other() -> None:
    assert [path for path, _ in verbs()] == list(paths())
    for name, branch in COMMANDS.items():
        module = __import__(f"onward.cli.{branch.module}", fromlist=["verbs"])
        assert len(module.verbs.registered_commands) == max(1, len(branch.verbs)), name


def test_every_command_has_examples_that_it_understands() -> None:
    for path, command in verbs():
        examples = (command.epilog or "").splitlines()
        assert examples, path
        for example in examples:
            plain = example.split(" | ")[0].split(" > ")[0].split(" < ")[0]
            words = shlex.split(plain, comments=True)
            assert words[: 1 + len(path.split())] == ["onward", *path.split()], example
            command.make_context(path, words[1 + len(path.split()) :])


def test_every_command_that_prints_data_has_all_options_of_output() -> None:
    data = {
        "list",
        "show",
        "logs",
        "types",
        "status",
        "check",
        "sql",
        "get",
        "path",
        "validate",
        "doctor",
        "version",
        "run",
    }
    for path, command in verbs():
        names = {param.name for param in command.params}
        assert set(SHARED["Everywhere"]) <= names, path
        of_output = set(SHARED["Output"]) & names
        assert of_output in (set(), set(SHARED["Output"])), path
        if path.split()[-1] in data and path != "config validate":
            assert of_output, path


def test_reference_page_is_the_one_that_is_written() -> None:
    assert text_of(ROOT / "docs" / "reference" / "cli.md") == reference()


@pytest.mark.parametrize("word", sorted(OLD_WORDS))
def test_word_of_other_tools_is_answered_with_the_right_one(word: str, cli: Cli) -> None:
    said = cli("help") if word == "" else cli(word, "7K2M9Q")
    assert said.code == exits.USAGE
    assert f"`{word}` is called `{OLD_WORDS[word]}` here." in said.err
    assert f"fix: onward {OLD_WORDS[word]}" in said.err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("jobs", "job list"),
        ("job lst", "job list"),
        ("list", "job list"),
        ("wrker", "worker"),
        ("job retry", "job resume"),
        ("chain validat", "chain validate"),
    ],
)
def test_slip_is_answered_with_the_nearest_command(typed: str, meant: str, cli: Cli) -> None:
    from onward.cli.main import run

    assert run(typed.split()) == exits.USAGE
    said = cli("help", "words")
    assert said.code == 0
    assert meant in {*paths()}


def test_unknown_option_names_the_help(cli: Cli) -> None:
    said = cli("job", "list", "--limt", "3")
    assert said.code == exits.USAGE
    assert said.err.startswith("error[usage]: No such option: --limt")
    assert "onward job list --help" in said.err


@pytest.mark.parametrize(
    ("typed", "fix"),
    [
        ("--json job list", "onward job list --json"),
        ("--server https://jobs.example.org job list --state failed",
         "onward job list --state failed --server https://jobs.example.org"),
        ("--tz=utc job list", "onward job list --tz=utc"),
        ("job --database sqlite:///a.db list", "onward job list --database sqlite:///a.db"),
    ],
)  # fmt: skip
def test_option_before_the_command_is_told_its_place(typed: str, fix: str, capsys: pytest.CaptureFixture[str]) -> None:
    from onward.cli.main import run

    assert run(typed.split()) == exits.USAGE
    said = capsys.readouterr().err
    assert "comes after the command" in said
    assert fix in said


def test_empty_names_of_queues_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    from onward.cli.main import run

    assert run(["worker", "--queues", "gpu,,default"]) == exits.INVALID
    assert "names an empty queue" in capsys.readouterr().err


def test_exit_codes_are_frozen(cli: Cli) -> None:
    assert exits.MEANINGS.keys() == {0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 124, 130}
    said = cli("help", "exit-codes")
    assert all(f"{code:>3}  {meaning}" in said.out for code, meaning in exits.MEANINGS.items())


def test_topics_are_there(cli: Cli) -> None:
    for topic in ("names", "filters", "times", "words"):
        assert cli("help", topic).code == 0
    assert cli("help", "exit-kodes").code == exits.USAGE


def test_noun_alone_shows_its_verbs_and_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    from onward.cli.main import run

    assert run(["job"]) == exits.USAGE
    assert "Usage: onward job VERB" in capsys.readouterr().err


def test_noun_is_loaded_with_its_verbs_in_order() -> None:
    assert tuple(load("job").commands) == COMMANDS["job"].verbs
