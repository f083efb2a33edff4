"""A run whose job has gone to another changes no row, whatever it tries, and is told so."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from onward import JobLost, JobParked, Onward, SystemClock
from onward.authoring.context import Context
from onward.authoring.port import Point, Split, Wait
from onward.engine.desk import Desk
from onward.engine.writer import Change
from onward.model.ids import Ids
from onward.model.job import Progress
from onward.model.outcome import Kind, Outcome
from onward.store import Store, chains, claims, logs
from tests.app_fixtures import Apps, rows

CLOCK = SystemClock()
IDS = Ids(CLOCK)
TABLES = (
    "jobs", "job_runs", "job_events", "checkpoints", "job_steps", "job_partials", "job_resources", "chain_phases",
)  # fmt: skip


class Bench:
    """A job under two runs: the old one, and the one that took it over."""

    def __init__(self, app: Onward, source: str = "wiki") -> None:
        self.app = app
        self.store: Store = app._store
        worker = app.worker()
        self.writer, self.executor, self.worker_id = worker._writer, worker._executor, worker.id
        self.job = app.submit("work", source_id=source)
        self.old = self.claim(self.worker_id)

    def claim(self, worker: str) -> Desk:
        found = self.store.write(
            lambda conn: claims.claim_jobs(
                conn,
                self.store.dialect,
                worker_id=worker,
                queues=(),
                job_types=("work",),
                limit=1,
                now=self.store.now(),
                run_ids=IDS.many(1),
            )
        )
        desk = self.executor.desk(found[0])
        desk.facts = self.executor_facts(desk)
        desk.context = Context(desk)
        return desk

    def executor_facts(self, desk: Desk) -> Any:
        self.executor._facts(desk)
        return desk.facts

    def take_over(self) -> Desk:
        """Give the job to a second worker, which saves something of its own."""
        self.store.write(
            lambda conn: claims.take_over(
                conn,
                self.store.dialect,
                self.job.id,
                fence=self.old.claim.fence,
                status="pending",
                waiting_on=None,
                losses=1,
                error=None,
                now=self.store.now(),
            )
        )
        new = self.claim("worker-new")
        self.writer.put(Change(new, point=Point('{"state":{"from":"new"}}', 5), step=("", "kept", "1")))
        self.writer.tick()
        return new

    def dump(self) -> dict[str, list[str]]:
        """Every row of every table that belongs to jobs."""
        return {name: sorted(map(repr, rows(self.app, "SELECT * FROM {}", name))) for name in TABLES}


@pytest.fixture
def bench(apps: Apps) -> Bench:
    app = apps()

    @app.job()
    def work(ctx: Context) -> None:
        """Do nothing."""

    return Bench(app)


def point(desk: Desk) -> Point:
    return Point('{"state":{"from":"old"}}', 99, {"partial": (0, ['"old"'])}, ("each:0",))


def end(kind: Kind) -> Callable[[Bench, Desk], None]:
    def act(bench: Bench, desk: Desk) -> None:
        error = ValueError("old") if kind is Kind.FAILURE else None
        if kind is Kind.PARKED:
            desk.park(Wait(bench.store.now() + timedelta(hours=1)))
        bench.executor.conclude(desk, Outcome(kind, {"from": "old"}, None, error))
        bench.writer.tick()

    return act


def write(**parts: Any) -> Callable[[Bench, Desk], None]:
    def act(bench: Bench, desk: Desk) -> None:
        made = {name: part(desk) if callable(part) else part for name, part in parts.items()}
        bench.writer.put(Change(desk, **made))
        bench.writer.tick()

    return act


def open_transaction(bench: Bench, desk: Desk) -> None:
    assert desk.context is not None
    with desk.context.transaction():
        desk.context.checkpoint({"from": "old"})


def hold(bench: Bench, desk: Desk) -> None:
    desk.hold("gpu", 1, wait=False)


def release(bench: Bench, desk: Desk) -> None:
    bench.writer.put(Change(desk, release="source:wiki"))
    bench.writer.tick()


def show(bench: Bench, desk: Desk) -> None:
    told = [(desk.claim.job_id, desk.claim.fence, Progress(77, "old"))]
    owner = bench.app.get(bench.job.id).worker_id or bench.worker_id
    bench.store.write(lambda conn: logs.show_progress(conn, bench.store.dialect, owner, told, bench.store.now()))


def statement(verb: Callable[..., Any]) -> Callable[[Bench, Desk], None]:
    def act(bench: Bench, desk: Desk) -> None:
        given = [desk.claim] if verb is claims.hand_back else desk.claim
        bench.store.write(lambda conn: verb(conn, bench.store.dialect, given, bench.store.now()))

    return act


def begin_chain(bench: Bench, desk: Desk) -> None:
    claim, store = desk.claim, bench.store
    assert not store.write(
        lambda conn: chains.begin(conn, store.dialect, claim.job_id, claim.fence, store.now(), IDS.new)
    )


def fan_out(bench: Bench, desk: Desk) -> None:
    with contextlib.suppress(JobParked):
        desk.split(Split("family", "work", 4, 2))
    bench.executor.conclude(desk, Outcome(Kind.PARKED))
    bench.writer.tick()


VERBS = {
    "checkpoint": write(point=point),
    "step": write(step=("", "old", '"old"'), point=point),
    "kept step of another": write(step=("", "kept", '"old"')),
    "dimension": write(columns={"current_dimension": 768}),
    "success": end(Kind.SUCCESS),
    "failure": end(Kind.FAILURE),
    "cancelled": end(Kind.CANCELLED),
    "interrupted": end(Kind.STOPPED),
    "parked": end(Kind.PARKED),
    "transaction": open_transaction,
    "hold": hold,
    "release of a resource": release,
    "forget": lambda bench, desk: desk.forget(),
    "progress": show,
    "hand back": statement(claims.hand_back),
    "release": statement(claims.release),
    "begin a phase": begin_chain,
    "ranges": fan_out,
}


def test_old_fence_changes_no_row_by_any_verb(bench: Bench) -> None:
    bench.take_over()
    before = bench.dump()
    for verb, act in VERBS.items():
        with contextlib.suppress(JobLost):
            act(bench, bench.old)
        assert bench.dump() == before, verb


def test_overtaken_run_is_told_that_it_lost_the_job(bench: Bench) -> None:
    bench.take_over()
    for verb in ("checkpoint", "step", "success", "transaction"):
        bench.old.interrupt = None
        with contextlib.suppress(JobLost):
            VERBS[verb](bench, bench.old)
        assert isinstance(bench.old.interrupt, JobLost), verb


def test_same_verbs_change_rows_for_the_owner(apps: Apps, bench: Bench) -> None:
    """Otherwise the test of old fences would hold for verbs that never do anything."""
    leave_no_trace = {"begin a phase", "forget", "kept step of another", "hold"}
    for number, verb in enumerate(VERBS.keys() - leave_no_trace):
        bench.app.database.query("DELETE FROM jobs")
        bench = Bench(bench.app, f"source-{number}")
        new = bench.take_over()
        before = bench.dump()
        act = write(release=f"source:source-{number}") if "resource" in verb else VERBS[verb]
        act(bench, new)
        assert bench.dump() != before, verb


def test_second_ending_of_a_run_changes_no_row(bench: Bench) -> None:
    end(Kind.SUCCESS)(bench, bench.old)
    before = bench.dump()
    for verb in ("success", "failure", "cancelled"):
        VERBS[verb](bench, bench.old)
        assert bench.dump() == before, verb


def test_late_progress_does_not_change_a_job_that_has_ended(bench: Bench) -> None:
    end(Kind.SUCCESS)(bench, bench.old)
    show(bench, bench.old)
    assert bench.app.get(bench.job.id).progress.percent == 100


def test_cancelled_run_may_still_save_but_not_change_the_status(bench: Bench) -> None:
    bench.app.cancel(bench.job.id)
    write(point=point, step=("", "s", "1"))(bench, bench.old)
    end(Kind.SUCCESS)(bench, bench.old)
    job = bench.app.get(bench.job.id)
    assert (job.status, job.has_checkpoint, job.is_owned, job.result) == ("cancelled", True, False, None)
    assert [(run.status, run.result) for run in bench.app.runs(job.id)] == [("success", {"from": "old"})]


def test_checkpoint_numbers_only_grow_across_owners(bench: Bench) -> None:
    write(point=point)(bench, bench.old)
    write(point=point)(bench, bench.old)
    new = bench.take_over()
    write(point=point)(bench, new)
    numbers = [entry["number"] for entry in bench.app.checkpoints.list(bench.job.id)]
    assert numbers == [4, 3]


def test_fences_grow_with_every_claim_and_are_never_given_twice(bench: Bench) -> None:
    desks = [bench.old]
    for _ in range(3):
        statement(claims.release)(bench, desks[-1])
        desks.append(bench.claim("another"))
    fences = [desk.claim.fence for desk in desks]
    assert fences == sorted(set(fences))


def test_change_that_cannot_be_written_ends_its_job_and_harms_no_other(bench: Bench) -> None:
    other = bench.app.submit("work")
    mine = bench.claim(bench.worker_id)
    bench.writer.put(Change(bench.old, columns={"no_such_column": 1}))
    bench.executor.conclude(mine, Outcome(Kind.SUCCESS, 5))
    bench.writer.tick()
    assert bench.app.get(other.id).result == 5
    assert bench.writer.is_idle
    lonely = Change(bench.old, columns={"no_such_column": 1})
    bench.writer.put(lonely)
    bench.writer.tick()
    assert lonely.is_refused
    assert bench.writer.is_idle
