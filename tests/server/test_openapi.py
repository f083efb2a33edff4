from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, settings

from onward import Onward
from onward.server.app import API, create_app
from tests.app_fixtures import quick_settings
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
    app = Onward(settings=quick_settings(f"sqlite:///{folder / 'onward.db'}"))
    add_jobs(app)
    app.submit("count")
    web = create_app(app, authorize=lambda _scope: ("somebody", "admin"))
    with TestClient(web, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client
    app.close()


schema = schemathesis.openapi.from_dict(json.loads(PAGE.read_text()))


@schema.exclude(path=f"{API}/events").parametrize()
@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_whatever_is_asked_is_answered(case: schemathesis.Case, asked: TestClient) -> None:
    given = case.as_transport_kwargs(base_url="http://127.0.0.1")
    answer = asked.request(**{**given, "headers": dict(given.get("headers") or {})})
    assert answer.status_code < 500, answer.text
