"""The only reader of time and chance; everything else is handed a ``Clock``."""

from __future__ import annotations

import os
import random
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What time it is, how time passes, and random numbers."""

    def now(self) -> datetime:
        """Wall-clock time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some start; never goes back, and goes on while the machine is suspended."""
        ...

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Wait until ``event`` is set or ``seconds`` have passed; true if it is set."""
        ...

    def random_bits(self, bits: int) -> int:
        """A random number of so many bits."""
        ...

    def random_bytes(self, count: int) -> bytes:
        """So many random bytes."""
        ...


class SystemClock:
    """The machine's own clocks.

    ``monotonic`` reads CLOCK_BOOTTIME where there is one, since CLOCK_MONOTONIC stops while a laptop sleeps.
    """

    def __init__(self) -> None:
        self._random = random.SystemRandom()
        self._boottime = getattr(time, "CLOCK_BOOTTIME", None)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        if self._boottime is None:
            return time.monotonic()
        return time.clock_gettime(self._boottime)

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        return event.wait(seconds)

    def random_bits(self, bits: int) -> int:
        return self._random.getrandbits(bits)

    def random_bytes(self, count: int) -> bytes:
        return os.urandom(count)


class ManualClock:
    """A clock that stands still until it is moved: a year in a second, the same in every run.

    ``start`` is an aware time; ``seed`` makes the random numbers repeatable. ``advance`` moves it on.
    """

    def __init__(self, start: datetime | None = None, seed: int = 0) -> None:
        self._now = start or datetime(2026, 1, 1, tzinfo=UTC)
        self._elapsed = 0.0
        self._random = random.Random(seed)

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Does not wait for time, only gives other threads a turn: time passes by ``advance`` alone."""
        return event.wait(0.001 if seconds is None else min(seconds, 0.001))

    def random_bits(self, bits: int) -> int:
        return self._random.getrandbits(bits)

    def random_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def advance(self, seconds: float = 0, **parts: float) -> datetime:
        """Move on by ``seconds`` and the other ``timedelta`` parts (``minutes=…``, ``days=…``)."""
        step = timedelta(seconds=seconds, **parts)
        self._now += step
        self._elapsed += step.total_seconds()
        return self._now

    def jump(self, seconds: float) -> datetime:
        """Set the wall clock forward or back, as an operator or a time server does; monotonic time stays."""
        self._now += timedelta(seconds=seconds)
        return self._now
