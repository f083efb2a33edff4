"""The record of a checkpoint file, and which values it may hold."""

from __future__ import annotations

import math
import re
from dataclasses import KW_ONLY, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from onward.errors import InvalidValue
from onward.model.job import Json

MAX_DEPTH = 64
SEALS = ("format", "length", "checksum")

_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass
class Checkpoint:
    """What a job has saved: how far it is and what it needs to go on.

    ``extra`` holds the members of the file that are not fields here; they survive reading and saving.
    ``last_saved`` is set by each save; only the first one keeps a time that is already there, so that work
    can be brought in from elsewhere. Times are aware and in UTC; text in ISO format is understood, and is
    read as UTC where it has no offset. A wrong value raises ``InvalidValue``, at the latest when it is saved.
    """

    job_type: str
    source_id: str
    _: KW_ONLY
    progress: float = 0
    created_at: datetime | None = None
    last_saved: datetime | None = None
    worker_id: int = 0
    total_workers: int = 1
    work_range_start: int = 0
    work_range_end: int | None = None
    last_article_index: int | None = -1
    partial_file: str | None = None
    documents_processed: int = 0
    errors: list[Json] = field(default_factory=list)
    phases_completed: list[int] = field(default_factory=list)
    phase_results: list[Json] = field(default_factory=list)
    extra: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.created_at = _time(self.created_at, "created_at")
        self.last_saved = _time(self.last_saved, "last_saved")


FIELDS = tuple(each.name for each in fields(Checkpoint) if each.name != "extra")


def plain_json(value: Any, where: str, depth: int = 0) -> Json:
    """``value``, with tuples as lists, if it can be kept as JSON; else ``InvalidValue``, naming ``where``."""
    problem = "is not JSON"
    match value:
        case _ if depth > MAX_DEPTH:
            problem = f"is nested deeper than {MAX_DEPTH} levels"
        case None | bool():
            return value
        case str():
            if _is_unicode(value):
                return value
            problem = "is not valid Unicode"
        case int():
            if abs(value) < 2**63:
                return value
            problem = "has more than 64 bits: save it as text"
        case float():
            if math.isfinite(value):
                return value
            problem = f"is {value}, which JSON does not have"
        case list() | tuple():
            return [plain_json(each, f"{where}[{at}]", depth + 1) for at, each in enumerate(value)]
        case dict():
            if all(isinstance(key, str) and _is_unicode(key) for key in value):
                return {key: plain_json(each, f"{where}.{key}", depth + 1) for key, each in value.items()}
            problem = "has a key that is not text"
    hint = "Use plain dict, list, str, int, float, bool or None."
    raise InvalidValue(f"{where} (a {type(value).__name__}) {problem}.", hint=hint)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _time(value: object, name: str) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise InvalidValue(f"{name} is not a time in ISO format: {value!r}.") from None
        value = value if value.tzinfo else value.replace(tzinfo=UTC)
    if value is None:
        return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidValue(f"{name} must be a time with a zone.", hint="Use datetime.now(UTC).")
    return value.astimezone(UTC)


def check_id(value: Any, what: str) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value) or value in (".", ".."):
        hint = "Use 1 to 128 of the characters A-Z a-z 0-9 . _ - and not . or .. alone."
        raise InvalidValue(f"The {what} {value!r} cannot be part of a file name.", hint=hint)
    return value


def check(saved: Checkpoint) -> None:
    """Raise ``InvalidValue`` if a field has the wrong kind of value."""
    check_id(saved.job_type, "job type")
    check_id(saved.source_id, "source id")
    for name in ("worker_id", "total_workers", "work_range_start", "documents_processed"):
        check_number(getattr(saved, name), name)
    for name in ("work_range_end", "last_article_index"):
        if getattr(saved, name) is not None:
            check_number(getattr(saved, name), name, least=-1)
    if isinstance(saved.progress, bool) or not isinstance(saved.progress, int | float):
        raise InvalidValue(f"progress must be a number, not {saved.progress!r}.")
    if not 0 <= saved.progress <= 100:
        raise InvalidValue(f"progress must be from 0 to 100, not {saved.progress}.")
    if saved.worker_id >= saved.total_workers:
        raise InvalidValue(f"worker_id {saved.worker_id} is not below total_workers {saved.total_workers}.")
    for name in ("errors", "phases_completed", "phase_results"):
        if not isinstance(getattr(saved, name), list):
            raise InvalidValue(f"{name} must be a list.")
    if saved.partial_file is not None and not isinstance(saved.partial_file, str):
        raise InvalidValue("partial_file must be a file name.")
    clash = set(saved.extra) & {*FIELDS, *SEALS}
    if clash:
        raise InvalidValue(f"extra has {min(clash)!r}, which is a field of its own.")


def check_number(value: Any, name: str, least: int = 0) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidValue(f"{name} must be a whole number of at least {least}, not {value!r}.")


# The format: one JSON object, indented, with a seal over the canonical form of all other members.
