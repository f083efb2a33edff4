"""The counter of what has ended: each verdict is counted once into stretches of five minutes and of an hour.

Pages read these counts, never the jobs. It reads events in the order of their numbers, a few seconds late, because
of two transactions the later number may be committed first.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from onward.clock import Clock
from onward.engine.service import Service
from onward.store import Connection, Store, rollups

_LATE_SECONDS = 3.0
_BATCH = 5000
_KEPT = {300: timedelta(days=14), 3600: timedelta(days=400)}
_VERDICTS = {"completed": "succeeded", "failed": "failed", "cancelled": "cancelled"}
_LOOK_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """How many jobs ended in a stretch of time that began at ``at``."""

    at: datetime
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0


class Rollups:
    """How many jobs ended when."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._counter: Counter | None = None

    def count(self) -> int:
        """Count what has ended since the last time; how many events were looked at."""
        store = self._store

        def work(conn: Connection) -> int:
            dialect, now = store.dialect, store.now()
            place = rollups.place(conn, dialect)
            found = rollups.endings(conn, dialect, place, now - timedelta(seconds=_LATE_SECONDS), _BATCH)
            counted: dict[tuple[int, datetime, str, str], tuple[int, float]] = defaultdict(lambda: (0, 0.0))
            for _, kind, at, job_type, took in found:
                if kind in _VERDICTS:
                    for seconds in _KEPT:
                        key = (seconds, _begin(at, seconds), _VERDICTS[kind], job_type or "")
                        jobs, total = counted[key]
                        counted[key] = jobs + 1, total + took
            rollups.add(conn, dialect, counted)
            if found:
                rollups.set_place(conn, dialect, found[-1][0])
            else:
                for seconds, length in _KEPT.items():
                    rollups.forget(conn, dialect, seconds, now - length)
            return len(found)

        return store.write(work)

    def read(self, length: timedelta, step: timedelta) -> list[Stretch]:
        """Stretches of ``step`` over the last ``length``, empty ones too, oldest first."""
        seconds = 300 if step < timedelta(hours=1) else 3600
        now = self._store.now()
        size = int(step.total_seconds())
        first = _begin(now - length, size)
        with self._store.read() as conn:
            found = rollups.read(conn, self._store.dialect, seconds, first)
        sums: dict[datetime, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for at, outcome, jobs in found:
            sums[_begin(at, size)][outcome] += jobs
        count = int((now - first).total_seconds() // size) + 1
        moments = [first + step * number for number in range(count)]
        return [Stretch(at, *(sums[at][name] for name in ("succeeded", "failed", "cancelled"))) for at in moments]

    def attend(self) -> None:
        """From now on count in the background of this process."""
        if self._counter is None:
            self._counter = Counter(self._clock, self)
            self._counter.start()

    def close(self) -> None:
        """Count no more."""
        counter, self._counter = self._counter, None
        if counter is not None:
            counter.stop()


class Counter(Service):
    """Counts from time to time; what lies long ago bit by bit."""

    name = "rollups"

    def __init__(self, clock: Clock, counts: Rollups) -> None:
        super().__init__(clock)
        self._counts = counts

    def tick(self) -> float | None:
        return 0.05 if self._counts.count() == _BATCH else _LOOK_SECONDS


def _begin(at: datetime, seconds: int) -> datetime:
    """When the stretch began in which a time lies."""
    stamp = int(at.timestamp())
    return datetime.fromtimestamp(stamp - stamp % seconds, UTC)
