from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi.testclient import TestClient

from onward import Onward
from tests.app_fixtures import run_all

AT = "/api/v1/schedules"
NIGHTLY = {
    "name": "nightly",
    "job_type": "count",
    "cron": "30 2 * * *",
    "timezone": "Europe/Berlin",
    "params": {"number": 3},
}


def test_schedule_is_made_changed_paused_and_deleted(client: TestClient) -> None:
    made = client.post(AT, json=NIGHTLY)
    assert made.status_code == 201, made.text
    assert (made.json()["in_words"], made.json()["state"]) == ("Every day at 02:30 Europe/Berlin", "active")
    again = client.post(AT, json=NIGHTLY)
    assert (again.status_code, again.json()["code"]) == (409, "schedule-exists")
    changed = client.patch(f"{AT}/nightly", json={"interval_seconds": 90, "overlap": "queue"}).json()
    assert (changed["cron"], changed["interval_seconds"], changed["overlap"]) == (None, 90, "queue")
    assert changed["params"] == {"number": 3}
    paused = client.post(f"{AT}/nightly/pause", json={"reason": "holidays"}).json()
    assert (paused["state"], paused["paused_by"], paused["paused_reason"]) == ("paused", "local", "holidays")
    assert client.post(f"{AT}/nightly/resume").json()["state"] == "active"
    assert [item["name"] for item in client.get(AT).json()["items"]] == ["nightly"]
    assert client.delete(f"{AT}/nightly").status_code == 204
    gone = client.get(f"{AT}/nightly")
    assert (gone.status_code, gone.json()["code"]) == (404, "schedule-not-found")


def test_what_came_of_it_and_what_is_to_come_is_told(app: Onward, client: TestClient) -> None:
    client.post(AT, json=NIGHTLY | {"cron": "0 * * * *"})
    job = client.post(f"{AT}/nightly/run")
    assert job.status_code == 201, job.text
    run_all(app)
    assert client.post(f"{AT}/nightly/skip-next").status_code == 200
    runs = client.get(f"{AT}/nightly/runs").json()["items"]
    assert {run["status"] for run in runs} == {"success", "skipped"}
    starts = client.get(f"{AT}/forecast?hours=6").json()
    assert {start["schedule"] for start in starts} == {"nightly"}
    now = datetime.now(UTC)
    span = {"start": (now - timedelta(hours=3)).isoformat(), "end": now.isoformat()}
    counted = client.post(f"{AT}/nightly/backfill", json=span).json()
    assert (len(counted["due"]), counted["jobs"]) == (3, [])
    done = client.post(f"{AT}/nightly/backfill", json=span | {"dry_run": False}).json()
    assert len(done["jobs"]) == 3


def test_preview_tells_of_clock_changes_and_refuses_what_never_fires(client: TestClient) -> None:
    due = client.get(f"{AT}/preview", params={"cron": "30 2 25 10 *", "timezone": "Europe/Berlin", "count": 2}).json()
    assert len(due) == 2
    every = client.get(f"{AT}/preview", params={"interval_seconds": 60, "count": 3}).json()
    assert len(every) == 3
    never = client.get(f"{AT}/preview", params={"cron": "0 0 31 2 *"})
    assert (never.status_code, never.json()["code"]) == (422, "schedule-invalid")
    huge = client.get(f"{AT}/preview", params={"cron": "0-99999999 * * * *"})
    assert huge.status_code == 422
    reboot = client.post(AT, json=NIGHTLY | {"cron": "@reboot"})
    assert reboot.status_code == 422


def test_everything_is_paused_and_goes_on(client: TestClient) -> None:
    assert client.get(f"{AT}/all").json() == {"paused_reason": None}
    assert "moving" in client.post(f"{AT}/all/pause", json={"reason": "moving"}).json()["paused_reason"]
    assert client.post(f"{AT}/all/resume").json() == {"paused_reason": None}


def test_a_schedule_that_has_changed_since_it_was_looked_at_is_left_alone(app: Onward, client: TestClient) -> None:
    client.post(AT, json=NIGHTLY)
    at = f"{AT}/nightly"
    seen = {"If-Match": client.get(at).headers["etag"]}
    app.schedules.run_now("nightly")
    assert client.patch(at, headers=seen, json={"jitter_seconds": 9}).status_code == 200, "a start changes nothing"
    for answer in (
        client.patch(at, headers=seen, json={"cron": "0 4 * * *"}),
        client.post(f"{at}/pause", headers=seen, json={"reason": "late"}),
        client.post(f"{at}/resume", headers=seen),
        client.post(f"{at}/skip-next", headers=seen),
        client.delete(at, headers=seen),
    ):
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (412, "changed-meanwhile")
        assert problem["schedule"]["jitter_seconds"] == 9
    now = client.get(at)
    assert (now.json()["state"], now.json()["cron"]) == ("active", "30 2 * * *")
    assert client.delete(at, headers={"If-Match": now.headers["etag"]}).status_code == 204
