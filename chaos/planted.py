"""Faults of the product that are planted for a run, each breaking one promise, to see that the checker finds it.

They are put in here, in the processes of the chaos program, and nowhere in onward itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onward.clock import SystemClock
from onward.engine import transitions
from onward.engine.children import Children
from onward.engine.desk import Desk
from onward.engine.executor import Executor
from onward.engine.pen import Pen
from onward.engine.rescuer import Rescuer
from onward.engine.writer import Writer
from onward.store import checkpoints, claims, endings, jobs, resources, workers


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault: how it is put in, what the checker ought to call it, and the chaos in which it bites."""

    act: Callable[[], None]
    measures: frozenset[str]
    how: Mapping[str, Any]
    stores: tuple[str, ...]


_USUALLY: dict[str, Any] = {"rate": 1.5, "asks": 1.0}
_FAULTS: dict[str, Planted] = {}


def _fault(
    *measures: str, stores: Sequence[str] = ("sqlite", "pg"), **how: Any
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Enter a fault. ``measures``: what the checker ought to call it; ``how``: options of the run."""

    def enter(act: Callable[[], None]) -> Callable[[], None]:
        _FAULTS[act.__name__] = Planted(act, frozenset(measures), how, tuple(stores))
        return act

    return enter


def plant(name: str) -> None:
    """Break this process so."""
    if name:
        _FAULTS[name].act()


def names() -> list[str]:
    """All that can be planted."""
    return list(_FAULTS)


def found_as(name: str) -> frozenset[str]:
    """The measures under which a planted fault may be found."""
    return _FAULTS[name].measures


def how(name: str) -> Mapping[str, Any]:
    """The options of a run in which it bites often: the faults and jobs that it needs, and more of them."""
    return {**_USUALLY, **_FAULTS[name].how}


def stores(name: str) -> tuple[str, ...]:
    """The databases on which it can bite."""
    return _FAULTS[name].stores


def _replace(owner: Any, name: str, value: Any) -> None:
    setattr(owner, name, value)


@_fault("stale write", "stale verdict", jobs=("steps", "walk"), faults=("stop",), rate=0.6)
def no_fence_check() -> None:
    """Whoever once had a job may write, as long as anybody has it."""
    _replace(endings, "is_owner", lambda owned, fence: owned is not None and owned.worker_id is not None)


@_fault("mutex", jobs=("both", "serial"), faults=("kill",), rate=0.1, asks=2.0)
def resources_are_shared() -> None:
    """Claims do not look at resources."""
    _replace(claims, "_with_resources", lambda conn, dialect, rows, now: rows)


@_fault("replay", "unexplained duplicate", jobs=("steps",), faults=("kill", "terminate"), rate=0.5)
def steps_are_not_kept() -> None:
    """A step's result is dropped."""
    _replace(checkpoints, "keep_step", lambda *_given: None)
    _replace(checkpoints, "load_steps", lambda *_given: {})


@_fault("regress", jobs=("walk",), faults=("kill", "terminate"), rate=0.5)
def checkpoints_go_back() -> None:
    """The checkpoint before the newest is read."""
    load = checkpoints.load_checkpoint

    def older(conn: Any, dialect: Any, job_id: str) -> Any:
        found = load(conn, dialect, job_id)
        sql = "SELECT state, number FROM checkpoints WHERE job_id = ? ORDER BY number"
        rows = dialect.query(conn, sql, [job_id])
        return found and (rows[0][0], rows[0][1], *found[2:])

    _replace(checkpoints, "load_checkpoint", older)


@_fault("regress", jobs=("walk",), faults=("kill", "stop inside"), rate=1.0)
def acks_come_early() -> None:
    """``flush=True`` returns before the commit."""
    _replace(Desk, "_hand_over", lambda self, change, flush: self._writer.put(change))


@_fault("double verdict", faults=("kill",), rate=0.1)
def two_verdicts() -> None:
    """The index is gone, and the end of a run is told twice."""
    tell = jobs.tell_events

    def twice(conn: Any, dialect: Any, told: Any) -> None:
        dialect.execute(conn, "DROP INDEX IF EXISTS uq_job_events_verdict", [])
        tell(conn, dialect, told)
        tell(conn, dialect, [one for one in told if one[2] == "completed"])

    _replace(endings, "tell_events", twice)


@_fault("lost", jobs=("chain3",), faults=("kill",), rate=0.7)
def next_phase_comes_later() -> None:
    """The next phase of a chain is inserted in a transaction of its own, after the one that ends the phase before."""
    end_phases, settle = Pen._end_phases, Writer._settle
    later: list[Any] = []

    def remember(self: Pen, conn: Any, changes: Any, verdicts: Any, owned: Any, now: Any) -> None:
        later.append((list(changes), list(verdicts), owned, now))

    def then(self: Writer, batch: Any) -> None:
        settle(self, batch)
        while later:
            changes, verdicts, owned, now = later.pop()
            if verdicts and any(change.owner.claim.parent_id for change in changes):
                time.sleep(0.3)
            self._store.write(lambda conn: end_phases(self._pen, conn, changes, verdicts, owned, now))  # noqa: B023 - at once

    _replace(Pen, "_end_phases", remember)
    _replace(Writer, "_settle", then)


@_fault("wrong result", "wrong failure", jobs=("walk",), faults=("kill",), rate=0.1)
def partial_work_twice() -> None:
    """A piece of partial work has its last record twice."""
    append = checkpoints.append_partial

    def twice(conn: Any, dialect: Any, job_id: str, name: str, first: int, records: Any, fence: int) -> None:
        append(conn, dialect, job_id, name, first, [*records, records[-1]], fence)

    _replace(checkpoints, "append_partial", twice)


@_fault("lost", jobs=("flaky",), faults=("kill",), rate=0.1)
def retries_get_lost() -> None:
    """A job that is to be tried again waits for ever."""
    fail = Executor._set_failure

    def careless(self: Executor, ending: Any, *given: Any) -> None:
        fail(self, ending, *given)
        if ending.run_at is not None:
            ending.run_at = ending.run_at.replace(year=9999)

    _replace(Executor, "_set_failure", careless)


@_fault("lost", jobs=("steps",), faults=("kill",), workers=1, asks=0.4, rate=0.3)
def only_known_workers_are_rescued() -> None:
    """A rescuer takes over from those only whom it saw alive itself: what died while nobody looked stays."""
    take_over = Rescuer.take_over

    def if_known(self: Rescuer, worker_id: str) -> int:
        seen = self._seen.get(worker_id)
        return take_over(self, worker_id) if seen is not None and self.clock.monotonic() - seen.since > 1 else 0

    _replace(Rescuer, "take_over", if_known)
    _replace(workers, "orphans", lambda *_given: [])


@_fault("poison", jobs=("poison",), faults=("kill",), rate=0.05, asks=0.3, workers=2)
def losses_are_not_counted() -> None:
    """A job that ends its worker is tried for ever."""
    take_over = claims.take_over

    def careless(*given: Any, **named: Any) -> None:
        take_over(*given, **{**named, "losses": 0, "status": "pending", "error": None})

    _replace(claims, "take_over", careless)


@_fault("orphan", jobs=("forker",), faults=("kill",), rate=0.5, asks=1.0)
def nobody_guards_children() -> None:
    """The guard is not told of children."""
    _replace(Children, "_tell_guard", lambda self, line: None)


@_fault(
    "unexplained duplicate",
    "unexplained takeover",
    "lost",
    stores=("pg",),
    jobs=("steps",),
    faults=("clock",),
    rate=0.5,
)
def leases_go_by_the_wall_clock() -> None:
    """A jump of the clock makes others look dead."""
    _replace(SystemClock, "monotonic", lambda self: time.time())


@_fault("lost", jobs=("both", "serial"), faults=("kill",), rate=0.1)
def nobody_is_woken() -> None:
    """Whoever waits for a resource waits on when it is free."""
    _replace(resources, "wake_waiters", lambda conn, dialect, names: None)
    _replace(resources, "wake_for_free", lambda conn, dialect: 0)


@_fault("cancel undone", jobs=("steps",), faults=("kill",), rate=0.1, asks=3.0)
def cancels_are_undone() -> None:
    """A cancelled job is set pending again by its next takeover or hand-over."""
    cancel = transitions.cancel

    def half(conn: Any, store: Any, job_id: str, now: Any, **named: Any) -> Any:
        found = cancel(conn, store, job_id, now, **named)
        sql = "UPDATE jobs SET status = 'pending', waiting_on = NULL, worker_id = NULL, completed_at = NULL "
        store.dialect.execute(conn, sql + "WHERE job_id = ? AND generation IN (1, 3, 5)", [job_id])
        return found

    _replace(transitions, "cancel", half)


@_fault("unexplained duplicate", jobs=("steps",), faults=("stop", "kill"), rate=0.7)
def takeover_keeps_the_fence() -> None:
    """The run after a takeover has the fence of the one before it, and nothing in the database forbids that."""
    take_over = claims.take_over

    def under_the_same(conn: Any, dialect: Any, job_id: str, **named: Any) -> None:
        dialect.execute(conn, "DROP INDEX IF EXISTS uq_job_runs_fence", [])
        take_over(conn, dialect, job_id, **named)
        # The claim that comes next raises it again.
        dialect.execute(conn, "UPDATE jobs SET fence = fence - 2 WHERE job_id = ?", [job_id])

    _replace(claims, "take_over", under_the_same)
