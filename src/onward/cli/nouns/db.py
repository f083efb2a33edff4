"""``onward db``: the database itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from onward.cli import exits
from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.input.prompts import NotConfirmed, ask
from onward.cli.show.output import Column, plain
from onward.cli.target import database_line
from onward.cli.told import is_dialogue, say
from onward.errors import InvalidValue
from onward.model.transfer import TransferReport

verbs = noun("db", "The database.")
_LISTED = 10
Files = Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines; compressed if the name ends in .gz.")]


@verb(verbs, "init", "onward db init", "onward db init --database postgresql://onward@db/onward")
def init(here: Here) -> None:
    """Make the tables in an empty database; one that has them is left alone."""
    before, now = here.local.database.upgrade()
    what = f"has schema {now} already" if before == now else f"was made, schema {now}"
    say(f"{database_line(here.local, here.told)} {what}.")


@verb(verbs, "upgrade", "onward db upgrade --dry-run", "onward db upgrade")
def upgrade(
    here: Here, dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would do.")] = False
) -> None:
    """Bring an older database to this version."""
    if dry_run:
        status = here.local.database.status()
        found, needs = status["schema"], status["needs"]
        if found == needs:
            say(f"The database has schema {found}, which is this version's. Nothing would be changed.")
        else:
            say(f"Would go from {f'schema {found}' if found else 'an empty database'} to schema {needs}.")
        return
    before, now = here.local.database.upgrade()
    say(f"Schema {now}; nothing was to be done." if before == now else f"Schema {before} became {now}.")


@verb(verbs, "status", "onward db status", "onward db status --json", data=True)
def status(here: Here) -> None:
    """Show address, library, schema version, size and rows."""
    record: dict[str, Any] = {**here.local.database.status()}
    rows = [
        ("Address", database_line(here.local, here.told)),
        ("Library", record["library"]),
        ("Schema", f"{record['schema']} (this version needs {record['needs']})" if record["schema"] else "none: empty"),
        ("Size", f"{record['bytes'] / 1_000_000:,.1f} MB"),
        ("Rows", "\n".join(f"{name:<16} {count:>12,}" for name, count in record["rows"].items())),
    ]
    if record["moved_to"]:
        rows.append(("Moved to", record["moved_to"]))
    here.out.record(record, rows)


@verb(verbs, "check", "onward db check", "onward db check --json", data=True)
def check(here: Here) -> int:
    """Look for damage and contradictions; exit code 1 if there are any."""
    problems = here.local.database.check()
    here.out.records([{"problem": text} for text in problems], (Column("problem"),))
    if not problems:
        say("Nothing is wrong.")
    return exits.UNEXPECTED if problems else exits.DONE


@verb(
    verbs,
    "sql",
    "onward db sql 'SELECT status, count(*) FROM jobs GROUP BY status'",
    "onward db sql - < query.sql",
    data=True,
)
def sql(
    here: Here, statement: Annotated[str, typer.Argument(metavar="SQL", help="One statement; - reads stdin.")]
) -> None:
    """Run one statement with our own library, as one transaction."""
    names, rows = here.local.database.query(sys.stdin.read() if statement == "-" else statement)
    columns = [Column(name, title=name, text=plain, fixed=False) for name in names]
    here.out.records([dict(zip(names, row, strict=True)) for row in rows], columns)


@verb(verbs, "reset", "onward db reset --force")
def reset(here: Here, force: Annotated[bool, typer.Option("--force", help="Do it without asking.")] = False) -> None:
    """Delete every job and all that belongs to it, and make the tables anew."""
    if not force:
        name = here.local.settings.database.url.rpartition("/")[2].partition("?")[0]
        if not is_dialogue():
            raise NotConfirmed("Everything in the database would be deleted.", hint="onward db reset --force")
        counts = here.local.counts()
        say(f"This deletes {sum(counts.values()):,} jobs in {database_line(here.local, here.told)}.")
        print(f"Type {name} to go on:", end=" ", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip() != name:
            raise NotConfirmed("Nothing was done.")
    here.local.database.reset()
    say("The database is empty.")


@verb(verbs, "backup", "onward db backup jobs-2026-09-01.db")
def backup(here: Here, file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")]) -> None:
    """Copy a SQLite database to a file while it is in use."""
    if not file.absolute().parent.is_dir():
        raise InvalidValue(f"The folder {file.absolute().parent} does not exist.", hint="make it, or name another")
    here.local.database.backup(file)
    say(f"{file} has {file.stat().st_size:,} bytes.")


@verb(verbs, "export", "onward db export jobs-2026-09-01.jsonl.gz")
def export(here: Here, file: Files) -> None:
    """Write everything into a new file, as it is at one moment; jobs may go on meanwhile."""
    report = here.local.database.export(file)
    say(f"{file} has {_amount(report)} and {file.stat().st_size:,} bytes.")
    _tell_left(report)


@verb(verbs, "import", "onward db import jobs-2026-09-01.jsonl.gz", "onward db import all.jsonl --on-clash skip")
def import_(
    here: Here,
    file: Files,
    on_clash: Annotated[
        str, typer.Option("--on-clash", metavar="WHAT", help="refuse, or skip what is there already.")
    ] = "refuse",
) -> None:
    """Bring everything of an export in, or nothing: a file that is damaged or torn is noticed first."""
    if on_clash not in ("refuse", "skip"):
        raise typer.BadParameter("--on-clash is refuse or skip")
    report = here.local.database.import_(file, on_clash="skip" if on_clash == "skip" else "refuse")
    skipped = sum(report.skipped.values())
    say(f"{_amount(report)} came in{f', {skipped:,} rows were there already' if skipped else ''}.")
    if report.taken_over:
        say(f"{report.taken_over:,} jobs that a worker had go on from their checkpoints.")


@verb(
    verbs,
    "move",
    "onward db move --to postgresql://onward@db/onward --dry-run",
    "onward db move --to postgresql://onward@db/onward",
    "onward db move --back --yes",
    data=True,
)
def move(
    here: Here,
    to: Annotated[str | None, typer.Option("--to", metavar="URL", help="An empty database.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look whether it can be done.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Although workers are online.")] = False,
    back: Annotated[bool, typer.Option("--back", help="Work here again: take the mark of a move away.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --back: do not ask.")] = False,
) -> None:
    """Move everything to another database, SQLite or PostgreSQL; the old one stays as it is and says where it went."""
    if bool(to) == back:
        raise typer.BadParameter("give --to URL, or --back")
    if to is None:
        _reopen(here, yes=yes)
        return
    report = here.local.database.move(to, dry_run=dry_run, force=force)
    rows = [(name, f"{count:,}") for name, count in report.rows.items() if count]
    here.out.record(report.as_json(), rows or "There is nothing in it.")
    if dry_run:
        online = f" These workers must stop first: {', '.join(report.workers)}." if report.workers else ""
        say(f"{_amount(report)} would be moved from {report.source} to {report.target}. Nothing was changed.{online}")
        _tell_left(report)
        return
    say(f"{_amount(report)} were moved to {report.target} and compared there.")
    if report.taken_over:
        say(f"{report.taken_over:,} jobs that a worker had go on there from their checkpoints.")
    _tell_left(report)
    say(f"Now set ONWARD_DATABASE_URL to the new address. {report.source} refuses to be written.")


def _reopen(here: Here, *, yes: bool) -> None:
    to = here.local.database.moved_to()
    if to is None:
        say("The database was not moved; it is in use.")
        return
    if not yes:
        if not is_dialogue():
            raise NotConfirmed(
                f"The same jobs are in {to}, and would be run here and there.", hint="onward db move --back --yes"
            )
        if ask(f"The same jobs are in {to}. Work here again all the same? [y/N]", "yn", "n") != "y":
            raise NotConfirmed("Nothing was done.")
    here.local.database.reopen()
    say(f"The database is in use again; what was done in {to} meanwhile is not here.")


def _tell_left(report: TransferReport) -> None:
    """What stands beside onward's tables is its owner's to take along, an assistant's memory too."""
    if report.left:
        more = f" and {len(report.left) - _LISTED} more" if len(report.left) > _LISTED else ""
        say(f"Not taken along, as they are not onward's own: the tables {', '.join(report.left[:_LISTED])}{more}.")


def _amount(report: TransferReport) -> str:
    return f"{report.rows.get('jobs', 0):,} jobs, {sum(report.rows.values()):,} rows"
