from tests.app_fixtures import apps, postgres_template, prepared_url, sqlite_template

__all__ = ["apps", "postgres_template", "prepared_url", "sqlite_template"]
