"""Partial work in a file: one JSON value a line, growing by appending."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from onward.checkpoints.disk import flush, flush_folder, open_plain, write_all
from onward.checkpoints.record import Checkpoint, plain_json
from onward.errors import CorruptCheckpoint, InvalidValue
from onward.model.job import Json


@dataclass(frozen=True)
class OldPartial:
    """Partial work of an older program; ``documents`` by id, ``extra`` the members that we do not know."""

    source_id: str
    documents: dict[str, Json]
    language_filtered: int = 0
    last_article_index: int | None = None
    extra: dict[str, Json] = field(default_factory=dict)


class PartialFile:
    """Work done so far, one JSON value a line, growing by appending; total cost is linear in the work.

    ``mark(checkpoint)`` before each save, and ``cut_back(checkpoint)`` after loading it: then both agree.
    Opening reads the file once and drops a last line that a crash left unfinished.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._descriptor = open_plain(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        flush_folder(self.path.parent)
        self._go_to()

    def __len__(self) -> int:
        return self.records

    def __enter__(self) -> PartialFile:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Json]:
        """All records in order; a line that is not JSON raises ``CorruptCheckpoint`` with its number."""
        for at, line in enumerate(self._lines(), 1):
            try:
                yield json.loads(line)
            except ValueError:
                problem = f"Line {at} of {self.path} is damaged."
                raise CorruptCheckpoint(problem, hint="Start the job afresh.") from None

    def append(self, record: Json) -> None:
        """Add a record. It survives a crash of the process at once, and a power failure after ``sync``."""
        text = json.dumps(plain_json(record, "record"), separators=(",", ":"))
        line = text.encode() + b"\n"
        try:
            write_all(self._descriptor, line)
        except BaseException:
            os.ftruncate(self._descriptor, self.size)
            raise
        self._count(line)

    def sync(self) -> None:
        """Return when all records are on the disk."""
        flush(self._descriptor)

    def mark(self, checkpoint: Checkpoint) -> None:
        """Flush, and note in ``checkpoint`` how much there is; save the checkpoint after it."""
        self.sync()
        checkpoint.partial_file = self.path.name
        checkpoint.extra.update(partial_bytes=self.size, partial_crc32=self._crc)

    def cut_back(self, checkpoint: Checkpoint | None) -> None:
        """Drop what was appended after ``checkpoint`` was marked: everything, if there is none.

        If what it counted on is shorter or altered, ``CorruptCheckpoint``; if it names the file without a
        mark, ``InvalidValue``: then ``truncate(records=…)`` is yours to call.
        """
        if checkpoint is None or checkpoint.partial_file is None:
            self.truncate(records=0)
            return
        size = checkpoint.extra.get("partial_bytes")
        if not isinstance(size, int) or checkpoint.partial_file != self.path.name:
            hint = "Call mark() before each save, or truncate(records=...) yourself."
            raise InvalidValue(f"The checkpoint has no mark of {self.path.name}.", hint=hint)
        crc = 0
        for line in self._lines(size):
            crc = zlib.crc32(line, crc)
        if size > self.size or crc != checkpoint.extra.get("partial_crc32"):
            problem = f"{self.path} is not what the checkpoint counts on."
            raise CorruptCheckpoint(problem, hint="Start the job afresh.")
        self.truncate(size=size)

    def truncate(self, *, records: int | None = None, size: int | None = None) -> None:
        """Keep the first ``records`` records, or ``size`` bytes (less, if that is inside a record)."""
        self._go_to(records=records, size=size)
        self.sync()

    def close(self) -> None:
        """Close the file; nothing is lost without it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _lines(self, size: int | None = None) -> Iterator[bytes]:
        left = self.size if size is None else size
        with os.fdopen(open_plain(self.path, os.O_RDONLY), "rb") as file:
            while left > 0 and (line := file.readline(left)):
                left -= len(line)
                yield line

    def _go_to(self, *, records: int | None = None, size: int | None = None) -> None:
        on_disk = os.fstat(self._descriptor).st_size
        self.size = self.records = self._crc = 0
        for line in self._lines(on_disk if size is None else min(size, on_disk)):
            if self.records == records or not line.endswith(b"\n"):
                break
            self._count(line)
        if self.size != on_disk:
            os.ftruncate(self._descriptor, self.size)

    def _count(self, line: bytes) -> None:
        self.size += len(line)
        self.records += 1
        self._crc = zlib.crc32(line, self._crc)
