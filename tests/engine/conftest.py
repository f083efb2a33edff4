from tests.app_fixtures import app, apps, gate, postgres_template, prepared_url, sqlite_template
from tests.engine.outage_place import place

__all__ = ["app", "apps", "gate", "place", "postgres_template", "prepared_url", "sqlite_template"]
