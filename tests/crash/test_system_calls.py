"""Death, a full disk and a broken one at each system call that changes a disk, by strace from outside the process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from onward import Onward
from onward.checkpoints import Checkpoint, FileCheckpointStore
from onward.clock import ManualClock
from onward.errors import CorruptCheckpoint
from onward.store.journal import Damage, Journal, Record
from tests.crash import system_calls
from tests.crash.system_calls import NEW, OLD, RECORD

_CALLS = ("fsync,fdatasync", "write,pwrite64", "rename,renameat,renameat2", "unlink,unlinkat", "ftruncate")
_HOWS = ("signal=SIGKILL", "error=ENOSPC", "error=EIO")
_FEW = 3
"""In the ordinary suite so many calls of each kind are met, spread over all that are made; in the long one, each."""


def _why_not() -> str:
    if shutil.which("strace") is None:
        return "strace is not installed: system calls are not met here"
    done = subprocess.run(["strace", "-qq", "-e", "trace=fsync", "true"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "strace may not trace here: system calls are not met here"


pytestmark = pytest.mark.skipif(bool(_why_not()), reason=_why_not() or "strace works")


@dataclass
class Calls:
    """One act in a folder that is laid out anew for every try."""

    folder: Path
    template: Path
    act: str
    tried: int = 0
    met: int = 0
    wrong: list[str] = field(default_factory=list)

    def count(self, calls: str) -> int:
        """How many calls of this kind the act makes on files of the folder."""
        self._lay_out()
        log = self.folder.with_name("trace")
        self._run("-e", f"trace={calls}", "-P", str(self.folder), *self._files(), "-o", str(log))
        return len([line for line in log.read_text().splitlines() if "(" in line and "+++" not in line])

    def meet(self, calls: str, how: str, number: int, judge: Callable[[bool], str]) -> None:
        """The act meets this at its n-th call; and once more at the one after, which finds what the first has left."""
        self._lay_out()
        log = self.folder.with_name("trace")
        said = self._run(
            "-e", f"trace={calls}", "-P", str(self.folder), *self._files(), "-e", f"inject={calls}:{how}:when={number}",
            "-o", str(log),
        )  # fmt: skip
        self.tried += 1
        self.met += any(word in log.read_text() for word in ("INJECTED", "killed by SIGKILL"))
        if how != "signal=SIGKILL" and "acked" not in said.stdout and said.returncode == 0:
            self.wrong.append(f"{self.act} {calls} {how} {number}: ended without a word: {said.stderr[-300:]}")
        problem = judge("acked" in said.stdout)
        if problem:
            self.wrong.append(f"{self.act} {calls} {how} at {number}: {problem}; {said.stderr[-300:]}")

    def _files(self) -> list[str]:
        """Files that may come to be; strace follows those that it is told of."""
        names = ("onward.db", "onward.db-wal", "onward.db-journal", "onward.db-shm")
        return [word for name in names for word in ("-P", str(self.folder / name))] if self.is_database else []

    @property
    def is_database(self) -> bool:
        """Whether the act is on a database, and not on checkpoint files."""
        return self.act in ("migration", "submit")

    def _lay_out(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.template, self.folder)

    def _run(self, *options: str) -> subprocess.CompletedProcess[str]:
        where = [word for word in options if self.is_database or word not in ("-P", str(self.folder))]
        command = [sys.executable, "-m", "tests.crash.system_calls", self.act, str(self.folder)]
        # Stops at the calls that are meant only, where strace can: not for signals.
        fast = [] if any("signal=" in word for word in options) else ["--seccomp-bpf"]
        paths = os.pathsep.join(path for path in (*sys.path, os.getcwd()) if path)
        return subprocess.run(
            ["strace", "-f", "-q", *fast, *where, *command], capture_output=True, text=True, check=False, timeout=300,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip


def _progress(folder: Path) -> object:
    try:
        loaded = FileCheckpointStore(folder, clock=ManualClock()).load_checkpoint("wiki", "metadata")
    except CorruptCheckpoint:
        return "damaged"
    return loaded.progress if loaded else None


def _judge_file(calls: Calls) -> Callable[[bool], str]:
    after = None if calls.act == "delete" else NEW

    def judge(is_acked: bool) -> str:
        found = _progress(calls.folder)
        good = (after,) if is_acked else (OLD, after)
        if found not in good:
            return f"found {found}, should be one of {good}"
        # Whoever comes next can go on.
        FileCheckpointStore(calls.folder).save_checkpoint(Checkpoint("metadata", "wiki", progress=40))
        return "" if _progress(calls.folder) == 40 else "nothing can be saved any more"

    return judge


def _judge_database(calls: Calls) -> Callable[[bool], str]:
    def judge(is_acked: bool) -> str:
        app = Onward(system_calls.url(calls.folder))
        app.job(name="work")(system_calls._work)
        try:
            before = app.counts()["pending"]
            if is_acked and calls.act == "submit" and before != 1:
                return f"acked, and {before} jobs are there"
            app.submit("work", idempotency_key="one")
            after, problems = app.counts()["pending"], app.database.check()
        finally:
            app.close()
        return "" if (after, problems) == (1, []) else f"{after} jobs, {problems}"

    return judge


_JOURNALS: dict[str, tuple[list[list[int]], list[list[int]]]] = {
    "journal": ([[OLD], [OLD, NEW, NEW]], [[OLD, NEW, NEW]]),
    "new_journal": ([[], [NEW]], [[NEW]]),
    "clear_journal": ([[OLD], []], [[]]),
    # One that stays is written back once more, which changes nothing.
    "remove_journal": ([[OLD], []], [[OLD], []]),
}
"""What a journal may have in it: before it was acked, and after."""


def _judge_journal(calls: Calls) -> Callable[[bool], str]:
    place = calls.folder / ("new/one.journal" if calls.act == "new_journal" else "left.journal")

    def judge(is_acked: bool) -> str:
        good = _JOURNALS[calls.act][is_acked]
        found = Journal.adopt(place)
        values, last = [], 1
        if found is not None:
            for record in found.read():
                if isinstance(record, Damage) and not record.is_tail:
                    return f"damaged from {record.start} to {record.end}"
                if isinstance(record, Record):
                    values.append(int(record.payload.split()[0]))
                    last = record.seq
            # Whoever comes next can go on.
            found.begin_after(last)
            found.append([RECORD % 40])
            after = [record.payload for record in found.read() if isinstance(record, Record)]
            found.close()
            if after[-1:] != [RECORD % 40]:
                return "nothing can be added any more"
        return "" if values in good else f"found {values}, should be one of {good}"

    return judge


@pytest.fixture
def template(tmp_path: Path) -> Path:
    folder = tmp_path / "template"
    folder.mkdir()
    return folder


def _points(calls: Calls, most: int | None) -> Iterator[tuple[str, str, int]]:
    if most == 1:
        # Without counting them: each act writes and flushes once.
        yield from ((kind, how, 1) for kind in _CALLS[:2] for how in _HOWS[:2])
        return
    for kind in _CALLS:
        count = calls.count(kind)
        step = 1 if most is None else max(1, count // most)
        yield from ((kind, how, number) for number in range(1, count + 1, step) for how in _HOWS)


def _run_all(act: str, template: Path, tmp_path: Path, most: int | None) -> None:
    if act in ("save", "delete", "append"):
        store = FileCheckpointStore(template, clock=ManualClock())
        for value in (10, OLD):
            store.save_checkpoint(Checkpoint("metadata", "wiki", progress=value))
    elif act == "submit":
        app = Onward(system_calls.url(template))
        app._store.prepare()
        app.close()
    elif act in system_calls.JOURNALS:
        left = Journal.create(template, "left", 1 << 20)
        left.append([RECORD % OLD])
        left.close()
    calls = Calls(tmp_path / "folder", template, act)
    if act in system_calls.JOURNALS:
        judge = _judge_journal(calls)
    else:
        judge = _judge_database(calls) if calls.is_database else _judge_file(calls)
    for kind, how, number in _points(calls, most):
        calls.meet(kind, how, number, judge)
    print(f"\nsystem calls of {act}: {calls.tried} tried, {calls.met} met")
    assert calls.wrong == []
    assert calls.tried > 3
    assert calls.met >= 0.9 * calls.tried, "the faults did not come"


@pytest.mark.parametrize("act", ["save", "submit", "journal"])
def test_fault_at_some_system_calls_leaves_old_or_new(act: str, template: Path, tmp_path: Path) -> None:
    _run_all(act, template, tmp_path, 1)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("act", system_calls.ACTS)
def test_fault_at_every_system_call_leaves_old_or_new(act: str, template: Path, tmp_path: Path) -> None:
    _run_all(act, template, tmp_path, None if act != "migration" else 10)
