"""The clock that a job reads: its wall clock is the one by which machines that share the database decide."""

from __future__ import annotations

from onward.clock import Clock
from onward.store import Store


class JobClock:
    """The clock of a job: its wall clock is the one by which machines that share the database decide."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.now = store.now
        self.monotonic, self.wait = clock.monotonic, clock.wait
        self.random_bits, self.random_bytes = clock.random_bits, clock.random_bytes
