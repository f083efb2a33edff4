"""What a measurement is given and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where to measure: a fresh database and a fresh folder. ``quick`` asks for small sizes."""

    kind: Literal["sqlite", "postgresql"]
    url: str
    folder: Path
    quick: bool = False

    def size(self, full: int, quick: int) -> int:
        """A size of the work: the full one, or a small one for a quick look."""
        return quick if self.quick else full


@dataclass(frozen=True, slots=True)
class Figure:
    """One number: what it is called, its unit, what is to be reached, and which way is better."""

    name: str
    value: float
    unit: str
    target: float | None = None
    better: Better = "higher"

    @property
    def is_reached(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is None:
            return None
        return self.value >= self.target if self.better == "higher" else self.value <= self.target


def per(target: Target, sqlite: float, postgresql: float) -> float:
    """The value for the database that is measured."""
    return sqlite if target.kind == "sqlite" else postgresql


def percentile(values: list[float], share: float) -> float:
    """The value below which this share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
