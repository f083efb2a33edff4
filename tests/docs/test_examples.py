"""Every block of code in the documentation runs: a page's blocks in their order, in a folder of its own.

A comment before a block says what else is done with it: ``<!-- file: tasks.py -->`` saves it under this name,
``<!-- not run: reason -->`` leaves it out. A block ``output`` is what the block before it prints,
loosely: each line must occur, in order, and ``...`` stands for anything.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onward import Onward
from tests.docs.page import Block, Page, pages

ELSEWHERE = {"docs/reference/checkpoint-files.md": "fragments; tests/checkpoints holds the facts"}
"""Pages whose blocks are fragments, and why."""
BIN = Path(sys.executable).parent
QUICK = {"ONWARD_WORKER_REAP_SECONDS": "0.2", "ONWARD_WORKER_PROGRESS_SECONDS": "0.1"}
PATIENCE = 60

_with_code = [page for page in pages() if page.name not in ELSEWHERE and any(block.language for block in page.blocks())]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder without anything of ours around it."""
    for name in [*os.environ]:
        if name.startswith("ONWARD_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = threading.active_count()
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]
    assert threading.active_count() <= before + 8, "a page left threads behind"


@pytest.mark.parametrize("page", _with_code, ids=lambda page: page.name)
def test_every_example_runs(page: Page, place: Path, request: pytest.FixtureRequest, monkeypatch: Any) -> None:
    if "postgresql" in page.uses():
        monkeypatch.setenv("ONWARD_DATABASE_URL", request.getfixturevalue("postgres_url"))
    if "redis" in page.uses():
        monkeypatch.setenv("ONWARD_LANGGRAPH_URL", request.getfixturevalue("redis_url"))
    names: dict[str, Any] = {"__name__": "page"}
    printed = ""
    try:
        for block in page.blocks():
            where = f"{page.name}:{block.line}"
            if block.word == "file":
                (place / block.rest).parent.mkdir(parents=True, exist_ok=True)
                (place / block.rest).write_text(block.text, "utf-8")
                importlib.invalidate_caches()
            elif block.word == "not run":
                assert len(block.rest) > 10, f"{where}: say why it is not run"
            elif block.language == "python":
                printed = _run_python(page, block, names)
            elif block.language == "console":
                printed = _run_console(block, where, monkeypatch)
            elif block.language == "output":
                _compare(block, printed, where)
            else:
                assert block.language in ("text", "sql", "toml", "ini"), f"{where}: what is {block.language!r}?"
    finally:
        for app in {id(value): value for value in names.values() if isinstance(value, Onward)}.values():
            app.close()


def _run_python(page: Page, block: Block, names: dict[str, Any]) -> str:
    # Line numbers in a traceback are those of the page.
    code = compile("\n" * (block.line - 1) + block.text, str(page.path), "exec")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(code, names)  # noqa: S102 - running the page's own code is what this is for
    return out.getvalue()


def _run_console(block: Block, where: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each line after ``$`` is run; lines without it are what is printed."""
    printed = ""
    groups = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not groups[0].strip(), f"{where}: a console block begins with `$ `"
    for group in groups[1:]:
        command, _, expected = group.partition("\n")
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            monkeypatch.setenv(name, value)
            continue
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, f"{where}: {command} returned {done.returncode}\n{done.stdout}{done.stderr}"
        printed = done.stdout + done.stderr
        _compare(Block("output", expected, block.line), printed, f"{where}: {command}")
    return printed


def _compare(block: Block, printed: str, where: str) -> None:
    rest = [" ".join(line.split()) for line in printed.splitlines()]
    for line in block.text.splitlines():
        wanted = " ".join(line.split())
        if not wanted or wanted == "...":
            continue
        pattern = ".*".join(re.escape(part.strip()) for part in wanted.split("..."))
        at = next((i for i, found in enumerate(rest) if re.fullmatch(pattern, found)), None)
        assert at is not None, f"{where}: {wanted!r} was not printed; it was:\n{printed}"
        rest = rest[at + 1 :]


def test_every_page_says_why_a_block_is_not_run() -> None:
    """The reason is a sentence; there are few of them."""
    left_out = [block for page in _with_code for block in page.blocks() if block.word == "not run"]
    run = [block for page in _with_code for block in page.blocks() if block.language in ("python", "console")]
    assert len(left_out) < len(run) / 2
