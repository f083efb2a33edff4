from __future__ import annotations

from fastapi.testclient import TestClient

from onward import Onward
from tests.app_fixtures import run_all


def test_question_is_claimed_and_answered_once(app: Onward, client: TestClient) -> None:
    job = app.submit("asks")
    run_all(app)
    asked = client.get("/api/v1/inputs").json()["items"]
    assert [(one["prompt"], one["state"], one["job_type"]) for one in asked] == [("Go on?", "open", "asks")]
    at = f"/api/v1/inputs/{asked[0]['id']}"
    assert client.post(f"{at}/claim").json()["claimed_by"] == "local"
    assert client.post(f"{at}/release").json()["claimed_by"] is None
    refused = client.post(f"{at}/answer", json={"response": "perhaps"})
    assert (refused.status_code, refused.json()["code"]) == (422, "answer-invalid")
    assert (
        client.post(f"{at}/answer", json={"response": True, "reason": "looks right"}).json()["answered_by"] == "local"
    )
    second = client.post(f"{at}/answer", json={"response": False})
    assert second.status_code == 409
    assert second.json()["question"]["answered_by"] == "local"
    assert client.get("/api/v1/inputs").json()["items"] == []
    assert [one["response"] for one in client.get("/api/v1/inputs?state=answered").json()["items"]] == [True]
    assert client.get("/api/v1/inputs/inp_00000000000000000000000000").status_code == 404
    run_all(app)
    assert app.get(job.id).result is True


def test_overview_and_badges_count_what_needs_somebody(app: Onward, client: TestClient) -> None:
    app.submit("breaks", {"number": 1}, source_id="a")
    app.submit("asks")
    run_all(app)
    app.submit("count")
    badges = client.get("/api/v1/badges").json()
    assert badges["interrupted"] == {"value": 1, "exact": True}
    assert badges["inputs"] == {"value": 1, "exact": True}
    overview = client.get("/api/v1/overview").json()
    assert [(one["code"], one["count"]) for one in overview["attention"]] == [("interrupted", 1), ("inputs", 1)]
    assert [(one["queue"], one["waiting"]) for one in overview["depth"]] == [("default", 1)]
    assert overview["running"] == []
