"""The documents of a source, whatever it is made of: pages of a scrape, a folder of HTML, a ZIM file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from onward.catalogue.sources.outside.source_folder import BACKUP, SourceFolder
from onward.catalogue.sources.plan import charset
from onward.catalogue.sources.plan.changes import fingerprint
from onward.errors import OnwardError

MAX_BYTES = 20 * 1024 * 1024
_HTML = (".html", ".htm", ".xhtml")


@dataclass(frozen=True, slots=True)
class Source:
    """One document before it is read: its id, its address, and a stamp that changes with its content."""

    id: str
    url: str
    stamp: str
    title: str = ""


class Documents(Protocol):
    """Documents by number; numbers without a document (a redirect, a picture) give None."""

    kind: str
    version: str
    """Changes when any document does."""

    def __len__(self) -> int:
        """How many numbers there are."""

    def at(self, index: int) -> Source | None:
        """The document of this number, or None."""

    def html(self, index: int) -> str:
        """Its content. Raises ``OSError`` or ``OnwardError`` when it cannot be read."""

    def headers(self) -> dict[str, str]:
        """What the collection says of itself."""


def kind_of(folder: SourceFolder) -> str | None:
    """``pages``, ``zim``, ``folder``, ``pdf`` or None when there is nothing."""
    if (folder.path / BACKUP).is_file():
        return "pages"
    if zim_file(folder):
        return "zim"
    if next(_html_files(folder.path), None):
        return "folder"
    return "pdf" if next(folder.path.glob("*.pdf"), None) else None


def open_documents(folder: SourceFolder) -> Documents:
    """The source's documents. Raises ``OnwardError`` when there are none that can be read."""
    from onward.catalogue.sources.outside.zim import ZimDocuments

    match kind_of(folder.require()):
        case "pages":
            return PageDocuments(folder)
        case "zim":
            return ZimDocuments(folder.file(zim_file(folder)))
        case "folder":
            return FolderDocuments(folder)
        case "pdf":
            raise OnwardError(f"The source {folder.source_id!r} holds PDF files, which this version does not read.")
    raise OnwardError(f"The source {folder.source_id!r} holds no documents.", hint="Scrape or import it first.")


def zim_file(folder: SourceFolder) -> str:
    """The name of the source's ZIM file, or an empty string."""
    names = sorted(path.name for path in folder.path.glob("*.zim") if path.is_file() and not path.is_symlink())
    return names[0] if names else ""


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
        return Source(_id("page", page["url"]), page["url"], page.get("hash", ""))

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
        self._files = sorted(path.relative_to(folder.path).as_posix() for path in _html_files(folder.path))
        states = ((folder.path / name).stat() for name in self._files)
        self.version = fingerprint(f"{state.st_size} {state.st_mtime_ns}" for state in states)

    def __len__(self) -> int:
        return len(self._files)

    def at(self, index: int) -> Source | None:
        name = self._files[index]
        return Source(_id("file", name), name, hashlib.sha256(self._read(index)).hexdigest())

    def html(self, index: int) -> str:
        return charset.decode(self._read(index))

    def headers(self) -> dict[str, str]:
        return {}

    def _read(self, index: int) -> bytes:
        return self._folder.read_bytes(self._files[index], MAX_BYTES)


def _html_files(path: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(path, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        for name in sorted(files):
            found = Path(root, name)
            if name.lower().endswith(_HTML) and not name.startswith(".") and not found.is_symlink():
                yield found


def _id(kind: str, name: str) -> str:
    return f"{kind}_{hashlib.sha256(name.encode()).hexdigest()[:16]}"
