from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from onward import Job, Onward, Progress, Status
from onward.cli import exits
from onward.cli.show import bars
from onward.model.states import Waiting
from tests.cli.conftest import Cli, end_of

Work = Callable[[], None]
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
ID = "01a204ad-9dc4-7000-9fb7-12a82fef9e07"


@pytest.mark.parametrize(
    ("job_type", "code", "word"),
    [("add", exits.DONE, "Succeeded"), ("fail", exits.FAILED, "Failed"), ("cancel", exits.CANCELLED, "Cancelled")],
)
def test_watch_returns_how_it_ended(job_type: str, code: int, word: str, app: Onward, work: Work, cli: Cli) -> None:
    job = app.submit("add" if job_type == "cancel" else job_type, {"a": 1} if job_type != "fail" else {})
    if job_type == "cancel":
        app.cancel(job.id)
    work()
    said = cli("watch", end_of(job.id))
    assert said.code == code
    assert said.out == ""
    assert word in said.err


def test_watch_of_several_returns_the_highest_code(app: Onward, work: Work, cli: Cli) -> None:
    app.submit("add", {"a": 1})
    app.submit("fail")
    work()
    assert cli("watch", "@last:add", "@last:fail").code == exits.FAILED


def test_watch_of_a_failed_job_shows_its_last_log_lines(app: Onward, work: Work, cli: Cli) -> None:
    app.submit("count", {"fail_at": 3})
    work()
    said = cli("watch", "@last")
    assert said.code == exits.FAILED
    assert "its checkpoint is kept: ValueError: item 3 is bad" in said.err
    assert "WARNING item 3 is bad" in said.err
    assert "WARNING item 3 is bad" not in cli("watch", "@last", "--compact").err
    assert "WARNING item 3 is bad" in cli("watch", "@last", "--logs").err


def test_watch_ends_at_its_timeout_and_the_job_goes_on(app: Onward, cli: Cli) -> None:
    job = app.submit("add", {"a": 1})
    said = cli("watch", "@last", "--timeout", "0.2")
    assert said.code == exits.TIMED_OUT
    assert said.err.count("No worker is running") == 1
    assert app.get(job.id).status == "pending"


def test_run_and_watch_follows_a_job_to_its_end(app: Onward, cli: Cli) -> None:
    with app.worker(concurrency=1):
        said = cli("run", "count", "--watch", "-a", "n=20", "-a", "pause=0.02")
    assert said.code == exits.DONE
    assert said.out.startswith("job_")
    assert "Succeeded" in said.err


def test_chain_is_watched_with_its_phase(app: Onward, cli: Cli) -> None:
    with app.worker(concurrency=1):
        said = cli("run", "both", "--watch")
    assert said.code == exits.DONE
    assert "Succeeded" in said.err


def job(**values: object) -> Job:
    return Job(id=ID, job_type="embed", status=Status.RUNNING, started_at=NOW - timedelta(minutes=5), **values)  # type: ignore[arg-type]


def test_line_says_how_far_how_fast_and_how_long() -> None:
    progress = Progress(45, "", 45_120, 100_000, 312.0, 600.0, "Embed")
    line = bars.job_line(job(progress=progress), NOW, "Embed 2/4")
    assert line == "embed EF9R07  [====>-------]   45%  45,120/100,000  312/s  ETA 8-13 min  Embed 2/4".replace(
        "EF9R07", bars.name_of(job()).split()[1]
    )


def test_unknown_total_has_no_percent_and_no_estimate() -> None:
    line = bars.job_line(job(progress=Progress(None, "", 45, None, 2.5, None)), NOW)
    assert "[············]" in line
    assert "45 done" in line
    assert "%" not in line
    assert "ETA" not in line


def test_estimate_waits_until_there_is_something_to_go_by() -> None:
    young = job(progress=Progress(2, "", 2, 100, 1.0, 98.0))
    assert bars.eta(young, NOW) != ""
    assert bars.eta(young, NOW - timedelta(minutes=4, seconds=50)) == ""


def test_held_job_is_interrupted() -> None:
    held = Job(id=ID, job_type="embed", status=Status.PENDING, waiting_on=Waiting.HOLD, has_checkpoint=True)
    assert "Interrupted: its worker was lost" in bars.job_line(held, NOW)


@pytest.mark.parametrize(("percent", "bar"), [(0, "[------------]"), (50, "[=====>------]"), (100, "[============]")])
def test_bar(percent: int, bar: str) -> None:
    assert bars.bar(percent) == bar
