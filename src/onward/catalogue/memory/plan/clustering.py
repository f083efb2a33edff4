"""Which memories say the same: groups in which each is like every other, whatever the order they come in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from onward.catalogue.memory.plan.records import Memory
from onward.catalogue.memory.plan.wording import normalized


@dataclass(frozen=True, slots=True)
class Likeness:
    """From which cosine on two memories say the same: of one type, and of two, where it must be much higher."""

    within_type: float = 0.75
    across_types: float = 0.92

    def joins(self, one: Memory, other: Memory, cosine: float | None) -> bool:
        """Whether two memories say the same; ``cosine`` is None where one of them has no vector."""
        if normalized(one.content) == normalized(other.content):
            return True
        least = self.within_type if one.type == other.type else max(self.within_type, self.across_types)
        return cosine is not None and cosine >= least


def rank(memory: Memory) -> tuple[bool, float, int, str, str]:
    """By which one of several is the best: pinned, important, often used, the newest; the id decides the rest."""
    used = memory.used_at.isoformat()
    return (memory.is_pinned, memory.importance, memory.access_count, used, memory.id)


def best_first(memories: Iterable[Memory]) -> list[Memory]:
    """The best comes first."""
    return sorted(memories, key=rank, reverse=True)


Neighbours = Callable[[int], Mapping[int, float]]
"""Of the memory at a place: the places of those whose vectors are near, with the cosine."""


def clusters(memories: Sequence[Memory], neighbours: Neighbours, likeness: Likeness) -> list[list[Memory]]:
    """Groups of two and more, each best first, in an order that is the same every time.

    Within a group each memory is like every other. A chain of likenesses is not enough: that would join what has
    nothing in common with its ends.
    """
    order = sorted(range(len(memories)), key=lambda place: rank(memories[place]), reverse=True)
    same_words: dict[str, list[int]] = {}
    for place in order:
        same_words.setdefault(normalized(memories[place].content), []).append(place)
    taken: set[int] = set()
    found: list[list[Memory]] = []
    for seed in order:
        if seed in taken:
            continue
        members = _around(seed, memories, neighbours, likeness, taken, same_words)
        if len(members) > 1:
            taken.update(members)
            found.append(best_first(memories[place] for place in members))
    return found


def _around(
    seed: int,
    memories: Sequence[Memory],
    neighbours: Neighbours,
    likeness: Likeness,
    taken: set[int],
    same_words: Mapping[str, list[int]],
) -> list[int]:
    near = neighbours(seed)
    candidates = {*near, *same_words[normalized(memories[seed].content)]} - taken - {seed}
    # The nearest first; texts of the same words before all others.
    nearest = sorted(
        candidates,
        key=lambda place: (
            normalized(memories[place].content) == normalized(memories[seed].content),
            near.get(place, -1.0),
            rank(memories[place]),
        ),
        reverse=True,
    )
    members, known = [seed], {seed: near}
    for place in nearest:
        if all(likeness.joins(memories[place], memories[one], known[one].get(place)) for one in members):
            members.append(place)
            known[place] = neighbours(place)
    return members
