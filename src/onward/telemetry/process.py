"""What a process that runs jobs tells: its logs and, where the settings say so, traces."""

from __future__ import annotations

from onward.authoring.registry import JobTypes
from onward.clock import Clock
from onward.events import Bus
from onward.settings import Settings
from onward.telemetry import logs, traces


def begin(settings: Settings, bus: Bus, job_types: JobTypes, clock: Clock, service: str) -> None:
    """Begin to tell, for the rest of this process; ``service`` is what it is called. Raises ``MissingExtra``."""
    logs.set_up(settings, bus, job_types, service)
    if settings.traces.enabled:
        traces.trace(bus, clock)
