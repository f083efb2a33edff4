"""A place where conversations are kept, as a clean-up sees it, and what it did there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from onward.catalogue.conversations.plan.thread import Policy, Why


@dataclass(slots=True)
class Tally:
    """What was found and what went. ``deleted`` are checkpoints; ``records`` are keys or rows of all kinds."""

    threads: int = 0
    processed: int = 0
    deleted: int = 0
    records: int = 0
    freed_bytes: int = 0
    busy: int = 0
    undated: int = 0
    fates: dict[Why, int] = field(default_factory=dict)

    def count(self, why: Why) -> None:
        """One thread more with this fate."""
        self.threads += 1
        self.fates[why] = self.fates.get(why, 0) + 1

    def add(self, other: Tally) -> None:
        """Take in what was done elsewhere."""
        for name in ("threads", "processed", "deleted", "records", "freed_bytes", "busy", "undated"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for why, number in other.fates.items():
            self.fates[why] = self.fates.get(why, 0) + number


@dataclass(frozen=True, slots=True)
class Manners:
    """How one works beside others.

    ``check`` leaves when the job was asked to; ``tell(found)`` shows how far the first look is; ``rest(seconds)``
    is called after work that kept the server busy for so long.
    """

    check: Callable[[], None] = lambda: None
    tell: Callable[[int], None] = lambda found: None  # noqa: ARG005 - it says what it is told
    rest: Callable[[float], None] = lambda seconds: None  # noqa: ARG005 - it says how long


class Place(Protocol):
    """One kind of storage. Everything it does may be stopped anywhere and begun again."""

    name: str

    def survey(self, policy: Policy) -> int:
        """Look at what is there, if ``threads`` needs that; returns how many threads there are."""
        ...

    def threads(self, after: str | None) -> Iterator[str]:
        """Names of threads in order, those after ``after``."""
        ...

    def clean(self, threads: Sequence[str], policy: Policy, *, dry_run: bool) -> Tally:
        """Judge each of these threads, and delete what may go."""
        ...

    def used_bytes(self) -> int:
        """The memory or room that all of it takes."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...
