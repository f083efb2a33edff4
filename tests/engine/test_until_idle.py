"""A worker that ends when nothing is left to do: what is nowhere for a moment is not done."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import text

from onward import Onward
from onward.store import claims
from tests.app_fixtures import PATIENCE, Gate, ended, until

_SEVERAL_LOOKS_SECONDS = 1.0
# A SQLite file has one writer at a time: there nothing else happens meanwhile.
on_a_server = pytest.mark.parametrize("prepared_url", ["postgresql"], indirect=True)


@on_a_server
def test_job_whose_row_somebody_holds_is_waited_for(app: Onward) -> None:
    app.job(name="work")(lambda: 1)
    job = app.submit("work")
    worker = app.worker()
    running = threading.Thread(target=worker.run, kwargs={"until_idle": True}, daemon=True)
    with app.engine.begin() as other:
        other.execute(text("SELECT 1 FROM jobs WHERE job_id = :id FOR UPDATE"), {"id": job.id})
        running.start()
        running.join(_SEVERAL_LOOKS_SECONDS)
        assert running.is_alive()
    running.join(PATIENCE)
    assert not running.is_alive()
    assert app.get(job.id).result == 1


@on_a_server
def test_job_that_is_just_being_handed_back_is_waited_for(
    app: Onward, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_back, reached, goes_on = claims.hand_back, threading.Event(), threading.Event()

    def slowly(*given: Any) -> None:
        reached.set()
        assert goes_on.wait(PATIENCE)
        hand_back(*given)

    monkeypatch.setattr(claims, "hand_back", slowly)
    app.job(name="holds")(gate.pass_through)
    app.job(name="work")(lambda: 1)
    first = app.submit("holds")
    with app.worker(concurrency=1) as worker:
        gate.await_job()
        second = app.submit("work")
        # Claimed ahead; what cannot begin is handed back in a while.
        assert worker._claimer.claim(1) == 1
        assert reached.wait(PATIENCE)
        gate.open()
        ended(app, first)
        until(lambda: not worker.pool.active)
        assert not worker.is_idle()
        goes_on.set()
        assert ended(app, second).result == 1
        until(worker.is_idle)
