"""How far a job was, and when: kept while it runs, thinned out as it grows, never by a worker that was overtaken."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward import Context, CurvePoint, JobPhase, Onward
from onward.model.curve import MOST, Curve
from onward.store import Store, curves
from tests.app_fixtures import Apps, Gate, pause, run_all, until


@given(st.lists(st.integers(0, 7), min_size=1, max_size=3000))
def test_line_stays_short_and_in_order(gaps: list[int]) -> None:
    curve, at = Curve.read(None), 1_700_000_000
    first = at + gaps[0]
    for number, gap in enumerate(gaps):
        at += gap
        if curve.is_due(at):
            curve = curve.with_point(at, min(100, number // 30), number)
    points = curve.points
    assert 0 < len(points) <= MOST
    assert points[0].at.timestamp() == first
    times = [point.at for point in points]
    assert times == sorted(set(times))
    assert Curve.read(curve.text) == curve


class Counts:
    """A job type that counts to a hundred, stands at each tenth until that is in its line, and fails once half-way."""

    def __init__(self, app: Onward) -> None:
        self.app, self.breaks = app, True
        app.job(name="count")(self.run)

    def run(self, ctx: Context) -> None:
        for number in ctx.each(range(100), every=1):
            if number == 50 and self.breaks:
                self.breaks = False
                raise RuntimeError("cut")
            if number % 10 == 5:
                until(lambda: any((point.done or 0) >= number for point in self.app.progress_curve(ctx.job_id)))

    def failed(self) -> str:
        job = self.app.submit("count")
        run_all(self.app)
        assert self.app.get(job.id).status == "failed"
        return job.id


@pytest.fixture
def app(apps: Apps, monkeypatch: pytest.MonkeyPatch) -> Onward:
    monkeypatch.setattr("onward.model.curve.SPACING", 0.0)
    return apps(worker={"progress_seconds": 0.02})


def percents(points: list[CurvePoint]) -> list[int]:
    return [point.percent for point in points if point.percent is not None]


def test_line_is_kept_while_a_job_runs_and_goes_on_with_its_next_run(app: Onward) -> None:
    counts = Counts(app)
    job = counts.failed()
    before = app.progress_curve(job)
    assert len(before) >= 5
    assert percents(before) == sorted(percents(before))
    assert percents(before)[-1] <= 50
    app.resume(job)
    run_all(app)
    after = app.progress_curve(job)
    assert after[: len(before)] == before
    assert percents(after)[-1] >= 95
    app.delete(job)
    assert app.database.query("SELECT count(*) FROM job_curves")[1] == [(0,)]


def test_chain_has_a_line_of_its_own(app: Onward) -> None:
    gate = Gate()

    @app.job()
    def first(ctx: Context) -> None:
        ctx.progress(done=1, total=2)
        gate.pass_through()

    @app.job()
    def second() -> None:
        """Nothing."""

    chain = app.submit_chain([JobPhase("first", weight=80), JobPhase("second", weight=20)])
    with app.worker():
        gate.await_job()
        until(lambda: 40 in percents(app.progress_curve(chain.id)), "the line of the chain")
        gate.open()
        assert app.wait(chain.id, timeout=60).status == "completed"


def test_worker_that_was_overtaken_draws_nothing(app: Onward) -> None:
    job = Counts(app).failed()
    before = app.progress_curve(job)
    later = Curve.read(None).with_point(1_900_000_000, 99, None)

    def draw(owner: tuple[str, int] | None) -> None:
        app._store.write(lambda conn: curves.keep(conn, app._store.dialect, job, later, owner))

    draw(("a worker of before", 1))
    assert app.progress_curve(job) == before
    draw(None)
    assert percents(app.progress_curve(job)) == [99]


def test_job_that_took_a_moment_has_none(apps: Apps) -> None:
    app = apps()

    @app.job()
    def quick() -> int:
        return 1

    job = app.submit("quick")
    run_all(app)
    assert app.progress_curve(job.id) == []


def test_point_says_when_it_was_so_and_not_when_it_could_be_written(
    app: Onward, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, gate = Store.write, Gate()
    begun: list[datetime] = []

    def slow(store: Store, work: Any, **options: Any) -> Any:
        if threading.current_thread().name == "onward-overseer" and not begun:
            begun.append(store.now())
            pause(2.2)
        return write(store, work, **options)

    monkeypatch.setattr(Store, "write", slow)

    @app.job()
    def half(ctx: Context) -> None:
        ctx.progress(done=1, total=2)
        gate.pass_through()

    job = app.submit("half")
    with app.worker():
        gate.await_job()
        first = until(lambda: app.progress_curve(job.id), "the line of the job")[0]
        gate.open()
    assert begun
    assert first.at <= begun[0]
