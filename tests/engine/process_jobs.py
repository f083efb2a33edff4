"""Jobs for child processes: plain functions at the top of an importable module."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from onward import Context, JobTypes

types = JobTypes()
pause = threading.Event().wait


@types.job(isolation="process")
def add(ctx: Context, a: int, b: int = 2) -> dict[str, Any]:
    """Add, in a process of its own."""
    ctx.progress(done=1, total=2, message="adding")
    ctx.log.info("adds", a=a)
    return {"sum": a + b, "pid": os.getpid(), "attempt": ctx.attempt, "source": ctx.source_id}


@types.job(isolation="process", max_attempts=3, backoff=0.01, retry_on=(KeyError,))
def fail(kind: str) -> None:
    """Fail in a way."""
    if kind == "key":
        raise KeyError("not there")
    if kind == "exit":
        os._exit(7)
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise ValueError("wrong")


@types.job(isolation="process")
def walk(ctx: Context, folder: str, count: int = 5, stop_at: int | None = None) -> list[int]:
    """Go over items, keep steps and partial work, and wait at one of them until told to leave."""
    for item in ctx.each(range(count)):
        doubled = ctx.step("double", lambda item=item: _note(folder, item) * 2)
        assert doubled == item * 2
        ctx.partial().append(item)
        ctx.state["sum"] = ctx.state.get("sum", 0) + item
        if item == stop_at and not ctx.resumed:
            Path(folder, "reached").touch()
            while True:
                ctx.check()
                pause(0.01)
    return [ctx.state["sum"], len(list(ctx.partial()))]


@types.job(isolation="process")
def pay_and_die(ctx: Context, path: str) -> Any:
    """Do what must not be done twice, and be killed before that is noted."""

    def pay() -> None:
        with Path(path).open("a") as file:
            file.write("paid\n")
        os.kill(os.getpid(), signal.SIGKILL)

    return ctx.once("pay", pay)


def _note(folder: str, item: int) -> int:
    with Path(folder, "items").open("a") as file:
        file.write(f"{item}\n")
    return item


@types.job(isolation="process", timeout=4)
def ignore(folder: str, grandchild: bool = False) -> None:
    """Ignore every request to leave."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pids = [os.getpid()]
    if grandchild:
        pids.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid)
    Path(folder, "pids.new").write_text(" ".join(map(str, pids)))
    Path(folder, "pids.new").rename(Path(folder, "pids"))
    while True:
        pause(0.05)


@types.job(isolation="process")
def write(ctx: Context, number: int) -> int:
    """Write to onward's database in one transaction with the checkpoint."""
    with ctx.transaction() as connection:
        connection.exec_driver_sql(f"INSERT INTO orders VALUES ({number})")
        ctx.state["written"] = number
        ctx.checkpoint()
        ctx.step("inside", lambda: 1)
    if number < 0:
        raise ValueError("after the transaction")
    return ctx.fence


@types.job(isolation="process")
def occupy(ctx: Context) -> str:
    """Hold a resource and show the board."""
    with ctx.hold("gpu"):
        ctx.dimension(768, "index")
        ctx.fingerprint(model="m")
        ctx.checkpoint(flush=True)
    return ctx.idempotency_key("x")


def tick_on(ctx: Context, path: str, count: int) -> int:
    """Write a byte for every item, so that a test sees it going on."""
    for _ in ctx.each(range(count)):
        with open(path, "ab") as file:
            file.write(b".")
        pause(0.05)
    return count


@types.job(isolation="process")
def linger(ctx: Context, folder: str) -> int:
    """Say which process this is, and wait until told to go on."""
    Path(folder, "pid").write_text(str(os.getpid()))
    while not Path(folder, "go").exists():
        ctx.check()
        pause(0.01)
    return ctx.attempt


@types.job(isolation="process")
def ask_twice(ctx: Context) -> list[Any]:
    """Ask two questions, with a state in between."""
    first = ctx.ask("clarify", prompt="What?", timeout=None)
    ctx.checkpoint({"sum": 1})
    return [first, ctx.ask("confirm", dict(ctx.state)), ctx.state["sum"]]


@types.job(isolation="process")
def portion(ctx: Context) -> int:
    """One range, in a process of its own."""
    for item in ctx.each(ctx.range.items):
        ctx.partial().append(item)
    return ctx.range.size


@types.job(isolation="process")
def gather(ctx: Context, total: int) -> list[Any]:
    """Fan out from a process of its own, and merge there."""
    sizes = ctx.fan_out(portion, total, 2)
    return [sizes, list(ctx.range_partials("portion"))]


@types.job(isolation="process")
def chatter(ctx: Context, folder: str) -> None:
    """Send lines that do not fit into the pipe at once, without a pause, until told to leave."""
    line = "x" * 60_000
    while True:
        for number in range(3):
            ctx.log.info(line, more=line, number=number)
        Path(folder, "reached").touch()


@types.job(isolation="process")
def torn(ctx: Context) -> None:
    """Die in the middle of a line."""
    port: Any = ctx._port
    port._writer.write(b'{"op": "log", "le')
    os._exit(3)
