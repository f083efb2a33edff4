"""``onward job list | logs | watch | types``."""

from __future__ import annotations

import sys
import threading
from typing import Annotated, Any

import typer

from onward.cli.command import verb
from onward.cli.here import Here
from onward.cli.input.filters import Filter, read_filter
from onward.cli.input.names import job_id, job_ids
from onward.cli.nouns.job_noun import verbs
from onward.cli.show.bars import amount, first_line
from onward.cli.show.output import Column
from onward.cli.show.times import ago
from onward.cli.show.watching import Watcher, Wishes
from onward.cli.show.words import state_style, state_word
from onward.cli.told import is_terminal, say
from onward.errors import OnwardError
from onward.model.ids import shown
from onward.model.job import Job
from onward.records.jobs import job_record, log_record

FilterOption = Annotated[
    str | None, typer.Option("--filter", metavar="FILTER", help="Such as 'state=failed job_type=embed*'.")
]
JobArgument = Annotated[
    str, typer.Argument(metavar="JOB", help="An id, an ending of it (6 characters or more), @last or @last:TYPE.")
]
JobsArgument = Annotated[
    list[str],
    typer.Argument(metavar="JOB...", help="Ids, endings of them, @last, @last:TYPE; - reads them from stdin."),
]
COLUMNS = (
    Column("id"),
    Column("state", text=state_word, style=state_style),
    Column("job_type", "job type"),
    Column("source_id", "source", fixed=False),
    Column("how_far", "progress"),
    Column("created", "created"),
    Column("says", "message", fixed=False),
)


def list_record(job: Job, here: Here) -> dict[str, Any]:
    """A job with what the list says of it besides."""
    app = here.app
    record: dict[str, Any] = {**job_record(job, app.job_types)}
    if here.out.form != "table":
        return record
    return {
        **record,
        "how_far": amount(job.progress),
        "created": ago(job.created_at, app.clock.now()),
        "says": _says(job),
    }


def _says(job: Job) -> str:
    if job.error is not None:
        return f"{job.error.type}: {first_line(job.error.message)}"
    if job.state in ("retrying", "scheduled") and job.run_at is not None:
        return f"at {job.run_at.astimezone():%H:%M %Z}"
    if job.state == "blocked":
        return job.blocked_by or ""
    if job.state == "input" and job.hitl is not None:
        return first_line(job.hitl.prompt) or job.hitl.name
    return job.progress.message


@verb(
    verbs,
    "list",
    "onward job list",
    "onward job list --filter 'state=failed,interrupted job_type=index*'",
    "onward job list --filter 'created=2026-09-01..' --json",
    "onward job list --watch",
    data=True,
)
def list_jobs(
    here: Here,
    filter: FilterOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", min=1, max=10_000, help="At most so many.")] = 50,
    after: Annotated[str | None, typer.Option("--after", metavar="JOB", help="Those older than this one.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again every 2 seconds.")] = False,
) -> None:
    """List jobs, newest first."""
    wanted = read_filter(filter or "", here.app.clock.now())
    while True:
        if watch and is_terminal(sys.stdout):
            here.out.write("\x1b[H\x1b[2J\x1b[3J" + f"onward job list, {here.zone.show(here.app.clock.now())}")
        _list(here, wanted, limit, after)
        if not watch:
            return
        here.app.clock.wait(threading.Event(), 2.0)


def _list(here: Here, wanted: Filter, limit: int, after: str | None) -> None:
    last = job_id(here.app, after) if after else None
    found = wanted.jobs(here.app, limit + 1, after=last)
    jobs, more = found[:limit], len(found) > limit
    next_one = shown(jobs[-1].id) if more else None
    empty = (
        "No jobs match."
        if wanted.terms or wanted.since or wanted.until or after
        else "No jobs yet. onward run JOB_TYPE"
    )
    here.out.records((list_record(job, here) for job in jobs), COLUMNS, envelope={"next": next_one}, empty=empty)
    if more and here.out.form == "table":
        say(f"{len(jobs)} of {_total(here, wanted)} · next: onward job list --after {next_one}")


