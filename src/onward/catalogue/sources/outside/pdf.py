"""PDF files: their pages as text, read by a confined process, and sources that are made of them."""

from __future__ import annotations

import hashlib
import html
import json
import selectors
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from onward.catalogue.extras import load
from onward.catalogue.sources.outside import pdf_reader
from onward.catalogue.sources.outside.documents import Source, document_id
from onward.catalogue.sources.outside.source_folder import SourceFolder
from onward.catalogue.sources.plan import sections
from onward.catalogue.sources.plan.changes import fingerprint
from onward.catalogue.sources.plan.sections import Entry, Part
from onward.errors import OnwardError

_SECONDS = 60.0
_KEPT_PAGES = 64
_DEFAULT_SIZE = 4000
_MOST_PROBLEMS = 20
"""A file with more pages than this that cannot be read is given up: each may have cost a minute."""


class PdfFile:
    """One PDF. Pages count from 1. Use it in a ``with`` block: a process stands behind it."""

    def __init__(self, path: Path, seconds: float = _SECONDS) -> None:
        load("pypdf")
        self._path = path
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._pending = b""
        self._texts: dict[int, str] = {}
        self.problems: dict[int, str] = {}
        facts = self._start()
        self.pages = int(facts["pages"])
        self.title = str(facts["title"]).strip()
        self.author = str(facts["author"]).strip()
        self.outline = tuple(Entry(level, title, page) for level, title, page in facts["outline"])

    def __enter__(self) -> PdfFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def text(self, page: int) -> str:
        """The text of a page. Raises ``OnwardError`` when it cannot be read, also within bounds of time and memory."""
        if page not in self._texts:
            if self._process is None:
                self._start()
            found = self._ask(f"{page}\n".encode(), f"Page {page} of {self._path.name}")
            if len(self._texts) >= _KEPT_PAGES:
                self._texts.clear()
            self._texts[page] = str(found["text"])
        return self._texts[page]

    def parts(self, mode: str, first: int, last: int, size: int) -> Iterator[Part]:
        """The document in parts, by ``mode``: sectioned (in pieces where it has no outline), chunked or full."""
        match mode:
            case "full":
                return sections.whole(first, last, self._text_or_nothing)
            case "sectioned" if self.outline:
                return sections.by_outline(self.outline, first, last, self._text_or_nothing)
        return sections.by_size(size, first, last, self._text_or_nothing)

    def _text_or_nothing(self, page: int) -> str:
        """The text of a page; of one that cannot be read nothing, and ``problems`` says why."""
        if page in self.problems:
            return ""
        try:
            return self.text(page)
        except OnwardError as error:
            self.problems[page] = error.message
            if len(self.problems) > _MOST_PROBLEMS:
                raise
            return ""

    def _start(self) -> Any:
        command = [sys.executable, "-I", str(Path(pdf_reader.__file__)), str(self._path)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)  # noqa: S603 - our own program on a path that was checked
        self._pending = b""
        return self._ask(b"", self._path.name)

    def _ask(self, question: bytes, what: str) -> Any:
        process = self._process
        if process is None or process.stdin is None:
            raise OnwardError(f"{what} cannot be read: its process is gone.")
        try:
            process.stdin.write(question)
            process.stdin.flush()
            answer = json.loads(self._line())
        except (OSError, ValueError, TimeoutError) as error:
            self.close()
            why = (
                f"it took longer than {self._seconds:g} s" if isinstance(error, TimeoutError) else "it broke its reader"
            )
            raise OnwardError(f"{what} cannot be read: {why}.") from error
        if "error" in answer:
            raise OnwardError(f"{what} cannot be read: {answer['error']}.")
        return answer

    def _line(self) -> bytes:
        out = self._process.stdout if self._process is not None else None
        if out is None:
            raise ValueError("no process")
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            while b"\n" not in self._pending:
                if not selector.select(self._seconds):
                    raise TimeoutError
                chunk = out.read1(1 << 20)  # type: ignore[attr-defined]  # a pipe's reader is buffered
                if not chunk:
                    raise ValueError("the reader ended")
                self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        return line


@contextmanager
def opened(path: Path) -> Iterator[PdfFile]:
    """The PDF at ``path``, for the length of the block."""
    file = PdfFile(path)
    try:
        yield file
    finally:
        file.close()


def pdf_names(folder: Path) -> list[str]:
    """The PDF files directly in a folder, sorted; links are passed over."""
    found = (path for path in folder.iterdir() if path.suffix.lower() == ".pdf")
    return sorted(path.name for path in found if path.is_file() and not path.is_symlink())


def as_html(part: Part, title: str) -> str:
    """A part as a page, so that all that reads pages reads it too."""
    paragraphs = "".join(f"<p>{html.escape(text)}</p>\n" for text in part.text.split("\n\n"))
    return f"<html><head><title>{html.escape(title)}</title></head><body>{paragraphs}</body></html>"


def title_of(part: Part, name: str) -> str:
    """What a part is called: its section with number, or the document with its pages."""
    if part.title:
        return f"{part.number} {part.title}".strip()
    pages = f"page {part.first}" if part.first == part.last else f"pages {part.first}-{part.last}"
    return f"{name}, {pages}" if part.number else name


def place_of(part: Part) -> dict[str, Any]:
    """What a citation needs."""
    return {"section": part.number, "first_page": part.first, "last_page": part.last}


class PdfDocuments:
    """The parts of all PDF files of a source, in sections where they have an outline."""

    kind = "pdf"

    def __init__(self, folder: SourceFolder) -> None:
        self._items: list[tuple[Source, str]] = []
        digests: list[str] = []
        self._headers: dict[str, str] = {}
        for name in pdf_names(folder.path):
            path = folder.file(name)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            digests.append(digest)
            with opened(path) as file:
                self._add(name, digest, file)
        self.version = fingerprint(digests)

    def _add(self, name: str, digest: str, file: PdfFile) -> None:
        shown = file.title or name.rpartition(".")[0]
        if not self._headers:
            self._headers = {"Title": shown, "Creator": file.author}
        for number, part in enumerate(file.parts("sectioned", 1, file.pages, _DEFAULT_SIZE)):
            title = title_of(part, shown)
            stamp = hashlib.sha256(f"{digest} {number}".encode()).hexdigest()
            url = f"{name}#page={part.first}"
            source = Source(document_id("pdf", f"{name} {number}"), url, stamp, title, place_of(part))
            self._items.append((source, as_html(part, title)))

    def __len__(self) -> int:
        return len(self._items)

    def at(self, index: int) -> Source | None:
        return self._items[index][0]

    def html(self, index: int) -> str:
        return self._items[index][1]

    def headers(self) -> dict[str, str]:
        return self._headers
