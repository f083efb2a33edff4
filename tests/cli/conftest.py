"""The command line, called in this process on a database of the test's own."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from onward import Onward
from onward.cli.main import run
from onward.model.ids import shown
from tests.cli import sample

GOLDEN = Path(__file__).parent / "golden"
ID = re.compile(r"\b(job|wrk|run)_[0-9A-Z]{26}\b")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?( [A-Z]{3,4}|Z)")
TOOK = re.compile(r"\b\d+\.\d s\b")


@dataclass(frozen=True)
class Said:
    """What a command returned and wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Cli = Callable[..., Said]


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [*os.environ]:
        if name.startswith("ONWARD_") and "TEST" not in name:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def app(sqlite_url: str) -> Iterator[Onward]:
    """The sample's job types on the test's database."""
    made = Onward(sqlite_url)
    made.include(sample.app.job_types)
    yield made
    made.close()


@pytest.fixture
def work(app: Onward) -> Callable[[], None]:
    """Do all that can be done now."""

    def do() -> None:
        app.worker(concurrency=1).run(until_idle=True)

    return do


@pytest.fixture
def cli(app: Onward, sqlite_url: str, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Call the command line with the sample's application."""

    def call(*words: str) -> Said:
        capfd.readouterr()
        code = run([*words[:2], *_where(words, sqlite_url), *words[2:]])
        out, err = capfd.readouterr()
        return Said(code, out, err)

    return call


def _where(words: tuple[str, ...], url: str) -> list[str]:
    if words[0] in ("help", "version", "config", "completion") or "--database" in words:
        return []
    return ["--app", "tests.cli.sample:app", "--database", url]


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare with a file that was looked at; UPDATE_GOLDEN=1 writes it."""

    def compare(name: str, text: str) -> None:
        for pattern, mark in ((ID, r"\1_" + "X" * 26), (MOMENT, "2026-01-01 00:00:00 UTC"), (TOOK, "0.1 s")):
            text = pattern.sub(mark, text)
        text = text.rstrip() + "\n"
        path = GOLDEN / f"{name}.txt"
        if os.environ.get("UPDATE_GOLDEN"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare


def end_of(job_id: str, length: int = 6) -> str:
    """The end of an id, as people type it."""
    return shown(job_id)[-length:]
