"""Changes as records of a journal, and back: JSON, checked when it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import orjson
from pydantic import TypeAdapter

from onward.authoring.port import Point
from onward.engine.changes import Change, Owner
from onward.model.job import Json, Progress
from onward.store.endings import Ending
from onward.store.logs import NewLine

_SHOWN_BYTES = 65536
"""So much of what was refused is kept for people to see."""


@dataclass(slots=True)
class Entry:
    """One record: what a run wanted to write, or log lines, or a request of a caller."""

    job_id: str = ""
    job_type: str = ""
    run_id: str = ""
    fence: int = 0
    generation: int = 1
    parent_id: str | None = None
    phase_share: float | None = None
    type_version: int = 1
    scheduled_job_id: str | None = None
    worker_id: str | None = None
    point: Point | None = None
    step: tuple[str, str, str] | None = None
    ending: Ending | None = None
    columns: dict[str, Any] | None = None
    release: str | None = None
    progress: Progress | None = None
    lines: list[NewLine] = field(default_factory=list)
    request: dict[str, Json] | None = None

    @property
    def is_change(self) -> bool:
        """Whether it is something that a run wrote."""
        return bool(self.run_id)

    @property
    def kind(self) -> str:
        """What people call it."""
        if self.ending is not None:
            return "ending"
        if self.step is not None:
            return "step"
        return "checkpoint" if self.point is not None else "columns"


class Heir:
    """Whoever writes for a run that is no more."""

    def __init__(self, entry: Entry) -> None:
        self.claim = entry
        self.number = 0

    def how_far(self) -> Progress | None:
        """The record says it."""
        return None

    def lose(self) -> None:
        """Nobody is left to be told."""


def of_change(change: Change, worker_id: str) -> Entry:
    """A change as it is kept."""
    claim = change.owner.claim
    return Entry(
        job_id=claim.job_id,
        job_type=claim.job_type,
        run_id=claim.run_id,
        fence=claim.fence,
        generation=claim.generation,
        parent_id=claim.parent_id,
        phase_share=claim.phase_share,
        type_version=claim.type_version,
        scheduled_job_id=claim.scheduled_job_id,
        worker_id=worker_id,
        point=change.point,
        step=change.step,
        ending=change.ending,
        columns=change.columns,
        release=change.release,
        progress=change.owner.how_far() if change.ending is None else None,
    )


def of_lines(lines: Sequence[NewLine]) -> list[Entry]:
    """Log lines as they are kept."""
    return [Entry(lines=list(lines))] if lines else []


def to_change(entry: Entry, owner: Owner) -> Change:
    """The change of a record, to be written for ``owner``."""
    return Change(
        owner,
        point=entry.point,
        step=entry.step,
        ending=entry.ending,
        columns=entry.columns,
        release=entry.release,
        progress=entry.progress,
        worker_id=entry.worker_id,
    )


def to_bytes(entry: Entry) -> bytes:
    """A record as it stands in the file."""
    return bytes(_adapter().dump_json(entry, exclude_defaults=True))


def from_bytes(data: bytes) -> Entry:
    """The record that was kept. Raises ``ValueError`` for one that is none."""
    return _adapter().validate_json(data)


def shown(entry: Entry) -> str:
    """What was to be written, for people: cut where it is long."""
    text = to_bytes(entry).decode()
    if len(text) <= _SHOWN_BYTES:
        return text
    return orjson.dumps({"cut": text[:_SHOWN_BYTES]}).decode()


@cache
def _adapter() -> TypeAdapter[Entry]:
    return TypeAdapter(Entry)
