"""Keys that are limited to queues, job types or users: what is beyond them is not there, whatever the address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from onward import Context, InvalidValue, Job, JobPhase, Onward
from onward.engine.keys import Holder
from onward.model.ids import shown
from onward.model.limits import Limits
from onward.model.query import JobQuery, Term
from onward.server.access import takes_limits
from onward.server.app import API, NOUNS
from tests.app_fixtures import run_all, until
from tests.server.test_events import Client, serving

MAKE = Callable[..., TestClient]
KEPT = {
    "GET /session", "POST /session", "DELETE /session", "GET /interrupted", "GET /badges", "GET /jobs", "POST /jobs",
    "GET /job-ids", "POST /jobs/{job_id}/again", "POST /jobs/{job_id}/fresh", "PATCH /jobs/{job_id}", "GET /job-types", "GET /job-types/{name}",
    "GET /inputs", "GET /views", "GET /checkpoints", "POST /answer-links/look", "POST /answer-links/answer", "GET /events", "POST /events/ticket",
}  # fmt: skip
"""Routes that keep to the limits themselves; each is tried below."""


@pytest.fixture
def app(app: Onward) -> Onward:
    @app.job()
    def stops(ctx: Context, text: str = "") -> None:
        ctx.state["n"] = 1
        ctx.checkpoint()
        raise ValueError("stopped")

    return app


@pytest.fixture
def gpu(app: Onward, clients: MAKE) -> Iterator[TestClient]:
    """An admin's key for the queue ``gpu`` alone."""
    yield holding(app, clients, Limits(queues=("gpu",)))


def holding(app: Onward, clients: MAKE, limits: Limits, role: str = "admin") -> TestClient:
    web = clients(app, "10.0.0.7")
    web.headers["Authorization"] = f"Bearer {app.keys.create('limited', role, limits=limits)[1]}"
    return web


def made(app: Onward, queue: str) -> dict[str, str]:
    """One job of each kind in a queue, and what stands in addresses."""
    done = app.submit("count", {"number": 7}, queue=queue)
    stopped = app.submit("stops", source_id=f"wiki-{queue}", queue=queue)
    asks = app.submit("asks", queue=queue)
    run_all(app, queues=[queue])
    [question] = app.questions.list(job_id=asks.id)
    return {
        "job_id": shown(done.id), "question_id": shown(question.id, "inp"), "stopped": shown(stopped.id),
        "asks": shown(asks.id),
    }  # fmt: skip


def routes() -> list[tuple[str, Any]]:
    return [(method, route) for noun in NOUNS for route in noun.routes for method in sorted(route.methods)]  # type: ignore[attr-defined]


def test_every_route_keeps_to_the_limits_or_is_refused(app: Onward, gpu: TestClient) -> None:
    """Each route with one's own and with another's job; what is about neither is refused, or keeps to the limits itself."""
    own, other = made(app, "gpu"), made(app, "cpu")
    assert {f"{method} {route.path}" for method, route in routes() if takes_limits(route)} == KEPT
    for method, route in routes():
        about = {"job_id", "question_id"} & set(route.param_convertors)
        if about:
            theirs = gpu.request(method, API + route.path.format(**other))
            # What is deleted is there no more for the routes that follow.
            chosen = {**own, "job_id": own["stopped"]} if method == "DELETE" else own
            mine = gpu.request(method, API + route.path.format(**chosen), json={} if method != "GET" else None)
            assert (theirs.status_code, "This key is for" in theirs.text) == (404, True), (method, route.path)
            assert "This key is for" not in mine.text, (method, route.path)
        elif f"{method} {route.path}" not in KEPT:
            names = dict.fromkeys(("name", "operation_id", "key_id", "view_id", "worker_id"), "nothing")
            refused = gpu.request(method, API + route.path.format(**names))
            assert (refused.status_code, refused.json()["code"]) == (403, "not-allowed"), (method, route.path)
    assert gpu.get("/metrics").status_code == 403
    for verb in ("schemas", "dimension-status"):
        assert gpu.get(f"/api/job-builder/{verb}").status_code == 403
    assert gpu.post("/api/job-builder/run", json={"phases": [], "source_id": "wiki"}).status_code == 403


