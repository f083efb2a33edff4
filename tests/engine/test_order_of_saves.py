"""What a job saves reaches the database in the order in which it was saved, by whatever way it goes."""

from __future__ import annotations

import json
import threading
from typing import Any

from onward import Context, Onward, StoreUnavailable
from tests.app_fixtures import ended, rows


def _newest(app: Onward, job_id: str) -> Any:
    found = rows(app, f"SELECT state FROM checkpoints WHERE job_id = '{job_id}' ORDER BY number DESC")
    return json.loads(found[0][0])["state"]


def test_transaction_comes_after_what_was_saved_before_it(app: Onward) -> None:
    wrong: list[Any] = []

    @app.job(checkpoint_every=1)
    def pays(ctx: Context) -> None:
        for number in range(40):
            # Saved by policy: nobody waits for it.
            ctx.checkpoint({"done": number, "paid": False})
            with ctx.transaction():
                ctx.state["paid"] = True
            # Whatever else was under way has been written by then.
            ctx.step(f"then {number}", lambda: None)
            state = _newest(app, ctx.job_id)
            if state != {"done": number, "paid": True}:
                wrong.append(state)

    job = app.submit("pays")
    with app.worker(concurrency=1):
        assert ended(app, job).error is None
    assert wrong == []


def test_what_is_in_the_journal_is_written_back_before_a_transaction_or_a_look_at_partial_work(app: Onward) -> None:
    tried = threading.Event()
    refused: list[str] = []

    @app.job()
    def gathers(ctx: Context) -> list[int]:
        outage = worker._outage
        write_back, outage.tick = outage.tick, lambda: 0.01  # type: ignore[method-assign]
        outage.begin(StoreUnavailable("As if the database were away."))
        for number in range(3):
            ctx.partial("lines").append(number)
            ctx.checkpoint({"done": number}, flush=True)
        try:
            with ctx.transaction():
                ctx.state["paid"] = True
        except StoreUnavailable as error:
            refused.append(error.message)
        tried.set()
        outage.tick = write_back  # type: ignore[method-assign]
        return list(ctx.partial("lines"))

    job = app.submit("gathers")
    worker = app.worker(concurrency=1)
    with worker:
        assert tried.wait(20)
        done = ended(app, job)
    assert (done.error, done.result) == (None, [0, 1, 2])
    assert len(refused) == 1
