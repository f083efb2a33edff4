"""Between the look that finds a worker dead and the taking of its jobs, and between a standstill and the next claim."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from onward import ManualClock, StoreUnavailable
from onward.events import WorkerLost
from tests.app_fixtures import Apps
from tests.engine.ward import Ward


def test_worker_that_gives_a_sign_in_the_last_moment_keeps_its_jobs(ward: Ward) -> None:
    """Between the look that found it silent and the transaction that takes its jobs."""
    worker = ward.worker()
    job = ward.app.submit("work")
    ward.claim(worker)
    (seen,) = ward.app.workers.list()
    assert ward.beat(worker)
    assert ward.rescuer.take_over(worker, seen.heartbeat_seq) == 0
    assert (ward.get(job).worker_id, ward.beat(worker)) == (worker, True)
    assert ward.rescuer.take_over(worker, seen.heartbeat_seq + 2) == 1
    assert not ward.beat(worker)


def test_worker_that_was_taken_for_dead_claims_nothing_before_it_knows(ward: Ward) -> None:
    worker = ward.worker()
    ward.app.submit("work")
    assert ward.rescuer.take_over(worker) == 0
    assert ward.claim(worker) == []
    assert len(ward.claim(ward.worker())) == 1


def test_worker_that_stood_still_gives_a_sign_before_it_claims(apps: Apps) -> None:
    clock = ManualClock()
    app = apps(clock)
    app.job(name="work")(lambda: None)
    app.submit("work")
    worker = app.worker(concurrency=1)
    lease = app.settings.worker.lease_seconds
    worker._enter()
    try:
        clock.advance(lease * 0.6)
        assert worker._claimer.claim(1) == 0
        worker._heartbeat.tick()
        assert worker._claimer.claim(1) == 1
    finally:
        worker._leave()


def test_worker_that_cannot_begin_again_claims_nothing_meanwhile(apps: Apps, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was taken for dead, and the database goes away before its new name is written there."""
    clock = ManualClock()
    app = apps(clock)
    app.job(name="work")(lambda: None)
    app.submit("work")
    worker = app.worker(concurrency=1)
    worker._enter()
    worker._rescuer.take_over(worker.id)
    clock.advance(app.settings.worker.lease_seconds * 0.6)

    def away() -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(worker, "_enter", away)
        with pytest.raises(StoreUnavailable):
            worker._heartbeat.tick()
        assert worker._claimer.claim(1) == 0
    try:
        worker._heartbeat.tick()
        assert worker._claimer.claim(1) == 1
    finally:
        worker._leave()


def test_journals_are_written_after_the_look_and_before_jobs_are_taken(ward: Ward) -> None:
    """Found by chaos: a worker that died between the two had its job taken, and its journal was refused."""
    ward.app.submit("work")
    ward.claim(ward.worker())
    ward.app.database.query("DELETE FROM workers")
    order: list[str] = []

    def look(_conn: Any) -> tuple[object, dict[str, bool]]:
        order.append("look")
        return None, {}

    ward.app.events.subscribe(lambda event: order.append("taken") if isinstance(event, WorkerLost) else None)
    ward.rescuer._locks = look  # type: ignore[method-assign]
    ward.rescuer._adopter = SimpleNamespace(adopt=lambda: order.append("journals"))  # type: ignore[assignment]
    assert ward.rescuer.rescue() == 1
    assert order == ["look", "journals", "taken"]
