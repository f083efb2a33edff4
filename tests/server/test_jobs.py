from __future__ import annotations

from fastapi.testclient import TestClient

from onward import Onward
from tests.app_fixtures import run_all


def test_job_is_handed_in_and_looked_at(app: Onward, client: TestClient) -> None:
    answer = client.post("/api/v1/jobs", json={"job_type": "count", "params": {"number": 3, "token": "canary"}})
    assert answer.status_code == 201, answer.text
    job = answer.json()
    assert job["id"].startswith("job_")
    assert job["params"] == {"number": 3, "token": "***"}
    assert job["user_id"] == "local"
    run_all(app)
    detail = client.get(f"/api/v1/jobs/{job['id']}").json()
    assert (detail["state"], detail["result"]) == ("succeeded", {"number": 3})
    assert [run["status"] for run in detail["runs"]] == ["success"]
    assert detail["actions"]["again"] == {"allowed": True, "reason": None}
    assert detail["actions"]["resume"] == {"allowed": False, "reason": "It has succeeded."}
    assert "canary" not in client.get("/api/v1/jobs").text


def test_unfinished_work_is_answered_with_the_facts_of_the_dialog(app: Onward, client: TestClient) -> None:
    app.submit("breaks", {"number": 2}, source_id="wiki")
    run_all(app)
    wish = {"job_type": "breaks", "params": {"number": 2}, "source_id": "wiki"}
    answer = client.post("/api/v1/jobs", json=wish)
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "incomplete-job-exists"
    facts = problem["resume"]
    assert facts["title"] == "Incomplete job found (0%, just now)"
    assert (facts["can_resume"], facts["default"], facts["stopped_why"]) == (True, "resume", "ValueError: broke at 2")
    assert facts["checkpoint"]["number"] == 1
    other = client.post("/api/v1/jobs", json=wish | {"params": {"number": 5}}).json()["resume"]
    assert other["inputs"] == {"same": False, "differences": [{"name": "number", "was": 2, "now": 5}]}
    assert (other["can_resume"], other["default"]) == (False, None)
    resumed = client.post("/api/v1/jobs", json=wish | {"resume": True}).json()
    assert resumed["id"] == problem["job"]["id"]


def test_each_verb_moves_the_job(app: Onward, client: TestClient) -> None:
    job = client.post("/api/v1/jobs", json={"job_type": "count"}).json()
    at = f"/api/v1/jobs/{job['id']}"
    assert client.patch(at, json={"priority": 7, "tags": ["night"]}).json()["priority"] == 7
    assert client.post(f"{at}/pause", json={"reason": "later"}).json()["state"] == "paused"
    assert client.post(f"{at}/resume").json()["state"] == "queued"
    assert client.post(f"{at}/cancel").json()["status"] == "cancelled"
    assert client.post(f"{at}/ack", json={"reason": "seen"}).json()["acknowledged_by"] == "local"
    assert client.post(f"{at}/fresh").json()["status"] == "pending"
    refused = client.post(f"{at}/fresh")
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal-transition")
    kinds = [change["kind"] for change in client.get(f"{at}/history").json()["items"]]
    assert kinds == ["changed", "paused", "unpaused", "cancelled", "acknowledged", "restarted"]
    client.post(f"{at}/cancel")
    assert client.post(f"{at}/again").status_code == 201
    assert client.delete(at).status_code == 204
    gone = client.get(at)
    assert (gone.status_code, gone.json()["code"]) == (404, "job-not-found")


