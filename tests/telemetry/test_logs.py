"""Logs: a line for each run with the fields that people's tools look for, and no secret in any of them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from onward import Onward, Settings
from onward.events import JobStalled, WorkerLost
from onward.telemetry.logs import set_up
from onward.telemetry.secrets import Secrets, is_telling
from tests.app_fixtures import Apps, quick_settings


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def talkative(app: Onward) -> None:
    @app.job
    def tidy(count: int, password: str = "") -> dict[str, Any]:
        logging.getLogger("some.library").warning("half-way, %s", {"api_key": "canary-in-a-message"})
        return {"items_processed": count, "errors": 1}

    @app.job
    def fail(text: str) -> None:
        raise ValueError(text)


@pytest.fixture
def heard() -> Iterator[Any]:
    undo: list[Any] = []

    def listen(app: Onward, settings: Settings | None = None, stream: io.StringIO | None = None) -> io.StringIO:
        out = stream or io.StringIO()
        undo.append(set_up(settings or app.settings, app.events, app.job_types, "onward-worker", out))
        return out

    yield listen
    for one in undo:
        one()


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_each_run_is_one_line_with_its_facts(apps: Apps, heard: Any) -> None:
    app = apps()
    talkative(app)
    out = heard(app)
    good = app.submit("tidy", {"count": 42})
    bad = app.submit("fail", {"text": "no"})
    app.worker().run(until_idle=True)
    by_job = {line["job_id"]: line for line in lines(out) if "job_id" in line}
    line = by_job[good.id]
    assert {key: line[key] for key in ("level", "service", "filename.function_name", "job_name", "success")} == {
        "level": "INFO",
        "service": "onward-worker",
        "filename.function_name": "test_logs.talkative.<locals>.tidy",
        "job_name": "tidy",
        "success": True,
    }
    assert isinstance(line["duration"], float)
    assert (line["items_processed"], line["errors"], line["outcome"]) == (42, 1, "success")
    line = by_job[bad.id]
    assert (line["level"], line["success"], line["error_type"], line["outcome"]) == (
        "ERROR",
        False,
        "ValueError",
        "failed",
    )
    assert len(by_job) == 2
    events = [line["event"] for line in lines(out)]
    assert any("takes jobs" in event for event in events)
    assert any("has stopped" in event for event in events)


def test_level_decides_what_is_written(apps: Apps, heard: Any) -> None:
    app = apps(log={"level": "ERROR"})
    talkative(app)
    out = heard(app)
    app.submit("tidy", {"count": 1})
    bad = app.submit("fail", {"text": "no"})
    app.worker().run(until_idle=True)
    assert [line.get("job_id") for line in lines(out)] == [bad.id]


def test_log_level_of_the_environment_is_the_setting(tmp_path: Any) -> None:
    assert Settings.load(tmp_path, {"LOG_LEVEL": "debug"}).log.level == "DEBUG"


def test_terminal_gets_text_and_a_file_gets_json(heard: Any) -> None:
    settings = quick_settings("sqlite://")
    app = Onward(settings=settings)
    talkative(app)
    screen, file = heard(app, settings, Terminal()), heard(app, settings)
    logging.getLogger("some.library").error("a line\x1b[2J with\x07 tricks")
    app.events.tell(JobStalled("0193e1b2-0000-7000-8000-000000000000", "tidy", seconds=61))
    shown = screen.getvalue()
    assert "no progress for 61 s" in shown
    assert "job_name" in shown
    assert "\x1b[2J" not in shown
    assert "\x07" not in shown
    assert "{" not in shown
    assert lines(file)[0]["event"] == "a line\x1b[2J with\x07 tricks"
    assert lines(file)[1]["filename.function_name"].endswith(".tidy")
    as_text = heard(app, quick_settings("sqlite://", log={"format": "text"}))
    as_json = heard(app, quick_settings("sqlite://", log={"format": "json"}), Terminal())
    app.events.tell(WorkerLost("w1", "silent", jobs=2))
    assert "2 jobs taken over" in as_text.getvalue()
    assert lines(as_json)[0]["event"] == "worker w1 is lost (silent), 2 jobs taken over"


CANARIES = {
    "DATABASE_URL": "postgresql://me:canary-in-address@nowhere/db",
    "SOME_API_KEY": "canary-in-environment",
    "PGPASSWORD": "canary-in-pgpassword",
}


def test_no_secret_is_written_in_any_line(apps: Apps, heard: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)
    for form in ("json", "text"):
        app = apps(log={"level": "DEBUG", "format": form})
        talkative(app)
        out = heard(app)
        app.submit("tidy", {"count": 1, "password": "canary-in-parameters"})
        app.submit("fail", {"text": "cannot reach postgresql://me:canary-in-address@nowhere/db"})
        log = logging.getLogger("some.library")
        log.warning("tried %s and %s", "canary-in-environment", "canary-in-pgpassword")
        log.warning(
            "a request",
            extra={"facts": {"authorization": "Bearer canary-in-header", "url": "http://a/?token=canary-in-query"}},
        )
        try:
            password = "canary-in-a-local"  # noqa: F841 - it must not be shown with the traceback
            raise RuntimeError("refused canary-in-environment")
        except RuntimeError:
            log.exception("it broke")
        app.worker().run(until_idle=True)
        written = out.getvalue()
        assert "RuntimeError" in written
        assert "***" in written
        found = [word for word in written.split() if "canary" in word]
        assert not found, found


@pytest.mark.parametrize(
    "name", ["password", "api_key", "apikey", "X-Auth-Token", "client_secret", "PGPASSWORD", "dsn", "Authorization"]
)
def test_telling_names(name: str) -> None:
    assert is_telling(name)


@pytest.mark.parametrize(
    "name", ["tokens_used_total_x", "passage", "keyboard", "author", "key", "secretary", "duration"]
)
def test_names_that_tell_nothing(name: str) -> None:
    assert is_telling(name) == (name == "tokens_used_total_x")


def test_secrets_are_hidden_at_any_depth_and_short_ones_are_words() -> None:
    secrets = Secrets(["hunter22", "ab"])
    given = {"a": [{"password": "x", "note": "it is hunter22"}], "b": ("ab", b"hunter22", None, 4), "password": ""}
    assert secrets.hide(given) == {
        "a": [{"password": "***", "note": "it is ***"}],
        "b": ["ab", "***", None, 4],
        "password": "",
    }
    assert secrets.hide_in_text("redis://:hunter@h/0 ok") == "redis://:***@h/0 ok"
