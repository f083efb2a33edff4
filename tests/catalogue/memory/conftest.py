from tests.app_fixtures import app, apps, postgres_template, prepared_url, sqlite_template

__all__ = ["app", "apps", "postgres_template", "prepared_url", "sqlite_template"]
