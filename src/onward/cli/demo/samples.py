"""What the demo's pages have to show besides the index: a job to stop and resume, one that asks, a schedule."""

from __future__ import annotations

import threading

import onward
from onward.authoring.context import Context

SOURCE = "sample"
_ITEMS = 600
_SECONDS = 0.25

app = onward.Onward()
"""The application that the demo's pages and their worker serve: the catalogue, and the samples."""
app.include_catalogue()


@app.job(category="demo", label="Count Slowly")
def count_slowly(ctx: Context, items: int = _ITEMS) -> dict[str, int]:
    """Take two or three minutes, so that there is time to stop it, and to resume it where it was."""
    pause = threading.Event()
    for number in ctx.each(range(items), every=1):
        ctx.state["sum"] = ctx.state.get("sum", 0) + number
        ctx.clock.wait(pause, _SECONDS)
    return {"sum": ctx.state["sum"]}


@app.job(category="demo", label="Ask You")
def ask_you(ctx: Context) -> str:
    """Ask a question, and wait without a worker until somebody answers."""
    schema = {
        "type": "object",
        "properties": {
            "publish": {"type": "boolean", "title": "Publish it", "default": True},
            "note": {"type": "string", "title": "A word about it"},
        },
        "required": ["publish"],
    }
    answer = ctx.ask(
        "confirm", {"pages": 40, "passages": 120}, prompt="The index is ready. Shall it be published?", schema=schema
    )
    return "published" if answer["publish"] else f"kept back: {answer.get('note', '')}"


def submit(given: onward.Onward) -> None:
    """Hand the samples in, once for each demo."""
    given.submit("count_slowly", source_id=SOURCE)
    given.submit("ask_you")
    given.schedules.add("nightly", "count_slowly", cron="30 2 * * *", params={"items": 100}, source_id="nightly")