def _total(here: Here, wanted: Filter) -> str:
    if not wanted.is_simple:
        return "more"
    count = here.app.count(**wanted.at_the_database())
    return f"{count:,}{'+' if count >= 10_000 else ''}"


@verb(
    verbs,
    "logs",
    "onward job logs @last",
    "onward job logs 7K2M9Q --follow",
    "onward job logs 7K2M9Q --level warning --json",
    data=True,
)
def logs(
    here: Here,
    job: JobArgument,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
    level: Annotated[str | None, typer.Option("--level", help="This level and above.")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", metavar="N", min=1, help="The newest so many.")] = 1000,
) -> None:
    """Show what a job logged."""
    chosen = job_id(here.app, job)
    here.app.get(chosen)
    least = _level(level)
    found = [line for line in here.app.logs(chosen, limit=10_000) if _LEVELS.get(line.level.upper(), 20) >= least]
    last = found[-1].seq if found else 0
    columns = (Column("at", text=lambda text: text or ""), Column("level"), Column("message", fixed=False))
    here.out.records((log_record(line) for line in found[-lines:]), columns, empty="Nothing was logged.")
    while follow and not here.app.get(chosen).status.is_ended:
        here.app.clock.wait(threading.Event(), 0.5)
        new = here.app.logs(chosen, after=last)
        last = new[-1].seq if new else last
        for line in new:
            if _LEVELS.get(line.level.upper(), 20) >= least:
                here.out.write(f"{here.zone.show(line.at)}  {line.level:<7}  {line.message}")


_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}


def _level(name: str | None) -> int:
    if name is None:
        return 0
    if name.upper() not in _LEVELS:
        raise OnwardError(f"{name!r} is not a level.", hint=f"One of {', '.join(_LEVELS).lower()}.")
    return _LEVELS[name.upper()]


def watch_jobs(
    here: Here,
    jobs: JobsArgument,
    compact: Annotated[bool, typer.Option("--compact", help="Bars only.")] = False,
    logs: Annotated[bool, typer.Option("--logs", help="Show the log as it comes.")] = False,
    until_input: Annotated[bool, typer.Option("--until-input", help="Stop when a job waits for a person.")] = False,
    timeout: Annotated[float | None, typer.Option("--timeout", metavar="SECONDS", help="Stop watching then.")] = None,
    interval: Annotated[
        float, typer.Option("--interval", metavar="SECONDS", min=0.1, help="Seconds between looks, when nobody rings.")
    ] = 0.5,
) -> int:
    """Follow jobs until they have ended; the exit code says how. Ctrl-C stops watching, twice cancels."""
    wishes = Wishes(compact, logs, until_input, timeout, interval)
    return Watcher(here.app, job_ids(here.app, jobs), here.told, wishes).follow()


verb(verbs, "watch", "onward job watch @last", "onward job watch 7K2M9Q 4QX81B --compact")(watch_jobs)


@verb(verbs, "types", "onward job types", "onward job types --json", data=True)
def types(here: Here) -> None:
    """List the job types that the application knows."""
    columns = (
        Column("name"),
        Column("label"),
        Column("category"),
        Column("queue"),
        Column("description", fixed=False),
    )
    records = [
        {
            "name": kind.name,
            "label": kind.label,
            "category": kind.category,
            "queue": kind.queue,
            "description": kind.description,
            "needs_source": kind.needs_source,
            "max_attempts": kind.retry.max_attempts,
            "aliases": sorted(kind.aliases),
            "is_chain": kind.is_chain,
            "schema": kind.schema(),
        }
        for kind in sorted(here.app.job_types, key=lambda kind: kind.name)
    ]
    here.out.records(records, columns)
