"""``onward db``: the database itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from onward.cli import exits
from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.input.prompts import NotConfirmed
from onward.cli.show.output import Column, plain
from onward.cli.target import database_line
from onward.cli.told import is_dialogue, say
from onward.errors import InvalidValue

verbs = noun("db", "The database.")


@verb(verbs, "init", "onward db init", "onward db init --database postgresql://onward@db/onward")
def init(here: Here) -> None:
    """Make the tables in an empty database; one that has them is left alone."""
    before, now = here.app.database.upgrade()
    what = f"has schema {now} already" if before == now else f"was made, schema {now}"
    say(f"{database_line(here.app, here.told)} {what}.")


@verb(verbs, "upgrade", "onward db upgrade --dry-run", "onward db upgrade")
def upgrade(
    here: Here, dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would do.")] = False
) -> None:
    """Bring an older database to this version."""
    if dry_run:
        status = here.app.database.status()
        found, needs = status["schema"], status["needs"]
        if found == needs:
            say(f"The database has schema {found}, which is this version's. Nothing would be changed.")
        else:
            say(f"Would go from {f'schema {found}' if found else 'an empty database'} to schema {needs}.")
        return
    before, now = here.app.database.upgrade()
    say(f"Schema {now}; nothing was to be done." if before == now else f"Schema {before} became {now}.")


@verb(verbs, "status", "onward db status", "onward db status --json", data=True)
def status(here: Here) -> None:
    """Show address, library, schema version, size and rows."""
    record: dict[str, Any] = {**here.app.database.status()}
    rows = [
        ("Address", database_line(here.app, here.told)),
        ("Library", record["library"]),
        ("Schema", f"{record['schema']} (this version needs {record['needs']})" if record["schema"] else "none: empty"),
        ("Size", f"{record['bytes'] / 1_000_000:,.1f} MB"),
        ("Rows", "\n".join(f"{name:<16} {count:>12,}" for name, count in record["rows"].items())),
    ]
    here.out.record(record, rows)


@verb(verbs, "check", "onward db check", "onward db check --json", data=True)
def check(here: Here) -> int:
    """Look for damage and contradictions; exit code 1 if there are any."""
    problems = here.app.database.check()
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
    names, rows = here.app.database.query(sys.stdin.read() if statement == "-" else statement)
    columns = [Column(name, title=name, text=plain, fixed=False) for name in names]
    here.out.records([dict(zip(names, row, strict=True)) for row in rows], columns)


@verb(verbs, "reset", "onward db reset --force")
def reset(here: Here, force: Annotated[bool, typer.Option("--force", help="Do it without asking.")] = False) -> None:
    """Delete every job and all that belongs to it, and make the tables anew."""
    if not force:
        name = here.app.settings.database.url.rpartition("/")[2].partition("?")[0]
        if not is_dialogue():
            raise NotConfirmed("Everything in the database would be deleted.", hint="onward db reset --force")
        counts = here.app.counts()
        say(f"This deletes {sum(counts.values()):,} jobs in {database_line(here.app, here.told)}.")
        print(f"Type {name} to go on:", end=" ", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip() != name:
            raise NotConfirmed("Nothing was done.")
    here.app.database.reset()
    say("The database is empty.")


@verb(verbs, "backup", "onward db backup jobs-2026-09-01.db")
def backup(here: Here, file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")]) -> None:
    """Copy a SQLite database to a file while it is in use."""
    if not file.absolute().parent.is_dir():
        raise InvalidValue(f"The folder {file.absolute().parent} does not exist.", hint="make it, or name another")
    here.app.database.backup(file)
    say(f"{file} has {file.stat().st_size:,} bytes.")
