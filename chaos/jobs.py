"""The jobs of the chaos program: each says in the ledger what it has done, and returns what can be known beforehand."""

from __future__ import annotations

import ctypes
import functools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import text

from chaos.notes import Ledger, Sink
from onward import Context, JobPhase, JobTypes

types = JobTypes()
REPLAYS = {"stroll": 1000}
"""Steps that one loss may cost; one where nothing is said, as many as there are where nothing waits for its save."""
POISON_LOSSES = 2


@functools.cache
def ledger() -> Ledger:
    """The ledger of this process."""
    return Ledger(Path(os.environ["CHAOS_FOLDER"]) / "ledger")


@functools.cache
def sink() -> Sink:
    """The outside system of this process."""
    return Sink(Path(os.environ["CHAOS_FOLDER"]) / "sink.db")


def note(kind: str, ctx: Context, step: object = "-", more: object = "") -> None:
    """One line of the ledger."""
    facts = ctx.facts
    phase = f"{facts.parent_id}/{facts.job_type}" if facts.parent_id else facts.job_type
    ledger().say(kind, facts.job_id, facts.generation, phase, step, facts.fence, more)


def do(ctx: Context, step: object, pause: float) -> None:
    """What a step does: it takes its time, writes outside, and says so."""
    time.sleep(pause)
    taken = sink().write(ctx.job_id, ctx.fence)
    note("step", ctx, step, "taken" if taken else "refused")


@types.job(max_losses=50)
def steps(ctx: Context, n: int = 5, pause: float = 0.03) -> list[int]:
    """Steps, each kept."""
    note("begin", ctx)

    def one(number: int) -> int:
        do(ctx, f"s{number}", pause)
        return number * 2

    found = [ctx.step(f"s{number}", one, number) for number in range(n)]
    note("end", ctx)
    return found


@types.job(max_losses=50)
def walk(ctx: Context, n: int = 5, pause: float = 0.03) -> list[int]:
    """A cursor, saved and waited for at every item, and partial work beside it."""
    begin = int(ctx.state.get("done", 0))
    note("begin", ctx, begin)
    for number in range(begin, n):
        do(ctx, f"w{number}", pause)
        ctx.partial("lines").append(number)
        ctx.checkpoint({"done": number + 1}, flush=True)
        note("acked", ctx, number + 1)
    note("end", ctx)
    return list(ctx.partial("lines"))


@types.job(max_losses=50, checkpoint_every=2)
def stroll(ctx: Context, n: int = 8, pause: float = 0.02) -> int:
    """Items that are saved by policy, two at a time."""
    note("begin", ctx)
    for number in ctx.each(range(n)):
        do(ctx, f"i{number}", pause)
        ctx.state["sum"] = ctx.state.get("sum", 0) + number
    note("end", ctx)
    return int(ctx.state.get("sum", 0))


@types.job(max_losses=50, on_conflict="wait", resources=lambda _params, _source: ["a", "b"])
def both(ctx: Context, n: int = 3, pause: float = 0.02) -> int:
    """Holds two resources while it runs."""
    note("enter", ctx, "a b")
    for number in range(n):
        ctx.step(f"b{number}", do, ctx, f"b{number}", pause)
    note("leave", ctx, "a b")
    return n


@types.job(max_losses=50, on_conflict="wait", resources=lambda params, _source: [f"serial:{params.key}"])
def serial(ctx: Context, key: str = "k", n: int = 2, pause: float = 0.02) -> str:
    """One at a time of its key."""
    note("enter", ctx, f"serial:{key}")
    for number in range(n):
        ctx.step(f"q{number}", do, ctx, f"q{number}", pause)
    note("leave", ctx, f"serial:{key}")
    return key


@types.job(max_losses=POISON_LOSSES)
def poison(ctx: Context) -> None:
    """Ends its worker."""
    note("poison", ctx)
    os.kill(os.getpid(), signal.SIGKILL)


@types.job(timeout=1, max_losses=50)
def hang(ctx: Context, seconds: float = 2.5) -> None:
    """A call into C that does not come back in time."""
    note("begin", ctx)
    time.sleep(seconds)
    ctx.check()


@types.job(max_losses=50)
def gilhog(ctx: Context, size: int = 23) -> str:
    """Holds the interpreter for seconds: no other thread of its worker has a turn."""
    note("begin", ctx)
    note("hog", ctx)
    re.match("(a+)+$", "a" * size + "b")
    note("freed", ctx)
    ctx.step("hog", do, ctx, "hog", 0)
    return "hogged"


