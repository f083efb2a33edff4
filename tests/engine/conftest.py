from tests.app_fixtures import app, apps, gate, postgres_template, prepared_url, sqlite_template

__all__ = ["app", "apps", "gate", "postgres_template", "prepared_url", "sqlite_template"]
