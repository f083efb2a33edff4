"""What an import found: entries of a schedule file, and what it could not take over, each with a reason."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onward.authoring.registry import JobTypes
from onward.errors import InvalidSchedule, InvalidValue, OnwardError
from onward.model import codec
from onward.model.cron import Cron
from onward.model.job import Json
from onward.model.schedule_entry import ScheduleEntry

_SIZE = 1 << 20


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that cannot be taken over, or only in part: where it stands, what it is, and why."""

    origin: str
    what: str
    why: str


@dataclass(slots=True)
class Findings:
    """All of one source; ``entries`` have names of their own."""

    entries: list[ScheduleEntry] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def take(self, entry: ScheduleEntry) -> None:
        """Add an entry; its name gets a number where another has it, its expression is checked."""
        try:
            if entry.cron is not None:
                Cron.parse(entry.cron, entry.timezone)
            codec.encode(entry.params, "Its parameters", _SIZE)
        except (InvalidSchedule, InvalidValue) as error:
            self.leave(entry.origin, entry.name, str(error))
            return
        names = {other.name for other in self.entries}
        name, number = entry.name, 1
        while name in names:
            number += 1
            name = f"{entry.name}_{number}"
        self.entries.append(entry if name == entry.name else _renamed(entry, name))

    def leave(self, origin: str, what: str, why: str) -> None:
        """Add what cannot be taken over."""
        self.left_out.append(LeftOut(origin, what, why))


def _renamed(entry: ScheduleEntry, name: str) -> ScheduleEntry:
    return ScheduleEntry(**entry.arguments() | {"name": name}, origin=entry.origin)


def name_of(text: str) -> str:
    """A name out of any text: lower case letters, digits and ``_``."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:60] or "job"


def job_type_of(dotted: str, job_types: JobTypes | None) -> str:
    """The job type for a function's dotted name: the whole name if it is one, else its last part."""
    last = re.split(r"[.:]", dotted)[-1]
    return dotted if job_types is not None and dotted in job_types else last


def named(
    job_type: str, args: Sequence[Any], kwargs: Mapping[str, Any], job_types: JobTypes | None
) -> tuple[dict[str, Json], str]:
    """The parameters by name, and why they cannot be had by name, or nothing."""
    params: dict[str, Json] = dict(kwargs)
    if not args:
        return params, ""
    if job_types is None or job_type not in job_types:
        return params, f"its arguments {list(args)!r:.80} have no names; register the job type {job_type!r} first"
    try:
        fields = list(job_types.get(job_type).params_model.model_fields)
    except OnwardError as error:
        return params, str(error)
    if len(args) > len(fields):
        return params, f"it has {len(args)} arguments, and the job type {job_type!r} takes {len(fields)}"
    return dict(zip(fields, args, strict=False)) | params, ""
