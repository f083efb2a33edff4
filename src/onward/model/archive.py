"""What is kept of jobs that retention has taken out of the way, and what a pruning has done."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from onward.model.job import EventRecord, Job, LogLine, Run
from onward.model.states import Status


@dataclass(frozen=True, slots=True)
class ArchivedJob:
    """A job that was taken out of the way by retention.

    ``job``, ``runs``, ``events``, ``logs`` and ``questions`` are there when it was looked up by its id and its document
    was kept; in a list they are empty. ``has_document`` says whether more than the fact is kept in the database.
    """

    id: str
    job_type: str
    status: Status
    archived_at: datetime
    created_at: datetime | None = None
    completed_at: datetime | None = None
    source_id: str | None = None
    user_id: str | None = None
    parent_id: str | None = None
    has_document: bool = False
    job: Job | None = None
    runs: tuple[Run, ...] = ()
    events: tuple[EventRecord, ...] = ()
    logs: tuple[LogLine, ...] = ()
    questions: tuple[dict[str, Any], ...] = ()


@dataclass(slots=True)
class PruneReport:
    """What a pruning has done, or would do with ``dry_run``.

    ``jobs`` and ``rows`` are how many went (of checkpoints: how many jobs lost what they had saved, and its size in
    ``bytes``), ``by_status`` and ``by_type`` count the same jobs, ``kept`` counts old ones that stay, by the reason.
    ``complete`` is false when it was told to stop before the end.
    """

    what: str
    before: datetime
    dry_run: bool = False
    archive: str = "none"
    jobs: int = 0
    rows: int = 0
    bytes: int = 0
    batches: int = 0
    by_status: Counter[str] = field(default_factory=Counter)
    by_type: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    tombstones: int = 0
    longest_batch_seconds: float = 0.0
    seconds: float = 0.0
    complete: bool = True

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON."""
        return {
            "what": self.what,
            "before": self.before.isoformat(),
            "dry_run": self.dry_run,
            "archive": self.archive,
            "jobs": self.jobs,
            "rows": self.rows,
            "bytes": self.bytes,
            "batches": self.batches,
            "by_status": dict(self.by_status),
            "by_type": dict(self.by_type),
            "kept": dict(self.kept),
            "tombstones": self.tombstones,
            "longest_batch_seconds": round(self.longest_batch_seconds, 3),
            "seconds": round(self.seconds, 3),
            "complete": self.complete,
        }
