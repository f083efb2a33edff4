from __future__ import annotations

import pytest

from onward.errors import InvalidConfig
from onward.settings import Settings, Worker
from tests.settings.conftest import Place


def test_unknown_key_is_told_with_line_and_near_name(place: Place) -> None:
    place.write("cwd/onward.toml", "# notes\n\n[worker]\nconcurency = 8\n")
    assert place.problems() == ("onward.toml:4: worker.concurency is not a setting. Did you mean worker.concurrency?",)


def test_unknown_variable_is_told_with_near_name(place: Place) -> None:
    assert place.problems(ONWARD_WORKER_CONCURENCY="8") == (
        "env: ONWARD_WORKER_CONCURENCY is not a setting. Did you mean ONWARD_WORKER_CONCURRENCY?",
    )
    place.write("cwd/.env", "\nONWARD_CASH_ENABLED=1\n")
    assert place.problems() == (".env:2: ONWARD_CASH_ENABLED is not a setting. Did you mean ONWARD_CACHE_ENABLED?",)


def test_all_problems_are_told_at_once(place: Place) -> None:
    place.write("cwd/onward.yaml", "worker:\n  lease_seconds: soon\nlog: {format: xml}\nspeed: 3\n")
    problems = place.problems(ONWARD_LIMITS_DEPTH="4", code={"cache": {"max_job": 1}})
    assert sorted(problems) == [
        "code: cache.max_job is not a setting. Did you mean cache.max_jobs?",
        "env ONWARD_LIMITS_DEPTH: limits.depth: '4' does not fit, expected at least 8 (number).",
        "onward.yaml:2: worker.lease_seconds: 'soon' does not fit, expected "
        "a length of time such as 500ms, 30s, 15m, 2h, 1h30m or 7d.",
        "onward.yaml:3: log.format: 'xml' does not fit, expected one of auto, json, text.",
        "onward.yaml:4: speed is not a setting.",
    ]


def test_two_project_files_are_an_error(place: Place) -> None:
    place.write("cwd/onward.toml", "")
    place.write("cwd/onward.yaml", "")
    assert place.problems() == ("onward.toml and onward.yaml are both there; keep one of them.",)


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [("onward.toml", "[worker]\nname = \n", 2), ("onward.yaml", "worker:\n  name: [a\n", 3)],
)
def test_broken_file_is_named_with_its_line(place: Place, name: str, text: str, line: int) -> None:
    place.write(f"cwd/{name}", text)
    (problem,) = place.problems()
    assert problem.startswith(f"{name}:{line}: ")


def test_unknown_profile_is_an_error(place: Place) -> None:
    place.write("cwd/onward.toml", "[profile.production.worker]\nconcurrency = 32\n")
    assert place.problems(ONWARD_PROFILE="produktion") == (
        "profile 'produktion' is in no configuration file. Did you mean production?",
    )


def test_mistake_in_a_profile_that_does_not_apply_is_told(place: Place) -> None:
    place.write("cwd/onward.toml", "[profile.big.worker]\nconcurency = 32\n")
    assert place.problems() == ("onward.toml:2: worker.concurency is not a setting. Did you mean worker.concurrency?",)


def test_other_database_names_what_is_understood(place: Place) -> None:
    (problem,) = place.problems(DATABASE_URL="mysql://root:canary@db/x")
    assert "sqlite:///FILE or postgresql://" in problem
    assert "canary" not in problem


def test_code_is_told_the_same() -> None:
    with pytest.raises(InvalidConfig, match=r"worker\.lease_seconds: 0 does not fit, expected at least 1"):
        Settings(worker={"lease_seconds": 0})
    with pytest.raises(InvalidConfig, match=r"worker\.leas is not a setting\."):
        Settings(worker={"leas": 0})
    with pytest.raises(InvalidConfig, match="lease_seconds"):
        Worker(lease_seconds=0.5)
