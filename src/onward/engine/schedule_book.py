"""The book of schedules: what people and files say becomes rows, checked and planned, within one transaction.

New ones are planned before it begins, since a zone and an expression take longer than their row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from onward.authoring.registry import JobTypes
from onward.engine.submission import aware, check_text
from onward.errors import ChangedMeanwhile, InvalidSchedule, ScheduleNotFound
from onward.model import ids
from onward.model.ids import Ids
from onward.model.rule import Rule
from onward.model.schedule import Schedule
from onward.model.verdict import planned
from onward.store import Connection, Store, schedules

FIELDS = (
    "job_type", "bot_id", "source_id", "cron", "interval_minutes", "interval_seconds", "run_at", "timezone",
    "start_at", "params", "misfire_grace_seconds", "coalesce", "max_catch_up", "max_instances", "overlap",
    "jitter_seconds", "description",
)  # fmt: skip
"""What is said of a schedule, besides its name and whether it is enabled."""
_RULE = ("cron", "interval_minutes", "interval_seconds", "run_at", "timezone", "start_at", "jitter_seconds")
_RULES = ("cron", "interval_minutes", "interval_seconds", "run_at")
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Spec:
    """What somebody wants of a schedule: the fields as they shall be; ``origin`` says where that is written.

    ``first`` is the schedule with its plan, where it is probably a new one.
    """

    wanted: Schedule
    rule: Rule
    digest: str | None = None
    first: Schedule | None = None


def spec(registry: JobTypes, name: str, job_type: str | Callable[..., Any], now: datetime, **given: Any) -> Spec:
    """The schedule of the arguments of ``schedules.add``, checked. Raises the error that says what is wrong."""
    kind, preset = registry.resolve(job_type)
    params = {**preset, **(given.pop("params", None) or {})}
    kind.validate(params)
    catch_up = given.pop("catch_up", None)
    if catch_up not in (None, "latest", "all"):
        raise InvalidSchedule(f"catch_up: {catch_up!r} is not latest or all.")
    if catch_up is not None:
        given["coalesce"] = catch_up == "latest"
    digest = given.pop("origin_digest", None)
    for field in ("run_at", "start_at"):
        given[field] = aware(given.get(field), field)
    _take_minutes(given)
    wanted = Schedule(
        id="",
        name=name,
        job_type=kind.name,
        params=params,
        origin_digest=digest,
        created_at=now,
        updated_at=now,
        **given,
    )
    rule = wanted.check(now)
    _check_texts(wanted)
    return Spec(wanted, rule, digest)


def _take_minutes(given: dict[str, Any]) -> None:
    """Parts of a minute are kept as seconds."""
    minutes = given.get("interval_minutes")
    if isinstance(minutes, float) and not isinstance(minutes, bool):
        if not minutes.is_integer():
            if not (minutes * _MINUTE).is_integer():
                raise InvalidSchedule(f"interval_minutes: {minutes} is no whole number of seconds.")
            given["interval_minutes"], given["interval_seconds"] = None, int(minutes * _MINUTE)
        else:
            given["interval_minutes"] = int(minutes)


def _check_texts(wanted: Schedule) -> None:
    check_text("bot id", wanted.bot_id)
    if wanted.source_id is not None:
        ids.check_name(wanted.source_id, "The source id")


def draft(store: Store, new_ids: Ids, specs: Sequence[Spec], now: datetime) -> list[Spec]:
    """The same, those planned whose names nobody has yet. Raises ``InvalidSchedule`` for one that is never due."""
    with store.read() as conn:
        known = schedules.known_names(conn, store.dialect, [item.wanted.name for item in specs])
    made = iter(new_ids.many(len(specs)))
    return [
        item
        if item.wanted.name in known
        else replace(item, first=_first(replace(item.wanted, id=next(made)), item.rule, now))
        for item in specs
    ]


def save(conn: Connection, store: Store, new_ids: Ids, specs: Sequence[Spec], now: datetime) -> list[Schedule]:
    """Write schedules: new names are added, known ones updated; in the order given. Later ones of one name win."""
    names = [item.wanted.name for item in specs]
    known = {found.name: found for found in schedules.get_schedules(conn, store.dialect, "name", names, lock=True)}
    fresh: dict[str, Schedule] = {}
    for item in specs:
        name = item.wanted.name
        before = known.get(name)
        if before is None:
            fresh[name] = item.first or _first(replace(item.wanted, id=new_ids.new()), item.rule, now)
        else:
            known[name] = _update(conn, store, before, item, now)
    if fresh:
        schedules.insert_schedules(conn, store.dialect, list(fresh.values()))
    return [known.get(name) or fresh[name] for name in names]


def _first(wanted: Schedule, rule: Rule, now: datetime) -> Schedule:
    """A new schedule with its plan. A date in a file may be over by the time when the file is loaded again."""
    if not wanted.enabled:
        return replace(wanted, anchor_at=wanted.start_at or now)
    found = planned(wanted, now, rule)
    return found if wanted.origin_digest is not None else _with_times(found)


def _with_times(found: Schedule) -> Schedule:
    """A schedule that is due some day. Raises ``InvalidSchedule`` where none comes."""
    if found.next_run_at is None:
        field = next(name for name in _RULES if getattr(found, name) is not None)
        raise InvalidSchedule(
            f"{field}: schedule {found.name!r} ({found.rule_text}) is never due from now on.",
            hint="Choose a time that is to come.",
        )
    return found


def _update(conn: Connection, store: Store, before: Schedule, item: Spec, now: datetime) -> Schedule:
    """Bring a schedule into line with what is said of it. Its phase, pause and history stay."""
    values: dict[str, Any] = {field: getattr(item.wanted, field) for field in FIELDS}
    after = replace(before, **values)
    has_moved = any(getattr(before, field) != getattr(after, field) for field in _RULE)
    changed = {field: value for field, value in values.items() if getattr(before, field) != value}
    if item.wanted.origin != before.origin or item.digest != before.origin_digest:
        changed |= {"origin": item.wanted.origin, "origin_digest": item.digest}
    wants = item.wanted.enabled
    # A pause is kept: whoever starts a program that says what its schedules are, does not end it.
    if (wants != before.enabled and not before.is_paused) or (before.is_paused and not wants):
        changed["enabled"] = wants
        if not wants:
            changed |= {"paused_by": None, "paused_reason": None, "paused_at": None, "paused_until": None}
    if changed:
        schedules.change_schedule(conn, store.dialect, before.id, **changed, updated_at=now)
        after = replace(after, **changed, updated_at=now)
    is_back = after.enabled and (not before.enabled or after.next_run_at is None)
    if has_moved or is_back:
        after = plan_anew(conn, store, after, now, keep_phase=before.seconds is not None and after.seconds is not None)
    return after


def plan_anew(conn: Connection, store: Store, seen: Schedule, now: datetime, *, keep_phase: bool = True) -> Schedule:
    """Work out the next time after now, whatever was planned. Raises ``InvalidSchedule`` where none comes."""
    if not keep_phase:
        seen = replace(seen, anchor_at=seen.start_at or now)
    found = planned(seen, now)
    if found.enabled and not (found.origin_digest and found.run_at):
        _with_times(found)
    schedules.write_plan(conn, store.dialect, found)
    return found


def locked(conn: Connection, store: Store, name: str) -> Schedule:
    """The schedule of this name, kept from others until the transaction ends. Raises ``ScheduleNotFound``."""
    found = schedules.get_schedules(conn, store.dialect, "name", [name], lock=True)
    if not found:
        raise not_found(name)
    return found[0]


def locked_as_seen(conn: Connection, store: Store, name: str, expected: str | None) -> Schedule:
    """The schedule as ``locked`` gives it. Raises ``ChangedMeanwhile`` when it is not as somebody has seen it."""
    found = locked(conn, store, name)
    if expected not in (None, found.version):
        raise ChangedMeanwhile(
            f"Schedule {name!r} has changed since it was looked at: it is {found.state} now. Nothing was done.",
            hint="Look again, and decide anew.",
            schedule=found,
        )
    return found


def not_found(name: str) -> ScheduleNotFound:
    """The error for a name that no schedule has."""
    return ScheduleNotFound(f"No schedule is called {name!r}.", hint="See `onward schedule list`.")


def edited(before: Schedule, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ``add`` that give a schedule with some of them changed; a new rule takes the old one's place."""
    unknown = sorted(set(changes) - {*FIELDS, "catch_up", "enabled"})
    if unknown:
        raise InvalidSchedule(f"{unknown[0]}: a schedule has no such field.", hint=f"Fields: {', '.join(FIELDS)}.")
    values = {field: getattr(before, field) for field in (*FIELDS, "enabled")}
    if any(changes.get(field) is not None for field in _RULES):
        values |= dict.fromkeys(_RULES)
    values |= changes
    return values
