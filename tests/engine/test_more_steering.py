"""Force out, acknowledge, change what has not begun, and who did what."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from onward import Context, IllegalTransition, InvalidValue, ManualClock, Onward, OnwardError
from onward.aio import AsyncOnward
from tests.app_fixtures import Apps, ended, rows, run_all, until


def failing(app: Onward) -> Callable[[], str]:
    @app.job()
    def work(number: int = 1) -> None:
        raise RuntimeError("no room")

    def fail() -> str:
        job = app.submit("work")
        run_all(app)
        return job.id

    return fail


# ---- force_stop -----------------------------------------------------------------------------------------------------


def test_code_that_never_looks_leaves_at_once_by_force(apps: Apps) -> None:
    app = apps(worker={"kill_grace_seconds": 60})
    begun = threading.Event()

    @app.job()
    def busy() -> None:
        begun.set()
        while True:
            threading.Event().wait(0.01)

    job = app.submit("busy", source_id="wiki")
    with app.worker(concurrency=1):
        begun.wait(10)
        app.cancel(job.id)
        assert app.get(job.id).is_owned
        told = app.force_stop(job.id, actor="ada")
        assert told.waiting_reason is not None
        assert told.waiting_reason.code == "leaving"
        assert ended(app, job, 5).status == "cancelled"
    assert [event.kind for event in app.history(job.id)] == ["started", "cancelled", "force_stopped", "left"]
    with pytest.raises(IllegalTransition, match="none of its code runs"):
        app.force_stop(job.id)
    assert app.database.check() == []


def test_force_cancels_what_was_not_cancelled_yet_and_what_waits(app: Onward) -> None:
    failing(app)
    job = app.submit("work", delay=60)
    assert app.force_stop(job.id).status == "cancelled"


def test_worker_that_cannot_be_reached_is_named(app: Onward) -> None:
    failing(app)
    job = app.submit("work")
    app.database.query("UPDATE jobs SET status = 'running', worker_id = 'gone', fence = 1")
    told = app.force_stop(job.id)
    assert told.waiting_reason is not None
    assert told.waiting_reason.code == "unreachable"
    assert "cannot be reached (gone is not known)" in told.waiting_reason.text


# ---- acknowledge ----------------------------------------------------------------------------------------------------


def test_acknowledged_failure_is_no_longer_open(app: Onward) -> None:
    fail = failing(app)
    one, other = fail(), fail()
    noted = app.acknowledge(one, by="ada", note="disk was full")
    assert (noted.acknowledged_by, noted.acknowledged_note) == ("ada", "disk was full")
    assert noted.acknowledged_at is not None
    assert [job.id for job in app.find(status="failed", acknowledged=False)] == [other]
    assert [job.id for job in app.find(status="failed", acknowledged=True)] == [one]
    assert app.count(status="failed", acknowledged=False) == 1


def test_resuming_takes_the_note_away_and_running_again_makes_one(app: Onward) -> None:
    fail = failing(app)
    one = fail()
    app.acknowledge(one, by="ada")
    assert app.resume(one).acknowledged_by is None
    run_all(app)
    assert app.find(acknowledged=False).items[0].id == one
    new = app.run_again(one)
    assert app.get(one).acknowledged_by == "run_again"
    assert app.find(status="failed", acknowledged=False).items == []
    with pytest.raises(IllegalTransition, match="nothing to acknowledge"):
        app.acknowledge(new.id)


# ---- change ---------------------------------------------------------------------------------------------------------


def test_waiting_job_is_changed_and_the_change_is_told(apps: Apps) -> None:
    clock = ManualClock()
    app = apps(clock=clock)
    failing(app)
    job = app.submit("work", tags=["old"])
    later = clock.now() + timedelta(hours=1)
    changed = app.change(job.id, priority=7, queue="slow", run_at=later, tags=["new", "new"], actor="ada")
    assert (changed.priority, changed.queue, changed.run_at, changed.tags) == (7, "slow", later, ("new",))
    assert (changed.state, [found.id for found in app.find(tag="new")], app.find(tag="old").items) == (
        "scheduled", [job.id], [],
    )  # fmt: skip
    run_all(app)
    assert app.get(job.id).status == "pending"
    app.change(job.id, run_at=clock.now())
    run_all(app)
    assert app.get(job.id).status == "failed"
    told = next(event for event in app.history(job.id) if event.kind == "changed")
    assert (told.actor, told.data["before"]["priority"], told.data["after"]["priority"]) == ("ada", 0, 7)
    with pytest.raises(IllegalTransition):
        app.change(job.id, priority=1)


@pytest.mark.parametrize(
    "given", [{"priority": "high"}, {"priority": True}, {"queue": ""}, {"tags": ["a", "\n"]}, {"priority": 2**40}]
)
def test_change_that_cannot_be_kept_changes_nothing(app: Onward, given: dict[str, Any]) -> None:
    failing(app)
    job = app.submit("work", tags=["a"])
    before = rows(app, "SELECT * FROM jobs")
    with pytest.raises(InvalidValue):
        app.change(job.id, **given)
    assert rows(app, "SELECT * FROM jobs") == before
    assert app.find(tag="a").items[0].id == job.id


def test_paused_job_stays_paused_when_its_time_is_changed(app: Onward) -> None:
    failing(app)
    job = app.submit("work", delay=60)
    app.pause(job.id)
    assert app.change(job.id, run_at=app.clock.now()).state == "paused"
    assert app.unpause(job.id).waiting_on is None


# ---- audit ----------------------------------------------------------------------------------------------------------


def test_audit_says_who_did_what(apps: Apps) -> None:
    clock = ManualClock()
    app = apps(clock=clock)
    failing(app)
    one, other = app.submit("work", delay=60), app.submit("work", delay=60)
    app.pause(one.id, actor="ada")
    clock.advance(60)
    noon = clock.now()
    app.cancel(one.id, actor="bob")
    app.cancel(other.id, actor="ada")
    app.resume(other.id)
    assert [(event.actor, event.kind) for event in app.audit.list()] == [
        ("ada", "cancelled"), ("bob", "cancelled"), ("ada", "paused"),
    ]  # fmt: skip
    assert [event.kind for event in app.audit.list(actor="ada")] == ["cancelled", "paused"]
    assert [event.actor for event in app.audit.list(job_id=one.id)] == ["bob", "ada"]
    assert [event.job_id for event in app.audit.list(kind="paused")] == [one.id]
    assert len(app.audit.list(since=noon)) == 2
    first = app.audit.list(limit=2)
    assert [event.kind for event in app.audit.list(limit=2, after=first.next)] == ["paused"]
    with pytest.raises(InvalidValue, match="cursor"):
        app.audit.list(actor="ada", after=first.next)
    with pytest.raises(InvalidValue, match="has no zone"):
        app.audit.list(since=noon.replace(tzinfo=None))


def test_new_verbs_are_there_for_asyncio_too(app: Onward) -> None:
    failing(app)
    job = app.submit("work", delay=60)

    async def steer() -> list[str]:
        door = AsyncOnward(app)
        changed = await door.change(job.id, priority=3)
        stopped = await door.force_stop(job.id)
        noted = await door.acknowledge(job.id, by="ada")
        await door.close()
        return [str(changed.priority), str(stopped.status), str(noted.acknowledged_by)]

    assert asyncio.run(steer()) == ["3", "cancelled", "ada"]


# ---- held and paused ------------------------------------------------------------------------------------------------


def held(app: Onward) -> str:
    failing(app)
    job = app.submit("work")
    app.database.query("UPDATE jobs SET waiting_on = 'hold'")
    return job.id


def test_held_job_that_was_paused_is_held_again(app: Onward) -> None:
    job_id = held(app)
    app.pause(job_id, actor="ada")
    assert app.unpause(job_id).waiting_on == "hold"
    run_all(app)
    assert app.get(job_id).status == "pending"


def test_held_job_that_is_resumed_while_paused_stays_paused(app: Onward) -> None:
    job_id = held(app)
    app.pause(job_id, actor="ada")
    assert app.resume(job_id).state == "paused"
    assert app.unpause(job_id).waiting_on is None


# ---- async jobs do not hold the loop ----------------------------------------------------------------------------------


def test_async_job_sleeps_holds_and_compares_without_holding_the_loop(apps: Apps) -> None:
    clock = ManualClock()
    app = apps(clock=clock)
    blocked: list[str] = []
    model = "a"

    def watch(port: Any, name: str) -> None:
        real = getattr(port, name)

        def call(*given: Any, **named: Any) -> Any:
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                return real(*given, **named)
            blocked.append(name)
            return real(*given, **named)

        for_it[name] = call

    for_it: dict[str, Any] = {}

    class Watched:
        """The run's desk, which notes calls from the loop that go to the database."""

        def __init__(self, port: Any) -> None:
            self._port = port
            for name in ("keep_step", "hold", "release", "forget"):
                watch(port, name)

        def __getattr__(self, name: str) -> Any:
            return for_it.get(name) or getattr(self._port, name)

    @app.job()
    async def work(ctx: Context) -> list[Any]:
        ctx._port = Watched(ctx._port)  # type: ignore[assignment]  # it does what the desk does
        await ctx.fingerprint(model=model)
        await ctx.flush({"seen": [*ctx.state.get("seen", []), model]})
        await ctx.sleep(60)
        async with ctx.hold("gpu"):
            assert rows(app, "SELECT slot FROM job_resources") == [(0,)]
        assert rows(app, "SELECT slot FROM job_resources") == []
        return ctx.state["seen"]

    job = app.submit("work")
    run_all(app)
    assert app.get(job.id).waiting_on == "time"
    model = "b"
    clock.advance(61)
    run_all(app)
    clock.advance(61)
    run_all(app)
    done = app.get(job.id)
    assert done.error is None
    # The model is another one, so the first sleep was forgotten with the rest.
    assert done.result == ["b", "b"]
    assert blocked == []


def test_fingerprint_that_was_not_awaited_fails_the_job(app: Onward) -> None:
    @app.job()
    async def work(ctx: Context) -> None:
        ctx.fingerprint(model="a").close()
        ctx.checkpoint({"at": 1})

    job = app.submit("work")
    run_all(app)
    error = app.get(job.id).error
    assert error is not None
    assert error.type == OnwardError.__name__
    assert "was not awaited" in error.message


def test_blocking_form_of_hold_is_refused_on_the_loop(app: Onward) -> None:
    @app.job()
    async def work(ctx: Context) -> None:
        with ctx.hold("gpu"):
            raise AssertionError("not reached")

    job = app.submit("work")
    run_all(app)
    until(lambda: app.get(job.id).status == "failed", "the end")
    assert app.get(job.id).error is not None
    assert "context manager" in str(app.get(job.id).error)
