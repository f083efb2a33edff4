"""Starts by somebody's word: now, not the next time, and for due times that are over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from onward.engine.starts import Start, Starts, write_plans
from onward.errors import InvalidSchedule, InvalidValue, ResourceBusy
from onward.model.cron import DueTime
from onward.model.job import Job
from onward.model.schedule import Backfill, Schedule
from onward.model.verdict import Choice, Plan, Reason, plan_of
from onward.store import Connection, Store, jobs, schedules, turns

MOST = 1000
"""Due times in one backfill."""
_TICK = timedelta(microseconds=1)


def run_now(store: Store, starts: Starts, seen: Schedule) -> list[Job]:
    """Start a job of a schedule now, for each of its bots. Raises ``ResourceBusy``, ``InvalidSchedule``."""
    now = store.now()
    asked = [starts.start_of(seen, Choice(now), bot) for bot in starts.bots_of(seen)]
    if not asked:
        raise InvalidSchedule(f"bot_id: no bot is known now, so {seen.name!r} has nobody to run for.")

    def work(conn: Connection) -> list[Job]:
        mine = [replace(start) for start in asked]
        schedules.get_schedules(conn, store.dialect, "id", [seen.id], lock=True)
        starts.settle_overlaps(conn, mine, now)
        for start in mine:
            if start.new is None:
                raise ResourceBusy(
                    f"{start.choice.text} Nothing was started.",
                    hint="Wait for it or cancel it; with overlap='queue' the next one queues.",
                    job=jobs.get_job(conn, store.dialect, start.held_up_by or ""),
                )
        schedules.change_schedule(conn, store.dialect, seen.id, last_run_at=now)
        return starts.make_jobs(conn, mine, is_due=False)

    return store.write(work)


def skip_next(conn: Connection, store: Store, starts: Starts, seen: Schedule, by: str | None) -> Schedule:
    """Decide now that the next due time is left out. Raises ``InvalidSchedule`` where there is none."""
    now, due_at = store.now(), seen.next_run_at if seen.is_by_hand else seen.due_at
    if due_at is None:
        raise InvalidSchedule(f"Schedule {seen.name!r} has no next due time to be left out.")
    is_put_first = seen.is_by_hand and seen.due_at is not None and seen.due_at > due_at
    after = seen.due_at if is_put_first else seen.rule(now).next_after(due_at)
    plan = plan_of(seen, seen.rule(now), after - _TICK) if after is not None else Plan(None, None)
    choice = Choice(due_at, Reason.SKIPPED_BY_HAND, f"Left out by {by or 'somebody'}.", plan.next_run_at)
    left_out = [Start(seen, choice, bot) for bot in starts.bots_of(seen)]
    taken = starts.taken(conn, left_out)
    starts.record(conn, [start for start in left_out if start.key not in taken], now)
    write_plans(conn, store.dialect, [(seen, plan, seen.last_run_at)], now)
    return replace(
        seen,
        due_at=plan.due_at,
        planned_at=plan.next_run_at,
        next_run_at=plan.next_run_at,
        ended_at=None if plan.due_at else now,
        updated_at=now,
    )


def backfill_due(
    conn: Connection, store: Store, starts: Starts, seen: Schedule, start: datetime, end: datetime
) -> list[DueTime]:
    """The due times of a range that have no job for each of the bots. What is to come is left to the scheduler.

    Raises ``InvalidValue`` for a range with very many due times.
    """
    now = store.now()
    # An expression begins where it is asked from; an interval never comes before its anchor.
    due = [item for item in seen.rule(now).upcoming(start - _TICK, MOST + 1) if item.at < min(end, now)]
    if len(due) > MOST:
        raise InvalidValue(
            f"More than {MOST:,} due times of {seen.name!r} are in this range. Nothing was started.",
            hint="Choose a shorter range, and go on from its end.",
        )
    if not due:
        return []
    known = schedules.decided(conn, store.dialect, [seen.id], due[0].at, due[-1].at)
    bots = starts.bots_of(seen)
    return [
        item
        for item in due
        if not all(known.get((seen.id, bot or "", item.at), ("", None))[0] == "started" for bot in bots)
    ]


def backfill(
    conn: Connection, store: Store, starts: Starts, seen: Schedule, due: Sequence[DueTime], now: datetime
) -> Backfill:
    """Start a job for each of these due times that has none; so many at a time as the schedule has at most."""
    if not due:
        return Backfill(seen.name, (), (), False)
    dialect = store.dialect
    known = schedules.decided(conn, dialect, [seen.id], due[0].at, due[-1].at)
    open_keys = [
        (Choice(item.at), bot)
        for item in due
        for bot in starts.bots_of(seen)
        if known.get((seen.id, bot or "", item.at), ("", None))[0] != "started"
    ]
    mine = [starts.start_of(seen, choice, bot) for choice, bot in open_keys]
    active: dict[str, int] = {}
    for other in turns.active_jobs(conn, dialect, [seen.id]):
        active[other.bot_id] = active.get(other.bot_id, 0) + 1
    for start in mine:
        start.is_queued = active.get(start.bot, 0) >= seen.max_instances
        active[start.bot] = active.get(start.bot, 0) + 1
    made = starts.make_jobs(conn, mine)
    for start, job in zip(mine, made, strict=True):
        if start.key in known:
            schedules.redecide(conn, dialect, start.key, job.id, now)
    starts.record(conn, [start for start in mine if start.key not in known], now)
    return Backfill(seen.name, tuple(due), tuple(made), False)
