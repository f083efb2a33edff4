"""A disk that may lose power: records file operations, and lays out every state that a crash could leave.

Written data and changes of a folder reach the disk only when they are flushed; until then any part of them
may be there or not, in any order. A file's unflushed content may be missing, cut or garbage.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pytest

Change = tuple[str, str, str]
"""(``link``, name, inode), (``unlink``, name, "") or (``rename``, old name, new name)."""


@dataclass
class Disk:
    """What is certainly on the disk, and what is only on its way there."""

    durable: dict[str, bytes] = field(default_factory=dict)
    pending: dict[str, bytes] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path) -> Disk:
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        return cls(durable=dict(files), names={name: name for name in files})

    def apply(self, operation: tuple[Any, ...]) -> None:
        match operation:
            case ("create", name, inode):
                self.durable[inode] = b""
                self.changes.append(("link", name, inode))
            case ("write", inode, data):
                self.pending[inode] = self.pending.get(inode, self.durable[inode]) + data
            case ("sync", inode):
                self.durable[inode] = self.pending.pop(inode, self.durable[inode])
            case ("rename" | "unlink", _old, _new):
                self.changes.append(operation)  # type: ignore[arg-type]
            case ("sync_folder",):
                self.names = self.after(self.changes)
                self.changes = []

    def after(self, changes: list[Change]) -> dict[str, str]:
        names, live = dict(self.names), dict(self.names)
        for change in self.changes:  # what a rename moves is fixed when it is called, lost changes or not
            kind, name, other = change
            inode = other if kind == "link" else live.pop(name)
            if kind != "unlink":
                live[other if kind == "rename" else name] = inode
            if change in changes:
                if kind != "link":
                    names.pop(name, None)
                if kind != "unlink":
                    names[other if kind == "rename" else name] = inode
        return names

    def states(self) -> Iterator[dict[str, bytes]]:
        """Every content that the folder could have after the power comes back."""
        inodes = list(self.pending)
        contents = [
            {self.durable[inode], data, data[: len(data) // 2], data[:1], b"\0" * len(data)}
            for inode, data in self.pending.items()
        ]
        for kept in product((False, True), repeat=len(self.changes)):
            changes = [change for change, keep in zip(self.changes, kept, strict=True) if keep]
            names = self.after(changes)
            for data in product(*contents):
                files = {**self.durable, **dict(zip(inodes, data, strict=True))}
                yield {name: files[inode] for name, inode in names.items()}


@contextmanager
def recorded(folder: Path, without: str = "") -> Iterator[list[tuple[Any, ...]]]:
    """Record what is done to the files of ``folder``; ``without`` leaves out one kind of operation."""
    log: list[tuple[Any, ...]] = []
    inode_of: dict[int, str] = {}
    real = {name: getattr(os, name) for name in ("open", "write", "fsync", "replace", "unlink", "close")}

    def note(*operation: Any) -> None:
        if operation[0] != without:
            log.append(operation)

    def opened(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        new = bool(flags & os.O_CREAT) and not Path(path).exists()
        descriptor = real["open"](path, flags, *rest, **more)
        is_folder = Path(path) == folder
        inode_of[descriptor] = "folder" if is_folder else f"new:{Path(path).name}" if new else Path(path).name
        if new:
            note("create", Path(path).name, inode_of[descriptor])
        return int(descriptor)

    def written(descriptor: int, data: Any) -> int:
        count = real["write"](descriptor, bytes(data)[: max(1, len(data) * 2 // 3)])
        note("write", inode_of[descriptor], bytes(data)[:count])
        return int(count)

    def synced(descriptor: int) -> None:
        real["fsync"](descriptor)
        inode = inode_of[descriptor]
        note("sync_folder") if inode == "folder" else note("sync", inode)

    def replaced(old: Any, new: Any) -> None:
        real["replace"](old, new)
        note("rename", Path(old).name, Path(new).name)

    def unlinked(path: Any) -> None:
        real["unlink"](path)
        note("unlink", Path(path).name, "")

    def closed(descriptor: int) -> None:
        inode_of.pop(descriptor, None)
        real["close"](descriptor)

    with pytest.MonkeyPatch.context() as patch:
        for name, each in {
            "open": opened,
            "write": written,
            "fsync": synced,
            "replace": replaced,
            "unlink": unlinked,
            "close": closed,
        }.items():
            patch.setattr(os, name, each)
        yield log


def crashes(before: Disk, log: list[tuple[Any, ...]]) -> Iterator[tuple[int, dict[str, bytes]]]:
    """Every state after a power failure, with the number of operations that were called before it."""
    disk = before
    for count in range(len(log) + 1):
        if count:
            disk.apply(log[count - 1])
        for state in disk.states():
            yield count, state


def laid_out(folder: Path, state: dict[str, bytes]) -> Path:
    """The state as real files in a fresh folder."""
    for path in folder.iterdir() if folder.exists() else ():
        path.unlink()
    folder.mkdir(exist_ok=True)
    for name, data in state.items():
        (folder / name).write_bytes(data)
    return folder


@contextmanager
def failing(at: int, error: Callable[[], OSError]) -> Iterator[list[str]]:
    """Let call number ``at`` (from 0) of those that change a disk raise; yields the names of the calls."""
    calls: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name in ("open", "write", "fsync", "replace"):
            patch.setattr(os, name, _counted(name, getattr(os, name), calls, at, error))
        yield calls


def _counted(
    name: str, real: Callable[..., Any], calls: list[str], at: int, error: Callable[[], OSError]
) -> Callable[..., Any]:
    def call(*args: Any, **more: Any) -> Any:
        calls.append(name)
        if len(calls) - 1 == at:
            raise error()
        return real(*args, **more)

    return call
