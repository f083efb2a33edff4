from __future__ import annotations

import json
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import pytest

from onward.settings import Origin, Settings
from tests.settings.conftest import Place

FILES = [
    ("cwd/.env", "ONWARD_WORKER_NAME=dotenv\n"),
    ("home/.config/onward/.env", "ONWARD_WORKER_NAME=user-dotenv\n"),
    ("cwd/onward.toml", '[worker]\nname = "project"\n'),
    ("cwd/pyproject.toml", '[tool.onward.worker]\nname = "pyproject"\n'),
    ("home/.config/onward/config.toml", '[worker]\nname = "user"\n'),
    ("system/config.toml", '[worker]\nname = "system"\n'),
]
PLACES = [
    "flag",
    "code",
    "env ONWARD_WORKER_NAME",
    "./.env:1",
    "~/.config/onward/.env:1",
    "./onward.toml:2",
    "./pyproject.toml:2",
    "~/.config/onward/config.toml:2",
]
VALUES = ["flag", "code", "environment", "dotenv", "user-dotenv", "project", "pyproject", "user", "system"]


@pytest.mark.parametrize("highest", range(len(VALUES)))
def test_higher_place_wins_and_names_what_it_hides(place: Place, highest: int) -> None:
    for name, text in FILES[max(0, highest - 3) :]:
        place.write(name, text)
    given = {
        "flags": {"worker": {"name": "flag"}} if highest <= 0 else None,
        "code": {"worker.name": "code"} if highest <= 1 else None,
    }
    environ = {"ONWARD_WORKER_NAME": "environment"} if highest <= 2 else {}
    origin = place.origin("worker.name", **given, **environ)
    places = [*PLACES, f"{place.root}/system/config.toml:2"]
    assert origin == Origin("worker.name", VALUES[highest], places[highest], tuple(places[highest + 1 :]))


def test_nothing_said_is_the_default(place: Place) -> None:
    assert place.load() == Settings()
    assert place.origin("worker.lease_seconds") == Origin("worker.lease_seconds", 30, "default")


def test_settings_in_code_read_nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONWARD_WORKER_NAME", "outside")
    settings = Settings(worker={"concurrency": 3})
    assert (settings.worker.name, settings.worker.slots) == (None, 3)
    assert [origin.key for origin in settings.origins() if origin.origin == "code"] == ["worker.concurrency"]


def test_own_variable_beats_the_shared_one(place: Place) -> None:
    shared = {
        "DATABASE_URL": "postgres://db/app",
        "LOG_LEVEL": "debug",
        "BACKUP_PATH": "/b",
        "AUTOMATION_PAUSE": "1",
    }
    settings = place.load(**shared)
    assert (settings.database.url, settings.log.level) == ("postgres://db/app", "DEBUG")
    assert (settings.backup_path, settings.automation_pause) == ("/b", True)
    origin = place.origin("database.url", **shared, ONWARD_DATABASE_URL="sqlite:///own.db")
    assert (origin.value, origin.origin) == ("sqlite:///own.db", "env ONWARD_DATABASE_URL")
    assert origin.overridden == ("env DATABASE_URL",)


def test_empty_variable_says_nothing(place: Place) -> None:
    assert place.load(ONWARD_WORKER_CONCURRENCY="").worker.concurrency is None


def test_yaml_says_the_same_as_toml(place: Place) -> None:
    place.write("cwd/onward.yaml", "worker:\n  concurrency: 8\n  queues: [gpu, cpu]\n")
    assert place.load().worker.queues == ("gpu", "cpu")
    assert place.origin("worker.concurrency").origin == "./onward.yaml:2"


def test_profile_lies_over_its_own_file(place: Place) -> None:
    place.write(
        "cwd/onward.toml",
        '[worker]\nconcurrency = 2\nname = "plain"\n[profile.big.worker]\nconcurrency = 32\n',
    )
    place.write("home/.config/onward/config.toml", '[profile.big.worker]\nname = "user"\n')
    assert place.load().worker.concurrency == 2
    settings = place.load(ONWARD_PROFILE="big")
    assert (settings.worker.concurrency, settings.worker.name) == (32, "plain")
    origin = place.origin("worker.concurrency", flags={"profile": "big"})
    assert (origin.origin, origin.overridden) == ("./onward.toml:5", ("./onward.toml:2",))


def test_schedules_in_the_project_file_are_left_to_the_scheduler(place: Place) -> None:
    place.write("cwd/onward.toml", '[scheduler]\nenabled = false\n[scheduler.jobs.nightly]\ncron = "0 2 * * *"\n')
    assert place.load().scheduler.enabled is False


def test_dotenv_of_another_program_is_passed_over(place: Place) -> None:
    place.write(
        "cwd/.env",
        "# ours and theirs\nexport ONWARD_WORKER_NAME='a # b'  # note\nKEY=\"-----BEGIN\nline two\n-----END\"\n",
    )
    assert place.load().worker.name == "a # b"


def test_without_a_home_there_is_no_user_file(tmp_path: Path) -> None:
    assert Settings.load(tmp_path, {}, system_folder=tmp_path) == Settings()


def test_services_are_found_again_and_nothing_else_is(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.write("cwd/onward.toml", '[vault]\npath = "old"\n[worker]\nname = "one"\n')
    before = place.load(code={"models": {"key": "k"}})
    place.write("cwd/onward.toml", '[vault]\npath = "new"\n[worker]\nname = "two"\n')
    place.write("cwd/.env", "ONWARD_LANGGRAPH_URL=redis://cache/2\n")
    now = before.renewed()
    assert (before.vault.path, now.vault.path, now.langgraph.url) == ("old", "new", "redis://cache/2")
    assert (now.worker.name, now.models.key) == ("one", "k"), "what runs stays, and code goes before files"
    place.write("cwd/onward.toml", '[vault]\npath = "third"\n')
    assert now.renewed().vault.path == "third"
    place.write("cwd/onward.toml", "[vault]\npth = 1\n")
    for _ in range(2):
        assert now.renewed() is now, "a slip in a file is no reason to let a job fail"
    assert caplog.text.count("vault.pth is not a setting. Did you mean vault.path? The settings of before") == 1
    other = now.on("sqlite:///other.db")
    place.write("cwd/onward.toml", '[vault]\npath = "fourth"\n')
    assert (other.renewed().vault.path, other.renewed().database.url) == ("fourth", "sqlite:///other.db")
    assert ForkingPickler.dumps(other), "it can be given to another process"
    in_code = Settings(vault={"path": "code"})
    assert in_code.renewed() is in_code


def test_settings_become_plain_values_and_the_same_record_again(place: Place) -> None:
    found = place.load(code={"models": {"key": "secret"}, "worker": {"lease_seconds": "7s"}, "backup_path": "b"})
    assert Settings(**found.as_mapping()) == found
    assert Settings(**json.loads(json.dumps(found.as_mapping()))) == found
