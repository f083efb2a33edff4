"""``onward interrupted``: jobs that stopped with work saved."""

from __future__ import annotations

from typing import Annotated

import typer

from onward.cli import exits
from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.input.names import job_ids
from onward.cli.input.prompts import confirm_many
from onward.cli.nouns.job_look import list_record
from onward.cli.nouns.job_steer import Chosen, DryRun, Expect, Watch, Yes, act, go_on
from onward.cli.show.bars import stopped_ago
from onward.cli.show.output import Column
from onward.cli.show.times import ago
from onward.cli.show.watching import Watcher
from onward.cli.show.words import state_style, state_word
from onward.errors import IllegalTransition
from onward.model.ids import shown

verbs = noun("interrupted", "Jobs that stopped with work saved.")
_COLUMNS = (
    Column("id"),
    Column("state", text=state_word, style=state_style),
    Column("job_type", "job type"),
    Column("source_id", "source", fixed=False),
    Column("how_far", "saved"),
    Column("stopped", "stopped"),
    Column("saved", "checkpoint"),
    Column("says", "why", fixed=False),
)
Names = Annotated[list[str] | None, typer.Argument(metavar="[JOB]...", help="Those; else use --all.")]
All = Annotated[bool, typer.Option("--all", help="All interrupted jobs.")]


@verb(verbs, "list", "onward interrupted list", "onward interrupted list --json", data=True)
def list_interrupted(here: Here) -> None:
    """List jobs that stopped before their end with a checkpoint, newest first."""
    now = here.app.clock.now()
    jobs = here.app.interrupted()
    records = [
        {**list_record(job, here), "stopped": stopped_ago(job, now), "saved": ago(job.checkpoint_at, now)}
        if here.out.form == "table"
        else list_record(job, here)
        for job in jobs
    ]
    here.out.records(records, _COLUMNS, empty="Nothing was interrupted.")


def _names(
    here: Here, word: str, jobs: list[str] | None, every: bool, dry_run: bool, yes: bool, expect: int | None
) -> list[str]:
    if bool(jobs) == every:
        raise typer.BadParameter("name jobs, or give --all")
    if not every:
        ids = job_ids(here.app, jobs or ())
        known = {job.id for job in here.app.interrupted(10_000)}
        for job_id in ids:
            if job_id not in known:
                raise IllegalTransition(f"Job {shown(job_id)} is not interrupted.", hint="See: onward interrupted list")
        return ids
    ids = [job.id for job in here.app.interrupted(10_000)]
    if ids and not dry_run and (word == "discard" or yes or expect is not None or len(ids) > 1):
        confirm_many(word.capitalize(), len(ids), "interrupted", yes=yes, expect=expect)
    return ids


@verb(
    verbs,
    "resume",
    "onward interrupted resume --all --yes --expect 3",
    "onward interrupted resume 7K2M9Q --watch",
    data=True,
)
def resume(
    here: Here,
    jobs: Names = None,
    every: All = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    expect: Expect = None,
    watch: Watch = False,
) -> int:
    """Go on with interrupted jobs from their newest checkpoints."""
    ids = _names(here, "resume", jobs, every=every, dry_run=dry_run, yes=yes, expect=expect)
    if not ids:
        here.out.records([], _COLUMNS, empty="Nothing was interrupted.")
        return exits.DONE
    done = act(here, "resume", Chosen(ids, None, dry_run), lambda job: go_on(here, job))
    if watch and not dry_run:
        return Watcher(here.app, [job.id for job in done], here.told).follow()
    return exits.DONE


@verb(verbs, "discard", "onward interrupted discard 7K2M9Q", "onward interrupted discard --all --dry-run", data=True)
def discard(
    here: Here, jobs: Names = None, every: All = False, dry_run: DryRun = False, yes: Yes = False, expect: Expect = None
) -> None:
    """Drop what interrupted jobs have saved; their records stay."""
    ids = _names(here, "discard", jobs, every=every, dry_run=dry_run, yes=yes, expect=expect)
    if not ids:
        here.out.records([], _COLUMNS, empty="Nothing was interrupted.")
        return
    act(here, "discard", Chosen(ids, None, dry_run), lambda job: here.app.discard(job.id, actor=here.actor))
