from __future__ import annotations

import re
from pathlib import Path

from tests.house.conftest import ROOT, text_of

# Each pattern is written so that it does not find itself.
FORBIDDEN = {
    "a path of one machine": re.compile(
        r"(?<![\w.~*$}/-])/(?:roo[t]|wor[k]|home/(?!you\b)\w+|Users/(?!you\b)\w+)(?=/|\b)"
    ),
    "a folder beside the checkout": re.compile(r"\.\./share[d]\b"),
    "a package registry's host": re.compile(r"\bpypi\.or[g]|pythonhoste[d]\.|registry\.npmj[s]|registry\.yarnpk[g]"),
}
INDEX_LINE = re.compile(
    r"^\s*(--?(extra-)?index-ur[l]|-i |--find-link[s]|-f |--trusted-hos[t])|https?://", re.MULTILINE
)


def named(problems: list[str]) -> str:
    return "\n".join(["", *problems])


def test_nothing_names_a_machine_or_a_registry(files: tuple[Path, ...]) -> None:
    problems = [
        f"{path.relative_to(ROOT)}:{number}: {what}: {line.strip()[:90]}"
        for path in files
        for number, line in enumerate(text_of(path).splitlines(), 1)
        for what, pattern in FORBIDDEN.items()
        if pattern.search(line)
    ]
    assert not problems, named(problems)


def test_lock_holds_versions_and_hashes_and_no_address() -> None:
    lock = text_of(ROOT / "requirements" / "dev.txt")
    assert not INDEX_LINE.search(lock)
    pinned = re.findall(r"^[\w.\[\]-]+==\S+", lock, re.MULTILINE)
    assert len(pinned) > 20
    assert lock.count("--hash=sha256:") >= len(pinned)


def test_lock_of_the_pages_holds_no_address() -> None:
    lock = ROOT / "web" / "package-lock.json"
    assert not lock.exists() or '"resolved": "http' not in text_of(lock)


def test_every_file_ends_with_one_line_end_and_has_no_tabs_or_trailing_blanks(
    files: tuple[Path, ...],
) -> None:
    wrong = re.compile(r"[ \t]+$|\t|\r", re.MULTILINE)
    checked = [path for path in files if path.suffix in {".py", ".md", ".toml", ".yaml", ".yml"}]
    problems = [
        str(path.relative_to(ROOT))
        for path in checked
        if (text := text_of(path)) and (wrong.search(text) or not text.endswith("\n") or text.endswith("\n\n"))
    ]
    assert not problems, named(problems)
