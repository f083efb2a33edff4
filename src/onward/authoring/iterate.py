"""Going over items: cursor, progress, cancel checks and checkpoints without a line of bookkeeping in the job."""

from __future__ import annotations

import bisect
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, pairwise
from typing import Any, Generic, Protocol, TypeVar

from onward.errors import CursorLost, InvalidValue
from onward.model.job import Json

T = TypeVar("T")
Items = Iterable[T] | Callable[[Any], Iterable[T]]


class Cursor(Protocol):
    """The part of a context that an iteration needs."""

    def cursor(self, name: str) -> dict[str, Json] | None:
        """Where the iteration of this name was."""

    def move(self, name: str, cursor: dict[str, Json], done: int, total: int | None, items: int) -> None:
        """It is here now: a consistent point; saves, reports and raises as the policy and the worker want."""

    def enter(self, name: str, cursor: Json) -> None:
        """An item begins: the scope of the steps within it."""


class Iteration(Generic[T]):
    """Goes on after the last finished item. An item is finished when the next is asked for."""

    def __init__(
        self,
        cursor: Cursor,
        name: str,
        items: Items[T],
        key: Callable[[T], Any] | None,
        total: int | None,
        batch: int | None,
    ) -> None:
        self._cursor = cursor
        self._name = name
        self._items = items
        self._key = key
        self._batch = batch
        size: Any = getattr(items, "__len__", None)
        self._total: int | None = size() if total is None and size is not None else total
        saved = cursor.cursor(name) or {}
        self._done: int = saved.get("done", 0)
        self._last: Json = saved.get("key")

    def __iter__(self) -> Iterator[Any]:
        rest = self._rest()
        if self._batch is not None:
            for group in _batches(rest, self._batch):
                self._cursor.enter(self._name, self._done)
                yield group
                self._finish(group)
            return
        for item in rest:
            self._cursor.enter(self._name, self._done)
            yield item
            self._finish((item,))

    async def __aiter__(self) -> AsyncIterator[Any]:
        source = self._items
        if not hasattr(source, "__aiter__"):
            for value in self:
                yield value
            return
        seen, begun, found = 0, self._done, self._last is None
        group: list[T] = []
        async for item in source:
            seen += 1
            if self._key is None and seen <= begun:
                continue
            if self._key is not None and not found:
                found = self._plain_key(item) == self._last
                continue
            if not self._batch:
                self._cursor.enter(self._name, self._done)
                yield item
                self._finish([item])
                continue
            group.append(item)
            if len(group) == self._batch:
                self._cursor.enter(self._name, self._done)
                yield group
                self._finish(group)
                group = []
        if not found:
            raise self._lost()
        if group:
            self._cursor.enter(self._name, self._done)
            yield group
            self._finish(group)

    def _finish(self, members: Sequence[T]) -> None:
        self._done += len(members)
        place: dict[str, Json] = {"done": self._done}
        if self._key is not None:
            self._last = place["key"] = self._plain_key(members[-1])
        self._cursor.move(self._name, place, self._done, self._total, len(members))

    def _rest(self) -> Iterator[T]:
        source = self._items
        if callable(source):
            return iter(source(self._last))
        if self._key is None:
            return islice(iter(source), self._done, None)
        if self._last is None:
            return iter(source)
        return self._after_key(source)

    def _after_key(self, source: Iterable[T]) -> Iterator[T]:
        if isinstance(source, Sequence):
            return islice(iter(source), self._position(source), None)
        return self._skip(iter(source))

    def _position(self, source: Sequence[T]) -> int:
        """The index after the last finished item; where that item has gone, the place where it would stand."""
        # Most often nothing has moved, and the item stands where it stood.
        if 0 < self._done <= len(source) and self._plain_key(source[self._done - 1]) == self._last:
            return self._done
        keys = [self._plain_key(item) for item in source]
        if self._last in keys:
            return keys.index(self._last) + 1
        try:
            is_sorted = all(one <= other for one, other in pairwise(keys))
        except TypeError:
            is_sorted = False
        if not is_sorted:
            raise self._lost()
        return bisect.bisect_right(keys, self._last)

    def _skip(self, source: Iterator[T]) -> Iterator[T]:
        before: Json = None
        for item in source:
            key = self._plain_key(item)
            if key == self._last:
                return source
            try:
                rises = (before is None or before <= key) and key > self._last
            except TypeError:
                rises = False
            if rises:
                # Sorted so far and already beyond: the last item has gone; nothing before this one was left out.
                return self._rising(chain([item], source))
            before = key
        raise self._lost()

    def _rising(self, source: Iterator[T]) -> Iterator[T]:
        """The items, as long as they are sorted: else nobody knows what was done before."""
        lost = self._lost()
        before: Json = None
        for item in source:
            key = self._plain_key(item)
            if before is not None and before > key:
                raise lost
            before = key
            yield item

    def _plain_key(self, item: T) -> Json:
        if self._key is None:
            return None
        key = self._key(item)
        if isinstance(key, tuple):
            return list(key)
        if not isinstance(key, str | int | float | list):
            raise InvalidValue(
                f"The key of an item of each() is a {type(key).__name__}.",
                hint="Use a string or number, as key=str does.",
            )
        return key

    def _lost(self) -> CursorLost:
        return CursorLost(
            f"The item {self._last!r}, after which the job would go on, is no longer among the items of "
            f"{self._name!r}, and they are not sorted by their key.",
            hint="Give the items in a fixed order, or start the job fresh.",
        )


def _batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while group := list(islice(items, size)):
        yield group
