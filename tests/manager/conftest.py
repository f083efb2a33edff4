"""A manager on the test's database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from onward import Onward
from onward.manager import JobManager, JobRepository
from tests.app_fixtures import app, apps, postgres_template, prepared_url, sqlite_template

__all__ = ["app", "apps", "jobs", "postgres_template", "prepared_url", "sqlite_template"]


@pytest.fixture
def jobs(app: Onward) -> Iterator[JobManager]:
    made = JobManager(ttl_minutes=60)
    made.set_db_repo(JobRepository(app))
    yield made
    made.close()
