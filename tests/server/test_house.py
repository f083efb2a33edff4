from __future__ import annotations

from typing import Any

import fastapi
from fastapi.testclient import TestClient

import onward
from onward import Onward
from onward.server.app import API
from tests.app_fixtures import Apps, run_all, until
from tests.server.conftest import add_jobs


def test_operation_does_a_verb_with_many_jobs_and_says_what_became_of_each(app: Onward, client: TestClient) -> None:
    waiting = [app.submit("count", {"number": n}) for n in range(120)]
    done = app.submit("breaks")
    app.cancel(done.id)
    would = client.post(f"{API}/operations", json={"action": "cancel", "filter": {"state": "queued"}, "dry_run": True})
    assert (would.json()["total"], would.json()["by_state"], would.json()["id"]) == (120, {"queued": 120}, None)
    wrong = client.post(
        f"{API}/operations", json={"action": "cancel", "filter": {"state": "queued"}, "expect_count": 7}
    )
    assert (wrong.status_code, wrong.json()["count"]) == (409, 120)
    meant = {"action": "cancel", "ids": [job.id for job in waiting] + [done.id], "reason": "moving house"}
    made = client.post(f"{API}/operations", json=meant)
    assert made.status_code == 202, made.text
    at = f"{API}/{made.headers['Location']}"

    def ended() -> Any:
        found = client.get(at).json()
        return found if found["state"] == "done" else None

    record = until(ended, "the end of the operation")
    assert (record["done"], record["left"]) == (121, 0), record
    assert app.counts()["cancelled"] == 121
    first = client.get(f"{at}/items?limit=100").json()
    assert len(first["items"]) + len(client.get(f"{at}/items?limit=100&after={first['next']}").json()["items"]) == 121
    refused = client.post(f"{at}/cancel")
    assert refused.status_code == 409


def test_many_waiting_jobs_are_changed_and_others_are_skipped(app: Onward, client: TestClient) -> None:
    waiting = [app.submit("count", tags=["t"], delay=600).id for _ in range(3)]
    done = app.submit("count", tags=["t"])
    run_all(app)
    wish = {
        "action": "change",
        "filter": {"tag": "t"},
        "change": {"priority": 7, "queue": "gpu", "add_tags": ["t", "late"]},
    }
    seen = client.post(f"{API}/operations", json={**wish, "dry_run": True}).json()
    assert (seen["total"], seen["done"], seen["skipped"]) == (4, 3, 1)
    begun = client.post(f"{API}/operations", json=wish)
    assert begun.status_code == 202, begun.text
    assert begun.json()["change"] == wish["change"]
    at = f"{API}/operations/{begun.json()['id']}"
    until(lambda: client.get(at).json()["state"] == "done", "the end of the operation")
    record = client.get(at).json()
    assert (record["done"], record["skipped"], record["failed"]) == (3, 1, 0), record
    assert {(job.priority, job.queue, job.tags) for job in map(app.get, waiting)} == {(7, "gpu", ("t", "late"))}
    assert app.get(done.id).priority == 0
    told = app.history(waiting[0])[-1]
    assert (told.kind, told.actor) == ("changed", "local")
    for wrong in ({"change": {}}, {"change": None}, {"action": "cancel"}, {"change": {"state": "done"}}):
        refused = client.post(f"{API}/operations", json=wish | wrong)
        assert refused.status_code == 422, refused.text


def test_operation_that_was_left_goes_on_elsewhere(app: Onward, apps: Apps) -> None:
    jobs = [app.submit("count").id for _ in range(3)]
    app.operations._running().stop()
    made = app.operations.begin("cancel", jobs, actor="ana")
    app.database.query("UPDATE operations SET updated_at = '2020-01-01 00:00:00+00'")
    other = apps()
    add_jobs(other)
    other.operations.attend()
    until(lambda: other.operations.get(made.id).state == "done", "the end")
    assert {other.get(job).status for job in jobs} == {"cancelled"}


def test_queue_is_paused_for_everybody_and_says_why_jobs_wait(app: Onward, client: TestClient) -> None:
    job = client.post(f"{API}/jobs", json={"job_type": "count", "queue": "gpu"}).json()
    assert client.post(f"{API}/queues/gpu/pause", json={"reason": "new driver"}).status_code == 200
    run_all(app)
    with app.worker(concurrency=1):
        waiting = client.get(f"{API}/jobs/{job['id']}").json()
    assert waiting["state"] == "queued"
    assert waiting["waiting_reason"]["text"].startswith("Queue gpu was paused by local")
    listed = {queue["name"]: queue for queue in client.get(f"{API}/queues").json()["items"]}
    assert (listed["gpu"]["waiting"], listed["gpu"]["paused_by"]) == (1, "local")
    assert client.post(f"{API}/queues/gpu/resume").status_code == 200
    run_all(app)
    assert app.get(job["id"]).status == "completed"


def test_worker_that_is_asked_to_takes_no_more(app: Onward, client: TestClient) -> None:
    with app.worker(concurrency=1, name="gpu-1"):
        [worker] = client.get(f"{API}/workers").json()["items"]
        assert (worker["name"], worker["state"]) == ("gpu-1", "online")
        assert client.post(f"{API}/workers/{worker['id']}/drain").status_code == 202
        until(lambda: client.get(f"{API}/workers").json()["items"][0]["state"] == "draining", "the drain")
    assert client.post(f"{API}/workers/{worker['id']}/stop").status_code == 422


