"""Who has a resource, in which order, and what people may do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from onward import Context, IllegalTransition, InvalidValue, JobNotFound, Onward, Status
from onward.model.ids import Ids
from onward.model.states import RunStatus
from onward.store import claims, endings, reservations
from onward.store.endings import Ending
from tests.app_fixtures import Apps, Gate, ended, rows, run_all, until

HUGE = 10**9


class Line:
    """Claims and ends jobs by hand, in an order of the test's own."""

    def __init__(self, app: Onward) -> None:
        self.app, self.store, self.ids = app, app._store, Ids(app.clock)
        app.job(name="small", on_conflict="wait", resources=lambda params, source_id: [params.on])(_small)
        app.job(name="both", on_conflict="wait", resources=lambda params, source_id: ["a", "b"])(_nothing)
        worker = app.worker()
        worker._enter()
        self.worker = worker
        self.running: dict[str, claims.Claim] = {}

    def claim(self, limit: int = 10) -> list[str]:
        found = self.store.write(
            lambda conn: claims.claim_jobs(
                conn, self.store.dialect, worker_id=self.worker.id, queues=(), job_types=("small", "both"),
                limit=limit, now=self.store.now(), run_ids=self.ids.many(limit),
            )
        )  # fmt: skip
        self.running |= {claim.job_id: claim for claim in found}
        return [claim.job_id for claim in found]

    def end(self, job_id: str) -> None:
        claim = self.running.pop(job_id)
        done = Ending(job_id, claim.job_type, claim.run_id, claim.fence, Status.COMPLETED, RunStatus.SUCCESS, 1)
        done.has_needs = True

        def work(conn: Any) -> None:
            owned = endings.lock_owned(conn, self.store.dialect, [job_id])
            endings.end_runs(conn, self.store.dialect, [done], owned, self.store.now())

        self.store.write(work)


def _small(on: str) -> None:
    """Only claimed."""


def _nothing() -> None:
    """Only claimed."""


@pytest.fixture
def line(app: Onward) -> Iterator[Line]:
    made = Line(app)
    yield made
    made.worker._leave()


def rounds_until_both_has_its_turn(line: Line, most: int) -> int | None:
    """A stream of small jobs on each of two resources, of which one is always taken."""
    app = line.app
    first = app.submit("small", {"on": "a"}).id
    line.claim()
    # It is the oldest, but whenever it is called up, the other resource is taken: its age alone never helps.
    both = app.submit("both").id
    line.claim()
    for number in range(most):
        after = app.submit("small", {"on": "b" if number % 2 == 0 else "a"}).id
        got = line.claim()
        if both in got:
            return number
        if after not in got:
            # It leaves the resource to the one before it.
            after = ""
        if first:
            line.end(first)
        got = line.claim(1) if after else line.claim()
        if both in got:
            return number
        first = after
    return None


