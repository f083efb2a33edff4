"""What a process of the command line tells while it works: logs, traces, and metrics at a port of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from onward.app import Onward
from onward.cli.told import say
from onward.telemetry import process
from onward.telemetry.metrics import expose


@contextlib.contextmanager
def telling(app: Onward, service: str) -> Iterator[None]:
    """Logs and traces for the rest of this process; metrics while the block lasts, where the settings say a port."""
    process.begin(app.settings, app.events, app.job_types, app.clock, service)
    if app.settings.metrics.port is None:
        yield
        return
    address, end = expose(app.metrics, app.settings.metrics.host, app.settings.metrics.port)
    say(f"Metrics: {address}")
    try:
        yield
    finally:
        end()