def test_what_ended_is_counted_once_into_rollups(app: Onward, client: TestClient) -> None:
    app.submit_many([("count", {"number": n}) for n in range(5)])
    app.submit("breaks")
    run_all(app)
    app.database.query("UPDATE job_events SET at = '2026-01-01 00:00:00+00'")
    assert app.rollups.count() > 0
    assert app.rollups.count() == 0
    rows = app.database.query("SELECT seconds, outcome, sum(jobs) FROM job_rollups GROUP BY seconds, outcome")[1]
    assert sorted((int(s), o, int(n)) for s, o, n in rows) in (
        [],  # too old to be kept was dropped by the second look
        [(300, "failed", 1), (300, "succeeded", 5), (3600, "failed", 1), (3600, "succeeded", 5)],
        [(3600, "failed", 1), (3600, "succeeded", 5)],
    )
    overview = client.get(f"{API}/overview?range=7d").json()
    assert [one["code"] for one in overview["attention"]] == ["interrupted"]
    assert len(overview["throughput"]) >= 168
    assert client.get(f"{API}/badges").json()["interrupted"] == {"value": 1, "exact": True}


def test_board_shows_who_has_what_and_a_hold_keeps_it(app: Onward, client: TestClient) -> None:
    @app.job(resources=["vectors:768"])
    def embed(ctx: object) -> None:
        """Embed."""

    assert client.post(f"{API}/resources/vectors:768/hold", json={"reason": "compacting"}).status_code == 200
    app.submit("embed")
    run_all(app)
    [card] = client.get(f"{API}/resources").json()["items"]
    assert (card["mode"], card["dimension"], card["waiting"], card["held_reason"]) == ("held", 768, 1, "compacting")
    assert client.post(f"{API}/resources/vectors:768/release").status_code == 200
    run_all(app)
    assert client.get(f"{API}/resources/vectors:768").json()["mode"] == "free"
    board = client.get("/api/job-builder/dimension-status").json()
    assert sorted(board) == ["1024", "1536", "384", "768"]
    assert board["768"] == {"busy": False, "job_id": None, "operation": None, "source_id": None}


def test_question_is_answered_once(app: Onward, client: TestClient) -> None:
    app.submit("asks")
    run_all(app)
    [asked] = client.get(f"{API}/inputs").json()["items"]
    at = f"{API}/inputs/{asked['id']}"
    assert client.post(f"{at}/claim").json()["claimed_by"] == "local"
    wrong = client.post(f"{at}/answer", json={"response": "perhaps"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "answer-invalid")
    assert client.post(f"{at}/answer", json={"response": True, "reason": "ok"}).status_code == 200
    second = client.post(f"{at}/answer", json={"response": False})
    assert (second.status_code, second.json()["question"]["answered_by"]) == (409, "local")
    run_all(app)
    assert client.get(f"{API}/inputs?state=answered").json()["items"][0]["response"] is True


def test_views_are_ones_own_or_everybodys(client: TestClient) -> None:
    mine = client.post(f"{API}/views", json={"name": "broken", "query": "state=failed"}).json()
    client.post(f"{API}/views", json={"name": "all", "query": "", "shared": True})
    assert [view["name"] for view in client.get(f"{API}/views").json()["items"]] == ["all", "broken"]
    assert client.delete(f"{API}/views/{mine['id']}").status_code == 204
    assert len(client.get(f"{API}/views").json()["items"]) == 1


def test_house_answers_what_it_is_asked(app: Onward, client: TestClient) -> None:
    app.submit("breaks", source_id="wiki")
    run_all(app)
    for path in ("health", "settings", "audit", "retention", "checkpoints", "interrupted", "job-types", "workers"):
        answer = client.get(f"{API}/{path}")
        assert answer.status_code == 200, answer.text
    [one] = client.get(f"{API}/interrupted").json()["items"]
    assert one["resume"]["can_resume"] is True
    [saved] = client.get(f"{API}/checkpoints").json()["items"]
    assert client.post(f"{API}/checkpoints/{saved['job']}/pin").json() == {"count": 1, "pinned": True}
    preview = client.post(f"{API}/retention/preview", json={"older_than_days": 0}).json()
    assert preview["jobs"]["dry_run"] is True
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}
    assert "onward_" in client.get("/metrics").text


def test_pages_may_be_mounted_under_a_prefix(app: Onward) -> None:
    web = fastapi.FastAPI(lifespan=onward.lifespan(app, concurrency=1))
    web.mount("/shop/jobs", onward.ui(app, authorize=lambda scope: ("ana", "operator")))
    with TestClient(web) as client:
        assert client.get("/shop/jobs/api/v1/session").json()["base"] == "/shop/jobs/"
        assert '<base href="/shop/jobs/" />' in client.get("/shop/jobs/jobs/job_1").text
        job = client.post("/shop/jobs/api/v1/jobs", json={"job_type": "count"}).json()
        assert job["user_id"] == "ana"
        at = f"/shop/jobs/api/v1/jobs/{job['id']}"
        until(lambda: client.get(at).json()["state"] == "succeeded", "the worker of the application")
        assert client.get("/shop/jobs/api/v1/keys").status_code == 403
