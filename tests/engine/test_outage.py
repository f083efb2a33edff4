"""The database goes away under running jobs: they go on, and what they wrote is in it when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from chaos.proxy import Mode, Proxies
from onward import Context, Onward, Status, StoreUnavailable, UnknownJobType, Worker
from onward.engine.replay import Replay
from onward.store.engines import sqlite_module
from onward.store.journal import SUFFIX, place_of
from tests.app_fixtures import PATIENCE, Gate, pause, quick_settings, rows, run_all, until
from tests.engine.process_jobs import tick_on
from tests.servers import Postgres

WEATHER = {"call_timeout_seconds": 0.5, "busy_timeout_seconds": 0.2}


class Place:
    """A database that can be made to go away, and an application on it."""

    def __init__(self, url: str, folder: Path, direct: str) -> None:
        self.settings = quick_settings(
            url,
            database=WEATHER,
            journal={"folder": str(folder / "journals"), "max_bytes": 1 << 20},
            worker={"lease_seconds": 2},
        )
        self.app = Onward(settings=self.settings)
        self.other = Onward(settings=quick_settings(direct, database=WEATHER))
        """One that has its own way to the database."""

    def go_away(self) -> None:
        raise AssertionError("every place goes away in its own way")

    def come_back(self) -> None:
        raise AssertionError("and comes back")

    @property
    def journals(self) -> list[Path]:
        return list(place_of(self.app._store).glob(f"*{SUFFIX}"))

    def close(self) -> None:
        self.app.close()
        self.other.close()


class Server(Place):
    """PostgreSQL behind a proxy: half open, so that nothing says that it is gone."""

    def __init__(self, url: str, folder: Path) -> None:
        parts = urlsplit(url)
        self.proxies = Proxies()
        self.proxy = self.proxies.add((parts.hostname or "", parts.port or 0))
        netloc = parts.netloc.replace(f":{parts.port}", f":{self.proxy.port}")
        super().__init__(urlunsplit(parts._replace(netloc=netloc)), folder, url)

    def go_away(self) -> None:
        self.proxies.change(self.proxy, Mode.HOLE)

    def come_back(self) -> None:
        self.proxies.change(self.proxy, Mode.PASS)

    def close(self) -> None:
        super().close()
        self.proxies.close()


class File(Place):
    """A SQLite file that somebody keeps locked."""

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__(url, folder, url)
        path = self.app._store.sqlite_path
        # The same library: two in one process do not see each other's locks.
        self._library = sqlite_module()
        self._locker = self._library.connect(str(path), isolation_level=None, check_same_thread=False)

    def go_away(self) -> None:
        while True:
            try:
                self._locker.execute("BEGIN IMMEDIATE")
            except self._library.OperationalError:
                continue
            return

    def come_back(self) -> None:
        self._locker.execute("ROLLBACK")

    def close(self) -> None:
        self._locker.close()
        super().close()


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Iterator[Place]:
    made = File(database_url, tmp_path) if database_url.startswith("sqlite") else Server(database_url, tmp_path)
    yield made
    made.close()


def is_away(worker: Worker) -> bool:
    return worker._outage.is_on


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


def test_file_without_room_is_an_outage_like_any_other(sqlite_url: str, tmp_path: Path) -> None:
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
        until(lambda: is_away(worker) and not worker.pool.active)
        limit_pages(app, 1 << 30)
        done = app.wait(job.id, timeout=PATIENCE)
    assert (done.result, len(app.runs(job.id))) == (1, 1)
    app.close()


def limit_pages(app: Onward, most: int) -> None:
    """Have the file grow no more than this, as a full disk does; said on the one connection that writes."""
    app._store.write(lambda conn: app._store.dialect.query(conn, f"PRAGMA max_page_count = {most}", []))


def test_worker_that_stops_in_an_outage_leaves_its_journal_to_the_next_one_in_its_place(place: Place) -> None:
    app, gate = place.app, Gate()

    @app.job()
    def work(ctx: Context) -> int:
        gate.pass_through()
        ctx.step("act", lambda: 1)
        return 7

    job = app.submit("work")
    worker = app.worker(concurrency=1)
    worker.start()
    gate.await_job()
    place.go_away()
    gate.open()
    until(lambda: is_away(worker) and not worker.pool.active)
    worker.stop(timeout=0.5)
    assert len(place.journals) == 1
    place.come_back()
    next_one = Onward(settings=place.settings)
    next_one.job(name="work")(lambda: 8)
    run_all(next_one)
    found = next_one.get(job.id)
    assert (found.status, found.result, len(next_one.runs(job.id))) == (Status.COMPLETED, 7, 1)
    assert place.journals == []
    assert rows(next_one, "SELECT * FROM journals") == []
    next_one.close()


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


def test_submission_that_may_wait_is_kept_on_disk_and_made_when_the_database_is_back(place: Place) -> None:
    app = place.app
    app.job(name="work")(lambda n=0: n)
    app.counts()
    place.go_away()
    with pytest.raises(StoreUnavailable):
        app.submit("work", {"n": 1})
    kept = [app.submit("work", {"n": n}, when_unavailable="journal", tags=["late"]) for n in (2, 3)]
    assert all(job.stale and job.status == "pending" for job in kept)
    with pytest.raises(UnknownJobType):
        app.submit("wrok", when_unavailable="journal")
    place.come_back()
    until(lambda: not place.journals)
    run_all(app)
    assert [place.other.get(job.id).result for job in kept] == [2, 3]
    assert place.other.counts()["completed"] == 2


def test_kept_submission_of_a_process_that_ended_is_made_by_the_next_worker_in_its_place(place: Place) -> None:
    app = place.app
    app.job(name="work")(lambda n=0: n)
    app.counts()
    place.go_away()
    job = app.submit("work", {"n": 5}, when_unavailable="journal", source_id="wiki")
    busy = app.submit("work", {"n": 6}, when_unavailable="journal", source_id="wiki")
    app.close()
    assert len(place.journals) == 1
    place.come_back()
    next_one = Onward(settings=place.settings)
    next_one.job(name="work")(lambda n=0: n)
    run_all(next_one)
    assert next_one.get(job.id).result == 5
    # Two on one source: what could not be made is shown, not dropped.
    [conflict] = next_one.conflicts()
    assert (conflict.job_id, conflict.kind) == (busy.id, "submit")
    assert conflict.data["request"]["params"] == {"n": 6}
    next_one.close()


def test_answer_that_may_wait_is_given_when_the_database_is_back_and_a_late_one_is_shown(place: Place) -> None:
    app = place.app

    @app.job()
    def work(ctx: Context) -> str:
        return ctx.ask("clarify", prompt="Which?")

    job = app.submit("work")
    run_all(app)
    assert app.get(job.id).status == Status.PENDING_HITL
    place.go_away()
    with pytest.raises(StoreUnavailable):
        app.answer(job.id, "none")
    assert app.answer(job.id, "first", answered_by="ana", when_unavailable="journal").stale
    app.answer(job.id, "second", answered_by="ben", when_unavailable="journal")
    place.come_back()
    until(lambda: not place.journals)
    run_all(app)
    assert place.other.get(job.id).result == "first"
    [conflict] = place.other.conflicts(job.id)
    assert (conflict.kind, conflict.data["request"]["response"]) == ("answer", "second")


def left_journal(place: Place, gate: Gate) -> str:
    """A job that has saved partial work and ended while the database was away, in a journal that nobody owns."""
    app = place.app

    @app.job()
    def work(ctx: Context) -> int:
        gate.pass_through()
        for item in range(3):
            ctx.partial().append({"item": item})
            ctx.checkpoint({"item": item}, flush=True)
        ctx.step("act", lambda: 1)
        return 7

    job = app.submit("work")
    worker = app.worker(concurrency=1)
    worker.start()
    gate.await_job()
    place.go_away()
    gate.open()
    until(lambda: is_away(worker) and not worker.pool.active)
    worker.stop(timeout=0.5)
    place.come_back()
    return job.id


def test_damaged_record_of_a_journal_costs_what_stands_on_it_and_the_file_is_kept(place: Place, gate: Gate) -> None:
    job_id = left_journal(place, gate)
    [path] = place.journals
    whole = bytearray(path.read_bytes())
    # In the first record's partial work.
    whole[whole.index(b'{\\"item\\":0}') + 3] ^= 1
    path.write_bytes(whole)
    next_one = Onward(settings=place.settings)
    next_one.job(name="work")(lambda: 8)
    run_all(next_one)
    found = next_one.get(job_id)
    assert (found.status, found.result) == (Status.COMPLETED, 7)
    # What followed the gap in the partial work is shown, and nothing is written as if there were none.
    refused = next_one.conflicts(job_id)
    assert [conflict.kind for conflict in refused] == ["checkpoint"] * 2
    assert all("damaged" in conflict.reason for conflict in refused)
    assert place.journals == []
    assert [aside.suffix for aside in path.parent.iterdir()] == [".damaged"]
    next_one.close()


def test_journal_that_is_read_again_after_a_crash_is_not_written_twice(
    place: Place, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = left_journal(place, gate)
    next_one = Onward(settings=place.settings)
    next_one.job(name="work")(lambda: 8)
    with monkeypatch.context() as patch:
        # Dies when all is committed and before the file is gone.
        patch.setattr(Replay, "finish", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            next_one.worker().start()
    assert next_one.get(job_id).result == 7
    before = rows(next_one, "SELECT * FROM jobs"), rows(next_one, "SELECT * FROM job_events ORDER BY seq")
    run_all(next_one)
    assert (rows(next_one, "SELECT * FROM jobs"), rows(next_one, "SELECT * FROM job_events ORDER BY seq")) == before
    assert (next_one.conflicts(), place.journals) == ([], [])
    next_one.close()


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
