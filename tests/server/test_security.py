from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from onward import Onward
from onward.server.access import Role, role_of
from onward.server.app import API, NOUNS
from onward.server.run import UnsafeBind, refuse_unsafe
from tests.app_fixtures import Apps, run_all
from tests.server.conftest import HERE, add_jobs

JSON = {"content-type": "application/json"}
EVERYWHERE = ".".join("0000")
MAKE = Callable[..., TestClient]


def every_route() -> list[tuple[str, str, Role]]:
    found = []
    for routes in NOUNS:
        for route in routes.routes:
            role = role_of(route)
            assert role is not None
            found += [(method, API + route.path, role) for method in sorted(route.methods)]  # type: ignore[attr-defined]
    return found


def filled(path: str) -> str:
    for name in ("{job_id}", "{name}", "{question_id}", "{operation_id}", "{key_id}", "{view_id}", "{worker_id}"):
        path = path.replace(name, "nothing")
    return path


def test_every_route_asks_every_caller_for_its_role(app: Onward, clients: MAKE) -> None:
    """Each route with each role, and without any: what is not enough is 403 or 401, before anything else is looked at."""
    web = clients(app, "10.0.0.7")
    keys = {role: app.keys.create(role.word, role.word)[1] for role in Role if role > Role.NOBODY}
    for method, path, needed in every_route():
        if path == f"{API}/events":
            continue
        nobody = web.request(method, filled(path))
        assert (nobody.status_code == 401) == (needed > Role.NOBODY), (method, path, nobody.text)
        for role, secret in keys.items():
            answer = web.request(method, filled(path), headers={"Authorization": f"Bearer {secret}"})
            assert (answer.status_code == 403) == (role < needed), (method, path, role, answer.text)
            assert answer.status_code < 500, (method, path, answer.text)


def test_reading_never_changes_anything(app: Onward) -> None:
    assert all(role is Role.VIEWER or method != "GET" or role > Role.VIEWER for method, _, role in every_route())
    changing = [(method, path) for method, path, role in every_route() if method != "GET" and role is Role.VIEWER]
    chains = [f"{API}/chains/{verb}" for verb in ("export", "import", "validate")]
    assert sorted(path for _, path in changing) == [*chains, f"{API}/events/ticket"]


def test_key_is_kept_as_a_hash_expires_and_is_revoked_at_once(app: Onward, clients: MAKE) -> None:
    web = clients(app, "10.0.0.7")
    key, secret = app.keys.create("ci", "viewer", days=1)
    assert secret.startswith("onw_")
    assert len(secret) > 45
    assert secret not in str(app.database.query("SELECT * FROM api_keys")[1])
    headers = {"Authorization": f"Bearer {secret}"}
    assert web.get(f"{API}/session", headers=headers).json()["user"] == "ci"
    assert app.keys.list()[0].used_at is not None
    assert web.get(f"{API}/session", headers={"Authorization": f"Bearer {secret}x"}).status_code == 401
    app.database.query("UPDATE api_keys SET expires_at = '2020-01-01 00:00:00+00'")
    assert web.get(f"{API}/session", headers=headers).status_code == 401
    _, other = app.keys.create("ops", "admin", days=None)
    admin = {"Authorization": f"Bearer {other}"}
    listed = web.get(f"{API}/keys", headers=admin).json()["items"]
    assert [one["is_good"] for one in listed] == [True, False]
    assert other not in str(listed)
    assert web.delete(f"{API}/keys/{listed[0]['id']}", headers=admin).status_code == 204
    assert web.get(f"{API}/session", headers=admin).status_code == 401
    assert key.role == "viewer"


def test_cookie_of_long_ago_does_not_lock_out_who_needs_no_key(app: Onward, clients: MAKE) -> None:
    here, far = clients(app), clients(app, "10.0.0.7")
    stale = {"Cookie": "onward_key=onw_gone"}
    assert here.get(f"{API}/session", headers=stale).json()["user"] == "local"
    assert far.get(f"{API}/session", headers=stale).status_code == 401
    assert here.get(f"{API}/session", headers={"Authorization": "Bearer onw_gone"}).status_code == 401


