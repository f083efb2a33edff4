"""``onward schedule list``, ``show``, ``next`` and ``forecast``: looking at schedules."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from onward.cli.command import verb
from onward.cli.here import Here
from onward.cli.nouns.schedule_noun import Name, verbs
from onward.cli.show.output import Column, dump
from onward.cli.show.times import ago, length
from onward.cli.told import say
from onward.model.ids import shown
from onward.model.schedule import Schedule
from onward.records.moments import rfc3339
from onward.records.schedules import due_record, forecast_record, in_words, schedule_record, schedule_run_record

COLUMNS = (
    Column("next"),
    Column("left"),
    Column("last"),
    Column("passed"),
    Column("outcome"),
    Column("name", "schedule"),
    Column("job_type", "job_type"),
    Column("timezone", "zone"),
)


@verb(
    verbs,
    "list",
    "onward schedule list",
    "onward schedule list --job-type prune_jobs --json",
    "onward schedule list --columns name,rule,in_words,state",
    data=True,
)
def list_schedules(
    here: Here,
    job_type: Annotated[str | None, typer.Option("--job-type", metavar="TYPE", help="Of this job type.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many.")] = None,
) -> None:
    """List schedules, soonest first; those that start nothing at the end."""
    now = here.app.clock.now()
    found = here.app.schedules.list(job_type=job_type, limit=limit)
    here.out.records((_list_record(item, here, now) for item in found), COLUMNS, empty="Nothing is scheduled.")
    _say_paused(here)


def _list_record(item: Schedule, here: Here, now: datetime) -> dict[str, Any]:
    record: dict[str, Any] = {"name": item.name, **schedule_record(item, here.app.job_types)}
    if here.out.form != "table":
        return record
    starts = item.enabled and item.next_run_at is not None
    return {
        **record,
        "next": here.zone.show(item.next_run_at) if starts else item.state,
        "left": ago(item.next_run_at, now) if starts else "",
        "last": here.zone.show(item.last_run_at) or "never",
        "passed": ago(item.last_run_at, now),
        "outcome": item.last_outcome or "",
    }


def _say_paused(here: Here) -> None:
    reason = here.app.schedules.paused_reason()
    if reason is not None and here.out.form == "table":
        say(reason)


@verb(verbs, "show", "onward schedule show nightly", "onward schedule show nightly --json", data=True)
def show(
    here: Here,
    name: Name,
    runs: Annotated[int, typer.Option("--runs", "-n", min=0, max=1000, metavar="N", help="So many of its last.")] = 10,
) -> None:
    """Show a schedule: its rule, its policies, what came of it and why something did not start."""
    app = here.app
    found, now, zone = app.schedules.get(name), app.clock.now(), here.zone
    came = app.schedules.runs(name, runs) if runs else []
    lines = [schedule_run_record(run) for run in came]
    record: dict[str, Any] = {
        "name": found.name,
        **schedule_record(found, app.job_types),
        "runs": lines,
    }
    paused = f"by {found.paused_by}" if found.paused_by else ""
    until = f"until {zone.show(found.paused_until)}" if found.paused_until else ""
    rows = [
        ("Schedule", found.name),
        ("Job type", found.job_type),
        ("State", ", ".join(part for part in (found.state, paused, until, found.paused_reason or "") if part)),
        ("Fault", found.fault or ""),
        ("When", f"{in_words(found)} ({found.rule_text})" if found.cron else in_words(found)),
        ("Next", f"{zone.show(found.next_run_at)} ({ago(found.next_run_at, now)})" if found.next_run_at else "none"),
        ("Last", f"{zone.show(found.last_run_at)} ({ago(found.last_run_at, now)})" if found.last_run_at else "never"),
        ("Bot", found.bot_id or ""),
        ("Source", found.source_id or ""),
        ("Parameters", dump(record["params"], 2) if record["params"] else ""),
        ("At a time", f"{found.max_instances}; the next one: {_overlap(found)}"),
        ("Missed", _missed(found)),
        ("Jitter", f"up to {length(found.jitter_seconds)}" if found.jitter_seconds else ""),
        ("Description", found.description),
        ("Defined in", found.origin),
        ("Came of it", "\n".join(_run_line(run, here) for run in lines)),
    ]
    here.out.record(record, [(title, value) for title, value in rows if value])


def _overlap(found: Schedule) -> str:
    return {"skip": "is skipped", "queue": "queues", "cancel_running": "cancels the running one"}[found.overlap]


def _missed(found: Schedule) -> str:
    grace = found.misfire_grace_seconds
    late = "never too late" if grace is None else f"too late after {length(grace)}"
    many = "one job for the latest" if found.coalesce else f"one job for each, at most {found.max_catch_up:,}"
    return f"{late}; of several: {many}"


def _run_line(run: Any, here: Here) -> str:
    at = here.zone.show(datetime.fromisoformat(run["started_at"]))
    if run["job_id"] is None:
        return f"{at}  skipped: {run['message']}"
    took = f"  {length(run['duration_ms'] / 1000)}" if run["duration_ms"] is not None else ""
    return f"{at}  {run['status']}{took}  {run['job_id']}"


@verb(
    verbs,
    "next",
    "onward schedule next nightly",
    "onward schedule next '30 2 * * *' --zone Europe/Berlin --count 10",
    data=True,
)
def next_(
    here: Here,
    what: Annotated[str, typer.Argument(metavar="NAME|CRON", help="A schedule, or an expression in quotes.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, metavar="N", help="So many.")] = 5,
    zone: Annotated[str | None, typer.Option("--zone", metavar="ZONE", help="Of the expression; UTC.")] = None,
    after: Annotated[str | None, typer.Option("--after", metavar="TIME", help="From then on; now.")] = None,
) -> None:
    """Show the next due times, in the schedule's own zone, and what happens on days when clocks change."""
    from onward.cli.input.times import read_moment

    now = here.app.clock.now()
    start = read_moment(after, now) if after else None
    found = here.app.schedules.preview(what, count, zone, start)
    records: list[dict[str, Any]] = [{**due_record(item)} for item in found]
    if here.out.form == "table":
        for record, item in zip(records, found, strict=True):
            record["local"] = f"{item.local:%a %Y-%m-%d %H:%M:%S} {item.local.tzname()}"
            record["left"] = ago(item.at, now)
    here.out.records(records, (Column("at"), Column("local"), Column("left"), Column("note", fixed=False)))