def test_lists_hold_only_what_is_within(app: Onward, gpu: TestClient) -> None:
    own, other = made(app, "gpu"), made(app, "cpu")

    def ids(path: str) -> set[str]:
        return {item["id"] for item in gpu.get(f"{API}/{path}").json()["items"]}

    mine = {own["job_id"], own["stopped"], own["asks"]}
    assert ids("jobs") == mine
    assert ids("jobs?queue=cpu") == ids("jobs?-queue=gpu") == set()
    assert ids("jobs?queue=cpu,gpu") == mine
    assert gpu.get(f"{API}/jobs?count=exact").json()["count"] == {"value": 3, "exact": True}
    assert ids("interrupted") == {own["stopped"]}
    assert ids("inputs") == {own["question_id"]}
    assert [one["job"] for one in gpu.get(f"{API}/checkpoints").json()["items"]] == [own["stopped"]]
    assert gpu.get(f"{API}/checkpoints?job={other['stopped']}").status_code == 404
    badges = gpu.get(f"{API}/badges").json()
    assert [badges[name]["value"] for name in ("interrupted", "inputs")] == [1, 1]
    assert gpu.get(f"{API}/job-ids?ending={own['job_id'][-8:]}").json() == [own["job_id"]]
    assert gpu.get(f"{API}/job-ids?ending={other['job_id'][-8:]}").json() == []
    assert gpu.get(f"{API}/session").json()["limits"] == {"queues": ["gpu"]}


def test_what_is_handed_in_lies_within(app: Onward, gpu: TestClient) -> None:
    other = made(app, "cpu")
    job = gpu.post(f"{API}/jobs", json={"job_type": "count", "delay": 600})
    assert (job.status_code, job.json()["queue"]) == (201, "gpu"), "the only queue there is for it"
    path = f"{API}/jobs/{job.json()['id']}"
    before = app.count()
    refusals = [
        gpu.post(f"{API}/jobs", json={"job_type": "count", "queue": "cpu"}),
        gpu.post(f"{API}/jobs", json={"job_type": "count", "on_conflict": "replace"}),
        gpu.patch(path, json={"queue": "cpu"}),
        *(
            gpu.post(f"{API}/jobs", json={"job_type": "stops", "source_id": "wiki-cpu", "resume": resume})
            for resume in (None, True, False)
        ),
        gpu.post(f"{API}/jobs/{made(app, 'gpu')['stopped']}/again", json={"source_id": "wiki-cpu", "resume": True}),
    ]
    assert [answer.status_code for answer in refusals] == [403] * 7, [answer.text for answer in refusals]
    assert not any(other["stopped"] in answer.text for answer in refusals)
    assert app.count() == before + 3
    assert app.get(other["stopped"]).is_interrupted
    app.submit("count", queue="cpu", idempotency_key="one")
    assert gpu.post(f"{API}/jobs", json={"job_type": "count", "key": "one"}).status_code in (403, 409)
    assert gpu.patch(path, json={"priority": 3}).json()["priority"] == 3


def test_what_is_in_the_way_is_not_shown(app: Onward, gpu: TestClient) -> None:
    @app.job(resources=["graph"])
    def draws(ctx: Context, secret: str = "") -> None:
        """Occupies what others want, too."""

    app.submit("draws", {"secret": "canary"}, queue="cpu", delay=600)
    app.submit("draws", {"secret": "mine"}, queue="gpu", delay=600, on_conflict="wait")
    refused = gpu.post(f"{API}/jobs", json={"job_type": "draws"})
    assert (refused.status_code, refused.json()["code"]) == (409, "resource-held"), refused.text
    assert "canary" not in refused.text
    assert "job" not in refused.json()


def test_chain_of_ones_own_would_reach_beyond(app: Onward, gpu: TestClient, clients: MAKE) -> None:
    phases = {"phases": [{"job_type": "breaks", "name": "breaks", "params": {}, "weight": 50}], "name": "x"}
    chains = holding(app, clients, Limits(job_types=("chain", "count")))
    for web in (gpu, chains):
        answer = web.post(f"{API}/jobs", json={"job_type": "chain", "params": phases})
        assert answer.status_code == 403, answer.text
    assert app.count() == 0


