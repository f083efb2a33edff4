"""Splitting work into ranges: what a job asks for, and the records that its ranges leave to be merged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from onward.authoring.port import RunPort, Split
from onward.errors import InvalidValue, OnwardError
from onward.model import codec
from onward.model.family import cut
from onward.model.job import Json

FIRST = [0, 0]
"""The place before all records: range number, records of it that were read."""


def asked(
    family: str, job_type: str | Callable[..., Any], total: int, parts: int, params: Mapping[str, Json] | None
) -> Split:
    """A fan-out as it is asked of the port. Raises ``InvalidValue`` for numbers that cannot be."""
    if not family or len(family) > 200 or not family.isprintable():
        raise InvalidValue(f"{family!r:.80} is not a name of a fan-out.", hint="Use 1 to 200 printable characters.")
    cut(total, parts)
    return Split(family, job_type, total, parts, dict(params or {}))


class RangeRecords:
    """The records that the ranges of a family have appended, range by range; a piece of them at a time in memory."""

    def __init__(self, port: RunPort, family: str, name: str) -> None:
        self._port = port
        self._family = family
        self._name = name

    def __iter__(self) -> Iterator[Json]:
        if self._port.is_async:
            raise OnwardError("Reading records would block the event loop.", hint="Use `async for`.")
        place: list[int] | None = FIRST
        while place is not None:
            texts, place = self._port.read_range(self._family, self._name, place)
            for text in texts:
                yield codec.decode(text)

    async def __aiter__(self) -> AsyncIterator[Json]:
        place: list[int] | None = FIRST
        while place is not None:
            texts, place = await asyncio.to_thread(self._port.read_range, self._family, self._name, place)
            for text in texts:
                yield codec.decode(text)
