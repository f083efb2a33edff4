"""The archive as files: compressed JSON Lines in a folder, a job a line, written so that a crash costs nothing.

Each batch is a gzip member of its own, flushed to the disk before the jobs are deleted. Only the process that began a
file adds to it, so what a crash has torn is always the end of a file, and the jobs of that end are still in the
database. A job that stands in the files twice counts once: the last line wins.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from onward.errors import InvalidConfig, StoreUnavailable

_MOST_BYTES = 64 * 2**20
"""A file that has grown so large is followed by the next one."""
_PREFIX = "jobs-"
_SUFFIX = ".jsonl.gz"
_CHUNK = 1 << 16
_LEVEL = 4
_GZIP = 31


class ArchiveFiles:
    """A folder of archive files. ``tag`` sets this process's files apart from those of others."""

    def __init__(self, folder: Path, tag: str) -> None:
        self.folder = folder
        self._tag = tag
        self._path: Path | None = None
        self._good = 0
        self._count = 0

    def check(self) -> None:
        """Make the folder if its parent is there. Raises ``InvalidConfig`` where that cannot be."""
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise InvalidConfig(
                f"The folder {self.folder} of the archive cannot be used: {error.strerror}.",
                hint="Name a folder on a disk of this machine: retention.archive.",
            ) from None

    def write(self, lines: Sequence[dict[str, Any]], now: datetime) -> Path:
        """Append lines and flush them to the disk; the file they are in. Raises ``StoreUnavailable``."""
        data = gzip.compress(b"".join(orjson.dumps(line) + b"\n" for line in lines), _LEVEL)
        try:
            path = self._file(now)
            with path.open("r+b") as file:
                # What an attempt has left behind that failed half-way is written over.
                file.seek(self._good)
                file.truncate()
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreUnavailable(
                f"The archive in {self.folder} cannot be written: {error.strerror}. Nothing was deleted.",
                hint="Make room, or name another folder: retention.archive.",
            ) from None
        self._good += len(data)
        return path

    def _file(self, now: datetime) -> Path:
        if self._path is None or self._good > _MOST_BYTES or not self._path.exists():
            self._count += 1
            name = f"{_PREFIX}{now:%Y%m%dT%H%M%S%f}Z-{self._tag}-{self._count}{_SUFFIX}"
            path = self.folder / name
            with path.open("xb") as file:
                os.fsync(file.fileno())
            _flush_folder(self.folder)
            self._path, self._good = path, 0
        return self._path


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of one file; a torn end is left out."""
    rest = b""
    for piece in _unpacked(path):
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            if line:
                with contextlib.suppress(orjson.JSONDecodeError):
                    yield orjson.loads(line)


def _unpacked(path: Path) -> Iterator[bytes]:
    unpack = zlib.decompressobj(_GZIP)
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            while data:
                try:
                    yield unpack.decompress(data)
                except zlib.error:
                    return
                data = unpack.unused_data
                if unpack.eof:
                    unpack = zlib.decompressobj(_GZIP)


def look_up(folder: Path, job_id: str, archived_at: datetime | None = None) -> dict[str, Any] | None:
    """The last line of a job in the folder's files, or None. ``archived_at`` spares the files that cannot have it."""
    found = None
    for path in sorted(folder.glob(f"{_PREFIX}*{_SUFFIX}"), reverse=True):
        if archived_at is not None and path.name[len(_PREFIX) :] > f"{archived_at:%Y%m%dT%H%M%S%f}[":
            continue
        for line in read_lines(path):
            if line.get("job", {}).get("job_id") == job_id:
                found = line
        if found is not None:
            return found
    return None
