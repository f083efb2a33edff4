"""``onward worker``: run jobs, below a supervisor that starts the worker again when it dies."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.target import app_name, database_line, refuse_server
from onward.cli.told import Told, say
from onward.clock import Clock, SystemClock
from onward.errors import InvalidValue

verbs = noun("worker", "Run jobs.")
_LOOK_SECONDS = 0.5


@verb(
    verbs,
    "worker",
    "onward worker",
    "onward worker --queues gpu,default --concurrency 2 --name gpu-1",
    "onward worker --until-idle --no-supervisor",
)
def worker(
    here: Here,
    queues: Annotated[
        str | None, typer.Option("--queues", metavar="A,B", help="Only these; else all but the cluster's.")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", min=1, metavar="N", help="Jobs at a time.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="A worker that comes back under its name is known.")
    ] = None,
    drain_timeout: Annotated[
        float | None, typer.Option("--drain-timeout", min=0, metavar="SECONDS", help="For jobs to reach a safe point.")
    ] = None,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End when nothing is left to do now.")] = False,
    supervisor: Annotated[
        bool, typer.Option("--supervisor/--no-supervisor", help="Start it again when it dies.")
    ] = True,
    leave_with: Annotated[int | None, typer.Option("--leave-with", hidden=True)] = None,
) -> int:
    """Run jobs until told to stop. Ctrl-C or SIGTERM lets them reach a safe point; a second one hurries."""
    refuse_server(here.told)
    _queues(queues)
    options = {"--queues": queues, "--concurrency": concurrency, "--name": name, "--drain-timeout": drain_timeout}
    if supervisor and os.name != "nt":
        return _supervised(here.told, options, until_idle)
    if drain_timeout is not None:
        os.environ["ONWARD_WORKER_GRACE_SECONDS"] = str(drain_timeout)
    return run_worker(here, queues, concurrency, name, until_idle=until_idle, leave_with=leave_with)


def command_line(
    told: Told,
    options: dict[str, Any],
    until_idle: bool = False,
    words: Sequence[str] = ("worker", "--no-supervisor"),
) -> list[str]:
    """The command that starts a worker without a supervisor (or what ``words`` say), which leaves when we do."""
    command = [sys.executable, "-m", "onward", *words, "--leave-with", str(os.getpid())]
    given = {"--app": app_name(told), "--database": told.database, "--profile": told.profile, **options}
    for option, value in given.items():
        if value is not None:
            command += [option, str(value)]
    return [*command, *(["--until-idle"] if until_idle else []), *(["--debug"] if told.debug else [])]


def _supervised(told: Told, options: dict[str, Any], until_idle: bool) -> int:
    from onward.engine.supervisor import Supervisor

    return Supervisor(command_line(told, options, until_idle), SystemClock(), say).run()


def run_worker(
    here: Here,
    queues: str | None,
    concurrency: int | None,
    name: str | None,
    *,
    until_idle: bool,
    leave_with: int | None,
) -> int:
    """The worker itself, in this process."""
    from onward.cli.telling import telling

    app = here.local
    with telling(app, "onward-worker"):
        made = app.worker(concurrency, _queues(queues), name)
        app.database.version()
        say(f"Database: {database_line(app, here.told)}")
        queues_text = ", ".join(made.queues) or "all"
        say(f"Worker {made.name}: queues {queues_text}, {made.slots} slots, {len(app.job_types)} job types.")
        if leave_with is not None:
            leave_with_parent(app.clock, leave_with, made.ask_to_stop)
        return made.run(until_idle=until_idle)


def _queues(text: str | None) -> list[str] | None:
    if text is None:
        return None
    found = [part.strip() for part in text.split(",")]
    if not all(found):
        raise InvalidValue(f"--queues {text!r} names an empty queue.", hint="--queues gpu,default; without it, all")
    return found


def leave_with_parent(clock: Clock, parent: int, leave: Callable[[], object]) -> None:
    """Call ``leave`` when whoever started us has gone: nobody would stop us any more, so we stop ourselves."""

    def look() -> None:
        never = threading.Event()
        while os.getppid() == parent:
            clock.wait(never, _LOOK_SECONDS)
        leave()

    threading.Thread(target=look, name="onward-leave", daemon=True).start()
