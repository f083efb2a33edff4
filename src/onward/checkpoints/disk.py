"""Files that survive: flushed, renamed, never through a symbolic link."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

from onward.errors import InvalidValue

if sys.platform == "darwin":
    import fcntl

MAX_READ_BYTES = 64 * 1024 * 1024
_OPEN_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def flush(descriptor: int) -> None:
    if sys.platform == "darwin":  # there, fsync does not reach the disk itself
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def flush_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        flush_folder(each.parent)


def open_plain(path: Path, flags: int) -> int:
    try:
        descriptor = os.open(path, flags | _OPEN_FLAGS, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO):
            raise _not_plain(path) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_plain(path)
    return descriptor


def _not_plain(path: Path) -> InvalidValue:
    hint = "Move it away; links are not followed here."
    return InvalidValue(f"{path} is a link or a device and not a plain file.", hint=hint)


def read_plain(path: Path) -> bytes | None:
    try:
        descriptor = open_plain(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(MAX_READ_BYTES + 1)
    if len(data) > MAX_READ_BYTES:
        raise InvalidValue(f"{path} has more than {MAX_READ_BYTES} bytes.", hint="Move it away.")
    return data


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
