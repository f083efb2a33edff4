"""Statements on families: the ranges of a fan-out, their parent that waits, and what they leave to be merged.

The ranges are inserted in the transaction that parks their parent, and the parent is made ready in the transaction
that ends the last of them: there is no coordinator, and nothing is looked for by time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from onward.errors import CorruptCheckpoint
from onward.model.codec import decode, digest, encode
from onward.model.family import RangeState, WorkRange, together
from onward.model.job import Need
from onward.model.progress import percent_of
from onward.model.states import Status
from onward.store import checkpoints, resources
from onward.store.dialects import Dialect
from onward.store.jobs import INSERT_COLUMNS, Told, tell_events
from onward.store.tables import jobs

SCOPE = "fan_out"
"""The scope of the steps in which a parent's fan-outs are noted: with which generation they were begun."""
_RANGE_COLUMNS = (*INSERT_COLUMNS, "family", "range_number", "range_total", "range_start", "range_end")
_SIZE = 1 << 20


@dataclass(frozen=True, slots=True)
class RangeEnd:
    """How a range stands, with what it returned or why it failed, as JSON texts."""

    state: RangeState
    job_type: str
    result: str | None
    error: str | None


def list_ranges(conn: Connection, dialect: Dialect, parent_id: str, family: str) -> list[RangeEnd]:
    """The ranges of a fan-out, in order."""
    sql = (
        "SELECT job_id, range_number, range_total, range_start, range_end, status, progress_percent, progress_done, "
        "progress_total, job_type, result, error FROM jobs WHERE parent_id = ? AND family = ? "
        "AND superseded_by IS NULL ORDER BY range_number"
    )
    return [
        RangeEnd(_state(row[:9]), row[9], row[10], row[11]) for row in dialect.query(conn, sql, [parent_id, family])
    ]


def list_states(conn: Connection, dialect: Dialect, parent_id: str) -> list[tuple[str, RangeState, float | None]]:
    """(family, how it stands, items a second) of all ranges of a parent."""
    sql = (
        "SELECT job_id, range_number, range_total, range_start, range_end, status, progress_percent, progress_done, "
        "progress_total, family, progress_rate FROM jobs WHERE parent_id = ? AND family IS NOT NULL "
        "AND superseded_by IS NULL ORDER BY family, range_number"
    )
    return [(row[9], _state(row[:9]), row[10]) for row in dialect.query(conn, sql, [parent_id])]


def _state(row: Sequence[Any]) -> RangeState:
    return RangeState(row[0], WorkRange(*row[1:5]), Status(row[5]), *row[6:9])


def generation_of(conn: Connection, dialect: Dialect, parent_id: str, family: str) -> int:
    """The parent's generation in which a fan-out was last set going; 0 when it never was."""
    kept = checkpoints.load_step(conn, dialect, parent_id, SCOPE, family)
    return int(decode(kept)["generation"]) if kept is not None else 0


# ---- setting ranges going -----------------------------------------------------------------------------------


def begin(
    conn: Connection,
    dialect: Dialect,
    parent_id: str,
    fence: int,
    generation: int,
    order: dict[str, Any],
    now: datetime,
) -> None:
    """Set the ranges of ``order`` going while their parent, which is locked, is parked.

    ``name``; ``ranges``: those that are new, (job id, number, count, start, end) each; ``child``: what their rows
    share; ``redo``: those that have failed or were cancelled go on from their checkpoints.
    """
    when = dialect.time(now)
    if order["ranges"]:
        _insert(conn, dialect, parent_id, order, when)
    if order["redo"]:
        _redo(conn, dialect, parent_id, order["name"], when)
    sql = (
        "INSERT INTO job_steps (job_id, scope, name, result, fence, kept_at) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (job_id, scope, name) DO UPDATE SET result = excluded.result, fence = excluded.fence, "
        "kept_at = excluded.kept_at"
    )
    note = encode({"generation": generation}, "The fan-out", _SIZE)
    dialect.execute(conn, sql, [parent_id, SCOPE, order["name"], note, fence, when])
    # What the ranges do is the parent's checkpoint: it can be resumed.
    dialect.execute(conn, "UPDATE jobs SET checkpoint_at = ? WHERE job_id = ?", [when, parent_id])
    show_together(conn, dialect, parent_id, now)
    wake(conn, dialect, parent_id, now)


