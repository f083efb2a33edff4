import pytest

from tests.app_fixtures import Apps, app, apps, gate, postgres_template, prepared_url, sqlite_template
from tests.engine.outage_place import place
from tests.engine.schedules_place import Place
from tests.engine.ward import ward

__all__ = ["app", "apps", "gate", "place", "postgres_template", "prepared_url", "sqlite_template", "ward"]


@pytest.fixture
def at(apps: Apps) -> Place:
    """An application with schedules, on a clock that is moved by hand."""
    return Place(apps)
