"""A crash or a power failure at any point leaves the old checkpoint or the new one."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from onward.checkpoints import Checkpoint, FileCheckpointStore
from onward.clock import ManualClock
from onward.errors import CorruptCheckpoint
from tests.checkpoints.disk import Disk, crashes, failing, laid_out, recorded


def progress_in(folder: Path) -> float | str | None:
    """What a new process finds: the progress, None, or that it is damaged."""
    try:
        loaded = FileCheckpointStore(folder, clock=ManualClock()).load_checkpoint("wiki", "metadata")
    except CorruptCheckpoint:
        return "damaged"
    return loaded.progress if loaded else None


def saves(store: FileCheckpointStore, *values: int) -> None:
    for value in values:
        store.save_checkpoint(Checkpoint("metadata", "wiki", progress=value))


@pytest.mark.parametrize("before", [(), (10,), (10, 20)])
def test_power_failure_during_a_save_leaves_old_or_new(
    before: tuple[int, ...], store: FileCheckpointStore, tmp_path: Path
) -> None:
    saves(store, *before)
    disk = Disk.of(store.folder)
    with recorded(store.folder) as log:
        saves(store, 30)
    assert [each[0] for each in log][-1] == "sync_folder"
    old = before[-1] if before else None
    seen = set()
    for count, state in crashes(disk, log):
        found = progress_in(laid_out(tmp_path / "after", state))
        seen.add(found)
        assert found in (old, 30), (log[:count], state)
        assert count < len(log) or found == 30, "it was saved, and is gone"
    assert seen == {old, 30}


def test_power_failure_during_a_save_over_a_damaged_file(store: FileCheckpointStore, tmp_path: Path) -> None:
    saves(store, 10, 20)
    (store.folder / "wiki_metadata.checkpoint.json").write_bytes(b"torn")
    disk = Disk.of(store.folder)
    with recorded(store.folder) as log:
        saves(store, 30)
    for count, state in crashes(disk, log):
        found = progress_in(laid_out(tmp_path / "after", state))
        assert found == 30 or (found == 10 and count < len(log))
        assert b"torn" in {path.read_bytes() for path in (tmp_path / "after").iterdir()}


def test_power_failure_while_damage_is_set_aside(store: FileCheckpointStore, tmp_path: Path) -> None:
    saves(store, 10, 20)
    (store.folder / "wiki_metadata.checkpoint.json").write_bytes(b"torn")
    disk = Disk.of(store.folder)
    with recorded(store.folder) as log:
        assert progress_in(store.folder) == 10
    for _count, state in crashes(disk, log):
        assert progress_in(laid_out(tmp_path / "after", state)) == 10


def test_power_failure_during_a_delete_never_goes_back(store: FileCheckpointStore, tmp_path: Path) -> None:
    saves(store, 10, 20)
    partial = store.partial("wiki", "metadata")
    partial.append(1)
    disk = Disk.of(store.folder)
    with recorded(store.folder) as log:
        store.delete_checkpoint("wiki", "metadata")
    for count, state in crashes(disk, log):
        found = progress_in(laid_out(tmp_path / "after", state))
        assert found in (20, None)
        assert found is None or "wiki_metadata.partial.jsonl" in state
        assert count < len(log) or (found is None and not state)


@pytest.mark.parametrize("without", ["sync", "sync_folder"])
def test_the_enumeration_bites(without: str, store: FileCheckpointStore, tmp_path: Path) -> None:
    saves(store, 10)
    disk = Disk.of(store.folder)
    with recorded(store.folder, without=without) as log:
        saves(store, 30)
    states = [(count, progress_in(laid_out(tmp_path / "after", state))) for count, state in crashes(disk, log)]
    acked = {found for count, found in states if count == len(log)}
    assert acked != {30}, "a save without this flush must be caught"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_full_or_broken_disk_at_each_call_leaves_old_or_new(
    number: int, store: FileCheckpointStore, tmp_path: Path
) -> None:
    saves(store, 10, 20)
    good = {path.name: path.read_bytes() for path in store.folder.iterdir()}
    for at in range(100):
        folder = laid_out(tmp_path / "after", good)
        with failing(at, lambda: OSError(number, os.strerror(number))) as calls:
            try:
                saves(FileCheckpointStore(folder, clock=ManualClock()), 30)
                said = False
            except OSError:
                said = True
        if len(calls) <= at:
            break
        assert said, calls
        assert progress_in(folder) in (20, 30)
        assert not [name for name in os.listdir(folder) if name.endswith(".tmp")]
        saves(FileCheckpointStore(folder, clock=ManualClock()), 40)
        assert progress_in(folder) == 40
    assert {"open", "write", "fsync", "replace"} <= set(calls)


CHILD = """
import os, signal, sys
from onward.checkpoints import Checkpoint, FileCheckpointStore

folder, act, at = sys.argv[1], sys.argv[2], 0

def life(dies_at):
    store = FileCheckpointStore(folder)
    calls = 0

    def counted(real):
        def call(*args, **more):
            nonlocal calls
            if calls == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
            calls += 1
            result = real(*args, **more)
            if calls == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
            calls += 1
            return result
        return call

    for name in ("open", "write", "fsync", "replace", "unlink", "close"):
        setattr(os, name, counted(getattr(os, name)))
    if act == "save":
        store.save_checkpoint(Checkpoint("metadata", "wiki", progress=30))
    elif act == "delete":
        store.delete_checkpoint("wiki", "metadata")
    else:
        store.load_checkpoint("wiki", "metadata")

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        life(int(line))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.mark.parametrize(
    ("act", "old", "new"),
    [("save", 20, 30), ("delete", 20, None), ("load", 10, 10), ("save damaged", 10, 30)],
)
def test_kill_at_each_system_call_leaves_old_or_new(act: str, old: int, new: int | None, tmp_path: Path) -> None:
    folder = tmp_path / "_jobs"
    store = FileCheckpointStore(folder, clock=ManualClock())
    saves(store, 10, 20)
    if old == 10:
        (folder / "wiki_metadata.checkpoint.json").write_bytes(b"torn")
    good = {path.name: path.read_bytes() for path in folder.iterdir()}
    path = os.pathsep.join(each for each in sys.path if each)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), act.removesuffix(" damaged")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert child.stdin
    assert child.stdout
    found: list[object] = []
    with child:
        for at in range(200):
            laid_out(folder, good)
            child.stdin.write(f"{at}\n")
            child.stdin.flush()
            code = int(child.stdout.readline())
            found.append(progress_in(folder))
            assert found[-1] in (old, new), at
            saves(FileCheckpointStore(folder, clock=ManualClock()), 40)
            assert progress_in(folder) == 40
            if code == 0:
                break
        child.stdin.close()
    assert child.returncode == 0
    assert found[-1] == new
    assert len(found) > 8


def test_file_is_readable_by_other_programs(store: FileCheckpointStore) -> None:
    saves(store, 30)
    assert json.loads((store.folder / "wiki_metadata.checkpoint.json").read_text())["progress"] == 30
