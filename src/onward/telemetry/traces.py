"""Traces for OpenTelemetry: a span for each run, linked to the span that submitted its job in the same process.

Only the API is used: which exporter the spans go to is set up by the program, or by ``opentelemetry-instrument``. While
a run's code is at work its span is the present one, so spans of that code and of libraries lie below it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from onward.clock import Clock
from onward.errors import MissingExtra
from onward.events import Bus, Event, JobSubmitted, RunEnded, RunStarted

_MOST = 10_000
"""Submissions, and runs in flight, that are remembered; the oldest are forgotten first."""
_GOOD = ("success", "skipped", "parked")


def trace(bus: Bus, clock: Clock) -> Callable[[], None]:
    """Make spans of what the bus tells; call what is returned to stop that. Raises ``MissingExtra``."""
    return bus.subscribe(Traces(clock).hear)


class Traces:
    """Turns events into spans."""

    def __init__(self, clock: Clock) -> None:
        try:
            from opentelemetry import context, trace  # noqa: PLC0415 - an extra, imported where it is used
        except ImportError:
            raise MissingExtra("Traces need OpenTelemetry.", hint="pip install 'onward[traces]'") from None
        self._api: Any = trace
        self._context: Any = context
        self._tracer = trace.get_tracer("onward")
        self._clock = clock
        self._lock = threading.Lock()
        self._submitters: OrderedDict[str, Any] = OrderedDict()
        self._runs: OrderedDict[str, tuple[Any, datetime]] = OrderedDict()

    def hear(self, event: Event) -> None:
        """Begin or end a span; the listener of the bus."""
        match event:
            case JobSubmitted():
                self._submitted(event)
            case RunStarted():
                self._started(event)
            case RunEnded():
                self._ended(event)
            case _:
                pass

    def _submitted(self, event: JobSubmitted) -> None:
        span = self._api.get_current_span()
        found = span.get_span_context()
        if not found.is_valid:
            return
        span.add_event("onward.job.submitted", {"onward.job.id": event.job_id, "onward.job.type": event.job_type})
        self._keep(self._submitters, event.job_id, found)

    def _started(self, event: RunStarted) -> None:
        with self._lock:
            submitter = self._submitters.pop(event.job_id, None)
        now = self._clock.now()
        span = self._tracer.start_span(
            f"run {event.job_type}",
            context=self._context.Context(),
            kind=self._api.SpanKind.CONSUMER,
            links=[self._api.Link(submitter)] if submitter is not None else [],
            start_time=_nanoseconds(now),
            attributes={
                "onward.job.id": event.job_id,
                "onward.job.type": event.job_type,
                "onward.run.id": event.run_id,
                "onward.attempt": event.attempt,
                "onward.resumed": event.resumed,
                "onward.worker": event.worker,
                "onward.waited_seconds": event.waited_seconds,
            },
        )
        # Told in the thread or task of the job itself, and the next run there replaces it.
        self._context.attach(self._api.set_span_in_context(span, self._context.Context()))
        self._keep(self._runs, event.run_id, (span, now))

    def _ended(self, event: RunEnded) -> None:
        with self._lock:
            span, begun = self._runs.pop(event.run_id, (None, None))
        if span is None or begun is None:
            return
        span.set_attribute("onward.outcome", event.outcome)
        for name, value in event.statistics:
            span.set_attribute(f"onward.{name}", value)
        if event.outcome not in _GOOD:
            span.set_attribute("error.type", event.error_type or event.outcome)
            span.set_status(self._api.Status(self._api.StatusCode.ERROR, event.error_type or event.outcome))
        span.end(_nanoseconds(begun) + round(event.duration_seconds * 1e9))

    def _keep(self, place: OrderedDict[str, Any], key: str, value: Any) -> None:
        with self._lock:
            place[key] = value
            while len(place) > _MOST:
                place.popitem(last=False)


def _nanoseconds(at: datetime) -> int:
    return round(at.timestamp() * 1e6) * 1000
