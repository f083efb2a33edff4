"""Metrics for Prometheus: what this process has done, and what the database says there is to do.

Names, types and labels are part of the public interface. Counters are of one process, as Prometheus wants them: each
worker offers its own, and the sum is made there. Gauges are read from the database when somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import singledispatchmethod
from itertools import chain
from typing import Protocol

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily, Metric

from onward import events
from onward.clock import Clock
from onward.errors import OnwardError
from onward.model.load import Load
from onward.version import __version__

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300, 1800, 7200, 43200)
_COUNTED = {
    "items_processed": "onward_items_processed_total",
    "items_updated": "onward_items_updated_total",
    "errors": "onward_items_errors_total",
    "duration": "onward_reported_seconds_total",
}


@dataclass(frozen=True, slots=True)
class Described:
    """One metric: its name, its type, what its labels are, and what it says."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


METRICS = (
    Described("onward_jobs_submitted_total", "counter", ("job_type", "queue"), "jobs accepted by this process"),
    Described("onward_runs_started_total", "counter", ("job_type",), "runs begun"),
    Described("onward_runs_resumed_total", "counter", ("job_type",), "of these, from a checkpoint"),
    Described(
        "onward_runs_ended_total",
        "counter",
        ("job_type", "outcome"),
        "runs ended: success, failed, cancelled, skipped, interrupted, parked or lost",
    ),
    Described("onward_run_duration_seconds", "histogram", ("job_type",), "how long runs took"),
    Described("onward_run_wait_seconds", "histogram", ("job_type",), "how long jobs were due before a worker began"),
    Described(
        "onward_last_success_timestamp_seconds", "gauge", ("job_type",), "when a run succeeded last, in Unix time"
    ),
    Described("onward_items_processed_total", "counter", ("job_type",), "items_processed of the results of runs"),
    Described("onward_items_updated_total", "counter", ("job_type",), "items_updated of the results of runs"),
    Described("onward_items_errors_total", "counter", ("job_type",), "errors of the results of runs"),
    Described("onward_reported_seconds_total", "counter", ("job_type",), "duration of the results of runs"),
    Described("onward_checkpoints_saved_total", "counter", ("job_type",), "checkpoints committed"),
    Described("onward_checkpoint_bytes_total", "counter", ("job_type",), "their size"),
    Described("onward_jobs_stalled_total", "counter", ("job_type",), "running jobs found without progress"),
    Described("onward_workers_lost_total", "counter", (), "workers found dead"),
    Described("onward_jobs_taken_over_total", "counter", (), "jobs taken from them"),
    Described("onward_outages_total", "counter", (), "times that the database went away"),
    Described("onward_outage_seconds_total", "counter", (), "for how long, of those that are over"),
    Described("onward_journal_records_total", "counter", (), "journal records written back after them"),
    Described(
        "onward_schedule_starts_skipped_total",
        "counter",
        ("job_type", "schedule"),
        "scheduled starts that did not happen",
    ),
    Described("onward_jobs", "gauge", ("status",), "jobs by status, without completed ones"),
    Described("onward_jobs_held_up", "gauge", ("waiting_on",), "jobs that are not ready, by what they wait for"),
    Described("onward_queue_depth", "gauge", ("queue",), "jobs that could begin now"),
    Described("onward_queue_oldest_seconds", "gauge", ("queue",), "how long the oldest of them has been due"),
    Described("onward_workers", "gauge", ("state",), "workers by state"),
    Described("onward_worker_slots", "gauge", (), "slots of workers that take jobs"),
    Described("onward_worker_slots_busy", "gauge", (), "slots with a job"),
    Described(
        "onward_database_up", "gauge", (), "1 if the database answered, else 0; then the gauges above are missing"
    ),
    Described("onward_build_info", "gauge", ("version",), "1, with the version"),
)
_BY_NAME = {one.name: one for one in METRICS}


def _of_jobs() -> Iterator[Metric]:
    """What job types that ship count by themselves, in the library's own registry."""
    return (metric for metric in REGISTRY.collect() if metric.name.startswith("onward_"))


