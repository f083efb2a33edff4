"""The forecast: what schedules start in the next hours, how long that takes, and what gets in each other's way."""

from __future__ import annotations

import heapq
import statistics
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from onward.authoring.registry import JobTypes
from onward.errors import OnwardError
from onward.model.job import Need
from onward.model.rule import Rule, jitter
from onward.model.schedule import Forecast, Schedule
from onward.model.zones import zone
from onward.store import Connection, Store, schedules

MOST = 10_000
"""Starts in a forecast; what comes after them is left out."""
_LAST_RUNS = 10


def forecast(
    conn: Connection, store: Store, registry: JobTypes, listed: Sequence[Schedule], now: datetime, hours: float
) -> list[Forecast]:
    """The starts from now on, in their order."""
    until = now + timedelta(hours=hours)
    lengths: dict[str, float | None] = {}
    needs: dict[str, tuple[Need, ...]] = {}
    streams = [_starts(item, now, until) for item in listed if item.enabled and item.next_run_at is not None]
    found: list[Forecast] = []
    for at, due_at, name, seen in heapq.merge(*streams, key=lambda start: start[:3]):
        if len(found) == MOST:
            break
        if seen.job_type not in lengths:
            lengths[seen.job_type] = _length(conn, store, seen.job_type)
        if name not in needs:
            needs[name] = _needs(registry, seen)
        local = due_at.astimezone(zone(seen.timezone))
        resources = tuple(need.resource for need in needs[name])
        found.append(Forecast(name, seen.job_type, at, local, lengths[seen.job_type], resources))
    return _with_clashes(found, needs)


_Start = tuple[datetime, datetime, str, Schedule]


def _starts(seen: Schedule, now: datetime, until: datetime) -> Iterator[_Start]:
    try:
        rule: Rule = seen.rule(now)
    except OnwardError:
        return
    at = seen.next_run_at
    due = seen.due_at
    if seen.is_by_hand and at is not None:
        if at < until:
            yield max(at, now), at, seen.name, seen
        if due is None or due <= at:
            due = rule.next_after(at)
    while due is not None:
        at = due + jitter(seen.id, due, seen.jitter_seconds)
        if at >= until:
            return
        if at >= now or due == seen.due_at:
            yield max(at, now), due, seen.name, seen
        due = rule.next_after(max(due, now))


def _length(conn: Connection, store: Store, job_type: str) -> float | None:
    """How long a job of this type takes: the median of the last ones."""
    found = schedules.lengths(conn, store.dialect, job_type, _LAST_RUNS)
    return statistics.median(found) / 1000 if found else None


def _needs(registry: JobTypes, seen: Schedule) -> tuple[Need, ...]:
    try:
        kind, preset = registry.resolve(seen.job_type)
        return kind.needs(kind.validate({**preset, **seen.params}), seen.source_id)
    except OnwardError:
        # What is not known here has no needs that are known here.
        return ()


def _with_clashes(found: list[Forecast], needs: dict[str, tuple[Need, ...]]) -> list[Forecast]:
    """With each start, those before it that probably still have the last place of a resource that it needs."""
    holding: dict[str, list[tuple[datetime, str]]] = {}
    told: list[Forecast] = []
    for start in found:
        end = start.at + timedelta(seconds=start.expected_seconds or 0)
        clashes: list[tuple[str, str]] = []
        for need in needs[start.schedule]:
            held = [item for item in holding.get(need.resource, ()) if item[0] > start.at]
            if len(held) >= need.capacity:
                clashes += [(need.resource, name) for _, name in held]
            holding[need.resource] = [*held, (end, start.schedule)]
        told.append(start.with_clashes(clashes))
    return told
