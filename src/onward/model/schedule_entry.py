"""A schedule as a file defines it, and what loading the file would change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal, Protocol

import orjson

from onward.model.job import Json

Overlap = Literal["skip", "queue", "cancel_running"]
Action = Literal["add", "change", "disable", "keep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleEntry:
    """One entry of a file; the fields are the arguments of ``app.schedules.add``, and where it stands (FILE:LINE)."""

    name: str
    job_type: str
    cron: str | None = None
    interval_minutes: int | None = None
    interval_seconds: int | None = None
    run_at: datetime | None = None
    timezone: str = "UTC"
    params: dict[str, Json] = field(default_factory=dict)
    bot_id: str | None = None
    source_id: str | None = None
    enabled: bool = True
    misfire_grace_seconds: int | None = 300
    coalesce: bool = True
    max_catch_up: int = 100
    max_instances: int = 1
    overlap: Overlap = "skip"
    jitter_seconds: int = 0
    start_at: datetime | None = None
    description: str = ""
    origin: str = field(default="", compare=False)

    def arguments(self) -> dict[str, Any]:
        """All but the origin, by name, as ``app.schedules.add`` takes them."""
        return {name: getattr(self, name) for name in FIELDS}

    @property
    def digest(self) -> str:
        """The same for the same definition, wherever it stands in the file."""
        text = orjson.dumps(self.arguments(), option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)
        return hashlib.sha256(text).hexdigest()[:32]

    @property
    def file(self) -> str:
        """The file of the origin."""
        return file_of(self.origin)


FIELDS = tuple(each.name for each in fields(ScheduleEntry) if each.name != "origin")


class Known(Protocol):
    """What is asked of a schedule that exists; it has every field of an entry, too."""

    @property
    def name(self) -> str: ...
    @property
    def enabled(self) -> bool: ...
    @property
    def origin(self) -> str: ...
    @property
    def origin_digest(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that would change, as it is and as the file has it."""

    name: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class ScheduleChange:
    """What loading would do with one schedule.

    ``add``: there is none of this name. ``change``: the file says something else than when it was loaded last, or the
    schedule came from elsewhere; ``fields`` say what. ``disable``: its entry is gone from the file; it is kept with its
    history. ``keep``: the entry is as it was loaded last, and whatever was changed at run time stands.
    """

    name: str
    action: Action
    origin: str
    fields: tuple[FieldChange, ...] = ()
    entry: ScheduleEntry | None = None


def file_of(origin: str) -> str:
    """The file of FILE:LINE; the whole text where it has no line."""
    file, colon, line = origin.rpartition(":")
    return file if colon and line.isdigit() else origin


def compare(entries: Iterable[ScheduleEntry], known: Mapping[str, Known], file: str) -> list[ScheduleChange]:
    """What loading ``entries`` from ``file`` would change, in the file's order; what is gone from it comes last."""
    listed = list(entries)
    changes = [_compared(entry, known.get(entry.name)) for entry in listed]
    names = {entry.name for entry in listed}
    gone = [one for one in known.values() if one.name not in names and file_of(one.origin) == file]
    for one in sorted(gone, key=lambda one: one.name):
        action: Action = "disable" if one.enabled else "keep"
        changed = (FieldChange("enabled", True, False),) if one.enabled else ()
        changes.append(ScheduleChange(one.name, action, one.origin, changed))
    return changes


def _compared(entry: ScheduleEntry, one: Known | None) -> ScheduleChange:
    if one is None:
        return ScheduleChange(entry.name, "add", entry.origin, entry=entry)
    if one.origin_digest == entry.digest and file_of(one.origin) == entry.file:
        return ScheduleChange(entry.name, "keep", entry.origin, entry=entry)
    changed = tuple(
        FieldChange(name, getattr(one, name), getattr(entry, name))
        for name in FIELDS
        if getattr(one, name) != getattr(entry, name)
    )
    return ScheduleChange(entry.name, "change", entry.origin, changed, entry)
