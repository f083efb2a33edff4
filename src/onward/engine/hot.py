"""The hot layer: jobs in memory in front of the database, given out only while nobody can have changed them.

An entry carries the doorbell's *epoch* of the moment before it was read. Every commit of this process and every
bell of another renews the epoch, so an entry is good while its epoch is the present one, and only while the listener
shows that it still hears. What no bell tells of (the place of a running job, the sentence why one waits) is good for
a second. The database stays the truth: whatever is not surely good is read again.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Iterable
from dataclasses import replace

from onward.clock import Clock
from onward.engine.memory import JobMemoryStore, is_same
from onward.engine.service import Service
from onward.model.job import Job
from onward.store import Store

_log = logging.getLogger("onward.memory")
_LIVE_SECONDS = 1.0
"""How long an active job is given out without another look."""


class Hot:
    """What the reader asks before it asks the database. Threads may share it."""

    def __init__(self, store: Store, clock: Clock, memory: JobMemoryStore) -> None:
        self._store = store
        self._clock = clock
        self._bell = store.doorbell
        self._lock = threading.Lock()
        self._sweeper: Sweeper | None = None
        self.memory = memory

    @property
    def epoch(self) -> object:
        """To be taken before a read begins, and given back with what was read."""
        return self._bell.epoch

    def hit(self, job_id: str) -> Job | None:
        """The job, if what is remembered is what the database says."""
        entry = self.memory.store.get(job_id)
        if entry is None or entry.epoch is not self._bell.epoch:
            return None
        now = self._clock.monotonic()
        if now >= entry.good_until or now >= self._bell.heard_until:
            return None
        entry.touched = now
        try:
            self.memory.store.move_to_end(job_id)
        except KeyError:
            return None
        _log.debug("Job %s: from memory.", job_id)
        return entry.fresh()

    def expect(self, job_id: str) -> None:
        """A look at the database follows. The second one at the same job begins to listen for changes."""
        _log.debug("Job %s: from the database.", job_id)
        if self._sweeper is None and job_id in self.memory:
            with self._lock:
                if self._sweeper is None:
                    self._bell.attend()
                    self._sweeper = Sweeper(self._clock, self, self._store.settings.cache.sweep_minutes * 60)
                    self._sweeper.start()

    def keep(self, job: Job, epoch: object) -> Job:
        """Remember what a read has found that began in this epoch; the job, for the caller alone."""
        now = self._clock.monotonic()
        self._compare(job)
        is_settled = job.status.is_ended and not job.is_owned
        self.memory.put(job, epoch, math.inf if is_settled else now + _LIVE_SECONDS, now)
        entry = self.memory.store.get(job.id)
        return entry.fresh() if entry is not None and entry.job is job else job

    def note(self, jobs: Iterable[Job]) -> None:
        """What was read or changed without the sentence why it waits: for an outage, and so that nothing goes back."""
        now = self._clock.monotonic()
        for job in jobs:
            self._compare(job)
            seen = job if job.as_of is not None else replace(job, as_of=self._clock.now())
            self.memory.put(seen, None, 0.0, now)

    def notice(self, jobs: Iterable[Job], *, also_new: bool = False) -> None:
        """What a list has shown: jobs that are remembered otherwise are not given out so any more."""
        for job in jobs:
            entry = self.memory.store.get(job.id)
            if (also_new and entry is None) or (entry is not None and not is_same(entry.job, job)):
                self.note([job])

    def last_known(self, job_id: str) -> Job | None:
        """The job as it was last seen, marked as stale: for when the database is away."""
        job = self.memory.last_known(job_id, self._clock.monotonic())
        return None if job is None else replace(job, stale=True)

    def forget(self, job_id: str) -> None:
        """There is no such job any more."""
        self.memory.drop([job_id])

    def sweep(self) -> int:
        """Forget what has expired; how many jobs."""
        count = self.memory.expire(self._clock.monotonic())
        if count:
            _log.info("Cleaned %d expired jobs", count)
        return count

    def close(self) -> None:
        """Stop sweeping; it begins again when needed."""
        with self._lock:
            sweeper, self._sweeper = self._sweeper, None
        if sweeper is not None:
            sweeper.stop()

    def _compare(self, job: Job) -> None:
        """A change of which no bell has told yet: nobody may be given what came before it."""
        entry = self.memory.store.get(job.id)
        if entry is not None and entry.epoch is self._bell.epoch and not is_same(entry.job, job):
            self._bell.renew()


class Sweeper(Service):
    """Takes expired jobs out of memory from time to time."""

    name = "sweeper"

    def __init__(self, clock: Clock, hot: Hot, seconds: float) -> None:
        super().__init__(clock)
        self._hot = hot
        self._seconds = seconds

    def tick(self) -> float | None:
        self._hot.sweep()
        return self._seconds