@verb(verbs, "forecast", "onward schedule forecast", "onward schedule forecast --hours 168 --json", data=True)
def forecast(
    here: Here,
    hours: Annotated[float, typer.Option("--hours", min=0.01, max=8784, metavar="N", help="So far ahead.")] = 24,
) -> None:
    """Show what starts in the next hours, how long it probably takes, and what gets in each other's way."""
    now = here.app.clock.now()
    found = here.app.schedules.forecast(hours)
    records: list[dict[str, Any]] = [{**forecast_record(item)} for item in found]
    if here.out.form == "table":
        for record, item in zip(records, found, strict=True):
            record["at"] = here.zone.show(item.at)
            record["left"] = ago(item.at, now)
            record["expected_seconds"] = "" if item.expected_seconds is None else length(item.expected_seconds)
            record["clashes"] = ", ".join(f"{resource} with {name}" for resource, name in item.clashes)
    columns = (
        Column("at", "starts"),
        Column("left"),
        Column("schedule"),
        Column("job_type", "job_type"),
        Column("expected_seconds", "takes about"),
        Column("clashes", "waits for", fixed=False),
    )
    here.out.records(records, columns, envelope={"hours": hours}, empty="Nothing starts in this time.")
    _say_paused(here)


def job_line(job: Any) -> str:
    """A job that was started, for people."""
    due = f" for {rfc3339(job.due_at)}" if job.due_at else ""
    return f"{shown(job.id)} {job.job_type}{due}: {job.state}."
