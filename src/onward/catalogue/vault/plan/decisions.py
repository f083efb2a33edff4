"""What a sync does with a block, by what the graph knows of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from onward.catalogue.vault.plan.blocks import Block


class Verdict(StrEnum):
    """What becomes of a block."""

    CREATE = "created"
    UPDATE = "updated"
    UNCHANGED = "unchanged"
    CONFLICT = "conflicts"


@dataclass(frozen=True, slots=True)
class Known:
    """Of a node what a decision needs."""

    version: int
    hash: str
    path: str
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, and the version that the node has afterwards."""

    verdict: Verdict
    version: int


def decide(block: Block, path: str, known: Known | None) -> Decision:
    """New: created. Changed under the version that is known: updated, one version on. Newer: taken as it is.

    Older than the graph and of another text: a conflict, which is left to people. A text that has not changed is
    unchanged whatever its version, unless it moved, came back or was only counted up.
    """
    if known is None:
        return Decision(Verdict.CREATE, block.version)
    if block.hash == known.hash:
        is_same = block.version <= known.version and path == known.path and not known.is_archived
        return Decision(Verdict.UNCHANGED if is_same else Verdict.UPDATE, max(block.version, known.version))
    if block.version < known.version:
        return Decision(Verdict.CONFLICT, known.version)
    return Decision(Verdict.UPDATE, block.version if block.version > known.version else known.version + 1)
