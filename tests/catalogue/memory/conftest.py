from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from onward import Onward
from onward.catalogue.memory import JOB_TYPES, AssistantMemory
from onward.clock import ManualClock
from tests.app_fixtures import Apps, apps, postgres_template, prepared_url, sqlite_template
from tests.catalogue.model_server import ModelServer

__all__ = ["apps", "postgres_template", "prepared_url", "sqlite_template"]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    made = ModelServer(names=("small-local",))
    yield made
    made.close()


@pytest.fixture
def app(apps: Apps, server: ModelServer) -> Onward:
    """An application with the job types, and a language model of its own."""
    made = apps(models={"local_address": server.url, "attempts": 2})
    made.include(JOB_TYPES)
    return made


@pytest.fixture
def memory(app: Onward) -> AssistantMemory:
    return AssistantMemory(app.connect, app.settings)


@pytest.fixture
def clock() -> ManualClock:
    """More than a year ago, so that time can pass until now."""
    return ManualClock(datetime.now(UTC) - timedelta(days=400))
