"""``onward schedule pause``, ``resume``, ``run``, ``skip`` and ``backfill``: steering schedules."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from onward.cli.command import verb
from onward.cli.here import Here
from onward.cli.input.prompts import confirm
from onward.cli.input.times import read_moment
from onward.cli.nouns.schedule_look import job_line
from onward.cli.nouns.schedule_noun import Name, verbs
from onward.cli.show.output import Column
from onward.cli.told import say
from onward.model.schedule import Schedule
from onward.records.jobs import job_record
from onward.records.schedules import due_record

OptionalName = Annotated[str | None, typer.Argument(metavar="[NAME]", help="The name of a schedule.")]
All = Annotated[bool, typer.Option("--all", help="All schedules, new ones too.")]


@verb(
    verbs,
    "pause",
    "onward schedule pause nightly --reason 'moving house'",
    "onward schedule pause nightly --until 2030-01-07T08:00",
    "onward schedule pause --all --reason incident",
)
def pause(
    here: Here,
    name: OptionalName = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; shown with what did not start.")] = "",
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="It goes on by itself then.")] = None,
    everything: All = False,
) -> None:
    """Start nothing by a schedule; every due time is recorded. What runs goes on, and people still can start jobs."""
    _one_or_all(name, everything)
    if everything:
        if until is not None:
            raise typer.BadParameter("--until is for one schedule; all go on with `onward schedule resume --all`")
        here.app.schedules.pause_all(reason=reason, by=here.actor)
        say("All schedules are paused.")
        return
    end = read_moment(until, here.app.clock.now()) if until else None
    found = here.app.schedules.pause(name or "", reason=reason, until=end, by=here.actor)
    say(f"{found.name} is paused{f' until {here.zone.show(found.paused_until)}' if end else ''}.")


@verb(verbs, "resume", "onward schedule resume nightly", "onward schedule resume --all")
def resume(here: Here, name: OptionalName = None, everything: All = False) -> None:
    """Let a schedule go on from its next due time; with --all, end the pause of all."""
    _one_or_all(name, everything)
    if everything:
        here.app.schedules.resume_all()
        say(here.app.schedules.paused_reason() or "Schedules start jobs again.")
        return
    _say_next(here, here.app.schedules.resume(name or ""), "goes on")


def _one_or_all(name: str | None, everything: bool) -> None:
    if (name is None) == (not everything):
        raise typer.BadParameter("name one schedule, or say --all")


@verb(verbs, "run", "onward schedule run nightly", "onward schedule run nightly --json", data=True)
def run(here: Here, name: Name) -> None:
    """Start a job of a schedule now, also when it is paused; its due times stay as they are."""
    job = here.app.schedules.run_now(name)
    here.out.record(job_record(job, here.app.job_types), job_line(job))


@verb(verbs, "skip", "onward schedule skip nightly")
def skip(here: Here, name: Name) -> None:
    """Leave the next due time out; it is recorded, and by whom."""
    left_out = here.app.schedules.get(name).next_run_at
    after = here.app.schedules.skip_next(name, by=here.actor)
    say(f"{name} leaves out {here.zone.show(left_out)}.")
    _say_next(here, after, "goes on")


def _say_next(here: Here, found: Schedule, what: str) -> None:
    say(f"{found.name} {what}{f', next {here.zone.show(found.next_run_at)}' if found.next_run_at else ''}.")


@verb(
    verbs,
    "backfill",
    "onward schedule backfill nightly --from 2030-01-01 --to 2030-01-08 --dry-run",
    "onward schedule backfill nightly --from '3d ago' --to now",
    data=True,
)
def backfill(
    here: Here,
    name: Name,
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="The first due time that counts.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="Due times before that.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show them.")] = False,
) -> None:
    """Make up for due times that started nothing, with a job each; these jobs queue, one behind the other."""
    app, now = here.app, here.app.clock.now()
    first, last = read_moment(start, now), read_moment(end, now)
    found = app.schedules.backfill(name, first, last, dry_run=True)
    if not dry_run and found.due_times:
        count = len(found.due_times)
        confirm(f"This starts {count:,} job{'s' if count != 1 else ''} of {found.schedule}.", "Go on?")
        found = app.schedules.backfill(name, first, last, dry_run=False)
    records: list[dict[str, Any]] = [{**due_record(item)} for item in found.due_times]
    jobs = [job_record(job, app.job_types) for job in found.jobs]
    envelope = {"dry_run": found.is_dry_run, "jobs": jobs}
    columns = (Column("at"), Column("local"), Column("note", fixed=False))
    here.out.records(records, columns, envelope=envelope, empty="Every due time of this range has its job.")
    if here.out.form == "table" and found.jobs:
        say(f"{len(found.jobs):,} job{'s' if len(found.jobs) != 1 else ''} started.")
