"""How memories fade: their importance halves with time since they were last of use."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from onward.catalogue.memory.plan.records import DECAYED, UNDONE, Memory


class Fate(StrEnum):
    """What becomes of a memory."""

    KEEP = "keep"
    ARCHIVE = "archive"
    PRUNE = "prune"


@dataclass(frozen=True, slots=True)
class Rules:
    """By what memories are judged; days may be fractions."""

    half_life_days: float = 90
    threshold: float = 0.05
    prune_after_days: float = 30


def effective_importance(memory: Memory, now: datetime, half_life_days: float) -> float:
    """The importance that is left: half of it after each half-life without use. A clock set back makes none more."""
    idle = max(timedelta(), now - memory.used_at)
    return memory.importance * math.exp2(-(idle / timedelta(days=half_life_days)))


def fate(memory: Memory, now: datetime, rules: Rules) -> Fate:
    """What becomes of a memory now.

    Pinned ones stay as they are. One that has faded is archived first, and pruned only when it has lain in the
    archive for a while; so is a merge that was undone. Originals of a merge are not judged: they go with the merge.
    """
    if memory.is_pinned:
        return Fate.KEEP
    if memory.archived_at is None:
        has_faded = effective_importance(memory, now, rules.half_life_days) < rules.threshold
        return Fate.ARCHIVE if has_faded else Fate.KEEP
    is_over = now - memory.archived_at >= timedelta(days=rules.prune_after_days)
    return Fate.PRUNE if memory.archived_because in (DECAYED, UNDONE) and is_over else Fate.KEEP
