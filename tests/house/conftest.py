"""The project's files, as the habits see them."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = {
    ".css",
    ".html",
    ".ini",
    ".js",
    ".json",
    ".md",
    ".mako",
    ".py",
    ".sh",
    ".sql",
    ".toml",
    ".ts",
    ".tsx",
    ".txt",
}
TEXT |= {".yaml", ".yml", ""}


@cache
def own_files() -> tuple[Path, ...]:
    """Every file that is, or is about to be, in the repository; text only."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a checkout: git knows the project's files")
    paths = (ROOT / name for name in done.stdout.split("\0") if name)
    return tuple(path for path in paths if path.is_file() and path.suffix in TEXT)


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def files() -> tuple[Path, ...]:
    return own_files()


@pytest.fixture(scope="session")
def modules() -> tuple[Path, ...]:
    """The package's own Python files."""
    return tuple(path for path in own_files() if path.suffix == ".py" and path.is_relative_to(ROOT / "src"))
