"""The process of a worker: the application, a planted fault if there is one, and a place to be stopped in."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chaos import planted
from chaos.actor import Part, make_app
from chaos.notes import Control, Pulse
from onward.engine import proof
from onward.errors import StoreUnavailable
from onward.store import Connection, Store

WITHOUT_DATABASE = 69
"""The exit code of a worker that could not begin, since its database was away."""


def main() -> int:
    """Work until told to stop."""
    part = Part.mine()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(threadName)s %(levelname)s %(name)s %(message)s")
    # Whoever does not end in time is asked where it is before it is killed.
    faulthandler.register(signal.SIGUSR2, all_threads=True)
    control = Control(part.control)
    control.set_ready(True)
    _stop_inside(control)
    if part.is_elsewhere:
        # As the others see it, on another machine: they cannot look into its table of processes.
        proof._boot_id = lambda: part.name
    app = make_app(part.url, part.lease_seconds, part.journals)
    planted.plant(part.plant)
    Pulse(Path(part.folder), part.name, part.lease_seconds / 3).start()
    worker = app.worker(concurrency=part.slots, name=part.name)
    try:
        return worker.run()
    except StoreUnavailable:
        logging.getLogger("chaos").exception("The worker has ended for want of a database.")
        return WITHOUT_DATABASE
    finally:
        # It ends by itself: a signal that meets it on its way out would only change its exit code.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _stop_inside(control: Control) -> None:
    """Stop this process at the end of a transaction, before its commit, when the harness asks for that."""
    write = Store.write

    def watched(self: Store, work: Callable[[Connection], Any], **more: Any) -> Any:
        def then_stop(conn: Connection) -> Any:
            found = work(conn)
            if control.take_stop():
                os.kill(os.getpid(), signal.SIGSTOP)
            return found

        return write(self, then_stop, **more)

    Store.write = watched  # type: ignore[method-assign]  # the one place where the harness steps in