@pytest.mark.parametrize("how", [{"resume": True}, {"resume": False}, {"resume": False, "keep": True}, {}])
def test_older_name_reaches_no_further_than_what_it_means(
    app: Onward, gpu: TestClient, clients: MAKE, how: dict[str, bool]
) -> None:
    app.job_types.older_name("index", lambda given: ("stops", {"text": ""}) if given.get("large") else ("count", {}))
    other = made(app, "cpu")["stopped"]
    wish = {"job_type": "index", "params": {"large": True}, "source_id": "wiki-cpu", **how}
    for web in (gpu, holding(app, clients, Limits(job_types=("count",)))):
        assert web.post(f"{API}/jobs", json=wish).status_code == 403
    left = app.get(other)
    assert (left.is_interrupted, left.superseded_by) == (True, None)


def test_type_that_replaces_what_is_in_the_way_is_refused(app: Onward, gpu: TestClient) -> None:
    @app.job(on_conflict="replace", resources=["graph"])
    def redraws(ctx: Context) -> None:
        """Takes the place of whoever is there."""

    theirs = app.submit("redraws", queue="cpu", delay=600)
    assert gpu.post(f"{API}/jobs", json={"job_type": "redraws"}).status_code == 403
    mine = app.submit("redraws", queue="gpu", delay=600, on_conflict="wait")
    assert gpu.post(f"{API}/jobs/{shown(mine.id)}/again").status_code == 403
    assert app.get(theirs.id).status == "pending"


def test_starting_fresh_beside_what_is_kept_leaves_the_work_of_others(app: Onward, gpu: TestClient) -> None:
    mine, theirs = (app.submit("stops", source_id="wiki", queue=queue, on_conflict="wait") for queue in ("gpu", "cpu"))
    run_all(app)
    path = f"{API}/jobs/{shown(mine.id)}"
    assert gpu.post(f"{path}/fresh", json={"keep": True}).status_code == 403
    assert gpu.post(f"{path}/again", json={"resume": True}).status_code == 403
    assert app.get(theirs.id).is_interrupted
    assert gpu.post(f"{path}/fresh").status_code == 200


def test_work_of_others_is_found_behind_any_number_of_ones_own(app: Onward, gpu: TestClient) -> None:
    theirs = app.submit("stops", source_id="wiki", queue="cpu")
    run_all(app)
    for number in range(510):
        app.submit("stops", source_id=f"s{number}", queue="gpu", delay=600)
    app.database.query(f"UPDATE jobs SET source_id = 'wiki' WHERE job_id <> '{theirs.id}'")
    refused = gpu.post(f"{API}/jobs", json={"job_type": "stops", "source_id": "wiki", "resume": True})
    assert (refused.status_code, app.get(theirs.id).is_interrupted) == (403, True), refused.text


def test_part_of_the_job_of_others_is_looked_at_and_not_steered(app: Onward, gpu: TestClient) -> None:
    app.job(name="gp", queue="gpu")(_breaks)
    chain = app.submit_chain([JobPhase("gp")])
    run_all(app)
    [part] = app.children(chain.id)
    path = f"{API}/jobs/{shown(part.id)}"
    assert gpu.get(path).status_code == 200
    for verb in ("resume", "cancel", "ack", "pause"):
        assert gpu.post(f"{path}/{verb}").status_code == 403, verb
    assert app.get(chain.id).status == "failed"


def _breaks(ctx: Context) -> None:
    raise ValueError("broken")


def test_patterns_mind_large_and_small_letters(app: Onward, clients: MAKE) -> None:
    app.submit("count", {"number": 7}, queue="GPU-secret")
    mine = app.submit("count", {"number": 7}, queue="gpu-1")
    web = holding(app, clients, Limits(queues=("gpu-*",)))
    found = web.get(f"{API}/jobs?count=exact&arg.number=7").json()
    assert ([job["id"] for job in found["items"]], found["count"]["value"]) == ([shown(mine.id)], 1)
    odd = app.submit("count", queue="a[b]?%_!")
    listed = app.search(JobQuery(terms=(Term("queue", ("a[b]?%_*",)),)), limit=9)
    assert [job.id for job in listed] == [odd.id]


def test_deliveries_of_webhooks_are_seen_by_name_only(app: Onward, clients: MAKE) -> None:
    @app.job()
    def webhook(url: str, message: dict[str, str]) -> None:
        """As the real one."""

    told = app.submit("webhook", {"url": "https://example.org", "message": {"prompt": "canary"}})
    path = f"{API}/jobs/{shown(told.id)}"
    web = holding(app, clients, Limits(queues=("default",)))
    assert web.get(path).status_code == 404
    assert "canary" not in web.get(f"{API}/jobs").text
    assert holding(app, clients, Limits(job_types=("webhook",))).get(path).status_code == 200


