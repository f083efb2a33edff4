"""The frontier of a crawl: addresses in the order in which they were found, each once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Visit:
    """A page to look at, and how many links it is away from the start."""

    url: str
    depth: int


class Frontier:
    """Breadth first: what is found later comes later. The same finds in the same order give the same visits.

    ``limit`` bounds how many addresses are remembered at all.
    """

    def __init__(self, max_depth: int, limit: int) -> None:
        self._max_depth = max_depth
        self._limit = limit
        self._queue: list[Visit] = []
        self._seen: set[str] = set()
        self._next = 0

    def __len__(self) -> int:
        """How many addresses are known."""
        return len(self._queue)

    @property
    def visited(self) -> int:
        """How many have been taken."""
        return self._next

    def add(self, urls: Iterable[str], depth: int) -> list[str]:
        """Remember the new ones among ``urls`` and return them."""
        if depth > self._max_depth:
            return []
        new = []
        for url in urls:
            if len(self._queue) >= self._limit:
                break
            if url not in self._seen:
                self._seen.add(url)
                self._queue.append(Visit(url, depth))
                new.append(url)
        return new

    def take(self) -> Visit | None:
        """The next visit, or None at the end."""
        if self._next >= len(self._queue):
            return None
        self._next += 1
        return self._queue[self._next - 1]

    def knows(self, url: str) -> bool:
        """Whether the address was found before."""
        return url in self._seen

    def note(self, url: str) -> None:
        """The address was reached by another way (a redirect): do not visit it again."""
        self._seen.add(url)