def _insert(conn: Connection, dialect: Dialect, parent_id: str, order: dict[str, Any], when: Any) -> None:
    values = dict.fromkeys(_RANGE_COLUMNS) | order["child"]
    values |= {
        "status": "pending", "parent_id": parent_id, "family": order["name"], "created_at": when, "run_at": when,
        "updated_at": when,
    }  # fmt: skip
    names = ("job_id", "range_number", "range_total", "range_start", "range_end")
    rows = [
        [(values | dict(zip(names, part, strict=True)))[column] for column in _RANGE_COLUMNS]
        for part in order["ranges"]
    ]
    dialect.insert_many(conn, jobs, _RANGE_COLUMNS, rows)
    _want(conn, dialect, order["child"].get("resources"), [part[0] for part in order["ranges"]])


def _redo(conn: Connection, dialect: Dialect, parent_id: str, family: str, when: Any) -> None:
    sql = (
        "SELECT job_id, generation, fence, resources FROM jobs WHERE parent_id = ? AND family = ? "
        f"AND superseded_by IS NULL AND status IN ('failed', 'cancelled') ORDER BY job_id{dialect.lock}"
    )
    found = dialect.query(conn, sql, [parent_id, family])
    ids, params = dialect.among("job_id", [row[0] for row in found])
    sql = (
        "UPDATE jobs SET status = 'pending', waiting_on = CASE WHEN worker_id IS NULL THEN NULL ELSE 'owner' END, "
        "generation = generation + 1, failures = 0, losses = 0, completed_at = NULL, error = NULL, result = NULL, "
        f"paused_by = NULL, paused_reason = NULL, blocked_by = NULL, run_at = ?, updated_at = ? WHERE {ids}"
    )
    dialect.execute(conn, sql, [when, when, *params])
    told: list[Told] = [(row[0], row[1] + 1, "resumed", when, row[2], None, None) for row in found]
    tell_events(conn, dialect, told)
    for row in found:
        _want(conn, dialect, row[3], [row[0]])


def _want(conn: Connection, dialect: Dialect, needs: str | None, job_ids: Sequence[str]) -> None:
    listed = [Need(item[0], item[1]) for item in decode(needs)] if needs else []
    if not listed:
        return
    resources.declare(conn, dialect, listed)
    ids, params = dialect.among("job_id", job_ids)
    # Code of before that has not left still has what it had.
    found = dialect.query(conn, f"SELECT resource, job_id FROM job_resources WHERE {ids}", params)
    known = {(row[0], row[1]) for row in found}
    wanted = [(need.resource, job_id) for job_id in job_ids for need in listed]
    resources.want(conn, dialect, [pair for pair in wanted if pair not in known])


# ---- the parent that waits ----------------------------------------------------------------------------------


_ALL_ENDED = (
    "status = 'running' AND waiting_on = 'children' AND worker_id IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM chain_phases AS p WHERE p.job_id = jobs.job_id) "
    "AND NOT EXISTS (SELECT 1 FROM jobs AS c WHERE c.parent_id = jobs.job_id AND c.family IS NOT NULL "
    "AND c.superseded_by IS NULL AND c.status IN ('pending', 'running', 'pending_hitl'))"
)


def wake(conn: Connection, dialect: Dialect, parent_id: str, now: datetime) -> bool:
    """Make a parent ready if its ranges have all ended; whether they have."""
    when = dialect.time(now)
    sql = (
        "UPDATE jobs SET status = 'pending', updated_at = ?, "
        f"waiting_on = CASE WHEN paused_by IS NULL THEN NULL ELSE 'pause' END WHERE job_id = ? AND {_ALL_ENDED}"
    )
    if not dialect.execute(conn, sql, [when, parent_id]):
        return False
    found = dialect.query(conn, "SELECT generation, fence FROM jobs WHERE job_id = ?", [parent_id])
    tell_events(conn, dialect, [(parent_id, found[0][0], "ranges_ended", when, found[0][1], None, None)])
    return True


def forgotten(conn: Connection, dialect: Dialect) -> list[str]:
    """Parents that wait for ranges which have all ended: somebody has deleted rows by hand."""
    return [row[0] for row in dialect.query(conn, f"SELECT job_id FROM jobs WHERE {_ALL_ENDED}", [])]