def test_wrong_requests_say_what_is_wrong(client: TestClient) -> None:
    unknown = client.post("/api/v1/jobs", json={"job_type": "os.system"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "job-type-unknown")
    params = client.post("/api/v1/jobs", json={"job_type": "count", "params": {"number": "x"}})
    assert params.status_code == 422
    assert params.json()["errors"][0]["pointer"] == "/number"
    more = client.post("/api/v1/jobs", json={"job_type": "count", "fence": 3})
    assert (more.status_code, more.json()["errors"][0]["pointer"]) == (422, "/fence")
    broken = client.post("/api/v1/jobs", content=b"{", headers={"content-type": "application/json"})
    assert broken.status_code == 400
    asked = client.get("/api/v1/jobs?stat=failed")
    assert asked.status_code == 400
    assert "Did you mean stat" in asked.json()["hint"]


def test_a_verb_is_refused_when_the_job_has_changed_since_it_was_looked_at(app: Onward, client: TestClient) -> None:
    at = f"/api/v1/jobs/{app.submit('count', delay=600).id}"
    seen = {"If-Match": client.get(at).headers["etag"]}
    assert client.post(f"{at}/pause", headers=seen, json={"reason": "first"}).status_code == 200
    for answer in (
        client.post(f"{at}/cancel", headers=seen),
        client.post(f"{at}/unpause", headers=seen),
        client.patch(at, headers=seen, json={"priority": 3}),
        client.delete(at, headers=seen),
    ):
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (412, "changed-meanwhile")
        assert (problem["job"]["state"], problem["job"]["paused_reason"]) == ("paused", "first")
    assert client.get(at).json()["priority"] == 0
    assert client.post(f"{at}/cancel", headers={"If-Match": 'W/"x"'}).json()["code"] == "if-match-invalid"
    now = {"If-Match": client.get(at).headers["etag"]}
    assert client.post(f"{at}/cancel", headers=now).json()["state"] == "cancelled"
    assert client.post(f"{at}/ack", headers={"If-Match": "*"}).status_code == 200


def test_what_a_job_has_been_answered_counts_as_a_change(app: Onward, client: TestClient) -> None:
    job = app.submit("asks")
    run_all(app)
    at = f"/api/v1/jobs/{job.id}"
    seen = client.get(at).headers["etag"]
    assert client.post(f"{at}/pause", headers={"If-Match": seen}).status_code == 200
    seen = client.get(at).headers["etag"]
    app.answer(job.id, True)
    assert client.post(f"{at}/cancel", headers={"If-Match": seen}).status_code == 412


def test_a_question_that_has_changed_since_it_was_looked_at_is_left_alone(app: Onward, client: TestClient) -> None:
    app.submit("asks")
    run_all(app)
    at = f"/api/v1/inputs/{client.get('/api/v1/inputs').json()['items'][0]['id']}"
    seen = {"If-Match": client.get(at).headers["etag"]}
    assert client.post(f"{at}/reassign", headers=seen, json={"to": "ben"}).status_code == 200
    for verb, body in (("claim", None), ("release", None), ("reassign", {"to": "eve"}), ("answer", {"response": True})):
        answer = client.post(f"{at}/{verb}", headers=seen, json=body)
        assert (answer.status_code, answer.json()["code"]) == (412, "changed-meanwhile")
        assert answer.json()["question"]["state"] == "open"
    now = {"If-Match": client.get(at).headers["etag"]}
    assert client.post(f"{at}/answer", headers=now, json={"response": True}).status_code == 200
    late = client.post(f"{at}/answer", headers=now, json={"response": False})
    assert (late.status_code, late.json()["code"]) == (409, "already-answered"), "that says more"


def test_unfinished_work_stays_where_a_new_job_begins_beside_it(app: Onward, client: TestClient) -> None:
    old = app.submit("breaks", source_id="wiki")
    run_all(app)
    wish = {"job_type": "breaks", "source_id": "wiki"}
    assert client.post("/api/v1/jobs", json=wish).status_code == 409
    assert client.post("/api/v1/jobs", json=wish | {"keep": True}).status_code == 422
    new = client.post("/api/v1/jobs", json=wish | {"resume": False, "keep": True}).json()
    left = client.get(f"/api/v1/jobs/{old.id}").json()
    assert (left["superseded_by"], left["has_checkpoint"]) == (new["id"], True)
