"""Job types for the pages' tests. What a job waits for is a file, so that a test says when it goes on."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from onward import Context, JobPhase, Onward

app = Onward()
GATES = Path(os.environ.get("GATES", "gates"))


def wait_for(ctx: Context, gate: str) -> None:
    """Until the test opens the gate; leaves when the job is told to."""
    while gate and not (GATES / gate).exists():
        ctx.check()
        time.sleep(0.02)


@app.job(label="Embed a corpus", category="content", version=int(os.environ.get("CODE_VERSION", "1")))
def embed(
    ctx: Context, collection: str, total: int = 100, stop_at: int = 45, gate: str = "", fail: bool = True
) -> dict[str, Any]:
    """Compute a vector for each document of a collection."""
    for done in ctx.each(range(total), every=1, total=total):
        if done == stop_at and not ctx.resumed:
            wait_for(ctx, gate)
            if fail:
                raise ConnectionError(f"the vector store of {collection} closed the connection")
    return {"documents": total}


@app.job(label="Word count", category="content")
def word_count(
    ctx: Context,
    folder: str,
    minimum: Annotated[int, Field(ge=1, le=20, description="Shorter words are left out.")] = 1,
    mode: Literal["fast", "exact"] = "fast",
    note: str | None = None,
) -> dict[str, Any]:
    """Count the words of all texts in a folder."""
    ctx.log.info("counting", folder=folder, mode=mode)
    return {"folder": folder, "words": 4211, "note": note}


@app.job(label="Shout")
def shout(ctx: Context, text: str, gate: str = "") -> str:
    """Says a text everywhere where a text can be: log, message, result or error."""
    ctx.log.warning(text, field=text)
    ctx.progress(10, text)
    wait_for(ctx, gate)
    if text.startswith("fail "):
        raise ValueError(text)
    return text


@app.job(label="Unknown length")
def endless(ctx: Context, gate: str) -> None:
    """Counts without knowing how far."""
    ctx.progress(done=45120)
    wait_for(ctx, gate)


@app.job(label="Publish", category="review")
def publish(ctx: Context, release: str) -> Any:
    """Asks a person, then publishes."""
    return ctx.ask(
        "approval",
        {"release": release},
        prompt=f"Publish **{release}**?\n\nSee [the notes](https://example.org/notes) or [this](javascript:alert(1)).",
        schema={
            "type": "object",
            "properties": {
                "approve": {"type": "boolean", "title": "Publish it"},
                "channel": {"type": "string", "enum": ["stable", "beta"], "title": "Channel"},
                "note": {"type": "string", "title": "Note", "maxLength": 20},
            },
            "required": ["channel"],
        },
        timeout=3600,
    )


@app.job(label="Confirm", category="review")
def confirm(ctx: Context, what: str) -> Any:
    """Asks for a plain yes or no."""
    schema = {"type": "object", "properties": {"yes": {"type": "boolean", "title": "Yes"}}, "required": ["yes"]}
    return ctx.ask("confirm", prompt=f"Delete {what}?", schema=schema)


@app.job(label="Pay", category="review")
def pay(ctx: Context, who: str) -> Any:
    """Does what must not be done twice, and fails in the middle of it the first time."""

    def transfer() -> str:
        if ctx.attempt == 1:
            raise TimeoutError("no answer: was it paid?")
        return f"receipt of {who}"

    ctx.checkpoint(flush=True)
    return ctx.once("transfer", transfer)


@app.job(label="Count slowly")
def count_slowly(ctx: Context, gate: str) -> dict[str, int]:
    """Count to a hundred; at 20 and at 45 it waits."""
    for number in ctx.each(range(100), every=1, total=100):
        if number in (20, 45):
            wait_for(ctx, f"{gate}{number}")
        ctx.state["counted"] = ctx.state.get("counted", 0) + 1
    return {"counted": ctx.state["counted"]}


@app.job(label="Metadata", category="indexing", runs_before=["index"])
def metadata(ctx: Context, language: str = "en") -> str:
    """Read title and language of each document."""
    return language


@app.job(label="Index", category="indexing", runs_after=["metadata"])
def index(ctx: Context, dimension: int = 384) -> int:
    """Make an index by meaning."""
    return dimension


@app.job(label="Tidy")
def tidy(ctx: Context) -> None:
    """Is done at once."""


@app.job(name="team/report.v2", label="Report")
def report(ctx: Context) -> None:
    """Has a name with a slash and a full stop."""


app.chain("nightly", [JobPhase("Chunk", weight=20, job_type="tidy"), JobPhase("Index", weight=80, job_type="tidy")])
