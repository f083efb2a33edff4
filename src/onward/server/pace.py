"""How fast somebody may ask: a bucket of requests for each key or address, filled again at a steady pace."""

from __future__ import annotations

from collections import OrderedDict

from onward.clock import Clock

_MOST = 10_000
"""Buckets kept; the longest untouched one goes first."""


class Pace:
    """So many requests a second in the mean, twice as many at once. Used on the server's one event loop."""

    def __init__(self, per_second: int, clock: Clock) -> None:
        self._rate = float(per_second)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> bool:
        """Whether one more request of ``who`` is within the pace; if so, it counts."""
        now = self._clock.monotonic()
        left, seen = self._buckets.pop(who, (2 * self._rate, now))
        left = min(2 * self._rate, left + (now - seen) * self._rate)
        is_within = left >= 1
        self._buckets[who] = (left - 1 if is_within else left, now)
        if len(self._buckets) > _MOST:
            self._buckets.popitem(last=False)
        return is_within
