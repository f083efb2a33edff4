"""What a first look over Redis has found, in a file: so memory stays flat, and threads can be gone through in order.

The file belongs to one job. What was found and where the look is are written together, so it goes on after a kill.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from onward.errors import OnwardError

_PAGE = 500
_TABLES = """
CREATE TABLE IF NOT EXISTS found (
    thread TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, id TEXT NOT NULL, at REAL,
    parent TEXT, version INTEGER NOT NULL, root TEXT, is_delta INTEGER NOT NULL, key BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS looks (name TEXT PRIMARY KEY, cursor INTEGER NOT NULL, is_done INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Found:
    """One key: ``kind`` is ``plain``, ``saver``, ``shallow`` or ``write``."""

    thread: str
    kind: str
    namespace: str
    id: str
    at: float | None
    key: bytes
    parent: str | None = None
    version: int = 4
    root: str | None = None
    is_delta: bool = False


class Catalogue:
    """A file of found keys. ``of`` names what they were found in: a file about something else is begun anew."""

    def __init__(self, path: Path, of: str) -> None:
        self._path = path
        try:
            self._open(of)
        except sqlite3.DatabaseError:
            self._remove()
            self._open(of)

    def _open(self, of: str) -> None:
        self._db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        # After a power cut the look begins anew; a killed process leaves what it has committed.
        self._db.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; {_TABLES}")
        known = self._db.execute("SELECT value FROM facts WHERE name = 'of'").fetchone()
        if known is None or known[0] != of:
            self._db.executescript("DELETE FROM found; DELETE FROM looks; DELETE FROM facts;")
            self._db.execute("INSERT INTO facts VALUES ('of', ?)", (of,))

    def place(self, look: str) -> int | None:
        """The cursor at which a look goes on; None when it has ended."""
        row = self._db.execute("SELECT cursor, is_done FROM looks WHERE name = ?", (look,)).fetchone()
        return 0 if row is None else None if row[1] else int(row[0])

    def add(self, look: str, cursor: int, found: Iterable[Found]) -> None:
        """Take in what one piece of a look has found; a cursor of 0 is its end."""
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT INTO found VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (f.thread, f.kind, f.namespace, f.id, f.at, f.parent, f.version, f.root, f.is_delta, f.key)
                for f in found
            ),
        )
        self._db.execute("INSERT OR REPLACE INTO looks VALUES (?, ?, ?)", (look, cursor, cursor == 0))
        self._db.execute("COMMIT")

    def sort(self) -> int:
        """To be called when all has been found; returns how many threads there are."""
        self._db.execute("CREATE INDEX IF NOT EXISTS by_thread ON found (thread)")
        return int(self._db.execute("SELECT count(DISTINCT thread) FROM found").fetchone()[0])

    def threads(self, after: str | None) -> Iterator[str]:
        """Names of threads in the order of their text, those after ``after``."""
        last, condition = (after, ">") if after is not None else ("", ">=")
        while True:
            rows = self._db.execute(
                f"SELECT DISTINCT thread FROM found WHERE thread {condition} ? ORDER BY thread LIMIT ?",
                (last, _PAGE),
            ).fetchall()
            for (name,) in rows:
                yield name
            if len(rows) < _PAGE:
                return
            last, condition = rows[-1][0], ">"

    def of(self, threads: Sequence[str]) -> Iterator[tuple[str, list[Found]]]:
        """What was found of these threads, each key once."""
        marks = ",".join("?" * len(threads))
        rows = self._db.execute(f"SELECT * FROM found WHERE thread IN ({marks}) ORDER BY thread", list(threads))
        for thread, members in groupby(rows, key=lambda row: row[0]):
            by_key = {row[9]: _found(row) for row in members}
            yield thread, list(by_key.values())

    def close(self) -> None:
        """Leave the file for the next attempt."""
        self._db.close()

    def remove(self) -> None:
        """It has served."""
        self._db.close()
        self._remove()

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


def _found(row: tuple[Any, ...]) -> Found:
    thread, kind, namespace, identity, at, parent, version, root, is_delta, key = row
    return Found(thread, kind, namespace, identity, at, key, parent, version, root, bool(is_delta))


def catalogue_path(job_id: str, now: float, keep_seconds: float = 7 * 86400) -> Path:
    """The file of a job, in a folder that is this user's alone; what jobs long ago have left there is removed."""
    folder = Path(tempfile.gettempdir()) / f"onward-conversations-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise OnwardError(
            f"The folder {folder} belongs to somebody else, or others may read it.",
            hint="Remove it, or set TMPDIR to a folder of your own.",
        )
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < now - keep_seconds:
                path.unlink()
    return folder / f"{job_id}.db"
