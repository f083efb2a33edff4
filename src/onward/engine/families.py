"""Families: what a job's end means for its parent, how far a parent is, and what children share with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from onward.engine.submission import NewJob
from onward.errors import JobNotFound
from onward.model.family import RangeState, together
from onward.model.job import Job, WaitingReason
from onward.model.progress import percent_of
from onward.model.states import Status
from onward.store import Connection, Store, chains, families, jobs
from onward.store.endings import Ending, Owned

_NAMED = 20
"""Ids that a waiting reason refers to, at most."""


def inherit(conn: Connection, store: Store, item: NewJob) -> None:
    """What an ancestor occupies is the child's too: it neither waits for it nor takes it."""
    parent_id = item.parent_id
    while parent_id is not None:
        parent = jobs.get_job(conn, store.dialect, parent_id)
        if parent is None:
            raise JobNotFound(f"There is no job {parent_id}, which is named as parent.", hint="See `onward job list`.")
        theirs = {need.resource for need in parent.resources}
        item.needs = tuple(need for need in item.needs if need.resource not in theirs)
        parent_id = parent.parent_id


def child_ended(
    conn: Connection,
    store: Store,
    ending: Ending,
    parent_id: str,
    parent: Owned,
    now: datetime,
    new_id: Callable[[], str],
    *,
    is_phase: bool,
) -> None:
    """A child has its verdict: its chain goes on, or its parent if it was the last range. The parent is locked."""
    if is_phase:
        chains.child_ended(conn, store.dialect, ending, parent_id, parent, now, new_id)
        return
    above: str | None = parent_id
    while above is not None:
        above = _show_one(conn, store, above, now)
    families.wake(conn, store.dialect, parent_id, now)


def wake_forgotten(store: Store) -> int:
    """Make parents ready whose last range has gone by somebody's hand; how many there were."""
    with store.read() as conn:
        found = families.forgotten(conn, store.dialect)

    def work(conn: Connection) -> int:
        return sum(families.wake(conn, store.dialect, job_id, store.now()) for job_id in found)

    return store.write(work) if found else 0


def show(store: Store, parents: Iterable[str]) -> None:
    """Write how far parents of ranges are; a transaction each, so that no two of them wait for each other."""
    for parent_id in parents:
        above: str | None = parent_id
        while above is not None:
            above = store.write(partial(_show_one, store=store, job_id=above, now=store.now()))


def _show_one(conn: Connection, store: Store, job_id: str, now: datetime) -> str | None:
    """Write how far a parent of ranges is, and its chain if it is a phase; its own parent if it is a range."""
    families.show_together(conn, store.dialect, job_id, now)
    above = families.parent_of(conn, store.dialect, job_id)
    if above is None or above[1]:
        return above and above[0]
    parent_id, _, start, share, percent, message = above
    overall = int(100 * start + percent * share)
    chains.show_phase_progress(conn, store.dialect, [(parent_id, overall, message)], now)
    return None


def explain(conn: Connection, store: Store, job: Job) -> WaitingReason | None:
    """The sentence for a parent that waits for ranges."""
    found = families.list_states(conn, store.dialect, job.id)
    waiting = [(family, state) for family, state, _ in found if not state.status.is_ended]
    if not waiting:
        return None
    family = waiting[0][0]
    states = [state for name, state, _ in found if name == family]
    left = [state for state in states if not state.status.is_ended]
    text = f"Waits for {len(left)} of {len(states)} ranges of `{family}`: {percent_of(*together(states))} %."
    if job.paused_by is not None:
        text = f"Paused by {job.paused_by}. {text}"
    return WaitingReason("ranges", text + _troubles(states), tuple(state.job_id for state in left[:_NAMED]))


def _troubles(states: list[RangeState]) -> str:
    failed = sum(state.status is Status.FAILED for state in states)
    cancelled = sum(state.status is Status.CANCELLED for state in states)
    return (f" {failed} failed." if failed else "") + (f" {cancelled} cancelled." if cancelled else "")
