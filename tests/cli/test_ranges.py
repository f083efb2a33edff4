"""A job in ranges, as the command line shows it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from onward import Context, Onward
from onward.cli.show.phases import job_lines, range_lines
from tests.app_fixtures import Gate, ended, until
from tests.cli.conftest import Cli, end_of

Work = Callable[[], None]


@pytest.fixture
def gate(app: Onward) -> Gate:
    made = Gate()

    @app.job()
    def part(ctx: Context) -> int:
        if ctx.range.worker_id == 1:
            ctx.progress(done=3, total=10)
            made.pass_through()
        return ctx.range.worker_id

    @app.job()
    def whole(ctx: Context, parts: int) -> list[int]:
        return ctx.fan_out("part", parts * 10, parts)  # type: ignore[no-any-return]

    return made


def test_waiting_parent_shows_a_bar_for_each_range(app: Onward, gate: Gate, cli: Cli) -> None:
    with app.worker(concurrency=2):
        job = app.submit("whole", {"parts": 3})
        gate.await_job()
        until(lambda: app.get(job.id).progress.done == 23)
        said = cli("job", "show", end_of(job.id))
        assert "Waits for 1 of 3 ranges of `part`: 76 %." in said.out
        assert "✓ part 1/3" in said.out
        assert "▶ part 2/3  [==>---------]" in said.out
        child = app.children(job.id)[1]
        assert "2 of 3 of part, items 10 to 19" in cli("job", "show", end_of(child.id)).out
        lines = job_lines(app.get(job.id), app, app.clock.now())
        assert [line.split()[0] for line in lines[1:]] == ["✓", "▶", "✓"]
        record = cli("job", "show", end_of(job.id), "--json").json
        assert record["phases"] == []
        assert [(r["number"], r["of"], r["start"], r["end"]) for r in record["ranges"]] == [
            (0, 3, 0, 10), (1, 3, 10, 20), (2, 3, 20, 30),
        ]  # fmt: skip
        assert "pause" in record["actions"]
        assert cli("job", "pause", end_of(job.id)).code == 0
        assert cli("job", "resume", end_of(job.id)).code == 0
        gate.open()
        ended(app, job)


def test_many_ranges_are_told_in_short(app: Onward, gate: Gate, work: Work) -> None:
    gate.open()
    job = app.submit("whole", {"parts": 40})
    work()
    lines = range_lines(app.children(job.id), app.clock.now())
    assert lines == ["  40 of 40 ranges are done; 40 are not shown"]
