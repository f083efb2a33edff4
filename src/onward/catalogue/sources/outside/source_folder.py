"""A source's folder: nothing is written outside it, no link is followed, and every file is replaced whole."""

from __future__ import annotations

import glob
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import orjson

from onward.catalogue.extras import load
from onward.errors import InvalidValue, OnwardError

MANIFEST = "_manifest.json"
METADATA = "_metadata.json"
INDEX = "_index.json"
BACKUP = "backup_manifest.json"
PAGES = "pages"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}")
_MAX_JSON = 2 * 1024**3
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


def check_source_id(source_id: str | None) -> str:
    """The id, if it may name a folder. Raises ``InvalidValue``."""
    name = source_id or ""
    taken = name.startswith(("_", "chroma_db_"))
    if not _NAME.fullmatch(name) or name in (".", "..") or taken:
        raise InvalidValue(
            f"{name[:140]!r} cannot be the id of a source.",
            hint="Use 1 to 128 letters, digits, '.', '_' or '-'; not beginning with '_' or 'chroma_db_'.",
        )
    return name


class SourceFolder:
    """The folder of one source below the backup path; made when ``create`` is set."""

    def __init__(self, backup_path: str | Path, source_id: str | None, *, create: bool = False) -> None:
        self.source_id = check_source_id(source_id)
        self.path = Path(backup_path).resolve() / self.source_id
        if create:
            self.path.mkdir(parents=True, exist_ok=True)
        if self.path.is_symlink():
            raise InvalidValue(f"{self.path} is a link.", hint="A source's folder must be a folder of its own.")

    def require(self) -> SourceFolder:
        """The same, if there is such a folder. Raises ``OnwardError``."""
        if not self.path.is_dir():
            raise OnwardError(f"There is no source {self.source_id!r}.", hint="Scrape or import it first.")
        return self

    def file(self, relative: str) -> Path:
        """The path of a file within. Raises ``InvalidValue`` when it lies outside or goes through a link."""
        parts = relative.split("/")
        if "\\" in relative or "\x00" in relative or any(part in ("", ".", "..") for part in parts):
            raise InvalidValue(f"{relative[:200]!r} is not a file of the source {self.source_id!r}.")
        path = self.path
        for part in parts:
            path = path / part
            if path.is_symlink():
                raise InvalidValue(f"{path} is a link, and links are not followed.", hint="Replace it by the file.")
        return path

    def read_bytes(self, relative: str, most: int = _MAX_JSON) -> bytes:
        """The content of a file. Raises ``OSError``, or ``InvalidValue`` beyond ``most`` bytes."""
        descriptor = os.open(self.file(relative), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as file:
            if os.fstat(descriptor).st_size > most:
                raise InvalidValue(f"{relative} is larger than {most:,} bytes.")
            return file.read()

    def read_json(self, name: str) -> dict[str, Any]:
        """A JSON file; an empty dictionary when there is none. Raises ``OnwardError`` for a damaged one."""
        try:
            value = orjson.loads(self.read_bytes(name))
        except FileNotFoundError:
            return {}
        except orjson.JSONDecodeError as error:
            raise OnwardError(f"{self.path / name} is not JSON: {error}.", hint="Mend it or move it away.") from None
        if not isinstance(value, dict):
            raise OnwardError(f"{self.path / name} holds no JSON object.", hint="Mend it or move it away.")
        return value

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        """Replace a JSON file."""
        with self.replacing(name) as file:
            file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2))

    def change_json(self, name: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
        """Replace a JSON file by what ``change`` makes of it, one at a time: several jobs may work on a source."""
        fcntl = load("fcntl")
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            changed = change(self.read_json(name))
            self.write_json(name, changed)
        finally:
            os.close(descriptor)
        return changed

    def write_bytes(self, relative: str, data: bytes) -> None:
        """Replace a file."""
        with self.replacing(relative) as file:
            file.write(data)

    def write_many(self, files: Mapping[str, bytes]) -> None:
        """Replace several files: all are on disk before any takes its place, which is one wait instead of many."""
        drafts: list[tuple[Path, Path]] = []
        try:
            for relative, data in files.items():
                drafts.append(self._draft(relative, data))
            for draft, _ in drafts:
                _flush_file(draft)
            for draft, target in drafts:
                draft.replace(target)
        finally:
            for draft, _ in drafts:
                draft.unlink(missing_ok=True)
        for folder in {target.parent for _, target in drafts}:
            _flush_folder(folder)

    def _draft(self, relative: str, data: bytes) -> tuple[Path, Path]:
        target = self.file(relative)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, _NEW_FILE, 0o644), "wb") as file:
            file.write(data)
        return draft, target

    @contextmanager
    def replacing(self, relative: str) -> Iterator[IO[bytes]]:
        """A new content for a file: whole and on disk, it takes the old one's place when the block ends."""
        target = self.file(relative)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.draft")
        draft.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(draft, _NEW_FILE, 0o644), "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        _flush_folder(target.parent)

    @contextmanager
    def continuing(self, relative: str, content: str) -> Iterator[IO[bytes]]:
        """A new content that may take several attempts: the draft is kept when the block fails, and goes on then.

        ``content`` names what is to be written (its hash): the draft of another content is not gone on with.
        """
        target = self.file(relative)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name[:150]}.{content[:16]}.part")
        for old in target.parent.glob(f".{glob.escape(target.name[:150])}.*.part"):
            if old != draft:
                old.unlink()
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(draft, flags, 0o644), "r+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        _flush_folder(target.parent)

    def remove(self, relative: str) -> None:
        """Remove a file, if it is there."""
        self.file(relative).unlink(missing_ok=True)

    def remove_all(self) -> None:
        """Remove the whole folder: out of sight at once, then file by file without following links."""
        away = self.path.with_name(f"_deleted-{self.source_id}"[:255])
        if self.path.is_dir():
            shutil.rmtree(away, ignore_errors=True)
            self.path.replace(away)
            _flush_folder(self.path.parent)
        shutil.rmtree(away, ignore_errors=True)


def _flush_folder(folder: Path) -> None:
    _flush_file(folder)


def _flush_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
