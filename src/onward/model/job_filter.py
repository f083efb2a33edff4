"""Filters of jobs as they stand in an address: ``state=failed,interrupted&job_type=embed*&-queue=gpu``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from onward.errors import InvalidFilter
from onward.model.ids import parsed
from onward.model.query import SORTS, JobQuery, Term
from onward.model.states import Status

STATES = (
    "scheduled", "queued", "blocked", "running", "input", "paused", "retrying", "interrupted", "succeeded", "failed",
    "cancelled",
)  # fmt: skip
"""What people see of a job, derived from its status and circumstances."""

KEYS = (
    "state", "status", "job_type", "source_id", "user_id", "tag", "queue", "parent_id", "worker", "resource", "dim",
    "chain", "error", "ack", "created", "duration", "q",
)  # fmt: skip
ARGUMENT = "arg."
"""Before the name of a parameter: ``arg.collection=docs``."""

_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d|w)?")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604_800}
_AGO = re.compile(r"(\d+)(s|m|min|h|d|w)")


def is_key(name: str) -> bool:
    """Whether this is the name of a filter, negated or not."""
    plain = name.removeprefix("-")
    return plain in KEYS or (plain.startswith(ARGUMENT) and len(plain) > len(ARGUMENT))


def read_query(
    given: Iterable[tuple[str, str]], now: datetime, *, sort: str = "-created", is_deep: bool = False
) -> JobQuery:
    """The query of these pairs of key and value. Raises ``InvalidFilter``, which names the key."""
    terms: list[Term] = []
    since = until = None
    acknowledged = None
    for name, text in given:
        key, negated = name.removeprefix("-"), name.startswith("-")
        if key == "created":
            since, until = _range(name, text, now)
        elif key == "ack":
            acknowledged = _truth(name, text) != negated
        else:
            terms.append(_term(name, key, text, negated))
    if sort.removeprefix("-") not in SORTS:
        raise _wrong(
            "sort", f"{sort[:50]!r} is not something to sort by", f"Use one of {', '.join(SORTS)}, - before it."
        )
    return JobQuery(since=since, until=until, acknowledged=acknowledged, terms=tuple(terms), sort=sort, is_deep=is_deep)


def _term(name: str, key: str, text: str, negated: bool) -> Term:
    if key == "q":
        return Term(key, (text.strip(),), negated)
    values = tuple(value for value in text.split(",") if value)
    if not values:
        raise _wrong(name, "there is no value", f"{name}=VALUE")
    known = {"state": STATES, "status": tuple(map(str, Status))}.get(key)
    for value in values:
        if known is not None and value not in known:
            near = difflib.get_close_matches(value, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(known)}."
            raise _wrong(name, f"{value[:50]!r} is not a {key}", hint)
        if key == "dim" and not value.isdecimal():
            raise _wrong(name, f"{value[:50]!r} is not a number of dimensions", "dim=1536")
    if key == "duration":
        _length_range(name, text)
        values = (text,)
    if key == "parent_id":
        values = tuple(value if value == "none" else parsed(value) for value in values)
    return Term(key, values, negated)


def seconds_range(text: str) -> tuple[float | None, float | None]:
    """From and to of ``>10m``, ``<5s``, ``10m..1h``; None is without an end."""
    return _length_range("duration", text)


def _length_range(name: str, text: str) -> tuple[float | None, float | None]:
    if text.startswith(">"):
        return _length(name, text[1:]), None
    if text.startswith("<"):
        return None, _length(name, text[1:])
    start, dots, end = text.partition("..")
    if not dots:
        raise _wrong(name, f"{text[:50]!r} is not a range of lengths", f"{name}=>10m, {name}=<5s or {name}=1m..1h")
    return (_length(name, start) if start else None), (_length(name, end) if end else None)


def _length(name: str, text: str) -> float:
    found = _LENGTH.fullmatch(text.removeprefix("=").strip())
    if found is None:
        raise _wrong(name, f"{text[:50]!r} is not a length of time", "500ms, 30s, 10m, 2h, 7d")
    return float(found[1]) * _SECONDS[found[2] or "s"]


def _range(name: str, text: str, now: datetime) -> tuple[datetime | None, datetime | None]:
    start, dots, end = text.partition("..")
    if not dots:
        begin = _moment(name, start, now)
        is_day = len(start) == 10 and start[4:5] == "-"
        return begin, (begin + timedelta(days=1) if is_day else None)
    return (_moment(name, start, now) if start else None), (_moment(name, end, now) if end else None)


def _moment(name: str, text: str, now: datetime) -> datetime:
    ago = _AGO.fullmatch(text.strip())
    try:
        if ago:
            return now - timedelta(seconds=int(ago[1]) * _SECONDS[ago[2]])
        found = datetime.fromisoformat(text.strip())
        return (found.replace(tzinfo=UTC) if found.tzinfo is None else found).astimezone(UTC)
    except (ValueError, OverflowError):
        hint = f"{name}=2026-09-01..2026-09-02, {name}=24h.. or {name}=2026-09-01T12:00:00Z.."
        raise _wrong(name, f"{text[:50]!r} is not a date", hint) from None


def _truth(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise _wrong(name, f"{text[:50]!r} is neither true nor false", f"{name}=false")
    return text == "true"


def _wrong(name: str, what: str, hint: str) -> InvalidFilter:
    return InvalidFilter(f"{name[:60]}: {what}.", hint=hint, errors=({"field": name[:60], "message": what},))