def test_job_that_needs_two_things_is_not_passed_over_for_ever(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    found = rounds_until_both_has_its_turn(line, 60)
    assert found is not None
    assert found <= 20


def test_without_reservations_it_would_wait_for_ever(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reservations, "PATIENCE", HUGE)
    assert rounds_until_both_has_its_turn(line, 60) is None


def test_tokens_of_a_resource_only_rise_and_each_holder_has_its_own(line: Line) -> None:
    line.app.resources.set("a", capacity=3)
    seen: list[int] = []
    for _ in range(4):
        line.app.submit_many([("small", {"on": "a"})] * 3)
        got = line.claim()
        tokens = [holder["token"] for holder in line.app.resources.get("a")["holders"]]
        assert len(tokens) == 3
        seen += sorted(tokens)
        for job_id in got:
            line.end(job_id)
    assert seen == sorted(set(seen))


def test_reservation_goes_with_its_job(line: Line) -> None:
    app = line.app
    rounds_until_both_has_its_turn(line, 3)
    for job in app.find(status=["pending", "running"]):
        app.cancel(job.id)
    for job_id in list(line.running):
        line.end(job_id)
    assert rows(app, "SELECT count(*) FROM job_resources") == [(0,)]
    assert app.database.check() == []


def test_person_keeps_a_resource_from_jobs(app: Onward) -> None:
    app.job(name="lift", resources=lambda params, source_id: ["crane"], on_conflict="wait")(lambda: 1)
    app.resources.hold("crane", by="ana", reason="new rope")
    job = app.submit("lift")
    run_all(app)
    waiting = app.get(job.id)
    assert (waiting.state, str(waiting.waiting_reason)) == ("blocked", "crane is held for no job by ana: new rope.")
    board = app.resources.get("crane")
    assert (board["held_by"], board["held_reason"], board["holders"]) == ("ana", "new rope", [])
    assert [waiter["job_id"] for waiter in board["waiters"]] == [job.id]
    assert app.resources.list()[0]["waiting"] == 1
    app.resources.unhold("crane")
    run_all(app)
    assert app.get(job.id).result == 1
    with pytest.raises(InvalidValue, match="Nobody holds"):
        app.resources.unhold("crane")
    with pytest.raises(InvalidValue, match="No resource"):
        app.resources.get("nothing")


def test_board_shows_holders_and_waiters_in_order(app: Onward) -> None:
    gate = Gate()

    @app.job(resources=lambda params, source_id: ["crane"], on_conflict="wait")
    def lift(ctx: Context) -> None:
        ctx.progress(40)
        gate.pass_through()

    with app.worker(concurrency=3):
        first = app.submit("lift")
        gate.await_job()
        late, urgent = app.submit("lift"), app.submit("lift", priority=5)
        until(lambda: len(app.resources.get("crane")["waiters"]) == 2)
        until(lambda: app.resources.get("crane")["holders"][0]["percent"] == 40)
        board = app.resources.get("crane")
        assert [holder["job_id"] for holder in board["holders"]] == [first.id]
        assert board["holders"][0]["since"] is not None
        assert [waiter["job_id"] for waiter in board["waiters"]] == [urgent.id, late.id]
        with pytest.raises(IllegalTransition, match="which is alive"):
            app.resources.release("crane", first.id)
        with pytest.raises(InvalidValue, match="does not have"):
            app.resources.release("crane", late.id)
        gate.open()
        for job in (first, late, urgent):
            ended(app, job)


def test_lock_whose_owner_is_no_more_can_be_taken_from_it(app: Onward) -> None:
    job = app.submit(app.job(name="plain")(lambda: None))
    run_all(app)
    app.resources.set("crane", capacity=1)
    app.database.query(f"INSERT INTO job_resources (resource, job_id, slot) VALUES ('crane', '{job.id}', 0)")
    app.resources.release("crane", job.id, actor="ana")
    assert app.resources.get("crane")["holders"] == []
    assert app.history(job.id)[-1].kind == "resource_released"


def test_hold_that_waits_gives_back_what_the_job_has_and_takes_all_together(app: Onward) -> None:
    gate = Gate()
    calls: list[list[str]] = []

    @app.job(resources=lambda params, source_id: ["gpu"])
    def busy() -> None:
        gate.pass_through()

    @app.job(resources=lambda params, source_id: ["disk"])
    def careful(ctx: Context) -> str:
        with ctx.hold("gpu", wait=True):
            calls.append([item["name"] for item in app.resources.list() if ctx.job_id in item["holders"]])
        calls.append([item["name"] for item in app.resources.list() if ctx.job_id in item["holders"]])
        return "done"

    with app.worker(concurrency=2):
        other = app.submit("busy")
        gate.await_job()
        job = app.submit("careful")
        waiting = until(lambda: (found := app.get(job.id)).blocked_by == "gpu" and found)
        assert (waiting.status, waiting.worker_id) == ("pending", None)
        assert app.resources.get("disk")["holders"] == []
        gate.open()
        ended(app, other)
        assert ended(app, job).result == "done"
    assert calls == [["disk", "gpu"], ["disk"]]
    assert [need.resource for need in app.get(job.id).resources] == ["disk"]
    assert rows(app, "SELECT count(*) FROM job_resources") == [(0,)]


def test_free_dimension_comes_first(app: Onward) -> None:
    gate = Gate()
    order: list[tuple[int, bool]] = []

    @app.job(resources=lambda params, source_id: ["vectors:384"])
    def busy(ctx: Context) -> None:
        ctx.dimension(384, "delete")
        gate.pass_through()

    @app.job()
    def index(ctx: Context) -> int:
        for dimension in ctx.free_first([384, 768, 1024]):
            order.append((dimension, app.dimensions.is_dimension_busy(dimension)))
        return len(order)

    with app.worker(concurrency=2):
        other = app.submit("busy", source_id="wiki")
        gate.await_job()
        job = app.submit("index")
        until(lambda: app.get(job.id).blocked_by == "vectors:384")
        until(lambda: app.dimensions.get_dimension_status()[384]["operation"] == "delete")
        assert app.dimensions.get_dimension_status() == {
            384: {"busy": True, "job_id": other.id, "operation": "delete", "source_id": "wiki"},
            **{
                size: {"busy": False, "job_id": None, "operation": None, "source_id": None}
                for size in (768, 1024, 1536)
            },
        }
        assert app.dimensions.get_available_dimensions() == [768, 1024, 1536]
        gate.open()
        assert ended(app, job).result == 3
    assert order == [(768, True), (1024, True), (384, True)]
    assert app.dimensions.get_available_dimensions() == [384, 768, 1024, 1536]


def test_job_with_several_dimensions_left_goes_on_with_the_one_that_is_free_first(app: Onward) -> None:
    gates = {384: Gate(), 768: Gate()}
    order: list[int] = []

    @app.job(resources=lambda params, source_id: [f"vectors:{params.dimension}"])
    def busy(dimension: int) -> None:
        gates[dimension].pass_through()

    @app.job()
    def index(ctx: Context) -> None:
        order.extend(ctx.free_first([384, 768]))

    with app.worker(concurrency=3):
        others = {dimension: app.submit("busy", {"dimension": dimension}) for dimension in gates}
        for gate in gates.values():
            gate.await_job()
        job = app.submit("index")
        waiting = until(lambda: (found := app.get(job.id)).blocked_by == "vectors:*" and found)
        assert (waiting.status, waiting.worker_id) == ("pending", None)
        assert waiting.waiting_reason.text == "All vector databases that it could work on next are taken."
        gates[768].open()
        ended(app, others[768])
        until(lambda: app.get(job.id).blocked_by == "vectors:384")
        assert order == [768]
        gates[384].open()
        assert ended(app, job).status == "completed"
    assert order == [768, 384]
    assert rows(app, "SELECT count(*) FROM job_resources") == [(0,)]


def test_dimension_may_be_told_from_outside(apps: Apps) -> None:
    app = apps()
    gate = Gate()
    app.job(name="work")(gate.pass_through)
    with app.worker(concurrency=1):
        job = app.submit("work", source_id="wiki")
        gate.await_job()
        app.dimensions.update_job_dimension(job.id, 1536, "index")
        assert app.resources.dimensions()[1536] == {
            "busy": True, "job_id": job.id, "operation": "index", "source_id": "wiki",
        }  # fmt: skip
        app.dimensions.update_job_dimension(job.id, None)
        assert not app.dimensions.is_dimension_busy(1536)
        with pytest.raises(InvalidValue, match="512"):
            app.dimensions.update_job_dimension(job.id, 512, "index")
        with pytest.raises(JobNotFound):
            app.dimensions.update_job_dimension("01a204ad-9dc4-7000-9fb7-12a82fef9e07", 768)
        gate.open()
        ended(app, job)
