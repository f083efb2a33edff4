"""Resources as plain values: who has what, and who waits."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

import onward
from onward.model.ids import shown
from onward.records.moments import rfc3339


class HolderRecord(TypedDict):
    """A job that has a resource, or waits for it."""

    job: str
    job_type: str | None
    source_id: str | None
    percent: int | None
    since: str | None


class ResourceRecord(TypedDict):
    """One resource. ``mode`` is ``free``, ``exclusive``, ``shared`` or ``held`` (by a person)."""

    name: str
    kind: str
    mode: str
    capacity: int
    token: int
    holders: list[HolderRecord]
    waiters: list[HolderRecord]
    waiting: int
    dimension: int | None
    held_by: str | None
    held_reason: str | None
    held_at: str | None


def resource_record(found: dict[str, Any]) -> ResourceRecord:
    """A resource, as ``app.resources.get`` and ``board`` give it."""
    kind, mark, rest = found["name"].partition(":")
    taken = len(found["holders"])
    mode = "held" if found["held_by"] else "free" if not taken else "exclusive" if found["capacity"] == 1 else "shared"
    return {
        "name": found["name"],
        "kind": kind if mark else "other",
        "mode": mode,
        "capacity": found["capacity"],
        "token": found["token"],
        "holders": [_holder(item) for item in found["holders"]],
        "waiters": [_holder(item) for item in found["waiters"]],
        "waiting": found["waiting"],
        "dimension": int(rest) if kind == "vectors" and rest.isdecimal() else None,
        "held_by": found["held_by"],
        "held_reason": found["held_reason"],
        "held_at": rfc3339(found["held_at"]),
    }


def board_records(app: onward.Onward, *, idle: bool = False) -> list[ResourceRecord]:
    """Every resource that matters now: declared ones, and sources while somebody has or wants them (or ``idle``)."""
    return [resource_record(found) for found in app.resources.board(idle=idle)]


def _holder(item: dict[str, Any]) -> HolderRecord:
    return {
        "job": shown(item["job_id"]),
        "job_type": item["job_type"],
        "source_id": item["source_id"],
        "percent": item["percent"],
        "since": rfc3339(item["since"]),
    }
