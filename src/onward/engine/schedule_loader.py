"""Loading schedules from a file: all or none, and what people have changed since the file was loaded last stays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from onward.authoring import schedule_file
from onward.authoring.registry import JobTypes
from onward.engine import schedule_book
from onward.engine.schedule_book import Spec
from onward.errors import InvalidConfig, OnwardError, StoreUnavailable
from onward.model import schedule_entry
from onward.model.ids import Ids
from onward.model.schedule_entry import ScheduleChange, ScheduleEntry
from onward.store import Connection, Store, facts, schedules


@dataclass(frozen=True, slots=True)
class ScheduleFile:
    """A file that was read: its entries, and the schedules that they ask for."""

    label: str
    entries: list[ScheduleEntry]
    specs: dict[str, Spec]
    read_at: datetime


def read(path: str | Path, registry: JobTypes, now: datetime) -> ScheduleFile:
    """Read and check a whole file. Raises ``InvalidConfig`` with file, line and key."""
    entries = schedule_file.read(path, registry)
    specs: dict[str, Spec] = {}
    problems: list[str] = []
    for entry in entries:
        given = {name: value for name, value in entry.arguments().items() if name not in ("name", "job_type")}
        try:
            specs[entry.name] = schedule_book.spec(
                registry, entry.name, entry.job_type, now, **given, origin=entry.origin, origin_digest=entry.digest
            )
        except OnwardError as error:
            problems.append(f"{entry.origin}: scheduler.jobs.{entry.name}: {error}")
    if problems:
        raise InvalidConfig(problems[0], hint="No schedule was changed.", problems=tuple(problems))
    return ScheduleFile(str(path), entries, specs, now)


def compare(conn: Connection, store: Store, file: ScheduleFile) -> list[ScheduleChange]:
    """What loading the file would change."""
    known = {found.name: found for found in schedules.list_schedules(conn, store.dialect)}
    return [_unless_deleted(conn, store, change) for change in schedule_entry.compare(file.entries, known, file.label)]


def apply(conn: Connection, store: Store, ids: Ids, file: ScheduleFile) -> list[ScheduleChange]:
    """Bring schedules into line with the file; what that changed."""
    changes = compare(conn, store, file)
    for change in changes:
        if change.action == "disable":
            _retire(conn, store, change, file)
        elif change.action in ("add", "change"):
            try:
                schedule_book.save(conn, store, ids, [file.specs[change.name]], file.read_at)
            except StoreUnavailable:
                raise
            except OnwardError as error:
                text = f"{change.origin}: scheduler.jobs.{change.name}: {error}"
                raise InvalidConfig(text, hint="No schedule was changed.") from None
            facts.drop_fact(conn, store.dialect, deleted_key(change.name))
    return changes


def deleted_key(name: str) -> str:
    """The fact that a schedule of a file was deleted: what the file said of it then."""
    return f"schedule_deleted:{name}"


def _unless_deleted(conn: Connection, store: Store, change: ScheduleChange) -> ScheduleChange:
    if change.action != "add" or change.entry is None:
        return change
    said = facts.get_fact(conn, store.dialect, deleted_key(change.name))
    return replace(change, action="keep") if said == change.entry.digest else change


def _retire(conn: Connection, store: Store, change: ScheduleChange, file: ScheduleFile) -> None:
    """It is in the file no longer: it starts nothing more, and its history stays. Put back, it goes on."""
    [found] = schedules.get_schedules(conn, store.dialect, "name", [change.name], lock=True)
    values = {"enabled": False, "paused_by": file.label, "paused_reason": f"It is no longer in {file.label}."}
    schedules.change_schedule(
        conn, store.dialect, found.id, **values, paused_at=None, origin_digest=None, updated_at=file.read_at
    )
