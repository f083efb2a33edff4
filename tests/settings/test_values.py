from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from onward.errors import InvalidConfig
from onward.settings import Cache, Database, Limits, Settings, Worker, json_schema, variables
from tests.settings.conftest import Place


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("30", 30),
        ("30s", 30),
        ("1.5", 1.5),
        ("1500ms", 1.5),
        ("2m", 120),
        ("1h30m", 5400),
        (timedelta(hours=1), 3600),
    ],
)
def test_durations_are_read_in_the_unit_of_the_key(given: Any, seconds: float) -> None:
    assert Worker(lease_seconds=given).lease_seconds == seconds
    assert Cache(ttl_minutes=given).ttl_minutes == (float(given) if given in ("30", "1.5") else seconds / 60)


@pytest.mark.parametrize(
    ("given", "size"), [(65536, 65536), ("65536", 65536), ("64KiB", 65536), ("1 MB", 10**6), ("2MiB", 2**21)]
)
def test_sizes_are_read_with_their_unit(given: Any, size: int) -> None:
    assert Limits(payload_bytes=given).payload_bytes == size


@pytest.mark.parametrize("given", ["30 parsecs", "s", "", "nan", "inf", True, None, "-3", [30]])
def test_what_is_no_duration_is_refused(given: Any) -> None:
    with pytest.raises(InvalidConfig):
        Worker(lease_seconds=given)


@pytest.mark.parametrize("given", ["1.5", "2.0005KB", "64 pages", -1, "1e400"])
def test_what_is_no_size_is_refused(given: Any) -> None:
    with pytest.raises(InvalidConfig):
        Limits(payload_bytes=given)


@pytest.mark.parametrize("given", ["gpu,cpu", "gpu , cpu,", '["gpu", "cpu"]', ["gpu", "cpu"]])
def test_lists_are_json_or_commas(given: Any) -> None:
    assert Worker(queues=given).queues == ("gpu", "cpu")


@pytest.mark.parametrize(("given", "truth"), [("true", True), ("ON", True), ("1", True), ("no", False), ("0", False)])
def test_truth_is_read(given: Any, truth: bool) -> None:
    assert Cache(enabled=given).enabled is truth


@pytest.mark.parametrize(
    ("url", "sqlalchemy_url", "shown"),
    [
        ("sqlite:///a.db", "sqlite:///a.db", "sqlite:///a.db"),
        ("postgres://u:canary@h/d", "postgresql+psycopg://u:canary@h/d", "postgres://u:***@h/d"),
        ("postgresql://u:can/a@ry@h/d", "postgresql+psycopg://u:can/a@ry@h/d", "postgresql://u:***@h/d"),
        (
            "postgresql+psycopg://u@h/d?password=canary",
            "postgresql+psycopg://u@h/d?password=canary",
            "postgresql+psycopg://u@h/d?password=***",
        ),
    ],
)
def test_addresses_mean_psycopg_and_are_shown_without_password(url: str, sqlalchemy_url: str, shown: str) -> None:
    database = Database(url=url)
    assert (database.sqlalchemy_url, database.shown_url) == (sqlalchemy_url, shown)


def test_secret_is_never_shown(place: Place) -> None:
    canary = "canary-7f3"
    settings = place.load(ONWARD_DATABASE_URL=f"postgresql://onward:{canary}@db:5432/onward")
    origin = next(origin for origin in settings.origins() if origin.key == "database.url")
    assert (origin.value, origin.redacted) == ("postgresql://onward:***@db:5432/onward", True)
    assert canary not in repr(settings) + str(settings) + repr(settings.database) + repr(settings.origins())
    assert canary in settings.database.sqlalchemy_url


def test_secret_may_lie_in_a_file(place: Place) -> None:
    file = place.write("cwd/secret", "postgresql://u:canary@db/x\n")
    origin = place.origin("database.url", ONWARD_DATABASE_URL_FILE=str(file))
    assert origin.value == "postgresql://u:***@db/x"
    assert origin.origin == f"env ONWARD_DATABASE_URL_FILE (file {file})"
    assert place.problems(ONWARD_DATABASE_URL_FILE=str(file), ONWARD_DATABASE_URL="sqlite:///a.db") == (
        "ONWARD_DATABASE_URL and ONWARD_DATABASE_URL_FILE are both set; one of them is meant.",
    )
    assert "there is no file" in place.problems(ONWARD_DATABASE_URL_FILE="/nowhere/secret")[0]


def test_scheduler_file_is_a_setting_and_not_a_secret_in_a_file(place: Place) -> None:
    assert place.load(ONWARD_SCHEDULER_FILE="jobs.yaml").scheduler.file == "jobs.yaml"


def test_frozen_and_comparable() -> None:
    assert Settings() == Settings()
    assert hash(Settings()) == hash(Settings())
    with pytest.raises(AttributeError):
        Settings().worker.lease_seconds = 1


def test_every_setting_has_a_variable_of_its_own_and_a_reason() -> None:
    rows = variables()
    names = [name for row in rows for name in (row.name, *row.also)]
    assert len(names) == len(set(names))
    assert all(row.why for row in rows)
    assert {"ONWARD_DATABASE_SCHEMA", "ONWARD_WORKER_LEASE_SECONDS", "ONWARD_APP", "BACKUP_PATH"} <= set(names)


def test_schema_knows_every_key() -> None:
    properties = json_schema()["properties"]
    assert properties["worker"]["properties"]["lease_seconds"]["default"] == 30
    assert properties["backup_path"]["default"] == "backups"
    assert "worker" in properties["profile"]["additionalProperties"]["properties"]


def test_importing_settings_brings_in_no_heavy_library() -> None:
    heavy = "{'pydantic', 'yaml', 'sqlalchemy', 'typer'}"
    code = f"import sys, onward.settings; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
