"""Which checkpoints of a thread may go: the newest of a thread in use stay, and what they need stays with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

ROOT = ""
PARENTS_NEEDED_BEFORE = 4
"""Checkpoints of an older format find what was sent to nodes at their parent."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint: ``at`` is when (None: it does not say), ``root`` the root graph's one that a subgraph began at.

    The greatest ``rank`` of a namespace is the newest; without one the id is the rank, as in LangGraph.
    """

    namespace: str
    id: str
    at: float | None
    parent: str | None = None
    version: int = PARENTS_NEEDED_BEFORE
    root: str | None = None
    is_delta: bool = False
    rank: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """What names it within its thread."""
        return self.namespace, self.id


@dataclass(frozen=True, slots=True)
class Head:
    """What the newest checkpoint of a namespace says of its thread."""

    is_waiting: bool = False
    is_delta: bool = False


class Why(Enum):
    """What becomes of a thread."""

    RECENT = "nothing of it is old enough"
    CUT = "in use: its newest stay, older ones go"
    WHOLE = "not used for so long: all of it goes"
    WAITING = "it waits for somebody, or has not ended"
    DELTA = "its state is made of older checkpoints, and it is in use"
    SPARED = "an unfinished job names it"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a thread, and which of its checkpoints go; ``as_one``: all at once or none."""

    why: Why
    gone: frozenset[tuple[str, str]] = frozenset()
    as_one: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What is old and what is meant; times are seconds since 1970.

    ``waiting_before``: threads that wait go all the same when they are older; None is never. ``erase``: every thread
    that is meant goes whole.
    """

    before: float
    waiting_before: float | None = None
    pattern: str | None = None
    spared: frozenset[str] = frozenset()
    erase: bool = False

    def means(self, thread: str) -> bool:
        """Whether this thread is one of those that were asked for."""
        return self.pattern is None or fnmatchcase(thread, self.pattern)

    def is_old(self, saved: Saved) -> bool:
        """Whether it is older than what is kept; one that does not say when is not."""
        return saved.at is not None and saved.at < self.before


Look = Callable[[Sequence[Saved]], Sequence[Head]]
"""Reads what the given newest checkpoints say; asked only where it matters, since that is more to read."""


def judge(thread: str, found: Sequence[Saved], look: Look, policy: Policy) -> Verdict:
    """What becomes of one thread; ``found`` are all its checkpoints."""
    if thread in policy.spared:
        return Verdict(Why.SPARED)
    if policy.erase:
        return Verdict(Why.WHOLE, _places(found))
    old = [saved for saved in found if policy.is_old(saved)]
    if not old:
        return Verdict(Why.RECENT)
    return _judge_by_age(found, old, look, policy)


def _judge_by_age(found: Sequence[Saved], old: Sequence[Saved], look: Look, policy: Policy) -> Verdict:
    newest = heads(found)
    said = look(list(newest.values()))
    is_delta = any(saved.is_delta for saved in found) or any(head.is_delta for head in said)
    is_whole = len(old) == len(found)
    is_waiting = is_whole and _is_waiting(newest, said)
    if is_waiting and policy.waiting_before is not None:
        latest = max(saved.at or 0.0 for saved in found)
        is_waiting = latest >= policy.waiting_before
    if is_whole and not is_waiting:
        return Verdict(Why.WHOLE, _places(found), as_one=is_delta)
    if is_delta:
        return Verdict(Why.DELTA)
    gone = _places(old) - _needed(newest, found, old)
    if is_waiting:
        return Verdict(Why.WAITING, gone)
    return Verdict(Why.CUT if gone else Why.RECENT, gone)


def heads(found: Iterable[Saved]) -> dict[str, Saved]:
    """The newest checkpoint of each namespace."""
    newest: dict[str, Saved] = {}
    for saved in found:
        known = newest.get(saved.namespace)
        if known is None or (saved.rank or saved.id) > (known.rank or known.id):
            newest[saved.namespace] = saved
    return newest


def _places(found: Iterable[Saved]) -> frozenset[tuple[str, str]]:
    return frozenset(saved.place for saved in found)


def _is_waiting(newest: dict[str, Saved], said: Sequence[Head]) -> bool:
    by_namespace = dict(zip(newest, said, strict=True))
    # What goes on in a subgraph goes on in a task of the root graph: a call that was given up does not count.
    if ROOT in by_namespace:
        return by_namespace[ROOT].is_waiting
    return any(head.is_waiting for head in said)


def _needed(newest: dict[str, Saved], found: Sequence[Saved], old: Sequence[Saved]) -> set[tuple[str, str]]:
    """What must stay of a thread in use."""
    kept_by_age = _places(found) - _places(old)
    needed = {saved.place for saved in newest.values()}
    # A call of a subgraph goes with the checkpoint that it began at, and only if nothing of it is recent.
    root = newest.get(ROOT)
    for saved in newest.values():
        if ":" in saved.namespace and saved.root is not None and root is not None and saved.root != root.id:
            is_known = any(other.place == (ROOT, saved.root) for other in found)
            if is_known and (ROOT, saved.root) not in kept_by_age and saved.place not in kept_by_age:
                needed.discard(saved.place)
    for saved in found:
        is_kept = saved.place in needed or saved.place in kept_by_age
        if is_kept and saved.version < PARENTS_NEEDED_BEFORE and saved.parent:
            needed.add((saved.namespace, saved.parent))
    return needed
