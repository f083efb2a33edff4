"""``onward archive``: jobs that retention has taken out of the way."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.show.output import Column, dump
from onward.model.archive import ArchivedJob
from onward.model.ids import shown
from onward.records.jobs import event_record, job_record, log_record, run_record, shown_params
from onward.records.moments import rfc3339

verbs = noun("archive", "Jobs that retention has taken out of the way.")
_COLUMNS = (
    Column("id"), Column("status"), Column("job_type", "job type"), Column("source_id", "source", fixed=False),
    Column("completed_at", "ended"), Column("archived_at", "archived"),
)  # fmt: skip


@verb(verbs, "list", "onward archive list", "onward archive list --type embed --json", data=True)
def list_archived(
    here: Here,
    job_type: Annotated[str | None, typer.Option("--type", metavar="NAME", help="Of this job type.")] = None,
    status: Annotated[str | None, typer.Option("--status", metavar="STATUS", help="Of this status.")] = None,
    source: Annotated[str | None, typer.Option("--source", metavar="ID", help="Of this source.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="At most so many.")] = 50,
    after: Annotated[
        str | None, typer.Option("--after", metavar="PLACE", help="The `next` of the page before.")
    ] = None,
) -> None:
    """List archived jobs, the last archived first."""
    page = here.local.archive.list(job_type=job_type, status=status, source_id=source, limit=limit, after=after)
    here.out.records(
        [_facts(job) for job in page], _COLUMNS, envelope={"next": page.next}, empty="The archive is empty."
    )


@verb(verbs, "show", "onward archive show job_01M82RCP8FE9QT7B2GM0P6JGAV --json", data=True)
def show(here: Here, job: Annotated[str, typer.Argument(metavar="JOB", help="A whole id.")]) -> None:
    """Show an archived job: how it ended, its runs, its history and its log."""
    found = here.local.archive.get(job)
    record = _facts(found) | {
        "job": None if found.job is None else job_record(found.job, here.local.job_types),
        "runs": [run_record(run) for run in found.runs],
        "history": [event_record(event) for event in found.events],
        "logs": [log_record(line) for line in found.logs],
        "questions": list(found.questions),
    }
    here.out.record(record, _sheet(here, found))


def _facts(job: ArchivedJob) -> dict[str, Any]:
    return {
        "id": shown(job.id),
        "job_type": job.job_type,
        "status": str(job.status),
        "source_id": job.source_id,
        "user_id": job.user_id,
        "parent_id": shown(job.parent_id) if job.parent_id else None,
        "created_at": rfc3339(job.created_at),
        "completed_at": rfc3339(job.completed_at),
        "archived_at": rfc3339(job.archived_at),
    }


def _sheet(here: Here, found: ArchivedJob) -> list[tuple[str, str]]:
    facts = _facts(found)
    names = ("id", "job_type", "status", "source_id", "user_id", "created_at", "completed_at", "archived_at")
    rows = [(name.removesuffix("_id").replace("_", " ").capitalize(), str(facts[name] or "")) for name in names]
    if found.job is None:
        return [*rows, ("Document", "none was kept")]
    rows.append(("Parameters", dump(shown_params(found.job, here.local.job_types))))
    if found.job.error is not None:
        rows.append(("Error", f"{found.job.error.type}: {found.job.error.message}"))
    elif found.job.result is not None:
        rows.append(("Result", dump(found.job.result)))
    rows.append(("Attempts", "\n".join(f"{run.attempt} {run.status} {rfc3339(run.started_at)}" for run in found.runs)))
    rows.append(("History", "\n".join(f"{rfc3339(event.at)} {event.kind}" for event in found.events)))
    rows.append(("Log", "\n".join(f"{rfc3339(line.at)} {line.level} {line.message}" for line in found.logs)))
    return [(name, text) for name, text in rows if text]
