"""``onward queue``: what waits where, and pausing it."""

from __future__ import annotations

from typing import Annotated

import typer

from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.show.output import Column
from onward.cli.show.times import ago
from onward.cli.told import say
from onward.records.moments import rfc3339

verbs = noun("queue", "What waits where.")
Name = Annotated[str, typer.Argument(metavar="QUEUE", help="Such as default, gpu.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; shown with every job that waits for it.")]


@verb(verbs, "list", "onward queue list", "onward queue list --json", data=True)
def list_queues(here: Here) -> None:
    """List queues: what is ready in each, what runs, who serves it, and whether it is paused."""
    now = here.app.clock.now()
    records = [
        {
            "name": queue.name,
            "waiting": queue.waiting,
            "running": queue.running,
            "oldest_at": rfc3339(queue.oldest_at),
            "workers": queue.workers,
            "slots": queue.slots,
            "paused_by": queue.paused_by,
            "paused_reason": queue.paused_reason,
            "paused_at": rfc3339(queue.paused_at),
            **({"since": ago(queue.oldest_at, now)} if here.out.form == "table" else {}),
        }
        for queue in here.app.queues.list()
    ]
    columns = (
        Column("name"), Column("waiting"), Column("since", "oldest"), Column("running"), Column("workers"),
        Column("slots"), Column("paused_by", "paused by"), Column("paused_reason", "reason", fixed=False),
    )  # fmt: skip
    here.out.records(records, columns)


@verb(verbs, "pause", "onward queue pause gpu --reason 'new driver'")
def pause(here: Here, name: Name, reason: Reason = "") -> None:
    """Have nothing of a queue begun; what runs goes on."""
    here.app.queues.pause(name, here.actor, reason)
    say(f"Nothing of {name} begins until: onward queue resume {name}")


@verb(verbs, "resume", "onward queue resume gpu")
def resume(here: Here, name: Name) -> None:
    """Let the jobs of a queue begin again."""
    here.app.queues.resume(name)
