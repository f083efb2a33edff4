"""The folder of notes: which files there are, what is in them, and changes that never overwrite a newer edit."""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from onward.errors import InvalidConfig, OnwardError

_TRIES = 3
_EXCHANGE = 2
_HERE = -100


class NoteUnreadable(OnwardError):
    """A note cannot be read as text now; what the graph knows of it stays."""

    code = "note-unreadable"


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as the file system shows it; ``mark`` changes when it is written."""

    path: str
    tier: str
    mark: str
    bytes: int


class Notes:
    """The Markdown files of a vault's tiers, by their paths below the vault, with ``/``."""

    def __init__(self, folder: str | Path, tiers: Mapping[str, str], most_bytes: int) -> None:
        self.folder = Path(folder).expanduser()
        self.tiers = {name: below.strip("/") for name, below in tiers.items()}
        self._most_bytes = most_bytes
        if not self.folder.is_dir():
            raise InvalidConfig(
                f"The vault {self.folder} is not there. Nothing was changed.", hint="Set ONWARD_VAULT_PATH."
            )

    def missing_tiers(self) -> list[str]:
        """Tiers whose folder is not there: what is known of them is left alone."""
        return [name for name, below in self.tiers.items() if not (self.folder / below).is_dir()]

    def tier_of(self, path: str) -> str | None:
        """The tier to which a path belongs: the one with the longest folder."""
        fitting = [(len(below), name) for name, below in self.tiers.items() if _is_below(path, below)]
        return max(fitting)[1] if fitting else None

    def scan(self) -> Iterator[Seen]:
        """All notes, in the order of their paths; hidden folders, links and other files are passed over."""
        yield from sorted(self._walk(), key=lambda seen: seen.path)

    def _walk(self) -> Iterator[Seen]:
        met: set[str] = set()
        for below in self.tiers.values():
            for root, folders, files in os.walk(self.folder / below):
                folders[:] = [name for name in folders if not name.startswith(".")]
                for name in files:
                    path = (Path(root) / name).relative_to(self.folder).as_posix()
                    if name.endswith(".md") and not name.startswith(".") and path not in met:
                        met.add(path)
                        seen = self.look(path)
                        if seen is not None:
                            yield seen

    def links(self) -> list[str]:
        """Notes that are links to files elsewhere: they are not followed, as their target may lie outside."""
        found = []
        for below in self.tiers.values():
            for root, _, files in os.walk(self.folder / below):
                for name in files:
                    place = Path(root) / name
                    if name.endswith(".md") and place.is_symlink():
                        found.append(place.relative_to(self.folder).as_posix())
        return sorted(set(found))

    def look(self, path: str) -> Seen | None:
        """A note as it is now, or None when there is none."""
        try:
            stat = os.stat(self.folder / path, follow_symlinks=False)
        except OSError:
            return None
        tier = self.tier_of(path)
        if tier is None or not os.path.isfile(self.folder / path) or os.path.islink(self.folder / path):
            return None
        return Seen(path, tier, _mark(stat), stat.st_size)

    def read(self, path: str) -> tuple[str, Seen]:
        """The text of a note, whole, and the note as it was then. Raises ``NoteUnreadable``."""
        for _ in range(_TRIES):
            before = self.look(path)
            if before is None:
                raise NoteUnreadable(f"{path} has gone.")
            if before.bytes > self._most_bytes:
                raise NoteUnreadable(f"{path} has {before.bytes:,} bytes, more than {self._most_bytes:,}.")
            try:
                data = (self.folder / path).read_bytes()
            except OSError as error:
                raise NoteUnreadable(f"{path} cannot be read: {error.strerror}.") from error
            after = self.look(path)
            if after == before and len(data) == before.bytes:
                return _decoded(path, data), before
        raise NoteUnreadable(f"{path} is being written.")

    def write(self, path: str, text: str, seen: Seen) -> Seen | None:
        """Replace a note that is still as it was seen; None, and nothing is changed, when it is not.

        Atomic: readers find the old text or the new one. Where the system can exchange two files, an edit of the last
        microsecond is noticed after the exchange, and put back.
        """
        place = self.folder / path
        number, name = tempfile.mkstemp(prefix=".onward-", suffix=".tmp", dir=place.parent)
        other = Path(name)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            current = self.look(path)
            if current != seen:
                return None
            other.chmod(place.stat().st_mode & 0o7777)
            written = _mark(other.stat())
            if not _exchange(other, place):
                os.replace(other, place)
            elif _mark(other.stat()) != seen.mark:
                _exchange(other, place)
                return None
            now = self.look(path)
            return now if now is not None and now.mark == written else None
        finally:
            with suppress(FileNotFoundError):
                other.unlink()


def _is_below(path: str, below: str) -> bool:
    return below in ("", ".") or path.startswith(f"{below}/")


def _mark(stat: os.stat_result) -> str:
    return f"{stat.st_mtime_ns}:{stat.st_size}:{stat.st_ino}"


def _decoded(path: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise NoteUnreadable(f"{path} is not UTF-8 (at byte {error.start}).") from error


def _exchange(one: Path, other: Path) -> bool:
    """Let two files change places at once; whether the system can."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    return bool(rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0)
