"""Lines through a pipe: whole ones, whatever signals come while they are written."""

from __future__ import annotations

from typing import Protocol


class Sink(Protocol):
    """The writing end of a pipe, without a buffer."""

    def write(self, data: bytes | memoryview, /) -> int | None:
        """Write some of it; how much."""


def write_line(sink: Sink, line: bytes) -> None:
    """Write all of a line and its end: a call that a signal has interrupted has written a part of it."""
    rest = memoryview(line + b"\n")
    while rest:
        rest = rest[sink.write(rest) or 0 :]
