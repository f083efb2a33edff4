"""``onward job export``: jobs as CSV or JSON lines, for other programs."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer

from onward.cli.command import verb
from onward.cli.here import Here
from onward.cli.input.filters import read_filter
from onward.cli.nouns.job_look import FilterOption
from onward.cli.nouns.job_noun import verbs
from onward.cli.show.output import dig, dump, plain
from onward.cli.told import say
from onward.errors import InvalidValue
from onward.records.jobs import job_record

MOST = 100_000
_COLUMNS = (
    "id", "job_type", "state", "status", "source_id", "user_id", "queue", "priority", "attempt", "progress.percent",
    "created_at", "started_at", "completed_at", "parent_id", "tags", "error.type", "error.message", "params",
)  # fmt: skip
_RISKY = ("=", "+", "-", "@")


@verb(
    verbs,
    "export",
    "onward job export --filter 'state=failed' > failed.csv",
    "onward job export --format jsonl --output jobs.jsonl",
)
def export(
    here: Here,
    filter: FilterOption = None,
    format: Annotated[str, typer.Option("--format", help="csv or jsonl.")] = "csv",
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Instead of stdout.")] = None,
) -> None:
    """Write jobs as CSV or JSON lines, newest first, at most 100,000."""
    if format not in ("csv", "jsonl"):
        raise InvalidValue(f"{format!r} is not a format.", hint="--format csv or --format jsonl")
    wanted = read_filter(filter or "", here.app.clock.now())
    count = 0
    with _opened(output) as file:
        writer = csv.writer(file)
        if format == "csv":
            writer.writerow(_COLUMNS)
        for count, job in enumerate(wanted.find(here.app), 1):
            record = job_record(job, here.app.job_types)
            if format == "csv":
                writer.writerow([_cell(plain(dig(record, name))) for name in _COLUMNS])
            else:
                file.write(dump(record) + "\n")
            if count == MOST:
                say(f"Stopped at {MOST:,} jobs; narrow it with --filter 'created=..'.")
                break
    say(f"{count:,} jobs written.")


def _cell(text: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(_RISKY) else text


@contextmanager
def _opened(path: Path | None) -> Iterator[IO[str]]:
    if path is None:
        yield sys.stdout
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise InvalidValue(f"{path} cannot be written: {error.strerror}.") from None
