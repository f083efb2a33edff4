"""Metrics: what is counted, and what the database says there is to do."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from onward import Onward
from onward.clock import ManualClock
from onward.errors import StoreUnavailable
from onward.events import JobStalled, StartSkipped, StoreDown, StoreUp, WorkerLost
from onward.model.load import Load
from onward.telemetry.metrics import METRICS, Metrics, metrics_text
from tests.app_fixtures import Apps

_KINDS = {"counter", "gauge", "histogram"}


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    found = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            found[(sample.name, tuple(sorted(sample.labels.items())))] = sample.value
    return found


def value(app: Onward, name: str, **labels: str) -> float | None:
    return samples(metrics_text(app)).get((name, tuple(sorted(labels.items()))))


@pytest.fixture
def busy(apps: Apps) -> Onward:
    """An application whose jobs were counted from the beginning."""
    app = apps()
    assert app.metrics is app.metrics

    @app.job
    def tidy(count: int) -> dict[str, Any]:
        return {"items_processed": count, "items_updated": 1, "errors": 0, "duration": 2.5, "text": "items_processed"}

    @app.job
    def fail() -> None:
        raise ValueError("no")

    @app.job
    def save(ctx: Any) -> None:
        ctx.checkpoint({"at": 1}, flush=True)

    return app


def test_runs_are_counted_by_type_and_outcome(busy: Onward) -> None:
    busy.submit("tidy", {"count": 40})
    busy.submit("tidy", {"count": 2})
    busy.submit("fail", queue="other")
    busy.submit("save")
    busy.worker(concurrency=2, queues=["default", "other"]).run(until_idle=True)
    assert value(busy, "onward_jobs_submitted_total", job_type="tidy", queue="default") == 2
    assert value(busy, "onward_jobs_submitted_total", job_type="fail", queue="other") == 1
    assert value(busy, "onward_runs_started_total", job_type="tidy") == 2
    assert value(busy, "onward_runs_ended_total", job_type="tidy", outcome="success") == 2
    assert value(busy, "onward_runs_ended_total", job_type="fail", outcome="failed") == 1
    assert value(busy, "onward_run_duration_seconds_count", job_type="tidy") == 2
    assert value(busy, "onward_run_wait_seconds_count", job_type="tidy") == 2
    assert 0 <= (value(busy, "onward_run_wait_seconds_sum", job_type="tidy") or 0) < 120
    assert value(busy, "onward_checkpoints_saved_total", job_type="save") == 1
    assert (value(busy, "onward_checkpoint_bytes_total", job_type="save") or 0) > 5
    assert (value(busy, "onward_last_success_timestamp_seconds", job_type="tidy") or 0) > 1.7e9
    assert value(busy, "onward_last_success_timestamp_seconds", job_type="fail") is None


def test_statistics_of_results_are_added_up(busy: Onward) -> None:
    busy.submit("tidy", {"count": 40})
    busy.submit("tidy", {"count": 2})
    busy.worker().run(until_idle=True)
    assert value(busy, "onward_items_processed_total", job_type="tidy") == 42
    assert value(busy, "onward_items_updated_total", job_type="tidy") == 2
    assert value(busy, "onward_items_errors_total", job_type="tidy") == 0
    assert value(busy, "onward_reported_seconds_total", job_type="tidy") == 5


def test_what_waits_is_read_from_the_database(busy: Onward) -> None:
    for _ in range(3):
        busy.submit("tidy", {"count": 1})
    busy.submit("tidy", {"count": 1}, delay=3600)
    busy.submit("fail", queue="other")
    assert value(busy, "onward_queue_depth", queue="default") == 3
    assert value(busy, "onward_queue_depth", queue="other") == 1
    assert (value(busy, "onward_queue_oldest_seconds", queue="default") or 0) >= 0
    assert value(busy, "onward_jobs", status="pending") == 5
    assert value(busy, "onward_jobs_held_up", waiting_on="time") == 1
    assert value(busy, "onward_database_up") == 1
    assert value(busy, "onward_worker_slots") == 0


def test_slots_of_workers_are_counted_while_they_are_there(busy: Onward) -> None:
    with busy.worker(concurrency=3):
        assert value(busy, "onward_worker_slots") == 3
        assert value(busy, "onward_workers", state="online") == 1
    assert value(busy, "onward_worker_slots") == 0


def test_database_that_is_away_is_a_metric_and_no_error() -> None:
    def away() -> Load:
        raise StoreUnavailable("It is away.")

    found = samples(Metrics(away, ManualClock()).text())
    assert found["onward_database_up", ()] == 0
    assert not any(name == "onward_jobs" for name, _ in found)


def test_other_events_are_counted() -> None:
    metrics = Metrics(Load, ManualClock())
    for event in (
        StoreDown("refused"),
        StoreUp(down_seconds=7.5, replayed=3),
        WorkerLost("w", "silent", jobs=4),
        JobStalled("1", "tidy", seconds=9),
        StartSkipped(schedule="nightly", job_type="tidy", reason="missed"),
    ):
        metrics.hear(event)
    found = samples(metrics.text())
    assert found["onward_outages_total", ()] == 1
    assert found["onward_outage_seconds_total", ()] == 7.5
    assert found["onward_journal_records_total", ()] == 3
    assert found["onward_jobs_taken_over_total", ()] == 4
    assert found["onward_jobs_stalled_total", (("job_type", "tidy"),)] == 1
    labels = (("job_type", "tidy"), ("schedule", "nightly"))
    assert found["onward_schedule_starts_skipped_total", labels] == 1


def test_every_metric_is_described_and_every_described_one_is_there(busy: Onward) -> None:
    busy.submit("tidy", {"count": 1})
    busy.worker().run(until_idle=True)
    shown = {family.name: family for family in text_string_to_metric_families(busy.metrics.text().decode())}
    described = {one.name.removesuffix("_total"): one for one in METRICS}
    of_jobs = {metric.name for metric in REGISTRY.collect()}
    shown = {name: family for name, family in shown.items() if name not in of_jobs}
    assert set(shown) == set(described)
    for name, family in shown.items():
        assert family.type == described[name].kind
        assert family.documentation == described[name].meaning
        assert described[name].kind in _KINDS
    assert b"_created" not in busy.metrics.text()


def test_nothing_of_a_job_but_its_type_is_a_label(busy: Onward) -> None:
    """Labels with ids or parameters would make a series for each job."""
    busy.submit("tidy", {"count": 1}, source_id="canary-source", user_id="canary-user", tags=("canary-tag",))
    busy.worker().run(until_idle=True)
    assert b"canary" not in busy.metrics.text()
