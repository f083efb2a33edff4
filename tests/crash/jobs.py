"""The jobs of a life, and the ledger beside the database in which they say what they have done.

A line of the ledger is on the disk before the next thing happens; it is what is compared with the database later.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import text

from onward import Context, Onward
from onward.model.chain import JobPhase
from onward.model.retry import Backoff
from onward.settings import Settings

ITEMS = 4


class Ledger:
    """Lines that only grow: what was meant to be done, what was done, and what was acked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)

    def say(self, *words: object) -> None:
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())
        os.fsync(self._file)

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.path.read_text(encoding="utf-8").splitlines()]

    def has(self, *words: object) -> bool:
        return [str(word) for word in words] in self.lines()


def make_app(url: str, ledger: Ledger, fault: str = "") -> Onward:
    """The application of a life. ``fault`` plants a mistake that the checks must find."""
    app = Onward(settings=Settings.load(code={"database.url": url}))

    @app.job()
    def work(ctx: Context, n: int = 1) -> dict[str, Any]:
        """Four checkpoints, a step and a transaction."""
        begin = ctx.state.get("done", 0)
        ledger.say("begin", ctx.job_id, ctx.fence, begin)
        for item in range(begin, ITEMS):
            ledger.say("do", ctx.job_id, item)
            ctx.state["done"] = item + 1
            if fault == "ack early":
                ledger.say("acked", ctx.job_id, item + 1)
            ctx.partial("lines").append({"item": item})
            ctx.checkpoint(flush=True)
            ledger.say("acked", ctx.job_id, item + 1)
        ctx.step("pay", lambda: ledger.say("step", ctx.job_id))
        ledger.say("kept", ctx.job_id)
        if not ctx.state.get("paid"):
            with ctx.transaction() as connection:
                ctx.state["paid"] = fault != "paid twice"
                connection.execute(text("INSERT INTO effects (job_id) VALUES (:id)"), {"id": ctx.job_id})
            ledger.say("paid", ctx.job_id)
        return {"lines": [line["item"] for line in ctx.partial("lines")]}

    @app.job(max_attempts=3, backoff=Backoff(0, 1, 0, 0))
    def flaky(ctx: Context) -> str:
        """Fails once."""
        ctx.checkpoint({"seen": ctx.state.get("seen", 0) + 1}, flush=True)
        if not ledger.has("failed", ctx.job_id):
            ledger.say("failed", ctx.job_id)
            raise RuntimeError("once")
        return "well"

    @app.job()
    def quits(ctx: Context) -> None:
        """Is cancelled while it runs, and saves once more on its way out."""
        ctx.checkpoint({"begun": True}, flush=True)
        app.cancel(ctx.job_id)
        ledger.say("cancelled", ctx.job_id)
        ctx.state["late"] = True

    @app.job()
    def asks(ctx: Context) -> list[Any]:
        """Saves, and asks two questions."""
        ctx.checkpoint({"seen": True}, flush=True)
        return [ctx.ask("confirm", prompt="One?"), ctx.ask("confirm", prompt="Two?"), ctx.state["seen"]]

    app.chain("pair", [JobPhase("work", weight=30), JobPhase("flaky", weight=70)])
    return app
