"""What a worker tells listeners of its runs, saves and outages; next to nothing while nobody listens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from onward.engine.changes import Batch
from onward.events import Bus, CheckpointSaved, RunEnded, RunStarted, StoreDown, StoreUp
from onward.model import codec
from onward.store.claims import Claim
from onward.store.endings import Ending

STATISTICS = ("items_processed", "items_updated", "errors", "duration")
"""What a job may count in the dictionary that it returns."""


class Runs(Protocol):
    """A run, as far as it is told of."""

    @property
    def claim(self) -> Claim: ...


class Teller:
    """Turns what the engine does into events. ``worker`` is the worker's name."""

    def __init__(self, bus: Bus, worker: str) -> None:
        self._bus = bus
        self._worker = worker

    def began(self, run: Runs) -> None:
        """A run begins."""
        if not self._bus.is_heard:
            return
        claim = run.claim
        self._bus.tell(
            RunStarted(
                job_id=claim.job_id,
                job_type=claim.job_type,
                run_id=claim.run_id,
                worker=self._worker,
                attempt=claim.attempt,
                resumed=claim.has_saved,
                waited_seconds=claim.waited_seconds,
            )
        )

    def saved(self, batch: Batch) -> None:
        """Changes are committed, or refused."""
        if not self._bus.is_heard:
            return
        for change in batch.changes:
            if change.point is not None and not change.is_refused:
                claim = change.owner.claim
                size = len(change.point.text)
                self._bus.tell(CheckpointSaved(claim.job_id, claim.job_type, run_id=claim.run_id, bytes=size))

    def ended(self, endings: Sequence[Ending]) -> None:
        """Runs have ended, and that is committed."""
        if not self._bus.is_heard:
            return
        for ending in endings:
            self._bus.tell(
                RunEnded(
                    job_id=ending.job_id,
                    job_type=ending.job_type,
                    run_id=ending.run_id,
                    worker=self._worker,
                    outcome=str(ending.run_status),
                    duration_seconds=ending.duration_ms / 1000,
                    error_type=ending.error_parts[0] if ending.error_parts else "",
                    statistics=statistics(ending.result),
                )
            )

    def down(self, reason: str) -> None:
        """The database is away."""
        self._bus.tell(StoreDown(reason=reason))

    def up(self, seconds: float, replayed: int) -> None:
        """The database is back."""
        self._bus.tell(StoreUp(down_seconds=seconds, replayed=replayed))


def statistics(result: str | None) -> tuple[tuple[str, float], ...]:
    """What a result counts: the known names with numbers, and nothing else of it."""
    if not result or not result.startswith("{") or not any(f'"{name}"' in result for name in STATISTICS):
        return ()
    counted = codec.decode(result)
    return tuple((name, float(counted[name])) for name in STATISTICS if codec.is_count(counted.get(name)))
