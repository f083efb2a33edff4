from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, settings
from schemathesis import checks

from onward import Onward
from onward.server.app import API, create_app
from tests.app_fixtures import quick_settings, run_all
from tests.server.conftest import add_jobs

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"


def test_description_is_the_committed_one(client: TestClient) -> None:
    found = client.get(f"{API}/openapi.json").json()
    assert found["openapi"].startswith("3.1")
    assert json.loads(PAGE.read_text()) == found, "python docs/generate.py writes it"


def test_every_path_of_the_interface_is_described(client: TestClient) -> None:
    paths = client.get(f"{API}/openapi.json").json()["paths"]
    assert {"/api/v1/jobs", "/api/v1/jobs/{job_id}/resume", "/api/job-builder/run", "/api/v1/events"} <= set(paths)
    for path, verbs in paths.items():
        for verb, told in verbs.items():
            assert told.get("description"), (path, verb)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """An application of its own, to be asked anything."""
    folder = tmp_path_factory.mktemp("fuzz")
    app = Onward(settings=quick_settings(f"sqlite:///{folder / 'onward.db'}", server={"requests_per_second": 100_000}))
    add_jobs(app)
    for job_type in ("count", "breaks", "asks"):
        app.submit(job_type)
    run_all(app)
    web = create_app(app, authorize=lambda _scope: ("somebody", "admin"))
    with TestClient(web, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client
    app.close()


schema = schemathesis.openapi.from_dict(json.loads(PAGE.read_text()))


EVERYTHING = schema.exclude(path=f"{API}/events")
CONFORMS = [
    checks.not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_schema_conformance,
]  # fmt: skip
HOW: dict[str, Any] = {
    "deadline": None, "derandomize": True, "database": None, "phases": [Phase.explicit, Phase.generate],
    "suppress_health_check": list(HealthCheck),
}  # fmt: skip


def ask(case: schemathesis.Case[Any], client: TestClient) -> None:
    given = case.as_transport_kwargs(base_url="http://127.0.0.1")
    answer = client.request(**{**given, "headers": dict(given.get("headers") or {})})
    case.validate_response(schemathesis.Response.from_any(answer), checks=CONFORMS)


@EVERYTHING.parametrize()
@settings(max_examples=5, **HOW)
def test_whatever_is_asked_is_answered_as_it_is_described(case: schemathesis.Case[Any], asked: TestClient) -> None:
    ask(case, asked)


@pytest.mark.slow
@EVERYTHING.parametrize()
@settings(max_examples=200, **HOW)
def test_much_more_is_asked(case: schemathesis.Case[Any], asked: TestClient) -> None:
    ask(case, asked)