@types.job(isolation="process", max_losses=50)
def forker(ctx: Context, n: int = 3, pause: float = 0.1, deaf: float = 0.0) -> int:
    """A child process with a grandchild that would live for ever."""
    grandchild = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
    note("pids", ctx, os.getppid(), f"{os.getpid()} {grandchild.pid}")
    for number in range(n):
        ctx.step(f"f{number}", do, ctx, f"f{number}", pause)
    # Meanwhile it hears nothing, not even that its worker is no more: only the guard can end it.
    ctypes.PyDLL(None).usleep(int(deaf * 1_000_000))
    note("end", ctx)
    return n


@types.job(max_losses=50)
def big(ctx: Context, payload: str = "") -> int:
    """Large parameters, a large state, a large result of a step."""
    note("begin", ctx)
    again = ctx.step("big", lambda: payload[::-1])
    ctx.checkpoint({"payload": payload}, flush=True)
    note("end", ctx)
    return len(again)


@types.job(max_losses=50)
def pays(ctx: Context, pause: float = 0.02) -> str:
    """Writes to the same database, in one transaction with its checkpoint."""
    note("begin", ctx)
    if not ctx.state.get("paid"):
        with ctx.transaction() as connection:
            ctx.state["paid"] = True
            values = {"job": ctx.job_id, "generation": ctx.facts.generation}
            connection.execute(text("INSERT INTO effects (job_id, generation) VALUES (:job, :generation)"), values)
            time.sleep(pause)
    note("end", ctx)
    return "paid"


@types.job(max_attempts=3, backoff=0.2, max_losses=50)
def flaky(ctx: Context) -> str:
    """Fails once, and goes on from what it saved."""
    note("begin", ctx)
    if not ctx.state.get("failed"):
        ctx.checkpoint({"failed": True}, flush=True)
        raise RuntimeError("once")
    ctx.step("well", do, ctx, "well", 0.01)
    return "well"


@types.job(max_losses=50)
def naps(ctx: Context, seconds: float = 0.5) -> str:
    """Waits durably between two steps."""
    note("begin", ctx)
    ctx.step("before", do, ctx, "before", 0.01)
    ctx.sleep(seconds)
    ctx.step("after", do, ctx, "after", 0.01)
    return "slept"


def _phase(ctx: Context, n: int = 2, pause: float = 0.02) -> int:
    note("begin", ctx)
    for number in range(n):
        ctx.step(f"p{number}", do, ctx, f"p{number}", pause)
    note("end", ctx)
    return n


def _as_phase() -> Callable[..., int]:
    """A function of its own for each phase, all doing the same."""

    @functools.wraps(_phase)
    def phase(ctx: Context, n: int = 2, pause: float = 0.02) -> int:
        return _phase(ctx, n, pause)

    return phase


PHASES = ("first", "second", "third")
for _name in PHASES:
    types.job(name=_name, max_losses=50)(_as_phase())
types.chain("chain3", [JobPhase(name, weight=30) for name in PHASES])

if hasattr(Context, "ask"):

    @types.job(max_losses=50)
    def asks(ctx: Context) -> Any:
        """Waits for a person."""
        note("begin", ctx)
        ctx.step("before", do, ctx, "before", 0.01)
        ask: Any = getattr(ctx, "ask")  # noqa: B009 - it need not be there
        answer = ask("approve", {"what": "this"}, timeout=None)
        note("answered", ctx, "-", str(answer))
        return answer


def expected(job_type: str, params: dict[str, Any]) -> Any:
    """What a completed job has returned; ``...`` where that cannot be known beforehand."""
    n = params.get("n")
    match job_type:
        case "steps":
            return [number * 2 for number in range(n or 5)]
        case "walk":
            return list(range(n or 5))
        case "stroll":
            return sum(range(n or 8))
        case "both" | "forker":
            return n or 3
        case "first" | "second" | "third":
            return n or 2
        case "serial":
            return params.get("key", "k")
        case "big":
            return len(params["payload"])
        case "gilhog" | "pays" | "flaky" | "naps":
            return {"gilhog": "hogged", "pays": "paid", "flaky": "well", "naps": "slept"}[job_type]
    return ...
