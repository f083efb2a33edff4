"""Partial work: records that a job appends beside its checkpoint, cut back to the checkpoint at resume."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from onward.authoring.port import RunPort
from onward.model import codec
from onward.model.job import Json


class Partial:
    """An append-only list of JSON records that survives with the checkpoint.

    Records are kept in the database with the checkpoint that covers them, in one transaction and under the same
    fence: what was appended after the last checkpoint is gone at resume, and an overtaken worker can add nothing.
    The total cost is linear in the number of records.
    """

    def __init__(self, port: RunPort, name: str, saved: int) -> None:
        self._port = port
        self.name = name
        self._saved = saved
        self._buffer: list[str] = []
        self._marked = 0
        self._size = port.settings.limits.payload_bytes

    def append(self, record: Json) -> None:
        """Add one JSON record. Raises ``InvalidValue``."""
        self._buffer.append(codec.encode(record, f"A record of partial work {self.name!r}", self._size))

    def __len__(self) -> int:
        return self._saved + len(self._buffer)

    def __iter__(self) -> Iterator[Json]:
        for text in self._texts():
            yield codec.decode(text)

    @property
    def path(self) -> Path:
        """A copy of all records as JSON Lines in a temporary file, for tools that want a file."""
        target = Path(tempfile.mkdtemp(prefix="onward-partial-")) / f"{self.name}.jsonl"
        with target.open("w", encoding="utf-8") as file:
            file.writelines(text + "\n" for text in self._texts())
        return target

    def _texts(self) -> Iterator[str]:
        if self._saved:
            yield from self._port.read_partial(self.name, self._saved)
        yield from list(self._buffer)

    def mark(self) -> int:
        """A consistent point is here; the number of records up to it."""
        self._marked = len(self._buffer)
        return self._saved + self._marked

    def pending(self) -> tuple[int, list[str]]:
        """What is to be saved with the last consistent point."""
        return self._saved, self._buffer[: self._marked]

    def saved(self) -> None:
        """The pending records have been handed over."""
        self._saved += self._marked
        del self._buffer[: self._marked]
        self._marked = 0

    def clear(self) -> None:
        """Begin again with nothing."""
        self._saved = self._marked = 0
        self._buffer.clear()

    def snapshot(self) -> tuple[int, int, list[str]]:
        """Where it stands, for ``restore``."""
        return self._saved, self._marked, list(self._buffer)

    def restore(self, snapshot: tuple[int, int, list[str]]) -> None:
        """Back to where it stood: what was handed over since has not been written."""
        self._saved, self._marked, self._buffer = snapshot