def show_together(conn: Connection, dialect: Dialect, parent_id: str, now: datetime) -> None:
    """Write how far a waiting parent's ranges are together: rounded down, and less than before only if there is more
    to do; 100 only once the parent itself has completed.
    """
    if dialect.lock:
        # Whoever else is about to write it reads the ranges after us.
        dialect.query(conn, f"SELECT 1 FROM jobs WHERE job_id = ?{dialect.lock}", [parent_id])
    found = list_states(conn, dialect, parent_id)
    done, total = together(state for _, state, _ in found)
    percent = min(99, percent_of(done, total))
    rate = sum(rate or 0 for _, state, rate in found if state.status is Status.RUNNING) or None
    left = (total - done) / rate if rate else None
    sql = (
        "UPDATE jobs SET progress_message = CASE WHEN progress_total < ? THEN 'total grew ' || progress_total || "
        f"' to {int(total)}' ELSE progress_message END, "
        "progress_percent = CASE WHEN progress_percent > ? AND coalesce(progress_total, 0) NOT BETWEEN 1 AND ? - 1 "
        "THEN progress_percent ELSE ? END, progress_done = ?, progress_total = ?, progress_rate = "
        "CAST(? AS double precision), progress_eta = CAST(? AS double precision), updated_at = ? WHERE job_id = ? "
        "AND status = 'running' AND waiting_on = 'children'"
    )
    params = [total, percent, total, percent, done, total, rate, left]
    dialect.execute(conn, sql, [*params, dialect.time(now), parent_id])


def parent_of(conn: Connection, dialect: Dialect, job_id: str) -> tuple[str, bool, float, float, int, str] | None:
    """(parent id, whether it is a range, start and share of a phase, percent, message) of a job with a parent."""
    sql = (
        "SELECT parent_id, family, phase_from, phase_share, progress_percent, progress_message FROM jobs "
        "WHERE job_id = ? AND parent_id IS NOT NULL"
    )
    found = dialect.query(conn, sql, [job_id])
    if not found:
        return None
    row = found[0]
    return row[0], row[1] is not None, row[2] or 0.0, row[3] or 0.0, row[4] or 0, row[5]


# ---- what ranges leave --------------------------------------------------------------------------------------


def read_piece(
    conn: Connection, dialect: Dialect, parent_id: str, family: str, name: str, place: Sequence[int]
) -> tuple[list[str], list[int] | None]:
    """One piece of the ranges' partial work as JSON texts, and the place after it; None at the end.

    ``place``: the number of the range and how many of its records were read. Raises ``CorruptCheckpoint``.
    """
    number, read = place[0], place[1]
    sql = (
        "SELECT c.job_id, c.range_total, p.count, p.records, p.digest FROM jobs AS c LEFT JOIN job_partials AS p "
        "ON p.job_id = c.job_id AND p.name = ? AND p.first = ? WHERE c.parent_id = ? AND c.family = ? "
        "AND c.range_number = ? AND c.superseded_by IS NULL"
    )
    found = dialect.query(conn, sql, [name, read, parent_id, family, number])
    if not found:
        return [], None
    job_id, ranges, count, records, kept = found[0]
    if count is None:
        if read < _counted(conn, dialect, job_id, name):
            raise _damaged(name, job_id, read)
        return [], [number + 1, 0] if number + 1 < ranges else None
    if digest(records) != kept:
        raise _damaged(name, job_id, read)
    return [orjson.dumps(value).decode() for value in orjson.loads(records)], [number, read + int(count)]


def _counted(conn: Connection, dialect: Dialect, job_id: str, name: str) -> int:
    found = checkpoints.load_checkpoint(conn, dialect, job_id)
    return int(decode(found[0]).get("partials", {}).get(name, 0)) if found else 0


def _damaged(name: str, job_id: str, read: int) -> CorruptCheckpoint:
    return CorruptCheckpoint(
        f"The partial work {name!r} of range {job_id} is damaged after {read} records.",
        hint="Start the parent fresh, or restore the database from a backup.",
    )


def range_ids(conn: Connection, dialect: Dialect, parent_ids: Iterable[str]) -> list[str]:
    """The ids of all ranges of these parents."""
    where, params = dialect.among("parent_id", parent_ids)
    return [
        row[0] for row in dialect.query(conn, f"SELECT job_id FROM jobs WHERE {where} AND family IS NOT NULL", params)
    ]


def drop_ranges(conn: Connection, dialect: Dialect, parent_ids: Iterable[str]) -> None:
    """What the ranges of these parents have saved is needed no more."""
    found = range_ids(conn, dialect, parent_ids)
    if found:
        checkpoints.drop_saved(conn, dialect, found)
        where, params = dialect.among("job_id", found)
        dialect.execute(conn, f"UPDATE jobs SET checkpoint_at = NULL WHERE {where}", params)


def start_over(conn: Connection, dialect: Dialect, parent_id: str) -> None:
    """Forget the ranges of a parent and what they saved; their jobs stay as history."""
    drop_ranges(conn, dialect, [parent_id])
    sql = "UPDATE jobs SET superseded_by = ? WHERE parent_id = ? AND family IS NOT NULL AND superseded_by IS NULL"
    dialect.execute(conn, sql, [parent_id, parent_id])
