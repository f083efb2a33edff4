from __future__ import annotations

from fastapi.testclient import TestClient

from onward import Onward
from tests.app_fixtures import run_all


def test_last_lines_come_first_and_earlier_ones_on_demand(app: Onward, client: TestClient) -> None:
    job = client.post("/api/v1/jobs", json={"job_type": "talks", "params": {"lines": 5}}).json()
    run_all(app)
    at = f"/api/v1/jobs/{job['id']}/logs"

    def said(page: dict) -> list[str]:  # type: ignore[type-arg]
        return [line["message"] for line in page["items"]]

    last = client.get(at, params={"before": 2**53, "limit": 2}).json()
    assert said(last) == ["line 3", "line 4"]
    earlier = client.get(at, params={"before": last["prev"], "limit": 2}).json()
    assert said(earlier) == ["line 1", "line 2"]
    first = client.get(at, params={"before": earlier["prev"], "limit": 2}).json()
    assert (said(first), first["prev"]) == (["line 0"], None)
    assert said(client.get(at, params={"limit": 2}).json()) == ["line 0", "line 1"]
