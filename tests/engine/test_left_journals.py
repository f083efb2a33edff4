"""What an outage leaves on disk: journals of workers that ended, requests that may wait, damage, crashes in between."""

from __future__ import annotations

import pytest

from onward import Context, Onward, Status, StoreUnavailable, UnknownJobType
from onward.engine.replay import Replay
from tests.app_fixtures import Gate, rows, run_all, until
from tests.engine.outage_place import Place, is_away


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
