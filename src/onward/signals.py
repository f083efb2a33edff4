"""Signals that ask this process to end, heard where hearing them is safe."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def heard(act: Callable[[int], None]) -> Iterator[None]:
    """While within, SIGTERM and SIGINT call ``act`` with their number, in a thread of its own.

    A handler interrupts the main thread wherever it is, also in the middle of ``Event.wait``, with the event's lock in
    its hand: setting that event in the handler would wait for itself, and the process would never end. The thread is
    begun without any lock of ``threading``. In other threads than the main one nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, _frame: FrameType | None) -> None:
        _thread.start_new_thread(act, (number,))

    kept = {number: signal.signal(number, handle) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
