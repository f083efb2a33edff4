"""The hot layer: quick while nothing changes, never older than the notifier, and there in an outage."""

from __future__ import annotations

import logging
import math
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onward import Job, JobNotFound, ManualClock, Onward, StoreUnavailable
from onward.engine.memory import EmptyMemoryStore, JobMemoryStore, is_older, is_same
from tests.app_fixtures import Apps, Gate, run_all, until
from tests.servers import Postgres


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Told:
    caplog.set_level(logging.DEBUG, "onward.memory")
    return Told(caplog)


class Told:
    """What the hot layer has logged since it was last asked."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def places(self) -> list[str]:
        found = [record.getMessage().rpartition(" ")[2].rstrip(".") for record in self._caplog.records]
        self._caplog.clear()
        return found


def register(app: Onward) -> None:
    @app.job()
    def work(number: int = 1, words: list[str] = []) -> dict[str, Any]:  # noqa: B006 - a default of a schema
        return {"number": number, "words": words}


def listening(app: Onward, job_id: str) -> Job:
    """Look until the answer comes from memory."""

    def look() -> Job | None:
        app.get(job_id)
        return app._hot.hit(job_id)

    return until(look, "a hit")  # type: ignore[no-any-return]  # until gives what the fact is


def test_one_look_starts_nothing_and_the_second_one_listens(app: Onward, told: Told) -> None:
    register(app)
    job = app.submit("work")
    app.memory.clear()
    before = set(threading.enumerate())
    app.get(job.id)
    assert {thread.name for thread in set(threading.enumerate()) - before} <= {"onward-doorbell"}
    app.get(job.id)
    names = {thread.name for thread in threading.enumerate()}
    assert {"onward-listener", "onward-sweeper"} <= names


def test_finished_job_comes_from_memory(app: Onward, told: Told) -> None:
    register(app)
    job = app.submit("work", {"number": 2})
    run_all(app)

    def from_memory() -> Job | None:
        # A starved listener does not hear for a moment, and then the database is asked.
        told.places()
        found = app.get(job.id)
        return found if told.places() == ["memory"] else None

    assert until(from_memory, "a look at memory alone").result == {"number": 2, "words": []}


def test_change_of_this_process_is_seen_at_once(app: Onward) -> None:
    register(app)
    job = app.submit("work", delay=3600)
    for verb in (app.pause, app.unpause, app.cancel, app.resume) * 5:
        shown = listening(app, job.id)
        changed = verb(job.id)
        assert not is_same(shown, changed)
        assert is_same(app.get(job.id), changed)


def test_change_of_another_process_is_seen_within_a_second(apps: Apps) -> None:
    mine, other = apps(), apps()
    register(mine)
    job = mine.submit("work", delay=3600)
    mine.cancel(job.id)
    for verb in (other.resume, other.cancel) * 3:
        listening(mine, job.id)
        changed = verb(job.id)
        until(lambda changed=changed: is_same(mine.get(job.id), changed), "the change", 1)
    listening(mine, job.id)
    other.delete(job.id)
    until(lambda: _is_gone(mine, job.id), "the end of the job", 1)


def _is_gone(app: Onward, job_id: str) -> bool:
    try:
        app.get(job_id)
    except JobNotFound as error:
        return "in memory, the database" in error.message
    return False


def test_what_a_list_has_shown_is_not_older_afterwards(apps: Apps) -> None:
    mine, other = apps(), apps()
    register(mine)
    job = mine.submit("work")
    mine.cancel(job.id)
    listening(mine, job.id)
    # As if its bell had been lost.
    mine._store.doorbell._tell_ears = lambda: None  # type: ignore[method-assign]  # the deaf listener of this test
    other.resume(job.id)
    assert mine.find().items[0].status == "pending"
    assert mine.get(job.id).status == "pending"


def test_listener_that_no_longer_hears_is_not_trusted(app: Onward, told: Told) -> None:
    register(app)
    job = app.submit("work")
    run_all(app)
    listening(app, job.id)
    app._store.doorbell.close()
    told.places()
    app.get(job.id)
    assert told.places() == ["database"]


def test_active_job_is_looked_at_again_after_a_second(apps: Apps) -> None:
    clock = ManualClock()
    app = apps(clock=clock)
    register(app)
    job = app.submit("work", delay=60)
    shown = listening(app, job.id)
    assert shown.waiting_reason is not None
    assert "in 60 s" in shown.waiting_reason.text or "1 min" in shown.waiting_reason.text
    clock.advance(2)
    after = app.get(job.id).waiting_reason
    assert after is not None
    assert after.text != shown.waiting_reason.text


def test_caller_that_changes_what_it_was_given_harms_nobody(app: Onward) -> None:
    register(app)
    job = app.submit("work", {"number": 3, "words": ["a"]})
    job.params.clear()
    run_all(app)
    for _ in range(2):
        shown = listening(app, job.id)
        assert shown.params == {"number": 3, "words": ["a"]}
        assert shown.result == {"number": 3, "words": ["a"]}
        shown.params["words"].append("b")
        shown.result.clear()
    assert isinstance(shown, Job)
    assert hash(shown.id)
    with pytest.raises(AttributeError):
        shown.id = "other"  # type: ignore[misc]  # that this cannot be done is the point


def test_bound_holds_and_the_longest_untouched_goes_first(apps: Apps) -> None:
    app = apps(cache={"max_jobs": 3})
    register(app)
    ids = [app.submit("work").id for _ in range(3)]
    listening(app, ids[0])
    app.submit("work")
    assert len(app.memory) == 3
    assert ids[0] in app.memory
    assert ids[1] not in app.memory


def test_large_result_is_not_kept(app: Onward) -> None:
    @app.job()
    def large() -> list[str]:
        return ["x" * 1000] * 100

    job = app.submit("large")
    run_all(app)
    assert len(app.get(job.id).result) == 100
    assert job.id not in app.memory


def test_expired_jobs_are_swept_and_counted_in_the_log(apps: Apps, caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    app = apps(clock=clock)
    register(app)
    app.submit_many([("work", None)] * 3)
    clock.advance(minutes=59)
    late = app.submit("work")
    clock.advance(minutes=2)
    with caplog.at_level(logging.INFO, "onward.memory"):
        assert app._hot.sweep() == 3
    assert "Cleaned 3 expired jobs" in caplog.messages
    assert list(app.memory.store) == [late.id]


def test_sweeper_works_by_itself(apps: Apps) -> None:
    app = apps(cache={"ttl_minutes": 0.002, "sweep_minutes": 0.01})
    register(app)
    job = app.submit("work")
    app.get(job.id)
    assert len(app.memory) == 1
    until(lambda: len(app.memory) == 0, "the sweep")


def test_memory_can_be_switched_off(apps: Apps) -> None:
    app = apps(cache={"enabled": False})
    register(app)
    job = app.submit("work")
    for _ in range(3):
        app.get(job.id)
    assert isinstance(app.memory, EmptyMemoryStore)
    assert len(app.memory) == 0
    assert "onward-sweeper" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(JobNotFound, match="nothing in the database"):
        app.get("nothing")


def test_outage_is_answered_from_memory_with_its_age(own_postgres: Postgres, tmp_path: Any) -> None:
    apps = Apps(own_postgres.create())
    app, other = apps(), apps()
    register(app)
    register(other)
    known, deleted = app.submit("work"), app.submit("work")
    seen = other.submit("work")
    for job in (known, deleted, seen):
        app.cancel(job.id)
    app.wait(seen.id)
    app.delete(deleted.id)
    unknown = other.submit("work")
    listening(app, known.id)
    own_postgres.kill()
    for job_id in (known.id, seen.id):
        answer = app.get(job_id)
        assert (answer.status, answer.stale) == ("cancelled", True)
        assert answer.as_of is not None
    for job_id in (unknown.id, deleted.id):
        with pytest.raises(StoreUnavailable):
            app.get(job_id)
    with pytest.raises(StoreUnavailable):
        app.find()
    own_postgres.start()
    until(lambda: not app.get(known.id).stale, "the database")
    assert app.get(unknown.id).status == "pending"
    for each in (app, other):
        each.close()


def test_threads_share_it(apps: Apps) -> None:
    app = apps(cache={"max_jobs": 20})
    register(app)
    ids = [job.id for job in app.submit_many([("work", {"number": n}) for n in range(40)])]
    run_all(app)
    gate, wrong = Gate(), []

    def look(start: int) -> None:
        gate.opened.wait(10)
        for turn in range(400):
            number = (start + turn) % 40
            if app.get(ids[number]).result["number"] != number:
                wrong.append(number)

    threads = [threading.Thread(target=look, args=(n * 7,)) for n in range(6)]
    for thread in threads:
        thread.start()
    gate.open()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(app.memory) <= 20


MOVES = st.lists(
    st.tuples(st.sampled_from(["get", "begin", "finish", "mine", "theirs", "bell", "find", "wait"]), st.integers(0, 1)),
    min_size=5,
    max_size=40,
)


@pytest.mark.parametrize("prepared_url", ["sqlite"], indirect=True)  # the same statements, and bells rung by hand
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
@given(moves=MOVES)
def test_any_interleaving_of_two_processes_and_slow_reads_is_answered_truly(prepared_url: str, moves: Any) -> None:
    """``begin`` and ``finish`` are a read that takes its time; ``bell`` tells of what the other process has done."""
    apps = Apps(prepared_url)
    mine, other = apps(), apps()
    try:
        _play(mine, other, moves)
    finally:
        apps.close(lambda: None)


def _play(mine: Onward, other: Onward, moves: list[tuple[str, int]]) -> None:  # noqa: C901 - a branch a move
    bell, hot = mine._store.doorbell, mine._hot
    bell.attend = lambda: None  # type: ignore[method-assign]  # bells are rung by hand here
    bell.heard_until = math.inf
    for app in (mine, other):
        register(app)
    ids = [mine.submit("work").id for _ in range(2)]
    newest: dict[str, Job] = {}
    begun: list[tuple[object, Job]] = []

    def saw(job: Job) -> None:
        before = newest.get(job.id)
        assert before is None or not is_older(job, before), "what was answered went back"
        newest[job.id] = job

    def change(app: Onward, job_id: str) -> Job:
        return app.resume(job_id) if app._reader._explain(job_id).status == "cancelled" else app.cancel(job_id)  # type: ignore[union-attr]  # it is there

    for move, which in moves:
        job_id = ids[which]
        match move:
            case "get":
                saw(mine.get(job_id))
            case "begin":
                found = mine._reader._explain(job_id)
                assert found is not None
                begun.append((hot.epoch, found))
            case "finish" if begun:
                epoch, found = begun.pop(which % len(begun))
                hot.keep(found, epoch)
            case "mine":
                saw(change(mine, job_id))
                assert is_same(mine.get(job_id), newest[job_id])
            case "theirs":
                change(other, job_id)
            case "find":
                for job in mine.find():
                    saw(job)
            case "wait":
                saw(next(mine.watch(job_id)))
            case "bell":
                bell._tell_ears()
                for each in ids:
                    truth = mine._reader._explain(each)
                    assert truth is not None
                    assert is_same(mine.get(each), truth), "after the bell an old answer was given"


def test_memory_store_alone() -> None:
    memory = JobMemoryStore(ttl_minutes=1, max_jobs=2)
    assert (len(memory), memory.ttl_minutes, memory.keeps) == (0, 1, True)
    assert not EmptyMemoryStore().keeps
