"""``onward schedule import``: schedules of a crontab, of Celery beat or of APScheduler."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer

from onward.authoring import schedule_file
from onward.authoring.imports import apscheduler_jobs, celery_beat, crontab
from onward.authoring.imports.findings import Findings
from onward.authoring.registry import JobTypes
from onward.cli.command import verb
from onward.cli.here import Here
from onward.cli.nouns.schedule_noun import verbs
from onward.cli.show.output import Column
from onward.cli.target import load_module
from onward.cli.told import say
from onward.errors import InvalidConfig
from onward.model.schedule_entry import ScheduleEntry

_NAMES = ("beat_schedule", "CELERY_BEAT_SCHEDULE", "CELERYBEAT_SCHEDULE")
_COLUMNS = (
    Column("name", "schedule"),
    Column("when"),
    Column("job_type", "type"),
    Column("origin", "from"),
    Column("why", "left out because", fixed=False),
    Column("params", fixed=False),
)


@verb(
    verbs,
    "import",
    "onward schedule import crontab.txt --job-type shell --dry-run",
    "onward schedule import celery_app.py --dry-run",
    "onward schedule import myapp.jobs:scheduler --write schedules.yaml",
    data=True,
)
def import_(
    here: Here,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A crontab, a Python file, or module:attribute.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be added, and add nothing.")] = False,
    write: Annotated[
        Path | None, typer.Option("--write", metavar="FILE", help="Write a file for `schedule load` instead.")
    ] = None,
    enabled: Annotated[bool, typer.Option("--enabled", help="Add them running; else they wait to be resumed.")] = False,
    job_type: Annotated[
        str | None, typer.Option("--job-type", metavar="TYPE", help="Of a crontab: the type that gets the command.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option("--zone", metavar="ZONE", help="Where its times are meant, if it does not say: UTC.")
    ] = None,
    users: Annotated[
        bool | None, typer.Option("--users/--no-users", help="Of a crontab: each line names a user.")
    ] = None,
) -> None:
    """Take over schedules of cron, Celery beat or APScheduler; what cannot be, is listed with the reason."""
    if dry_run and write is not None:
        raise typer.BadParameter("--dry-run writes nothing, so it does not go with --write")
    found = _found(here, source, job_type, zone, users)
    entries = [_set(entry, entry.enabled and enabled) for entry in found.entries]
    if write is not None:
        _write(write, entries)
    elif not dry_run:
        _refuse_known(here, entries)
        here.local.schedules.add_many([entry.arguments() for entry in entries])
    here.out.records(_records(entries, found), _COLUMNS, empty=f"{source} has no schedules.")
    say(_summary(len(entries), len(found.left_out), dry_run=dry_run, write=write, enabled=enabled))


def _found(here: Here, source: str, job_type: str | None, zone: str | None, users: bool | None) -> Findings:
    if ":" not in source and not source.endswith(".py"):
        return crontab.read(Path(source), job_type=job_type, timezone=zone or "UTC", has_users=users)
    where, _, attribute = source.partition(":")
    module = load_module(where)
    value = getattr(module, attribute, None) if attribute else _only(module, where)
    return _of_object(value, source, here.local.job_types, zone)


def _of_object(value: Any, label: str, job_types: JobTypes, zone: str | None) -> Findings:
    if apscheduler_jobs.is_source(value):
        return apscheduler_jobs.read(value, label, job_types)
    if celery_beat.is_source(value):
        return celery_beat.read(value, label, job_types, zone)
    raise InvalidConfig(
        f"{label} is neither a Celery application, nor its beat_schedule, nor a scheduler of APScheduler 3.",
        hint="Name it, as module:attribute.",
    )


def _only(module: ModuleType, where: str) -> Any:
    """The one value of a module that has schedules."""
    named = [getattr(module, name) for name in _NAMES if celery_beat.is_source(getattr(module, name, None))]
    found = {id(value): value for value in [*named, *(value for value in vars(module).values() if _is_source(value))]}
    if len(found) != 1:
        what = (
            "has no schedules of Celery beat or APScheduler" if not found else "has more than one source of schedules"
        )
        raise InvalidConfig(f"{where} {what}.", hint="Name the one that is meant, as module:attribute.")
    return next(iter(found.values()))


def _is_source(value: Any) -> bool:
    """Dictionaries only under their names: many look like a table of beat."""
    return not isinstance(value, dict) and (apscheduler_jobs.is_source(value) or celery_beat.is_source(value))


def _set(entry: ScheduleEntry, enabled: bool) -> ScheduleEntry:
    return ScheduleEntry(**entry.arguments() | {"enabled": enabled}, origin=entry.origin)


def _refuse_known(here: Here, entries: list[ScheduleEntry]) -> None:
    """What is there already is somebody's: an import does not change it."""
    known = {one.name for one in here.local.schedules.list()} & {entry.name for entry in entries}
    if known:
        raise InvalidConfig(
            f"There are schedules called {', '.join(sorted(known))} already. Nothing was added.",
            hint="Write a file with --write, rename them there, and load it.",
        )


def _write(path: Path, entries: list[ScheduleEntry]) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(schedule_file.write_text(entries))
    except FileExistsError:
        raise InvalidConfig(f"{path} exists already.", hint="Name a new file.") from None
    except OSError as error:
        raise InvalidConfig(f"{path} cannot be written ({error.strerror}).") from None


def _records(entries: list[ScheduleEntry], found: Findings) -> list[dict[str, Any]]:
    taken = [
        {
            "name": entry.name,
            "when": _when(entry),
            "job_type": entry.job_type,
            "params": entry.params,
            "enabled": entry.enabled,
            "origin": entry.origin,
            "why": "",
        }
        for entry in entries
    ]
    left = [
        {
            "name": "",
            "when": "",
            "job_type": one.what,
            "params": {},
            "enabled": False,
            "origin": one.origin,
            "why": one.why,
        }
        for one in found.left_out
    ]
    return [*taken, *left]


def _when(entry: ScheduleEntry) -> str:
    if entry.cron is not None:
        return f"{entry.cron} {entry.timezone}"
    if entry.run_at is not None:
        return entry.run_at.isoformat()
    return f"every {entry.interval_minutes} min" if entry.interval_minutes else f"every {entry.interval_seconds} s"


def _summary(taken: int, left: int, *, dry_run: bool, write: Path | None, enabled: bool) -> str:
    what = f"{taken} schedule{'' if taken == 1 else 's'}"
    rest = f"; {left} left out" if left else ""
    if dry_run:
        return f"{what} would be added{rest}. Nothing was changed."
    if write is not None:
        return f"{what} written to {write}{rest}. Look at it, then: onward schedule load {write}"
    return f"{what} added{'' if enabled else ', disabled: onward schedule resume NAME'}{rest}."
