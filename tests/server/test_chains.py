from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient

from onward import Onward
from tests.app_fixtures import run_all

AT = "/api/v1/chains"


def phases(*names: str, **params: Any) -> list[dict[str, Any]]:
    return [{"job_type": name, "name": name.title(), "weight": 10, "params": params} for name in names]


def test_chain_is_saved_listed_changed_and_deleted(client: TestClient) -> None:
    plan = {"label": "Nightly", "description": "At night.", "phases": phases("count", "asks"), "expect_version": 0}
    saved = client.put(f"{AT}/nightly", json=plan)
    assert saved.status_code == 200, saved.text
    assert (saved.json()["version"], saved.json()["updated_by"]) == (1, "local")
    again = client.put(f"{AT}/nightly", json=plan)
    assert (again.status_code, again.json()["code"], again.json()["version"]) == (412, "version-conflict", 1)
    assert client.put(f"{AT}/nightly", json=plan | {"expect_version": 1}).json()["version"] == 2
    assert [chain["name"] for chain in client.get(AT).json()["saved"]] == ["nightly"]
    assert client.get(f"{AT}/nightly").json()["phases"][0]["name"] == "Count"
    assert client.delete(f"{AT}/nightly?expect_version=1").status_code == 412
    unseen = {name: value for name, value in plan.items() if name != "expect_version"}
    seen = {"If-Match": client.get(f"{AT}/nightly").headers["etag"]}
    assert client.put(f"{AT}/nightly", json=unseen, headers=seen).json()["version"] == 3
    for headers in (seen, {"If-Match": '"of something else"'}):
        assert client.put(f"{AT}/nightly", json=unseen, headers=headers).status_code == 412
        assert client.delete(f"{AT}/nightly", headers=headers).status_code == 412
    assert client.delete(f"{AT}/nightly", headers={"If-Match": '"3"'}).status_code == 204
    assert client.get(f"{AT}/nightly").status_code == 404


def test_chain_of_the_application_is_shown_and_stays(app: Onward, client: TestClient) -> None:
    from onward import JobPhase

    app.chain("both", [JobPhase("count", weight=10), JobPhase("asks", weight=90)], label="Both")
    [chain] = client.get(AT).json()["predefined"]
    assert (chain["name"], chain["origin"], [phase["weight"] for phase in chain["phases"]]) == (
        "both",
        "code",
        [10, 90],
    )
    assert client.delete(f"{AT}/both").status_code == 404
    refused = client.put(f"{AT}/both", json={"phases": phases("count")})
    assert (refused.status_code, refused.json()["code"]) == (422, "chain-invalid")


def test_what_is_wrong_is_said_at_its_phase_and_weights_are_measured(app: Onward, client: TestClient) -> None:
    wrong = client.post(f"{AT}/validate", json={"phases": [*phases("count", number="x"), *phases("nothing")]}).json()
    assert not wrong["valid"]
    assert {error["phase"] for error in wrong["errors"]} == {0, 1}
    assert wrong["measured_weights"] is None
    job = client.post(f"{AT}/run", json={"phases": phases("count", "count"), "name": "Twice"})
    assert job.status_code == 202, job.text
    run_all(app)
    assert client.get(f"/api/v1/jobs/{job.json()['job_id']}").json()["state"] == "succeeded"
    fine = client.post(f"{AT}/validate", json={"phases": phases("count", "count")}).json()
    assert fine["valid"]
    assert sum(fine["measured_weights"]) == 100


def test_unfinished_chain_is_answered_with_the_facts_of_the_dialog(app: Onward, client: TestClient) -> None:
    wish = {"phases": phases("count", "breaks"), "source_id": "wiki", "name": "Broken"}
    first = client.post(f"{AT}/run", json=wish).json()["job_id"]
    run_all(app)
    answer = client.post(f"{AT}/run", json=wish)
    assert (answer.status_code, answer.json()["code"]) == (409, "incomplete-job-exists")
    assert answer.json()["resume"]["job_id"] == first
    assert client.post(f"{AT}/run", json=wish | {"resume": True}).json()["job_id"] == first


def test_chain_is_written_and_read_as_text(client: TestClient) -> None:
    plan = {"name": "nightly", "label": "Nightly", "phases": phases("count", number=2)}
    written = client.post(f"{AT}/export", json=plan).json()
    assert "job_type: count" in written["yaml"]
    app = Onward("sqlite://")
    app.job(name="count")(lambda number=1: number)
    exec(written["python"], {"app": app})  # noqa: S102 - our own text, to see that it is Python
    assert app.job_types.get("nightly").phases[0].type_params == {"number": 2}
    read = client.post(f"{AT}/import", json={"yaml": written["yaml"]}).json()
    assert (read["name"], read["phases"]) == ("nightly", plan["phases"])
    refused = client.post(f"{AT}/import", json={"yaml": "phases: [*a]"})
    assert (refused.status_code, refused.json()["code"]) == (422, "chain-invalid")
