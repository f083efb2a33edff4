"""The loop of every service, once: ``tick`` does the work and says when it wants the next turn."""

from __future__ import annotations

import logging
import threading

from onward.clock import Clock
from onward.errors import StoreUnavailable

_log = logging.getLogger("onward.engine")
_AFTER_ERROR = 1.0


class Service:
    """A thread that calls ``tick`` again and again.

    ``tick`` returns the seconds until the next turn, or None to sleep until ``wake``. An error in one turn is logged
    and the next turn comes all the same: recovery never hangs on a single pass.
    """

    name = "service"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._due = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._complained = False

    def tick(self) -> float | None:
        """Do what is due; the seconds until the next turn."""
        raise AssertionError("every service has a tick of its own")

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._stopped.clear()
        self._thread = threading.Thread(target=self._loop, name=f"onward-{self.name}", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Have the next turn at once."""
        if not self._due.is_set():
            self._due.set()

    def stop(self, timeout: float | None = 5.0) -> bool:
        """End after the current turn; whether the thread has ended."""
        self._stopped.set()
        self._due.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
            return not thread.is_alive()
        return True

    @property
    def is_stopping(self) -> bool:
        """Whether the service was told to end."""
        return self._stopped.is_set()

    def _loop(self) -> None:
        while not self._stopped.is_set():
            try:
                pause = self.tick()
                self._complained = False
            except StoreUnavailable as error:
                # One line for an outage, not one a second.
                if not self._complained:
                    _log.warning("%s: %s", self.name, error)
                    self._complained = True
                pause = _AFTER_ERROR
            except Exception:  # noqa: BLE001 - one bad turn must not end the service
                _log.exception("An error in the %s; it goes on.", self.name)
                pause = _AFTER_ERROR
            if self._stopped.is_set():
                return
            if pause is None or pause > 0:
                self.clock.wait(self._due, pause)
            self._due.clear()
