"""``onward serve``: the pages and the interface, with a scheduler and a worker beside them."""

from __future__ import annotations

import os
import signal
from typing import Annotated

import typer

from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.nouns.worker import leave_with_parent
from onward.cli.target import database_line
from onward.cli.told import say

verbs = noun("serve", "Pages, HTTP, scheduler and a worker.")


@verb(verbs, "serve", "onward serve", "onward serve --app jobs.py:app --port 9000", "onward serve --no-worker")
def serve(
    here: Here,
    host: Annotated[str | None, typer.Option("--host", metavar="ADDRESS", help="Where to listen; 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, metavar="N", help="The port; 8811.")] = None,
    worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Run jobs here, too.")] = True,
    leave_with: Annotated[int | None, typer.Option("--leave-with", hidden=True)] = None,
) -> None:
    """Serve the pages and the HTTP interface until told to stop; jobs run in the same process."""
    from onward.server.run import serve as run
    from onward.telemetry import process

    app = here.local
    process.begin(app.settings, app.events, app.job_types, app.clock, "onward")
    app.database.version()
    if leave_with is not None:
        leave_with_parent(app.clock, leave_with, lambda: os.kill(os.getpid(), signal.SIGTERM))
    say(f"Database: {database_line(app, here.told)}")
    run(app, host, port, worker=worker, told=lambda address: say(f"Serving {address}  (Ctrl-C ends it)"))
