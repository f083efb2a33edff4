"""What the server tells Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from fastapi.testclient import TestClient

from onward import Onward


def test_metrics_are_served_to_this_machine(app: Onward, client: TestClient) -> None:
    app.submit("count")
    app.worker().run(until_idle=True)
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'onward_runs_ended_total{job_type="count",outcome="success"} 1.0' in answer.text
    assert "onward_database_up 1.0" in answer.text


def test_others_need_a_key_for_metrics(app: Onward, clients: Callable[..., TestClient]) -> None:
    answer = clients(app, address="10.1.2.3").get("/metrics")
    assert answer.status_code == 401
    assert "onward_" not in answer.text