def test_pages_sign_in_with_a_cookie_that_other_sites_cannot_use(app: Onward, clients: MAKE) -> None:
    web = clients(app, "10.0.0.7")
    _, secret = app.keys.create("ana", "operator")
    same = {"Sec-Fetch-Site": "same-origin"}
    assert web.post(f"{API}/session", json={"key": "onw_wrong"}, headers=same).status_code == 401
    signed = web.post(f"{API}/session", json={"key": secret}, headers=same)
    assert signed.status_code == 204, signed.text
    cookie = signed.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert web.get(f"{API}/session").json()["user"] == "ana"
    job = {"job_type": "count"}
    assert web.post(f"{API}/jobs", json=job, headers=same).status_code == 201
    assert web.post(f"{API}/jobs", json=job, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert web.post(f"{API}/jobs", json=job).status_code == 403, "neither says whose page it is"
    assert web.post(f"{API}/jobs", json=job, headers={"X-Requested-With": "onward"}).status_code == 201
    assert web.delete(f"{API}/session", headers=same).status_code == 204


def test_other_names_and_other_sites_are_refused(client: TestClient) -> None:
    rebound = client.get(f"{API}/jobs", headers={"Host": "evil.test"})
    assert (rebound.status_code, rebound.json()["code"]) == (400, "host-unknown")
    form = {"content-type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site"}
    assert client.post(f"{API}/jobs", content="job_type=count", headers=form).status_code == 403
    foreign = {"Origin": "https://evil.test"}
    assert client.post(f"{API}/jobs", json={"job_type": "count"}, headers=foreign).status_code == 403
    plain = client.post(f"{API}/jobs", content="job_type=count", headers={"content-type": "text/plain"})
    assert (plain.status_code, plain.json()["code"]) == (415, "not-json")
    proxied = client.get(f"{API}/jobs", headers={"X-Forwarded-For": "10.1.1.1"})
    assert proxied.status_code == 401, "who comes through a proxy does not sit at this machine"


def test_large_and_deep_requests_are_refused_before_they_are_parsed(apps: Apps, clients: MAKE) -> None:
    app = apps(server={"body_bytes": 4096, "body_depth": 16})
    web = clients(app)
    large = web.post(f"{API}/jobs", content=b"[" + b" " * 5000 + b"]", headers=JSON)
    assert (large.status_code, large.json()["code"]) == (413, "too-large")
    deep = web.post(f"{API}/jobs", content=b"[" * 100 + b"]" * 100, headers=JSON)
    assert (deep.status_code, deep.json()["code"]) == (400, "too-deep")
    text = web.post(f"{API}/jobs", content=b'{"job_type": "[[[[[[[[[[[[[[[[[[[[[["}', headers=JSON)
    assert text.status_code == 422, "brackets in a text are no depth"


def test_every_answer_has_the_headers_of_safety(client: TestClient) -> None:
    for path in ("/", f"{API}/jobs", f"{API}/nothing", "/healthz"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self'")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-request-id"]


def test_read_only_makes_everybody_a_viewer(apps: Apps, clients: MAKE) -> None:
    app = apps(ui={"read_only": True})
    add_jobs(app)
    web = clients(app)
    assert web.get(f"{API}/session").json()["role"] == "viewer"
    assert web.post(f"{API}/jobs", json={"job_type": "count"}).status_code == 403
    far = clients(app, "10.0.0.7", "http://127.0.0.1")
    assert far.get(f"{API}/jobs").status_code == 200


def test_read_only_takes_no_answers_by_links_either(apps: Apps, clients: MAKE) -> None:
    app = apps(ui={"read_only": True})
    add_jobs(app)
    job = app.submit("asks")
    run_all(app)
    [question] = app.questions.list(job_id=job.id)
    token = app.answer_links.make(question.id, "ana").token
    web = clients(app, "10.0.0.7", "http://127.0.0.1")
    assert web.post(f"{API}/answer-links/answer", json={"token": token, "response": True}).status_code == 403
    assert app.questions.get(question.id).state == "open"


def test_listening_for_others_without_a_key_is_refused(app: Onward) -> None:
    with pytest.raises(UnsafeBind, match=r"0\.0\.0\.0"):
        refuse_unsafe(app, EVERYWHERE)
    refuse_unsafe(app, "127.0.0.1")
    app.keys.create("ops", "admin")
    refuse_unsafe(app, EVERYWHERE)


def test_secrets_are_nowhere_in_the_answers(app: Onward, client: TestClient) -> None:
    @app.job(sensitive=["pin"])
    def leaks(ctx: object, pin: str, api_key: str) -> dict[str, object]:
        return {"password": "canary-3", "nested": [{"access_token": "canary-4"}], "tokens": 12}

    job = app.submit("leaks", {"pin": "canary-1", "api_key": "canary-2"})
    run_all(app)
    at = f"{API}/jobs/{job.id}"
    for path in (f"{API}/jobs", at, f"{at}/history", f"{at}/runs", f"{at}/logs", f"{API}/overview"):
        assert "canary" not in client.get(path).text, path
    assert client.get(at).json()["result"] == {"password": "***", "nested": [{"access_token": "***"}], "tokens": 12}
    assert "***" in client.get(f"{API}/settings").text or "sqlite" in client.get(f"{API}/settings").text


def test_an_error_of_ours_shows_no_trace(app: Onward, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("canary in a trace")

    monkeypatch.setattr(app, "search", breaks)
    answer = client.get(f"{API}/jobs")
    assert (answer.status_code, answer.json()["code"]) == (500, "unexpected")
    assert "canary" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_request_that_is_sent_twice_is_done_once(app: Onward, client: TestClient) -> None:
    wish, headers = {"job_type": "count", "params": {"number": 4}}, {"Idempotency-Key": "one"}
    first = client.post(f"{API}/jobs", json=wish, headers=headers)
    again = client.post(f"{API}/jobs", json=wish, headers=headers)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert again.headers["Idempotency-Replayed"] == "true"
    assert app.count() == 1
    other = client.post(f"{API}/jobs", json=wish | {"params": {}}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-conflict")
    refused = client.post(f"{API}/jobs", json={"job_type": "nothing"}, headers={"Idempotency-Key": "two"})
    assert refused.status_code == 422
    assert client.post(f"{API}/jobs", json=wish, headers={"Idempotency-Key": "two"}).status_code == 201


def test_base_of_the_tests_is_this_machine() -> None:
    assert HERE.startswith("http://127.0.0.1")


def test_who_asks_too_fast_is_told_to_wait(apps: Apps, clients: Callable[..., TestClient]) -> None:
    client = clients(apps(server={"requests_per_second": 3}))
    answers = [client.get("/api/v1/session") for _ in range(20)]
    assert [answer.status_code for answer in answers[:6]] == [200] * 6
    late = answers[-1]
    assert (late.status_code, late.json()["code"], late.headers["retry-after"]) == (429, "too-many-requests", "5")
    assert client.get("/healthz").status_code == 200
