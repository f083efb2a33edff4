"""Documents of a source, whatever it is made of: what a collection of them offers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

MAX_BYTES = 20 * 1024 * 1024
"""Larger documents are not read."""


@dataclass(frozen=True, slots=True)
class Source:
    """One document before it is read: its id, its address, and a stamp that changes with its content.

    ``place`` is what else a citation needs: section and pages.
    """

    id: str
    url: str
    stamp: str
    title: str = ""
    place: Mapping[str, Any] = field(default_factory=dict)


class Documents(Protocol):
    """Documents by number; numbers without a document (a redirect, a picture) give None."""

    kind: str
    version: str
    """Changes when any document does."""

    def __len__(self) -> int:
        """How many numbers there are."""

    def at(self, index: int) -> Source | None:
        """The document of this number, or None."""

    def html(self, index: int) -> str:
        """Its content. Raises ``OSError`` or ``OnwardError`` when it cannot be read."""

    def headers(self) -> dict[str, str]:
        """What the collection says of itself."""


def document_id(kind: str, name: str) -> str:
    """An id that stays the same for the same name."""
    return f"{kind}_{hashlib.sha256(name.encode()).hexdigest()[:16]}"
