"""``onward checkpoint``: what jobs have saved."""

from __future__ import annotations

from typing import Annotated

import typer

from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.input.names import job_id
from onward.cli.input.prompts import confirm_many
from onward.cli.nouns.job_look import JobArgument
from onward.cli.nouns.job_steer import Expect, Yes
from onward.cli.nouns.retention import OlderThan, length, summary
from onward.cli.show.output import Column, dump
from onward.cli.show.times import ago
from onward.cli.told import say
from onward.records.moments import rfc3339

verbs = noun("checkpoint", "What jobs have saved.")


@verb(verbs, "list", "onward checkpoint list @last", "onward checkpoint list 7K2M9Q --json", data=True)
def list_checkpoints(here: Here, job: JobArgument) -> None:
    """List the kept checkpoints of a job, newest first."""
    chosen = here.app.get(job_id(here.app, job)).id
    now = here.app.clock.now()
    records = [
        {
            **item,
            "saved_at": rfc3339(item["saved_at"]),
            **({"age": ago(item["saved_at"], now)} if _is_table(here) else {}),
        }
        for item in here.app.checkpoints.list(chosen)
    ]
    columns = (
        Column("number"), Column("percent", text=lambda value: "" if value is None else f"{value}%"),
        Column("bytes", text=lambda value: f"{value:,}"), Column("age", "saved"), Column("is_valid", "valid"),
        Column("pinned"),
    )  # fmt: skip
    here.out.records(records, columns, empty="It has saved no checkpoint.")


@verb(verbs, "show", "onward checkpoint show @last", "onward checkpoint show 7K2M9Q --json", data=True)
def show(here: Here, job: JobArgument) -> None:
    """Show the state that a job would go on from."""
    found = here.local.checkpoints.get(job_id(here.local, job))
    here.out.record(found, dump({"state": found["state"], "cursors": found["cursors"]}, indent=2))


@verb(verbs, "pin", "onward checkpoint pin 7K2M9Q")
def pin(here: Here, job: JobArgument) -> None:
    """Keep what a job has saved, and the job with it, from retention."""
    count = here.app.checkpoints.pin(job_id(here.app, job))
    say(f"{count} checkpoints are pinned.")


@verb(verbs, "unpin", "onward checkpoint unpin 7K2M9Q")
def unpin(here: Here, job: JobArgument) -> None:
    """Let retention have it again."""
    count = here.app.checkpoints.unpin(job_id(here.app, job))
    say(f"{count} checkpoints are no longer pinned.")


@verb(verbs, "prune", "onward checkpoint prune --dry-run", "onward checkpoint prune --yes --expect 12", data=True)
def prune(
    here: Here,
    older_than: OlderThan = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Yes = False,
    expect: Expect = None,
) -> None:
    """Drop what failed and cancelled jobs have saved, some time after their last save; the jobs stay."""
    report = here.local.checkpoints.prune(length(older_than), dry_run=True)
    if not dry_run and (report.jobs or expect is not None):
        size = f"{report.bytes / 1_000_000:,.1f} MB"
        confirm_many("Dropping what they have saved", report.jobs, size, yes=yes, expect=expect)
        report = here.local.checkpoints.prune(length(older_than))
    here.out.record(report.as_json(), summary(report))


def _is_table(here: Here) -> bool:
    return here.out.form == "table"
