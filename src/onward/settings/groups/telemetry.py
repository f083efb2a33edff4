"""Settings of what is told to tools that watch."""

from __future__ import annotations

from onward.settings import kinds
from onward.settings.field import Group, group, setting


@group
class Metrics(Group):
    """Where a worker or scheduler offers its metrics; ``onward serve`` has them at /metrics anyway."""

    host: str = setting("127.0.0.1", kinds.TEXT, "address at which a worker or scheduler offers its metrics")
    port: int | None = setting(
        None,
        kinds.WHOLE,
        "port at which a worker or scheduler offers its metrics; 0: any that is free; none: nowhere",
        least=0,
        most=65535,
    )


@group
class Traces(Group):
    """Spans for OpenTelemetry."""

    enabled: bool = setting(False, kinds.TRUTH, "true: workers and the server make a span for each run")
