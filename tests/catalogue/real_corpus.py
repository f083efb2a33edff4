"""Real articles: the documentation packages of Debian, from where they are installed or fetched without being root."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGES = ("python3.11-doc", "git-doc", "postgresql-doc-15", "debian-handbook")
_KEPT = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "onward-tests" / "corpus"
_MOST_BYTES = 400_000


@cache
def pages() -> dict[str, Path]:
    """Address to file, sorted: the pages of all packages that can be had. Skips the test when there are none."""
    found: dict[str, Path] = {}
    for package in PACKAGES:
        for path in _files(package):
            name = re.sub(r"^.*?/(?=usr/share/)", "", str(path)).removeprefix("usr/share/doc/")
            if path.stat().st_size <= _MOST_BYTES and not _is_other_language(name):
                found[f"{package}/{name.split('/', 1)[-1]}"] = path
    if not found:
        pytest.skip(f"none of {', '.join(PACKAGES)} is installed or can be fetched with apt-get download")
    return dict(sorted(found.items()))


def _is_other_language(name: str) -> bool:
    return "debian-handbook/html/" in name and "/en-US/" not in name


def _files(package: str) -> Iterator[Path]:
    listed = subprocess.run(["dpkg", "-L", package], capture_output=True, text=True, check=False).stdout.split("\n")
    here = [Path(line) for line in listed if line.endswith(".html")]
    folder = _KEPT / package
    if not here and _fetch(package, folder):
        here = sorted(folder.rglob("*.html"))
    return (path for path in here if path.is_file() and not path.is_symlink())


def _fetch(package: str, folder: Path) -> bool:
    """Unpack a package beside the system, once."""
    if (folder / "usr").is_dir():
        return True
    folder.mkdir(parents=True, exist_ok=True)
    for command in (["apt-get", "download", package], ["sh", "-c", "dpkg-deb -x *.deb ."]):
        if subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=600).returncode:
            return False
    return True


def write_real_zim(path: Path, count: int) -> list[str]:
    """A ZIM file of so many real articles, spread over all packages; returns their addresses."""
    from libzim.writer import Creator

    from tests.catalogue.corpus import Article

    every = list(pages().items())
    chosen = [every[place * len(every) // count] for place in range(min(count, len(every)))]
    path.parent.mkdir(parents=True, exist_ok=True)
    with Creator(path).config_indexing(False, "eng") as creator:
        creator.set_mainpath(chosen[0][0])
        for name, file in chosen:
            text = file.read_text(errors="replace")
            title = re.search(r"<title>(.*?)</title>", text, re.DOTALL | re.IGNORECASE)
            creator.add_item(Article(name, " ".join(title[1].split())[:200] if title else name, text))
        for name, value in {"Title": "Documentation", "Language": "eng", "Creator": "Debian"}.items():
            creator.add_metadata(name, value)
    return [name for name, _ in chosen]
