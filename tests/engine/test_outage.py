"""The database goes away under running jobs: they go on, and what they wrote is in it when it is back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from onward import Context, Onward, Status, StoreUnavailable
from tests.app_fixtures import PATIENCE, Gate, pause, quick_settings, until
from tests.engine.outage_place import File, Place, Server, is_away
from tests.engine.process_jobs import tick_on
from tests.servers import Postgres


def test_job_goes_on_through_an_outage_and_ends_on_its_first_run_with_every_step_once(place: Place) -> None:
    app, gate, calls = place.app, Gate(), []

    @app.job()
    def work(ctx: Context) -> list[int]:
        ctx.step("before", lambda: calls.append("before"))
        gate.pass_through()
        for item in ctx.each(range(5)):
            ctx.step("act", lambda item=item: calls.append(item))
            ctx.state["sum"] = ctx.state.get("sum", 0) + item
            ctx.partial().append({"item": item})
        ctx.checkpoint({**ctx.state, "flushed": True}, flush=True)
        ctx.log.info("still here")
        return [ctx.state["sum"], len(ctx.partial())]

    job = app.submit("work")
    with app.worker(concurrency=1) as worker:
        gate.await_job()
        place.go_away()
        gate.open()
        until(lambda: is_away(worker) and not worker.pool.active)
        assert len(place.journals) == 1
        place.come_back()
        done = place.other.wait(job.id, timeout=PATIENCE)
        until(lambda: not is_away(worker))
    assert (done.error, done.result) == (None, [10, 5])
    assert [str(run.status) for run in app.runs(job.id)] == ["success"]
    assert calls == ["before", 0, 1, 2, 3, 4]
    assert [line.message for line in app.logs(job.id)] == ["still here"]
    assert app.conflicts() == []
    assert place.journals == []
    assert app.database.check() == []


def test_what_others_did_meanwhile_wins_and_what_was_refused_is_shown(place: Place) -> None:
    if isinstance(place, File):
        pytest.skip("while a file is locked nobody else writes to it, either")
    app, gate = place.app, Gate()

    @app.job()
    def work(ctx: Context) -> int:
        gate.pass_through()
        ctx.checkpoint({"from": "the first"}, flush=True)
        return 1

    place.other.job(name="work")(lambda: 2)
    job = app.submit("work")
    with app.worker(concurrency=1) as worker:
        gate.await_job()
        place.go_away()
        gate.open()
        until(lambda: is_away(worker) and not worker.pool.active)
        # The lease passes; whoever reaches the database takes the job over, once.
        with place.other.worker():
            done = place.other.wait(job.id, timeout=30)
        place.come_back()
        until(lambda: not is_away(worker))
    assert done.result == 2
    assert [str(run.status) for run in place.other.runs(job.id)] == ["lost", "success"]
    refused = app.conflicts(job.id)
    assert {conflict.kind for conflict in refused} == {"checkpoint", "ending"}
    assert all(conflict.fence == 1 and conflict.data for conflict in refused)


def test_cancel_during_the_outage_wins_over_the_result(place: Place) -> None:
    if isinstance(place, File):
        pytest.skip("while a file is locked nobody else writes to it, either")
    app, gate = place.app, Gate()

    @app.job()
    def work() -> int:
        gate.pass_through()
        return 1

    job = app.submit("work")
    with app.worker(concurrency=1) as worker:
        gate.await_job()
        place.go_away()
        gate.open()
        # Nothing is noticed before something is to be written.
        until(lambda: is_away(worker))
        place.other.cancel(job.id)
        place.come_back()
        until(lambda: not is_away(worker))
    found = app.get(job.id)
    assert (found.status, found.result, found.is_owned) == (Status.CANCELLED, None, False)
    assert [run.result for run in app.runs(job.id)] == [1]


def test_job_that_asks_for_the_database_itself_is_interrupted_and_not_failed(place: Place) -> None:
    app, gate, runs = place.app, Gate(), []

    @app.job()
    def work(ctx: Context) -> int:
        runs.append(ctx.attempt)
        gate.pass_through()
        with ctx.transaction():
            ctx.state["n"] = 1
        return 1

    job = app.submit("work")
    with app.worker(concurrency=1) as worker:
        gate.await_job()
        place.go_away()
        gate.open()
        until(lambda: is_away(worker))
        place.come_back()
        done = place.other.wait(job.id, timeout=PATIENCE)
    assert (done.result, done.attempt) == (1, 1)
    assert [str(run.status) for run in app.runs(job.id)] == ["interrupted", "success"]


def test_full_journal_makes_jobs_wait_and_drops_nothing(place: Place) -> None:
    app, gate = place.app, Gate()

    @app.job()
    def work(ctx: Context) -> int:
        gate.pass_through()
        for item in ctx.each(range(40), every=1):
            ctx.partial().append("x" * 100_000)
            ctx.checkpoint({"item": item}, flush=True)
        return len(ctx.partial())

    job = app.submit("work")
    with app.worker(concurrency=1) as worker:
        gate.await_job()
        place.go_away()
        gate.open()
        until(lambda: worker._writer._is_stuck)
        [journal] = place.journals
        assert journal.stat().st_size <= 1 << 20
        place.come_back()
        done = place.other.wait(job.id, timeout=2 * PATIENCE)
    assert (done.error, done.result) == (None, 40)
    assert len(app.runs(job.id)) == 1


def test_file_without_room_is_an_outage_like_any_other(
    sqlite_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = Onward(settings=quick_settings(sqlite_url, journal={"folder": str(tmp_path / "journals")}))
    gate = Gate()

    @app.job()
    def work(ctx: Context) -> int:
        gate.pass_through()
        ctx.checkpoint({"text": "y" * 300_000}, flush=True)
        return 1

    job = app.submit("work")
    with app.worker(concurrency=1) as worker:
        gate.await_job()
        limit_pages(app, 1)
        gate.open()
        # The limit is the connection's own, so the outage may be over before anybody has looked.
        until(lambda: "goes to the journal" in caplog.text and not worker.pool.active)
        limit_pages(app, 1 << 30)
        done = app.wait(job.id, timeout=PATIENCE)
    assert (done.result, len(app.runs(job.id))) == (1, 1)
    app.close()


def limit_pages(app: Onward, most: int) -> None:
    """Have the file grow no more than this, as a full disk does; said on the one connection that writes."""
    app._store.write(lambda conn: app._store.dialect.query(conn, f"PRAGMA max_page_count = {most}", []))


@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_frozen_job_stands_still_before_its_lease_ends_and_goes_on_when_the_database_is_back(
    own_postgres: Postgres, tmp_path: Path, isolation: str
) -> None:
    place = Server(own_postgres.create(), tmp_path)
    app = place.app
    ticks = tmp_path / "ticks"
    app.job(name="tick_on", isolation=isolation, on_store_loss="freeze")(tick_on)
    job = app.submit("tick_on", {"path": str(ticks), "count": 400})
    with app.worker(concurrency=1) as worker:
        until(lambda: ticks.exists() and ticks.stat().st_size > 5)
        place.go_away()
        until(lambda: any(desk.is_frozen for desk in worker.pool.active.values()))
        pause(0.3)
        size = ticks.stat().st_size
        pause(0.5)
        assert ticks.stat().st_size == size, "it went on"
        place.come_back()
        until(lambda: ticks.stat().st_size > size)
        assert app.cancel(job.id).status == "cancelled"
        until(lambda: not worker.pool.active)
    assert len(app.runs(job.id)) == 1
    place.close()


def test_reads_in_an_outage_say_so(place: Place) -> None:
    if isinstance(place, File):
        pytest.skip("a locked file can be read")
    place.app.counts()
    place.go_away()
    with pytest.raises(StoreUnavailable):
        place.app.counts()
    place.come_back()
    assert place.app.counts()["pending"] == 0


def test_frozen_async_job_leaves_and_goes_on_when_the_database_is_back(place: Place) -> None:
    app, seen = place.app, []

    @app.job(on_store_loss="freeze")
    async def work(ctx: Context) -> int:
        async for item in ctx.each(range(300), every=1):
            seen.append(item)
            await asyncio.sleep(0.02)
        return len(set(seen))

    job = app.submit("work")
    with app.worker(concurrency=1) as worker:
        until(lambda: len(seen) > 3)
        place.go_away()
        until(lambda: is_away(worker) and not worker.pool.active)
        place.come_back()
        done = place.other.wait(job.id, timeout=30)
    assert (done.result, done.attempt) == (300, 1)
    assert {str(run.status) for run in app.runs(job.id)} == {"interrupted", "success"}
