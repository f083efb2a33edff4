"""``onward retention``: how long what is over is kept, and taking it out of the way."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from onward.cli import exits
from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.input.prompts import confirm_many
from onward.cli.input.times import read_length
from onward.cli.nouns.job_steer import Expect, Yes
from onward.cli.show.output import Column
from onward.cli.told import say
from onward.model.archive import PruneReport

verbs = noun("retention", "How long what is over is kept.")
OlderThan = Annotated[str | None, typer.Option("--older-than", metavar="LENGTH", help="30d, 12h; else the setting.")]
NoArchive = Annotated[bool, typer.Option("--no-archive", help="Keep no documents, only the fact.")]
_SETTINGS = ("finished_days", "checkpoint_days", "archive", "tombstone_days")


def length(text: str | None) -> timedelta | None:
    """A length of time as it was typed."""
    return None if text is None else timedelta(seconds=read_length(text))


@verb(verbs, "show", "onward retention show", "onward retention show --json", data=True)
def show(here: Here) -> None:
    """Show the settings of retention, and where each comes from."""
    origins = {item.key: item.origin for item in here.local.settings.origins()}
    group = here.local.settings.retention
    records = [
        {
            "setting": f"retention.{name}",
            "value": getattr(group, name),
            "origin": origins.get(f"retention.{name}", "default"),
        }
        for name in _SETTINGS
    ]
    here.out.records(records, (Column("setting"), Column("value"), Column("origin", "from")))


@verb(verbs, "preview", "onward retention preview", "onward retention preview --older-than 90d --json", data=True)
def preview(here: Here, older_than: OlderThan = None) -> None:
    """Say what would go, by job type and status; nothing is changed."""
    reports = [
        here.local.prune(length(older_than), dry_run=True),
        here.local.checkpoints.prune(None, dry_run=True),
    ]
    _print(here, reports)


@verb(
    verbs,
    "run",
    "onward retention run --dry-run",
    "onward retention run --yes --expect 4210",
    "onward retention run --older-than 90d",
    data=True,
)
def run(
    here: Here,
    older_than: OlderThan = None,
    no_archive: NoArchive = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Yes = False,
    expect: Expect = None,
) -> int:
    """Archive and delete finished jobs, and drop old checkpoints of failed ones. Ctrl-C stops it after a batch."""
    age = length(older_than)
    finished = here.local.prune(age, archive=not no_archive, dry_run=True)
    saved = here.local.checkpoints.prune(dry_run=True)
    if dry_run or not (finished.jobs or saved.jobs):
        _print(here, [finished, saved])
        return exits.DONE
    detail = ", ".join(f"{count:,} {status}" for status, count in sorted(finished.by_status.items()))
    detail = "; ".join(part for part in (detail, f"checkpoints of {saved.jobs:,} more" if saved.jobs else "") if part)
    confirm_many("Pruning", finished.jobs or saved.jobs, detail, yes=yes, expect=expect)
    reports = [
        here.local.prune(age, archive=not no_archive, on_batch=_tell(finished.jobs)),
        here.local.checkpoints.prune(),
    ]
    _print(here, reports)
    return exits.DONE


def _tell(total: int) -> Any:
    told = [0]

    def tell(report: PruneReport) -> None:
        if report.jobs - told[0] >= max(1000, total // 20):
            told[0] = report.jobs
            say(f"{report.jobs:,} of {total:,}")

    return tell


def _print(here: Here, reports: list[PruneReport]) -> None:
    if here.out.form in ("json", "jsonl"):
        here.out.records([report.as_json() for report in reports], ())
        return
    say(summary(reports[0]))
    say(summary(reports[1]))
    records = [
        {"what": report.what, "job_type": job_type, "jobs": count}
        for report in reports
        for job_type, count in sorted(report.by_type.items())
    ]
    columns = (Column("what"), Column("job_type", "job type"), Column("jobs", text=lambda value: f"{value:,}"))
    if records:
        here.out.records(records, columns)


def summary(report: PruneReport) -> str:
    """What a pruning did or would do, in a sentence."""
    would = "would " if report.dry_run else ""
    kept = "; ".join(f"{count:,} stay: {reason}" for reason, count in sorted(report.kept.items()))
    if report.what == "checkpoints":
        size = f"{report.bytes / 1_000_000:,.1f} MB"
        text = f"Checkpoints of {report.jobs:,} jobs, {size}, {would}{'go' if would else 'went'}"
    else:
        where = {"none": "deleted", "table": "archived in the database"}.get(
            report.archive, f"archived in {report.archive}"
        )
        by = ", ".join(f"{count:,} {status}" for status, count in sorted(report.by_status.items()))
        text = f"{report.jobs:,} finished jobs {would + 'be' if would else 'were'} {where}"
        text += f" ({by})" if by else ""
    return f"{text}; last touched before {report.before:%Y-%m-%d %H:%M} UTC.{' ' + kept + '.' if kept else ''}"
