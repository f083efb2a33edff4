"""What needs a database: transactions, durable sleep, steps and partial work, in threads and on the loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from onward import Context, ManualClock, Onward, OnwardError
from tests.app_fixtures import Apps, ended, rows, run_all


@pytest.fixture
def app(apps: Apps) -> Onward:
    made = apps()
    made.database.query("CREATE TABLE orders (number INTEGER)")
    return made


def insert(connection: Any, number: int) -> None:
    connection.exec_driver_sql(f"INSERT INTO orders VALUES ({number})")


def orders(app: Onward) -> list[int]:
    return sorted(row[0] for row in rows(app, "SELECT number FROM orders"))


def test_writes_and_checkpoint_commit_together_or_not_at_all(app: Onward) -> None:
    @app.job(max_attempts=3, backoff=0)
    def work(ctx: Context) -> Any:
        for item in ctx.each(range(4)):
            with ctx.transaction() as connection:
                insert(connection, item)
                ctx.state["last"] = item
                ctx.partial().append(item)
                if item == 2 and ctx.attempt == 1:
                    raise OSError("within")
            if item == 3 and ctx.attempt == 2:
                raise OSError("after")
        return [ctx.state["last"], list(ctx.partial()), ctx.attempt]

    job = app.submit("work")
    with app.worker(concurrency=1):
        done = ended(app, job)
    # What was committed with the last point within item 3 is done again with it: the point is the transaction's end.
    assert done.result[0] == 3
    assert done.result[2] == 3
    assert orders(app)[:3] == [0, 1, 2]
    assert rows(app, "SELECT count(*) FROM job_partials") == [(0,)]


@pytest.mark.parametrize("kind", ["thread", "async"])
def test_step_and_checkpoint_join_the_transaction(app: Onward, kind: str) -> None:
    calls: list[str] = []

    @app.job(max_attempts=2, backoff=0)
    def thread(ctx: Context) -> Any:
        with ctx.transaction() as connection:
            insert(connection, 1)
            assert ctx.state == {}
            ctx.step("s", calls.append, "step")
            ctx.checkpoint({"at": 1})
            if ctx.attempt == 1:
                raise OSError
        return ctx.state

    @app.job(name="async", max_attempts=2, backoff=0)
    async def on_loop(ctx: Context) -> Any:
        async with ctx.transaction() as connection:
            insert(connection, 1)
            assert ctx.state == {}
            await ctx.step("s", calls.append, "step")
            await ctx.flush({"at": 1})
            if ctx.attempt == 1:
                raise OSError
        return ctx.state

    job = app.submit(kind)
    with app.worker(concurrency=1):
        done = ended(app, job)
    assert (done.error, done.result) == (None, {"at": 1})
    assert (orders(app), calls) == ([1], ["step", "step"])


@pytest.mark.parametrize("verb", ["sleep", "hold", "transaction"])
def test_verbs_that_cannot_be_within_a_transaction_are_refused(app: Onward, verb: str) -> None:
    @app.job()
    def work(ctx: Context) -> None:
        with ctx.transaction():
            call = {"sleep": lambda: ctx.sleep(1), "hold": lambda: ctx.hold("gpu"), "transaction": ctx.transaction}
            with pytest.raises(OnwardError, match="inside a transaction"):
                call[verb]()

    job = app.submit("work")
    run_all(app)
    assert app.get(job.id).error is None


def test_async_jobs_may_have_transactions_side_by_side(app: Onward) -> None:
    @app.job()
    async def work(ctx: Context, number: int) -> None:
        async with ctx.transaction() as connection:
            insert(connection, number)
            await asyncio.sleep(0.02)

    app.submit_many([("work", {"number": number}) for number in range(4)])
    with app.worker(concurrency=4):
        for job in app.find():
            assert ended(app, job).error is None
    assert orders(app) == [0, 1, 2, 3]


def test_sleeping_job_needs_no_worker_and_goes_on_where_it_was(apps: Apps) -> None:
    clock = ManualClock()
    app = apps(clock)
    calls: list[str] = []

    @app.job()
    def work(ctx: Context) -> int:
        ctx.step("before", calls.append, "before")
        ctx.sleep(3600)
        calls.append("after")
        return ctx.attempt

    job = app.submit("work", source_id="wiki")
    run_all(app)
    asleep = app.get(job.id)
    assert (asleep.status, asleep.waiting_on, asleep.is_owned, asleep.attempt) == ("pending", "time", False, 0)
    assert [run.status for run in app.runs(job.id)] == ["parked"]
    other = app.submit("work", source_id="wiki", on_conflict="wait")
    run_all(app)
    assert len(app.runs(other.id)) == 1
    clock.advance(3601)
    run_all(app)
    assert app.get(job.id).result == 1
    assert calls.count("after") == 2


def test_partial_work_and_steps_survive_and_go_with_success(app: Onward) -> None:
    @app.job(max_attempts=2, backoff=0, checkpoint_every=7)
    def work(ctx: Context) -> list[Any]:
        records = ctx.partial("pages")
        for item in ctx.each(range(40)):
            records.append({"n": item, "text": "é" * 5})
            if item == 30 and ctx.attempt == 1:
                raise OSError
        token = ctx.step("token", lambda: "t")
        return [[record["n"] for record in records], len(records), token]

    job = app.submit("work")
    with app.worker(concurrency=1):
        done = ended(app, job)
    assert done.result == [list(range(40)), 40, "t"]
    for table in ("checkpoints", "job_steps", "job_partials"):
        assert rows(app, "SELECT count(*) FROM {}", table) == [(0,)], table


def test_one_quick_checkpoint_before_the_end_leaves_nothing_behind(app: Onward) -> None:
    app.job(name="work", checkpoint_every=1)(lambda ctx: list(ctx.each(range(3))))
    app.submit_many([("work", None)] * 20)
    run_all(app)
    assert rows(app, "SELECT count(*) FROM checkpoints") == [(0,)]
    assert not any(job.has_checkpoint for job in app.find())


def test_damaged_checkpoint_gives_way_to_the_one_before_and_never_to_nothing(app: Onward) -> None:
    @app.job()
    def work(ctx: Context) -> Any:
        if ctx.resumed:
            return ctx.state
        for at in range(3):
            ctx.checkpoint({"at": at}, flush=True)
        raise OSError

    one, both = app.submit("work"), app.submit("work")
    run_all(app)
    newest = "number = (SELECT max(number) FROM checkpoints)"
    app.database.query(
        f"UPDATE checkpoints SET state = replace(state, '2', '3') WHERE {newest} AND job_id = '{one.id}'"
    )
    app.database.query(f"UPDATE checkpoints SET state = state || ' ' WHERE job_id = '{both.id}'")
    for job in (one, both):
        app.resume(job.id)
    run_all(app)
    assert app.get(one.id).result == {"at": 1}
    assert any("damaged" in line.message for line in app.logs(one.id))
    error = app.get(both.id).error
    assert error is not None
    assert error.type == "CorruptCheckpoint"
    assert rows(app, "SELECT count(*) FROM checkpoints WHERE job_id = '{}'", both.id) == [(2,)]


def test_ask_policy_fails_the_job_and_resuming_is_the_consent(app: Onward) -> None:
    model = "small"

    @app.job(on_changed_inputs="ask")
    def work(ctx: Context) -> Any:
        ctx.fingerprint(model=model)
        if not ctx.resumed:
            ctx.checkpoint({"at": 1})
            raise OSError
        return ctx.state

    job = app.submit("work")
    run_all(app)
    model = "large"
    app.resume(job.id)
    run_all(app)
    error = app.get(job.id).error
    assert error is not None
    assert "inputs have changed" in error.message
    app.resume(job.id)
    run_all(app)
    assert app.get(job.id).result == {"at": 1}


def test_threads_of_one_application_share_it(app: Onward) -> None:
    app.job(name="work")(lambda: 1)
    errors: list[BaseException] = []

    def use() -> None:
        try:
            for _ in range(5):
                job = app.submit("work")
                assert app.wait(job.id, timeout=20).result == 1
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    with app.worker(concurrency=2):
        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
