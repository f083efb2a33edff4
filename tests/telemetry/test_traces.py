"""Traces: a span for each run, what lies below it, and what it is linked to."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace as api
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from onward import Context, Onward
from onward.clock import SystemClock
from onward.errors import MissingExtra
from onward.telemetry.traces import Traces, trace

EXPORTER = InMemorySpanExporter()


@pytest.fixture(scope="session", autouse=True)
def provider() -> None:
    """OpenTelemetry has one for a process."""
    made = TracerProvider()
    made.add_span_processor(SimpleSpanProcessor(EXPORTER))
    api.set_tracer_provider(made)


@pytest.fixture
def app(tmp_path: Any) -> Iterator[Onward]:
    EXPORTER.clear()
    app = Onward(f"sqlite:///{tmp_path}/onward.db")
    trace(app.events, app.clock)

    @app.job
    def fetch(ctx: Context) -> dict[str, Any]:
        with api.get_tracer("a library").start_as_current_span("below"):
            return {"items_processed": 3}

    @app.job
    async def fetch_async(ctx: Context) -> None:
        with api.get_tracer("a library").start_as_current_span("below async"):
            pass

    @app.job
    def fail() -> None:
        raise KeyError("x")

    yield app
    app.close()


def spans() -> dict[str, Any]:
    return {span.name: span for span in EXPORTER.get_finished_spans()}


def test_each_run_is_a_span_with_its_facts_and_what_its_code_does_lies_below(app: Onward) -> None:
    job = app.submit("fetch")
    app.submit("fetch_async")
    app.worker(concurrency=1).run(until_idle=True)
    found = spans()
    run = found["run fetch"]
    assert run.attributes["onward.job.id"] == job.id
    assert run.attributes["onward.outcome"] == "success"
    assert run.attributes["onward.items_processed"] == 3
    assert run.kind is api.SpanKind.CONSUMER
    assert run.end_time >= run.start_time
    assert run.parent is None
    assert found["below"].parent.span_id == run.context.span_id
    assert found["below async"].parent.span_id == found["run fetch_async"].context.span_id


def test_run_is_linked_to_whoever_submitted_the_job(app: Onward) -> None:
    with api.get_tracer("a program").start_as_current_span("request") as request:
        job = app.submit("fetch")
    app.worker().run(until_idle=True)
    found = spans()
    assert [link.context.span_id for link in found["run fetch"].links] == [request.get_span_context().span_id]
    assert found["request"].events[0].attributes["onward.job.id"] == job.id
    assert found["run fetch"].context.trace_id != found["request"].context.trace_id


def test_failed_run_is_an_error(app: Onward) -> None:
    app.submit("fail")
    app.worker().run(until_idle=True)
    run = spans()["run fail"]
    assert run.status.status_code is api.StatusCode.ERROR
    assert run.attributes["error.type"] == "KeyError"


def test_missing_library_is_an_error_that_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingExtra, match=r"onward\[traces\]"):
        Traces(SystemClock())
