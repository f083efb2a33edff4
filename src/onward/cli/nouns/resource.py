"""``onward resource``: what jobs occupy while they run."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.input.names import job_id
from onward.cli.nouns.job_look import JobArgument
from onward.cli.show.output import Column
from onward.cli.show.times import ago
from onward.model.ids import shown
from onward.records.moments import rfc3339
from onward.records.resources import resource_record

verbs = noun("resource", "What jobs occupy while they run.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="Such as gpu, vectors:768, source:wiki.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; shown to whoever waits.")]


@verb(verbs, "list", "onward resource list", "onward resource list --json", data=True)
def list_resources(here: Here) -> None:
    """List resources: how many jobs may share each, who holds them, and how many wait."""
    records = [
        _plain(item) | {"holders": [shown(one) for one in item["holders"]]} for item in here.app.resources.list()
    ]
    columns = (
        Column("name"),
        Column("capacity"),
        Column("holders", "held by"),
        Column("waiting"),
        Column("held_by", "kept by"),
        Column("held_reason", "reason", fixed=False),
    )
    here.out.records(records, columns, empty="No job declares a resource.")


@verb(verbs, "show", "onward resource show gpu", "onward resource show vectors:768 --json", data=True)
def show(here: Here, name: Name) -> None:
    """Show a resource: who holds it and how far that is, and who waits for it, in order."""
    found, now = here.app.resources.get(name), here.app.clock.now()
    rows = [("Resource", found["name"]), ("Capacity", str(found["capacity"]))]
    if found["held_by"]:
        why = f": {found['held_reason']}" if found["held_reason"] else ""
        rows.append(("Kept by", f"{found['held_by']} {ago(found['held_at'], now)}{why}"))
    rows.append(("Held by", "\n".join(_line(item, now) for item in found["holders"]) or "nobody"))
    rows.append(("Waiting", "\n".join(_line(item, now) for item in found["waiters"]) or "nobody"))
    here.out.record({**resource_record(found)}, rows)


@verb(verbs, "hold", "onward resource hold vectors:768 --reason 'compacting the database'")
def hold(here: Here, name: Name, reason: Reason = "") -> None:
    """Keep a resource from all jobs that do not have it already; for maintenance, say."""
    here.app.resources.hold(name, here.actor, reason)


@verb(verbs, "unhold", "onward resource unhold vectors:768")
def unhold(here: Here, name: Name) -> None:
    """Let jobs have a resource again."""
    here.app.resources.unhold(name)


@verb(verbs, "release", "onward resource release gpu 7K2M9Q")
def release(here: Here, name: Name, job: JobArgument) -> None:
    """Take a resource from a job whose code is no more. It is refused while the job lives or waits."""
    here.app.resources.release(name, job_id(here.app, job), actor=here.actor)


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    return item | {"held_at": rfc3339(item["held_at"])}


def _line(item: dict[str, Any], now: Any) -> str:
    percent = f", {item['percent']}%" if item["percent"] is not None else ""
    since = f", {ago(item['since'], now)}" if item["since"] else ""
    return f"{shown(item['job_id'])}  {item['job_type'] or 'deleted'}{percent}{since}"
