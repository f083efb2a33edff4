"""``onward workers``: processes that run jobs."""

from __future__ import annotations

from typing import Annotated

import typer

from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.show.output import Column
from onward.cli.show.times import ago
from onward.records.workers import worker_record

verbs = noun("workers", "Processes that run jobs.")


@verb(verbs, "list", "onward workers list", "onward workers list --alive --json", data=True)
def list_workers(
    here: Here, alive: Annotated[bool, typer.Option("--alive", help="Only those that are online or draining.")] = False
) -> None:
    """List workers, newest first."""
    now = here.app.clock.now()
    records = [
        {**worker_record(worker), "seen": ago(worker.seen_at, now)}
        if here.out.form == "table"
        else worker_record(worker)
        for worker in here.app.workers.list(alive=alive)
    ]
    columns = (
        Column("name"),
        Column("state"),
        Column("slots"),
        Column("queues", text=lambda value: ", ".join(value) or "all"),
        Column("host"),
        Column("pid"),
        Column("version"),
        Column("seen"),
    )
    here.out.records(records, columns, empty="No worker was ever here. onward worker")
