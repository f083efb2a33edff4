"""When a failed attempt is tried again: exponential backoff with jitter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds before the second attempt, the factor for each further one, the longest wait, and the share of jitter.

    The wait before attempt ``n + 1`` is ``min(maximum, seconds * factor ** (n - 1))``, changed by up to ``jitter``
    of itself in either direction, so that what failed together does not come back together.
    """

    seconds: float = 5.0
    factor: float = 2.0
    maximum: float = 600.0
    jitter: float = 0.2

    def delay(self, failures: int, chance: float) -> float:
        """Seconds to wait after so many failures; ``chance`` is a random number in [0, 1)."""
        # The exponent is bounded: beyond it every factor above 1 has reached the maximum anyway.
        plain = min(self.maximum, self.seconds * self.factor ** min(failures - 1, 64))
        return max(0.0, plain * (1 + self.jitter * (2 * chance - 1)))


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How many failures of the code are allowed in all, how long to wait between, and which exceptions count."""

    max_attempts: int = 1
    backoff: Backoff = Backoff()
    retry_on: tuple[type[BaseException], ...] = (Exception,)

    def retries(self, error: BaseException, failures: int) -> bool:
        """Whether another attempt follows after ``failures`` failures, the last with ``error``."""
        return failures < self.max_attempts and isinstance(error, self.retry_on)
