"""An application whose job types the command line's tests run."""

from __future__ import annotations

import threading
from typing import Any

from onward import Context, JobPhase, Onward

app = Onward("sqlite:///unused-by-the-tests.db")


@app.job(label="Add", category="maths", sensitive=["token"])
def add(a: int, b: int = 1, name: str = "x", tags: list[str] | None = None, token: str = "") -> dict[str, Any]:
    """Add two numbers."""
    return {"sum": a + b, "name": name, "tags": tags or []}


@app.job(checkpoint_every=1)
def count(ctx: Context, n: int = 5, fail_at: int = -1, pause: float = 0.0) -> int:
    """Count up, and fail on the way the first time if asked to."""
    for item in ctx.each(range(n)):
        if item == fail_at and not ctx.resumed:
            ctx.log.warning("item 3 is bad")
            raise ValueError(f"item {item} is bad")
        if pause:
            ctx.clock.wait(threading.Event(), pause)
    return n


@app.job()
def fail() -> None:
    """Fail."""
    raise RuntimeError("no luck\nwith details")


@app.job(sensitive=["token"], resources=lambda params, source_id: ["desk"])
def publish(ctx: Context, token: str = "canary") -> Any:  # noqa: S107 - a canary
    """Ask whether it may go out."""
    schema = {
        "type": "object",
        "required": ["approve", "where"],
        "properties": {
            "approve": {"type": "boolean", "description": "May it go out?"},
            "where": {"enum": ["web", "mail"], "default": "web"},
            "count": {"type": "integer", "minimum": 1},
            "pin": {"type": "string", "writeOnly": True},
        },
    }
    data = {"draft": "Hello", "token": token}
    return ctx.ask(
        "confirm", data, prompt="Publish the draft?\nIt is new.", schema=schema, assigned_to="ana", hold=True
    )


@app.job()
def pay(ctx: Context) -> Any:
    """Fail in the middle of what must not be done twice."""

    def transfer() -> None:
        raise TimeoutError("no answer")

    return ctx.once("transfer", transfer)


@app.job()
def pick(ctx: Context) -> Any:
    """Ask for yes or no."""
    return ctx.ask("clarify", schema={"type": "boolean"}, on_timeout="default", default=False)


app.chain("picking", [JobPhase("pick"), JobPhase("add", params={"a": 1})])
app.chain("both", [JobPhase("add", weight=20, params={"a": 1}), JobPhase("count", weight=80)], label="Both")
