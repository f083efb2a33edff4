"""``onward schedule add``, ``edit``, ``delete``, ``load`` and ``diff``: what is scheduled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from onward.cli.command import verb
from onward.cli.here import Here
from onward.cli.input.params import read_json_file, read_params
from onward.cli.input.prompts import confirm
from onward.cli.input.times import read_length, read_moment
from onward.cli.nouns.schedule_noun import Name, verbs
from onward.cli.show.output import Column, dump
from onward.cli.told import say
from onward.model.schedule_entry import ScheduleChange
from onward.records.schedules import in_words, schedule_change_record, schedule_record

Cron = Annotated[str | None, typer.Option("--cron", metavar="'M H D M W'", help="Five fields, or @daily and its kin.")]
Every = Annotated[str | None, typer.Option("--every", metavar="LENGTH", help="An interval: 90s, 10m, 2h.")]
At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="One time: 2026-12-01T02:00, 14:30, `in 10m`.")]
ZoneName = Annotated[str | None, typer.Option("--zone", metavar="ZONE", help="Where cron is meant: Europe/Berlin.")]
Start = Annotated[str | None, typer.Option("--start", metavar="TIME", help="Not before; an interval begins there.")]
Param = Annotated[list[str] | None, typer.Option("-a", "--arg", metavar="NAME=VALUE", help="A parameter of the job.")]
ArgsFile = Annotated[str | None, typer.Option("--args-file", metavar="F|-", help="Parameters as a JSON object.")]
Bot = Annotated[str | None, typer.Option("--bot", metavar="ID", help="For this bot; * for each one.")]
Source = Annotated[str | None, typer.Option("--source", metavar="ID", help="The source that it works on.")]
Grace = Annotated[str | None, typer.Option("--grace", metavar="LENGTH", help="Later than that is missed; none: never.")]
CatchUp = Annotated[str | None, typer.Option("--catch-up", metavar="HOW", help="Of several missed: latest or all.")]
MaxCatchUp = Annotated[int | None, typer.Option("--max-catch-up", metavar="N", help="At most so many of them; 100.")]
Overlap = Annotated[
    str | None, typer.Option("--overlap", metavar="HOW", help="While one runs: skip, queue or cancel_running.")
]
Instances = Annotated[int | None, typer.Option("--max-instances", metavar="N", help="So many at a time; 1.")]
Jitter = Annotated[str | None, typer.Option("--jitter", metavar="LENGTH", help="Start up to so much later.")]
Description = Annotated[str | None, typer.Option("--description", metavar="TEXT", help="What it is for.")]


@verb(
    verbs,
    "add",
    "onward schedule add tidy prune_jobs --cron '30 2 * * *' --zone Europe/Berlin",
    "onward schedule add counts word_count --every 6h --overlap queue -a folder=a",
    "onward schedule add once word_count --at 2030-12-01T02:00 -a folder=texts",
    data=True,
)
def add(
    here: Here,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called; a known one is brought into line.")],
    job_type: Annotated[str, typer.Argument(metavar="JOB_TYPE", help="What is done.")],
    *,
    cron: Cron = None,
    every: Every = None,
    at: At = None,
    zone: ZoneName = None,
    start: Start = None,
    arg: Param = None,
    args_file: ArgsFile = None,
    bot: Bot = None,
    source: Source = None,
    grace: Grace = None,
    catch_up: CatchUp = None,
    max_catch_up: MaxCatchUp = None,
    overlap: Overlap = None,
    max_instances: Instances = None,
    jitter: Jitter = None,
    description: Description = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Start nothing until it is resumed.")] = False,
) -> None:
    """Have a job done again and again, by a cron expression, at an interval, or at one time."""
    said = dict(locals())
    schema = here.app.job_types.get(job_type).schema()
    given = _fields(here, said)
    params = read_params(arg or [], args_file, schema)
    _show(here, here.app.schedules.add(name, job_type, params=params, enabled=not disabled, **given), "is scheduled")


@verb(
    verbs,
    "edit",
    "onward schedule edit nightly --cron '0 3 * * *'",
    "onward schedule edit nightly -a folder=other --overlap queue",
    data=True,
)
def edit(
    here: Here,
    name: Name,
    *,
    job_type: Annotated[str | None, typer.Option("--job-type", metavar="TYPE", help="What is done.")] = None,
    cron: Cron = None,
    every: Every = None,
    at: At = None,
    zone: ZoneName = None,
    start: Start = None,
    arg: Param = None,
    args_file: ArgsFile = None,
    bot: Bot = None,
    source: Source = None,
    grace: Grace = None,
    catch_up: CatchUp = None,
    max_catch_up: MaxCatchUp = None,
    overlap: Overlap = None,
    max_instances: Instances = None,
    jitter: Jitter = None,
    description: Description = None,
) -> None:
    """Change a schedule; what is not said stays. Parameters are added to those that it has."""
    said = dict(locals())
    before = here.app.schedules.get(name)
    changes = _fields(here, said)
    if job_type is not None:
        changes["job_type"] = job_type
    if args_file is not None:
        changes["params"] = read_json_file(args_file)
    if arg:
        schema = here.app.job_types.get(job_type or before.job_type).schema()
        changes["params"] = {**changes.get("params", before.params), **read_params(arg, None, schema)}
    if not changes:
        raise typer.BadParameter("say what is to be changed, such as --cron '0 3 * * *'")
    _show(here, here.app.schedules.edit(name, **changes), "is changed")


def _fields(here: Here, typed: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, as the arguments of ``schedules.add``; the rest is left to its defaults."""
    now = here.app.clock.now()
    every, grace, jitter = typed["every"], typed["grace"], typed["jitter"]
    interval = None if every is None else read_length(every)
    whole = interval is not None and interval % 60 == 0
    given = {
        "cron": typed["cron"],
        "interval_minutes": int(interval // 60) if whole and interval is not None else None,
        "interval_seconds": int(interval) if interval is not None and not whole else None,
        "run_at": read_moment(typed["at"], now) if typed["at"] else None,
        "timezone": typed["zone"],
        "start_at": read_moment(typed["start"], now) if typed["start"] else None,
        "bot_id": typed["bot"],
        "source_id": typed["source"],
        "catch_up": typed["catch_up"],
        "max_catch_up": typed["max_catch_up"],
        "overlap": typed["overlap"],
        "max_instances": typed["max_instances"],
        "jitter_seconds": int(read_length(jitter)) if jitter else None,
        "description": typed["description"],
    }
    found: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if grace is not None:
        found["misfire_grace_seconds"] = None if grace == "none" else int(read_length(grace))
    return found


def _show(here: Here, made: Any, what: str) -> None:
    record = {"name": made.name, **schedule_record(made, here.app.job_types)}
    after = f", next {here.zone.show(made.next_run_at)}" if made.next_run_at and made.enabled else f" ({made.state})"
    here.out.record(record, f"{made.name} {what}: {in_words(made)}{after}.")


@verb(verbs, "delete", "onward schedule delete nightly")
def delete(here: Here, name: Name) -> None:
    """Delete a schedule; its jobs, and the record of what came of it, stay."""
    found = here.app.schedules.get(name)
    confirm(f"This deletes the schedule {name} ({found.job_type}, {found.rule_text}).", "Go on?")
    here.app.schedules.delete(name)
    say(f"{name} is deleted.")


File = Annotated[Path, typer.Argument(metavar="FILE", help="YAML or TOML with `scheduler: jobs:`.")]
_CHANGES = (Column("action"), Column("name", "schedule"), Column("fields", "what", fixed=False), Column("origin"))


@verb(verbs, "load", "onward schedule load schedules.yaml", "onward schedule load schedules.yaml --json", data=True)
def load(here: Here, file: File) -> None:
    """Bring schedules into line with a file, all or none, and show what that changed."""
    _changes(here, here.local.schedules.load(file))


@verb(verbs, "diff", "onward schedule diff schedules.yaml", data=True)
def diff(here: Here, file: File) -> None:
    """Show what loading a file would change; nothing is changed."""
    _changes(here, here.local.schedules.diff(file))


def _changes(here: Here, changes: list[ScheduleChange]) -> None:
    records: list[dict[str, Any]] = [{**schedule_change_record(change)} for change in changes]
    if here.out.form == "table":
        for record in records:
            told = [f"{name}: {dump(old)} -> {dump(new)}" for name, (old, new) in record["fields"].items()]
            record["fields"] = ", ".join(told)
    here.out.records(records, _CHANGES, empty="The file has no schedules.")