def test_what_is_beyond_and_what_is_not_there_are_answered_alike(app: Onward, gpu: TestClient) -> None:
    foreign, nothing = app.submit("count", queue="cpu").id, "01a22973-258e-7000-9fdc-be2eb35c0d61"
    answers = [gpu.get(f"{API}/jobs/{job_id}").json() for job_id in (foreign, nothing)]
    assert answers[0]["detail"].replace(foreign, "") == answers[1]["detail"].replace(nothing, "")
    assert answers[0]["hint"] == answers[1]["hint"]
    assert [gpu.get(f"{API}/checkpoints?job={job_id}").status_code for job_id in (foreign, nothing)] == [404, 404]


def test_limits_of_job_types_and_users(app: Onward, clients: MAKE) -> None:
    types = holding(app, clients, Limits(job_types=("cou*", "talks")))
    assert [kind["name"] for kind in types.get(f"{API}/job-types").json()] == ["count", "talks"]
    assert types.get(f"{API}/job-types/breaks").status_code == 403
    assert types.get(f"{API}/job-types/count").status_code == 200
    assert types.post(f"{API}/jobs", json={"job_type": "breaks"}).status_code == 403
    assert types.post(f"{API}/jobs", json={"job_type": "count"}).json()["user_id"] == "limited"
    ana = holding(app, clients, Limits(user_ids=("ana",)), "operator")
    mine = ana.post(f"{API}/jobs", json={"job_type": "count"}).json()
    assert mine["user_id"] == "ana"
    assert ana.post(f"{API}/jobs", json={"job_type": "count", "user_id": "ben"}).status_code == 403
    assert [job["id"] for job in ana.get(f"{API}/jobs").json()["items"]] == [mine["id"]]
    assert app.count() == 2


def test_parts_of_an_own_job_are_ones_own(app: Onward, clients: MAKE) -> None:
    @app.job()
    def whole(ctx: Context) -> object:
        return ctx.fan_out("piece", total=4, parts=2)

    @app.job()
    def piece(ctx: Context) -> int:
        return 1

    job = app.submit("whole")
    run_all(app)
    web = holding(app, clients, Limits(job_types=("whole",)))
    children = web.get(f"{API}/jobs/{shown(job.id)}/children").json()["items"]
    assert len(children) == 2
    assert {web.get(f"{API}/jobs/{child['id']}").status_code for child in children} == {200}
    pieces = holding(app, clients, Limits(job_types=("piece",)))
    assert pieces.get(f"{API}/jobs/{shown(job.id)}").status_code == 404


def test_events_are_told_of_ones_own_jobs_only(app: Onward) -> None:
    """Over a real connection, with a ticket that carries the limits."""
    with serving(app) as served:
        ticket, _ = app.tickets.issue(Holder("ci", "viewer", None, Limits(queues=("gpu",))))
        client = Client(served.port, f"/api/v1/events?ticket={ticket}")
        until(lambda: served.web.state.stream.listeners == 1, "the client")
        app.submit("count", queue="cpu")
        job: Job = app.submit("count", queue="gpu")
        run_all(app)
        told = client.until(lambda _name, facts: facts["id"] == shown(job.id) and facts["state"] == "succeeded")
        client.close()
    assert {name for name, _ in told} <= {"jobs", "progress"}
    assert {facts["id"] for _, facts in told} == {shown(job.id)}


@pytest.mark.parametrize(
    "limits", [{"queues": ("",)}, {"job_types": ("a,b",)}, {"user_ids": ("x",) * 51}, {"user_ids": ("*",)}]
)
def test_names_that_no_filter_could_say_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        Limits(**limits)


def test_an_application_around_ours_limits_its_people(app: Onward, clients: MAKE) -> None:
    web = clients(app, authorize=lambda _scope: ("ana", "operator", Limits(user_ids=("ana",))))
    foreign = app.submit("count", user_id="ben")
    assert web.get(f"{API}/jobs/{shown(foreign.id)}").status_code == 404
    own = web.post(f"{API}/jobs", json={"job_type": "count"}).json()
    assert web.get(f"{API}/jobs/{own['id']}").json()["user_id"] == "ana"
