"""Schedules that ship with job types: made at the first start, once; whoever deletes one does not get it back."""

from __future__ import annotations

import logging

from onward.authoring.registry import JobTypes
from onward.engine import schedule_book
from onward.model.ids import Ids
from onward.model.schedule import DefaultSchedule
from onward.store import Connection, Store, facts, schedules

_log = logging.getLogger("onward.engine")


def make_defaults(store: Store, registry: JobTypes, ids: Ids) -> list[str]:
    """Make those that were never made in this database; their names."""
    with store.read() as conn:
        missing = [
            declared
            for declared in registry.default_schedules()
            if facts.get_fact(conn, store.dialect, _key(declared)) is None
        ]
    if not missing:
        return []
    reasons = {declared.name: _why_not(declared) for declared in missing}

    def work(conn: Connection) -> list[str]:
        return [item.name for item in missing if _make(conn, store, registry, ids, item, reasons[item.name])]

    made = store.write(work)
    if made:
        store.doorbell.ring()
        _log.info("Made the schedules that ship: %s.", ", ".join(made))
    return made


def _key(declared: DefaultSchedule) -> str:
    return f"default_schedule:{declared.name}"


def _why_not(declared: DefaultSchedule) -> str | None:
    try:
        return declared.ready() if declared.ready is not None else None
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a service is a reason
        return f"{type(error).__name__}: {error}"


def _make(
    conn: Connection, store: Store, registry: JobTypes, ids: Ids, declared: DefaultSchedule, reason: str | None
) -> bool:
    now, dialect = store.now(), store.dialect
    if not facts.claim_fact(conn, dialect, _key(declared), now.isoformat()):
        return False
    if schedules.get_schedules(conn, dialect, "name", [declared.name]):
        # Somebody has one of this name already, and means it.
        return False
    spec = schedule_book.spec(
        registry,
        declared.name,
        declared.job_type,
        now,
        cron=declared.cron,
        interval_minutes=declared.interval_minutes,
        timezone=declared.timezone,
        params=declared.params,
        bot_id=declared.bot_id,
        description=declared.description,
        enabled=reason is None,
        origin="default",
    )
    [made] = schedule_book.save(conn, store, ids, [spec], now)
    if reason is not None:
        schedules.change_schedule(conn, dialect, made.id, paused_reason=reason)
    return True