class Metrics:
    """Counts what the bus tells; ``text`` is what Prometheus reads. ``look`` reads the load from the database."""

    def __init__(self, look: Callable[[], Load], clock: Clock) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._clock = clock
        self._counters = {one.name: self._counter(one) for one in METRICS if one.kind == "counter"}
        self._took = self._histogram("onward_run_duration_seconds")
        self._waited = self._histogram("onward_run_wait_seconds")
        self._succeeded = Gauge(
            "onward_last_success_timestamp_seconds",
            _BY_NAME["onward_last_success_timestamp_seconds"].meaning,
            ("job_type",),
            registry=self.registry,
        )
        self.registry.register(_Loads(look))

    def text(self) -> bytes:
        """Everything in the text format of Prometheus."""
        return generate_latest(self)

    def collect(self) -> Iterator[Metric]:
        """Each metric, without the library's notes on when it was made."""
        for metric in chain(self.registry.collect(), _of_jobs()):
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric

    def hear(self, event: events.Event) -> None:
        """Count an event; the listener of the bus."""
        self._hear(event)

    def _counter(self, one: Described) -> Counter:
        return Counter(one.name.removesuffix("_total"), one.meaning, one.labels, registry=self.registry)

    def _histogram(self, name: str) -> Histogram:
        one = _BY_NAME[name]
        return Histogram(name, one.meaning, one.labels, registry=self.registry, buckets=_SECONDS)

    def _count(self, name: str, *labels: str, by: float = 1) -> None:
        counter = self._counters[name]
        (counter.labels(*labels) if labels else counter).inc(by)

    @singledispatchmethod
    def _hear(self, event: events.Event) -> None:
        """Nothing is counted of other events."""

    @_hear.register
    def _(self, event: events.JobSubmitted) -> None:
        self._count("onward_jobs_submitted_total", event.job_type, event.queue)

    @_hear.register
    def _(self, event: events.RunStarted) -> None:
        self._count("onward_runs_started_total", event.job_type)
        if event.resumed:
            self._count("onward_runs_resumed_total", event.job_type)
        self._waited.labels(event.job_type).observe(event.waited_seconds)

    @_hear.register
    def _(self, event: events.RunEnded) -> None:
        self._count("onward_runs_ended_total", event.job_type, event.outcome)
        self._took.labels(event.job_type).observe(event.duration_seconds)
        if event.outcome == "success":
            self._succeeded.labels(event.job_type).set(self._clock.now().timestamp())
        for name, value in event.statistics:
            self._count(_COUNTED[name], event.job_type, by=value)

    @_hear.register
    def _(self, event: events.CheckpointSaved) -> None:
        self._count("onward_checkpoints_saved_total", event.job_type)
        self._count("onward_checkpoint_bytes_total", event.job_type, by=event.bytes)

    @_hear.register
    def _(self, event: events.JobStalled) -> None:
        self._count("onward_jobs_stalled_total", event.job_type)

    @_hear.register
    def _(self, event: events.WorkerLost) -> None:
        self._count("onward_workers_lost_total")
        self._count("onward_jobs_taken_over_total", by=event.jobs)

    @_hear.register
    def _(self, event: events.StoreDown) -> None:  # noqa: ARG002 - its type says it all
        self._count("onward_outages_total")

    @_hear.register
    def _(self, event: events.StoreUp) -> None:
        self._count("onward_outage_seconds_total", by=event.down_seconds)
        self._count("onward_journal_records_total", by=event.replayed)

    @_hear.register
    def _(self, event: events.StartSkipped) -> None:
        self._count("onward_schedule_starts_skipped_total", event.job_type, event.schedule)


class _Loads:
    """Reads the load when metrics are collected."""

    def __init__(self, look: Callable[[], Load]) -> None:
        self._look = look

    def collect(self) -> Iterator[Metric]:
        yield _gauge("onward_build_info", {(__version__,): 1})
        try:
            load = self._look()
        except OnwardError:
            yield _gauge("onward_database_up", {(): 0})
            return
        yield _gauge("onward_database_up", {(): 1})
        yield _gauge("onward_jobs", {(status,): count for status, count in load.jobs.items()})
        yield _gauge("onward_jobs_held_up", {(reason,): count for reason, count in load.held_up.items()})
        yield _gauge("onward_queue_depth", {(one.queue,): one.waiting for one in load.queues})
        yield _gauge("onward_queue_oldest_seconds", {(one.queue,): one.oldest_seconds for one in load.queues})
        yield _gauge("onward_workers", {(state,): count for state, count in load.workers.items()})
        yield _gauge("onward_worker_slots", {(): load.slots})
        yield _gauge("onward_worker_slots_busy", {(): load.busy_slots})


def _gauge(name: str, values: dict[tuple[str, ...], float]) -> Metric:
    one = _BY_NAME[name]
    family = GaugeMetricFamily(name, one.meaning, labels=one.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def expose(metrics: Metrics, host: str, port: int) -> tuple[str, Callable[[], None]]:
    """Offer metrics over HTTP from a thread of its own: the address, and what ends it. Raises ``OnwardError``."""
    try:
        server, thread = start_http_server(port, host, registry=metrics)
    except OSError as error:
        raise OnwardError(
            f"Metrics cannot be offered at {host}:{port}: {error.strerror or error}.",
            hint="Set metrics.port to another.",
        ) from None

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return f"http://{host}:{server.server_port}/metrics", end


class Measured(Protocol):
    """An application with metrics."""

    @property
    def metrics(self) -> Metrics: ...


def metrics_text(app: Measured) -> bytes:
    """The metrics of an application, as Prometheus reads them."""
    return app.metrics.text()
