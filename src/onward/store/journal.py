"""The journal: what could not be written to the database, kept on local disk in order until it can.

One file for each process. Its owner holds a lock on it as long as it lives, so whoever gets the lock knows that the
owner is dead. A record is a mark, a length, a CRC-32, a sequence number and bytes; once ``append`` has returned it is
on the disk. Reading goes on after a damaged record at the next mark that fits, and a tail that was torn by a crash was
never promised to anybody.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from onward.errors import JournalUnavailable
from onward.model.codec import digest
from onward.store.store import Store, shown_url

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows is a client only
    fcntl = None  # type: ignore[assignment]  # Windows has no such module

SUFFIX = ".journal"
_HEAD = struct.Struct(">4sIIQ")
_MARK = b"\xa5onw"
_READ_BYTES = 1 << 20
_MOST_RECORD = 256 << 20


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its number, its bytes, and where the next one begins."""

    seq: int
    payload: bytes
    end: int


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no record: from ``start`` to ``end``. ``is_tail``: nothing readable follows."""

    start: int
    end: int
    is_tail: bool


class Journal:
    """An append-only file of records under a lock. ``size`` is what it takes on disk."""

    def __init__(self, path: Path, number: int, most_bytes: int = 1 << 62) -> None:
        self.path = path
        self.size = os.fstat(number).st_size
        self._number = number
        self._most = most_bytes
        self._seq = 0

    @classmethod
    def create(cls, folder: Path, name: str, most_bytes: int) -> Self:
        """A new journal in a folder, which is made. Raises ``JournalUnavailable``."""
        path = folder / f"{name}{SUFFIX}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NOFOLLOW, 0o600)
            _lock(number)
            _flush_folder(folder)
        except OSError as error:
            raise _unavailable(path, error) from error
        return cls(path, number, most_bytes)

    @classmethod
    def adopt(cls, path: Path) -> Self | None:
        """The journal of somebody who is dead, or None when its owner lives or it has gone meanwhile."""
        try:
            number = os.open(path, os.O_RDWR | _NOFOLLOW)
        except OSError:
            return None
        try:
            _lock(number)
            # Renamed or removed by whoever had the lock before us?
            is_here = os.fstat(number).st_ino == os.stat(path).st_ino
        except OSError:
            is_here = False
        if not is_here:
            os.close(number)
            return None
        return cls(path, number)

    @property
    def name(self) -> str:
        """The name under which the database remembers how far it was written."""
        return self.path.name.removesuffix(SUFFIX)

    def begin_after(self, seq: int) -> None:
        """Number the records from here on: what was written under a number is never another record."""
        self._seq = max(self._seq, seq)

    @property
    def last(self) -> int:
        """The number of the newest record."""
        return self._seq

    def append(self, payloads: Sequence[bytes]) -> int:
        """Add records; on the disk when this returns the number of the last one.

        Raises ``JournalUnavailable`` when there is no room; then none of them is in it.
        """
        parts: list[bytes] = []
        for number, payload in enumerate(payloads, self._seq + 1):
            parts += (_head(number, payload), payload)
        data = b"".join(parts)
        if self.size + len(data) > self._most:
            raise JournalUnavailable(
                f"The journal {self.path} has reached its limit of {self._most:,} bytes.",
                hint="What runs waits until the database is back. Raise journal.max_bytes if outages are long.",
            )
        try:
            _write(self._number, data, self.size)
            os.fsync(self._number)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._number, self.size)
            raise _unavailable(self.path, error) from error
        self.size += len(data)
        self._seq += len(payloads)
        return self._seq

    def read(self, start: int = 0) -> Iterator[Record | Damage]:
        """Records from a place on, and what is damaged between them."""
        at = start
        while at < self.size:
            found = self._record(at)
            if found is None:
                after = self._next_mark(at + 1)
                yield Damage(at, after or self.size, after is None)
                if after is None:
                    return
                at = after
                continue
            yield found
            at = found.end

    def clear(self) -> None:
        """Everything in it is in the database: begin with an empty file."""
        os.ftruncate(self._number, 0)
        os.fsync(self._number)
        self.size = 0

    def remove(self) -> None:
        """Delete the file and let it go."""
        with contextlib.suppress(OSError):
            self.path.unlink()
        self.close()

    def set_aside(self) -> Path:
        """Keep a damaged journal under another name, where nobody reads it again."""
        aside = self.path.with_suffix(".damaged")
        self.path.rename(aside)
        self.close()
        return aside

    def close(self) -> None:
        """Let it go as it is: the next one in this place finds it."""
        number, self._number = self._number, -1
        if number >= 0:
            os.close(number)

    def _record(self, at: int) -> Record | None:
        head = os.pread(self._number, _HEAD.size, at)
        if len(head) < _HEAD.size:
            return None
        mark, length, checksum, seq = _HEAD.unpack(head)
        if mark != _MARK or length > _MOST_RECORD or at + _HEAD.size + length > self.size:
            return None
        payload = os.pread(self._number, length, at + _HEAD.size)
        if len(payload) < length or _checksum(seq, payload) != checksum:
            return None
        return Record(seq, payload, at + _HEAD.size + length)

    def _next_mark(self, at: int) -> int | None:
        """Where the next whole record begins."""
        while at < self.size:
            piece = os.pread(self._number, _READ_BYTES, at)
            found = piece.find(_MARK)
            if found < 0:
                at += max(1, len(piece) - len(_MARK) + 1)
                continue
            if self._record(at + found) is not None:
                return at + found
            at += found + 1
        return None


def place_of(store: Store) -> Path:
    """The folder of the journals of a database on this machine: the setting, or beside it, or in the user's home."""
    folder = store.settings.journal.folder
    if folder is not None:
        return Path(folder).expanduser()
    path = store.sqlite_path
    if path is not None:
        return path.with_name(path.name + ".journals")
    try:
        state = Path.home() / ".local" / "state"
    except RuntimeError:
        state = Path("/var/tmp")  # noqa: S108 - survives a restart of the machine, and the folder is made with mode 0700
    return state / "onward" / digest(shown_url(store.url)).replace(":", "-")


_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


def _head(seq: int, payload: bytes) -> bytes:
    return _HEAD.pack(_MARK, len(payload), _checksum(seq, payload), seq)


def _checksum(seq: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(struct.pack(">IQ", len(payload), seq)))


def _write(number: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(number, view, at)
        view, at = view[done:], at + done


def _lock(number: int) -> None:
    if fcntl is not None:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _flush_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _unavailable(path: Path, error: OSError) -> JournalUnavailable:
    return JournalUnavailable(
        f"Cannot write the journal {path}: {error.strerror or error}.",
        hint="What runs waits until the database is back. Give the disk room, or set journal.folder to another place.",
    )
