"""What actors write down outside the database: the ledger of steps, the fenced sink, the histories of clients.

They are compared with the database afterwards. A line of the ledger is on the disk before the next thing happens.
"""

from __future__ import annotations

import json
import mmap
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_PULSE_SECONDS = 0.1


def boottime() -> int:
    """Nanoseconds since the machine was started: one clock for all processes, which no jump moves."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger. ``kind``: begin, step, acked, end, enter, leave, pids, poison, sink."""

    kind: str
    job: str
    generation: int
    phase: str
    step: str
    fence: int
    pid: int
    at: int
    more: str = ""

    @classmethod
    def of(cls, text: str) -> Line | None:
        """A line as it was read; None for one that was cut short."""
        parts = text.split("\t")
        if len(parts) != 9 or not parts[7].isdigit():
            return None
        kind, job, generation, phase, step, fence, pid, at, more = parts
        return cls(kind, job, int(generation), phase, step, int(fence), int(pid), int(at), more)


class Ledger:
    """Lines that only grow, appended by many processes at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)

    def say(
        self, kind: str, job: str, generation: int, phase: str, step: object, fence: int, more: object = ""
    ) -> None:
        """Append one line and have it on the disk."""
        words = (kind, job, generation, phase, step, fence, os.getpid(), boottime(), more)
        os.write(self._file, ("\t".join(map(str, words)) + "\n").encode())
        os.fsync(self._file)

    def lines(self) -> list[Line]:
        """All lines, in the order in which they were written."""
        texts = self.path.read_text(encoding="utf-8").splitlines()
        return [line for line in map(Line.of, texts) if line is not None]


class Sink:
    """An outside system that keeps the largest fence that it has seen of a job, and refuses smaller ones."""

    def __init__(self, path: Path) -> None:
        self._conn = sqlite3.connect(path, timeout=120, isolation_level=None, check_same_thread=False)
        self._conn.execute("PRAGMA synchronous = OFF")
        self._conn.execute("CREATE TABLE IF NOT EXISTS sink (job TEXT PRIMARY KEY, fence INTEGER, refused INTEGER)")

    def write(self, job: str, fence: int) -> bool:
        """Whether the write was taken."""
        taken = self._conn.execute(
            "INSERT INTO sink VALUES (?, ?, 0) ON CONFLICT (job) DO UPDATE SET fence = max(fence, excluded.fence), "
            "refused = refused + (fence > excluded.fence) RETURNING fence",
            (job, fence),
        ).fetchone()
        return bool(taken[0] <= fence)

    def rows(self) -> dict[str, tuple[int, int]]:
        """Job to the largest fence and how many writes were refused."""
        return {job: (fence, refused) for job, fence, refused in self._conn.execute("SELECT * FROM sink")}


class Control:
    """A page that the harness and one worker share: the shift of its clock, and where it shall stop."""

    _CLOCK, _STOP, _READY = 0, 8, 9

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(64))
        with path.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), 64)

    def shift_clock(self, seconds: int) -> None:
        """Set the worker's wall clock off by so much."""
        self._page[self._CLOCK : self._CLOCK + 8] = seconds.to_bytes(8, "little", signed=True)

    def set_ready(self, is_ready: bool) -> None:
        """Say whether the worker is there, with its signal handlers."""
        self._page[self._READY] = int(is_ready)

    @property
    def is_ready(self) -> bool:
        """Whether it is."""
        return self._page[self._READY] == 1

    def ask_to_stop_inside(self) -> None:
        """Have the worker stop itself within its next transaction."""
        self._page[self._STOP] = 1

    def take_stop(self) -> bool:
        """Whether that was asked; once."""
        asked = self._page[self._STOP] == 1
        self._page[self._STOP] = 0
        return asked


@dataclass(frozen=True, slots=True)
class Act:
    """One line of a client's history: ``what`` is invoke, ok, fail (refused) or info (nobody knows)."""

    at: int
    client: str
    number: int
    what: str
    verb: str
    key: str
    job_type: str = ""
    params: str = "{}"
    job: str = ""
    error: str = ""


class History:
    """What one client asked for, and what it was told."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def write(self, act: Act) -> None:
        """Append a line."""
        self._file.write(json.dumps(asdict(act)) + "\n")


def read_histories(folder: Path) -> list[Act]:
    """What all clients asked and were told, by time."""
    found = []
    for path in sorted(folder.glob("history-*.jsonl")):
        found += [Act(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    return sorted(found, key=lambda act: act.at)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that was done to an actor, from when to when. ``actor`` "*" is everybody."""

    kind: str
    actor: str
    pid: int
    begin: int
    end: int
    more: str = ""


def read_faults(path: Path) -> list[Fault]:
    """What was done, in order."""
    return [Fault(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def write_fault(path: Path, fault: Fault) -> None:
    """Append one."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(fault)) + "\n")


class Pulse:
    """A thread that wants a turn again and again, and notes when it had none for long: the machine had no room for it.

    ``beat`` is what it does at each turn; that it takes long says the same.
    """

    def __init__(self, folder: Path, actor: str, longest_seconds: float, beat: Callable[[], object] = int) -> None:
        self._path, self._actor, self._pid = folder / "faults.jsonl", actor, os.getpid() if actor != "*" else 0
        self._longest, self._beat = int(longest_seconds * 1e9), beat
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos-pulse", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._ended.set()

    def _run(self) -> None:
        before = boottime()
        while not self._ended.wait(_PULSE_SECONDS):
            self._beat()
            now = boottime()
            if now - before > self._longest:
                write_fault(self._path, Fault("starved", self._actor, self._pid, before, now))
            before = now


def as_text(value: Any) -> str:
    """A value as one line of JSON."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
