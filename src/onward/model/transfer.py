"""What an export, an import or a move has taken along."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class TransferReport:
    """What was taken along: rows by table, and how many were passed over.

    ``taken_over`` counts jobs that a worker had and that go on from their checkpoints. ``workers`` are those that
    were online. ``left`` are tables beside onward's own that were not taken along.
    """

    what: str
    source: str
    target: str
    rows: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    taken_over: int = 0
    workers: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    dry_run: bool = False
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON."""
        return dataclasses.asdict(self) | {"workers": list(self.workers), "left": list(self.left)}
