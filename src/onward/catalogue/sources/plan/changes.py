"""What an index must do: which documents are new or changed, and which vectors are out of date."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Kept:
    """A passage in the vector database: its document, what it was made of, its place, and of how many."""

    document: str
    recipe: str
    number: int
    count: int


@dataclass(slots=True)
class Changes:
    """``stale`` ids go; of the documents in ``work`` the passages in the set are there already."""

    stale: list[str] = field(default_factory=list)
    work: dict[str, set[int]] = field(default_factory=dict)
    unchanged: int = 0
    vanished: int = 0
    changed: int = 0


def compare(wanted: Mapping[str, str], kept: Mapping[str, Kept]) -> Changes:
    """``wanted`` maps documents to their recipes, ``kept`` ids of passages to what is there."""
    changes = Changes()
    present: dict[str, set[int]] = {}
    counts: dict[str, int] = {}
    outdated: set[str] = set()
    for passage_id, passage in kept.items():
        if wanted.get(passage.document) == passage.recipe:
            present.setdefault(passage.document, set()).add(passage.number)
            counts[passage.document] = passage.count
        else:
            changes.stale.append(passage_id)
            outdated.add(passage.document)
    changes.vanished = len(outdated - wanted.keys())
    changes.changed = len(outdated & wanted.keys())
    for document in wanted:
        have = present.get(document, set())
        if document in counts and len(have) >= counts[document]:
            changes.unchanged += 1
        else:
            changes.work[document] = have
    return changes


def passage_id(source_id: str, document: str, number: int) -> str:
    """The id of a passage: the same at every run."""
    return f"{source_id}:{document}:{number}"


def batches(ids: list[str], size: int) -> Iterator[list[str]]:
    """Groups of at most ``size``."""
    return (ids[start : start + size] for start in range(0, len(ids), size))


def fingerprint(hashes: Iterable[str]) -> str:
    """One hash for a sequence of hashes."""
    digest = hashlib.sha256()
    for item in hashes:
        digest.update(item.encode() + b"\n")
    return digest.hexdigest()
