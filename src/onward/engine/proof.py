"""Proofs of life: who this process is, whether another one on the same machine still runs, and the locks that die
with their holder.

Same machine means the same boot *and* the same process namespace; elsewhere the process table decides nothing.
"""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows is a client only
    fcntl = None  # type: ignore[assignment]  # Windows has no such module


@dataclass(frozen=True, slots=True)
class Identity:
    """Which process on which machine."""

    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    pid_started: float


def identity(pid: int | None = None) -> Identity:
    """This process, or another one on this machine."""
    pid = os.getpid() if pid is None else pid
    return Identity(socket.gethostname(), _boot_id(), _namespace(), pid, _started(pid) or 0.0)


def is_gone(other: Identity, here: Identity) -> bool | None:
    """Whether the other process has ended; None where this machine cannot tell."""
    if not here.boot_id or (other.boot_id, other.pid_namespace) != (here.boot_id, here.pid_namespace):
        return None
    started = _started(other.pid)
    # The same number may have been given to another process since.
    return started is None or abs(started - other.pid_started) > 0.02


def is_stopped(pid: int) -> bool:
    """Whether a process of this machine is stopped by a signal or a debugger, as far as the system tells."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    return True


def _started(pid: int) -> float | None:
    """When a process was started, in a unit that setting the wall clock does not change; None when there is none."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return None
        # State, and ticks since boot (proc(5), fields 3 and 22).
        return None if fields[0] in "ZX" else float(fields[19])
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return float(process.create_time())
    return None


def _boot_id() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return str(int(psutil.boot_time()))


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return "one"


class LifeFile:
    """A file beside a SQLite database that is locked for as long as the worker lives; the system lets go of it."""

    def __init__(self, folder: Path, worker_id: str) -> None:
        folder.mkdir(exist_ok=True)
        self.path = folder / f"{worker_id}.life"
        self._file: IO[str] | None = open(self.path, "w")  # noqa: SIM115 - held for the worker's whole life
        if fcntl is not None:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def close(self) -> None:
        """Let go of it."""
        if self._file is not None:
            with contextlib.suppress(FileNotFoundError):
                self.path.unlink()
            self._file.close()
            self._file = None


def forget(folder: Path, worker_id: str) -> None:
    """Remove the life file of a worker that is no more."""
    with contextlib.suppress(OSError):
        (folder / f"{worker_id}.life").unlink()


def is_let_go(folder: Path, worker_id: str) -> bool | None:
    """Whether the holder of a life file has ended; None when there is no such file."""
    path = folder / f"{worker_id}.life"
    if fcntl is None:
        return None
    try:
        file = open(path, "r+")  # noqa: SIM115 - closed below
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        file.close()
