"""HTML pages as documents: those that a scrape saved, and those that lie in a folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from onward.catalogue.sources.outside.documents import MAX_BYTES, Source, document_id
from onward.catalogue.sources.outside.source_folder import BACKUP, SourceFolder
from onward.catalogue.sources.plan import charset
from onward.catalogue.sources.plan.changes import fingerprint

_HTML = (".html", ".htm", ".xhtml")
_PLACE = ("section", "first_page", "last_page")


class PageDocuments:
    """Pages saved by a scrape, in the order of its manifest."""

    kind = "pages"

    def __init__(self, folder: SourceFolder) -> None:
        self._folder = folder
        pages = folder.read_json(BACKUP).get("pages", [])
        self._pages = [page for page in pages if page.get("file") and not page.get("duplicate_of")]
        self.version = fingerprint(str(page.get("hash")) for page in self._pages)

    def __len__(self) -> int:
        return len(self._pages)

    def at(self, index: int) -> Source | None:
        page = self._pages[index]
        place = {name: page[name] for name in _PLACE if name in page}
        return Source(document_id("page", page["url"]), page["url"], page.get("hash", ""), page.get("title", ""), place)

    def html(self, index: int) -> str:
        page = self._pages[index]
        return charset.decode(self._folder.read_bytes(page["file"], MAX_BYTES), page.get("charset", ""))

    def headers(self) -> dict[str, str]:
        return {}


class FolderDocuments:
    """HTML files that lie in the source's folder, sorted by path."""

    kind = "folder"

    def __init__(self, folder: SourceFolder) -> None:
        self._folder = folder
        self._files = sorted(path.relative_to(folder.path).as_posix() for path in html_files(folder.path))
        states = ((folder.path / name).stat() for name in self._files)
        self.version = fingerprint(f"{state.st_size} {state.st_mtime_ns}" for state in states)

    def __len__(self) -> int:
        return len(self._files)

    def at(self, index: int) -> Source | None:
        name = self._files[index]
        return Source(document_id("file", name), name, hashlib.sha256(self._read(index)).hexdigest())

    def html(self, index: int) -> str:
        return charset.decode(self._read(index))

    def headers(self) -> dict[str, str]:
        return {}

    def _read(self, index: int) -> bytes:
        return self._folder.read_bytes(self._files[index], MAX_BYTES)


def html_files(path: Path) -> Iterator[Path]:
    """The HTML files below a folder; hidden ones, links and folders of our own are passed over."""
    for root, folders, files in os.walk(path, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        for name in sorted(files):
            found = Path(root, name)
            if name.lower().endswith(_HTML) and not name.startswith(".") and not found.is_symlink():
                yield found
