"""Statements on durable chains: a parent with one child a phase, each made when the phase before has completed.

The next child is inserted, or the parent ended, in the transaction that ends the child before: phase k + 1 exists if
and only if phase k has succeeded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onward.model.codec import decode, encode
from onward.model.job import Need
from onward.model.states import Status, Waiting
from onward.store import resources
from onward.store.dialects import Dialect
from onward.store.endings import Ending, Owned, is_owner, lock_owned
from onward.store.jobs import INSERT_COLUMNS, insert_jobs, tell_events
from onward.store.tables import chain_phases

_SIZE = 64 << 20
CHILD_COLUMNS = (
    "job_type", "label", "source_id", "user_id", "bot_id", "queue", "priority", "params", "resources", "type_version",
    "payload_digest", "max_attempts", "max_losses", "on_worker_lost",
)  # fmt: skip
"""What is kept of a phase's job until it is made."""


def insert_phases(
    conn: Connection,
    dialect: Dialect,
    parent_id: str,
    phases: Sequence[tuple[str, float, str, dict[str, Any]]],
) -> None:
    """Keep the phases of a chain: name, weight, job type, and the values of ``CHILD_COLUMNS``."""
    rows = [
        (parent_id, position, name, weight, job_type, encode(row, "A phase", _SIZE))
        for position, (name, weight, job_type, row) in enumerate(phases)
    ]
    columns = ("job_id", "position", "name", "weight", "job_type", "job_row")
    dialect.insert_many(conn, chain_phases, columns, rows)


def copy_phases(conn: Connection, dialect: Dialect, parent_id: str, new_id: str) -> None:
    """Give another job the phases of a chain, as they were when it was submitted."""
    sql = (
        "INSERT INTO chain_phases (job_id, position, name, weight, job_type, job_row) "
        "SELECT ?, position, name, weight, job_type, job_row FROM chain_phases WHERE job_id = ?"
    )
    dialect.execute(conn, sql, [new_id, parent_id])


def list_phases(conn: Connection, dialect: Dialect, parent_id: str) -> list[dict[str, Any]]:
    """The phases of a chain, in order: name, weight, job_type, child_id, result, is_done, row."""
    sql = (
        "SELECT position, name, weight, job_type, child_id, result, job_row FROM chain_phases WHERE job_id = ? "
        "ORDER BY position"
    )
    return [
        {
            "position": row[0], "name": row[1], "weight": row[2], "job_type": row[3], "child_id": row[4],
            "result": decode(row[5]), "is_done": row[5] is not None, "row": decode(row[6]),
        }
        for row in dialect.query(conn, sql, [parent_id])
    ]  # fmt: skip


def begin(
    conn: Connection, dialect: Dialect, parent_id: str, fence: int, now: datetime, new_id: Callable[[], str]
) -> bool:
    """A worker has claimed a chain: start its phase, and let the chain wait for it without a worker.

    The chain reads ``running`` while its phases go on, and keeps its resources. False when the worker has lost it.
    """
    parent = lock_owned(conn, dialect, [parent_id]).get(parent_id)
    if parent is None or not is_owner(parent, fence):
        return False
    waits = "NULL" if parent.status is not Status.RUNNING else "'children'"
    sql = f"UPDATE jobs SET worker_id = NULL, waiting_on = {waits}, updated_at = ? WHERE job_id = ? AND fence = ?"
    dialect.execute(conn, sql, [dialect.time(now), parent_id, fence])
    if parent.status is Status.RUNNING:
        phase = go_on(conn, dialect, parent_id, now, new_id)
        if phase is None:
            _complete(conn, dialect, parent_id, parent, dialect.time(now))
        else:
            name = next(p["name"] for p in list_phases(conn, dialect, parent_id) if not p["is_done"])
            dialect.execute(conn, "UPDATE jobs SET progress_phase = ? WHERE job_id = ?", [name, parent_id])
    else:
        # Cancelled between the claim and now: nothing was begun.
        end_run(conn, dialect, parent_id, parent.fence, "cancelled", None, dialect.time(now))
        resources.let_go(conn, dialect, [parent_id], keep_wanting=parent.status is Status.PENDING)
    return True


def go_on(conn: Connection, dialect: Dialect, parent_id: str, now: datetime, new_id: Callable[[], str]) -> str | None:
    """Start the next phase: insert its child, or set the unfinished one going again. None when all are done."""
    phases = list_phases(conn, dialect, parent_id)
    current = next((phase for phase in phases if not phase["is_done"]), None)
    if current is None:
        return None
    when = dialect.time(now)
    total = sum(phase["weight"] for phase in phases) or 1
    before = sum(phase["weight"] for phase in phases if phase["is_done"])
    if current["child_id"] is None:
        child_id = new_id()
        _insert_child(conn, dialect, parent_id, current, child_id, before / total, current["weight"] / total, now)
        sql = "UPDATE chain_phases SET child_id = ? WHERE job_id = ? AND position = ?"
        dialect.execute(conn, sql, [child_id, parent_id, current["position"]])
        return child_id
    # An unfinished child goes on from its own checkpoint; one that is already under way stays as it is.
    sql = (
        "UPDATE jobs SET status = 'pending', waiting_on = CASE WHEN worker_id IS NULL THEN NULL ELSE 'owner' END, "
        "generation = generation + 1, failures = 0, losses = 0, completed_at = NULL, error = NULL, run_at = ?, "
        "updated_at = ? WHERE job_id = ? AND status IN ('failed', 'cancelled')"
    )
    if dialect.execute(conn, sql, [when, when, current["child_id"]]):
        _want_again(conn, dialect, current["child_id"], current["row"])
        sql = (
            "INSERT INTO job_events (job_id, generation, kind, at, fence) "
            "SELECT job_id, generation, 'resumed', CAST(? AS {}), fence FROM jobs WHERE job_id = ?"
        ).format("timestamptz" if dialect.name == "postgresql" else "TEXT")
        dialect.execute(conn, sql, [when, current["child_id"]])
    return str(current["child_id"])


def _insert_child(
    conn: Connection,
    dialect: Dialect,
    parent_id: str,
    phase: dict[str, Any],
    child_id: str,
    start: float,
    share: float,
    now: datetime,
) -> None:
    when = dialect.time(now)
    values = dict.fromkeys(INSERT_COLUMNS) | phase["row"]
    values |= {
        "job_id": child_id, "status": "pending", "parent_id": parent_id, "position": phase["position"],
        "phase_from": start, "phase_share": share, "created_at": when, "run_at": when, "updated_at": when,
    }  # fmt: skip
    insert_jobs(conn, dialect, [[values[name] for name in INSERT_COLUMNS]])
    _want_again(conn, dialect, child_id, phase["row"])


def _want_again(conn: Connection, dialect: Dialect, child_id: str, row: dict[str, Any]) -> None:
    listed = decode(row["resources"]) if row.get("resources") else []
    resources.declare(conn, dialect, [Need(name, capacity) for name, capacity in listed])
    dialect.execute(conn, "DELETE FROM job_resources WHERE job_id = ? AND slot IS NULL", [child_id])
    # Code of before that has not left still has what it had.
    found = dialect.query(conn, "SELECT resource FROM job_resources WHERE job_id = ?", [child_id])
    held = {row[0] for row in found}
    resources.want(conn, dialect, [(name, child_id) for name, _ in listed if name not in held])


def child_ended(
    conn: Connection,
    dialect: Dialect,
    ending: Ending,
    parent_id: str,
    parent: Owned,
    now: datetime,
    new_id: Callable[[], str],
) -> None:
    """A phase has its verdict: start the next, or end the chain. The parent's row is locked."""
    if parent.status is not Status.RUNNING or parent.waiting_on != Waiting.CHILDREN:
        return
    when = dialect.time(now)
    if ending.status is Status.COMPLETED:
        sql = "UPDATE chain_phases SET result = ? WHERE job_id = ? AND child_id = ?"
        dialect.execute(conn, sql, [ending.result or "null", parent_id, ending.job_id])
        child_id = go_on(conn, dialect, parent_id, now, new_id)
        phases = list_phases(conn, dialect, parent_id)
        done = [phase for phase in phases if phase["is_done"]]
        if child_id is not None:
            total = sum(phase["weight"] for phase in phases) or 1
            percent = int(100 * sum(phase["weight"] for phase in done) / total)
            sql = (
                "UPDATE jobs SET progress_percent = CASE WHEN coalesce(progress_percent, 0) > ? THEN progress_percent "
                "ELSE ? END, progress_phase = ?, checkpoint_at = ?, checkpoint_number = ?, updated_at = ? "
                "WHERE job_id = ?"
            )
            name = phases[len(done)]["name"]
            dialect.execute(conn, sql, [percent, percent, name, when, len(done), when, parent_id])
            return
        _complete(conn, dialect, parent_id, parent, when)
        return
    name = next((p["name"] for p in list_phases(conn, dialect, parent_id) if p["child_id"] == ending.job_id), "?")
    error = decode(ending.error) if ending.error else {"type": "Cancelled", "message": "The phase was cancelled."}
    error["message"] = f"Phase {name!r}: {error['message']}"
    text = encode(error, "The error", _SIZE) if ending.status is Status.FAILED else None
    _end_parent(conn, dialect, parent_id, parent, str(ending.status), None, text, when)


def _complete(conn: Connection, dialect: Dialect, parent_id: str, parent: Owned, when: Any) -> None:
    phases = list_phases(conn, dialect, parent_id)
    result = {
        "success": True,
        "phases_completed": len(phases),
        "phase_results": [
            {"phase": phase["name"], "index": phase["position"], "result": phase["result"]} for phase in phases
        ],
    }
    _end_parent(conn, dialect, parent_id, parent, "completed", encode(result, "The results", _SIZE), None, when)


def end_run(
    conn: Connection, dialect: Dialect, parent_id: str, fence: int, status: str, result: str | None, when: Any
) -> None:
    """Write how a chain's run ended."""
    dialect.execute(
        conn,
        "UPDATE job_runs SET status = ?, finished_at = ?, result_json = ? WHERE job_id = ? AND fence = ?",
        [{"completed": "success"}.get(status, status), when, result, parent_id, fence],
    )


def _end_parent(
    conn: Connection,
    dialect: Dialect,
    parent_id: str,
    parent: Owned,
    status: str,
    result: str | None,
    error: str | None,
    when: Any,
) -> None:
    sql = (
        "UPDATE jobs SET status = ?, waiting_on = NULL, result = ?, error = ?, completed_at = ?, updated_at = ?, "
        "progress_percent = CASE WHEN ? = 'completed' THEN 100 ELSE progress_percent END, "
        # What the phases have done is the chain's checkpoint.
        "checkpoint_at = CASE WHEN ? = 'completed' THEN NULL ELSE coalesce(checkpoint_at, (SELECT max(checkpoint_at) "
        "FROM jobs AS c WHERE c.parent_id = ? AND c.superseded_by IS NULL)) END WHERE job_id = ?"
    )
    dialect.execute(conn, sql, [status, result, error, when, when, status, status, parent_id, parent_id])
    tell_events(conn, dialect, [(parent_id, parent.generation, status, when, parent.fence, None, None)])
    end_run(conn, dialect, parent_id, parent.fence, status, result, when)
    resources.let_go(conn, dialect, [parent_id], keep_wanting=False)


def start_over(conn: Connection, dialect: Dialect, parent_id: str) -> None:
    """Forget what the phases did; their jobs stay as history."""
    sql = "UPDATE jobs SET superseded_by = ? WHERE parent_id = ? AND superseded_by IS NULL"
    dialect.execute(conn, sql, [parent_id, parent_id])
    dialect.execute(conn, "UPDATE chain_phases SET child_id = NULL, result = NULL WHERE job_id = ?", [parent_id])


def show_phase_progress(
    conn: Connection, dialect: Dialect, told: Sequence[tuple[str, int, str | None]], now: datetime
) -> None:
    """Write what running phases add to their chains: (parent id, percent, message)."""
    for parent_id, percent, message in told:
        sql = (
            "UPDATE jobs SET progress_percent = CASE WHEN coalesce(progress_percent, 0) > ? THEN progress_percent "
            "ELSE ? END, progress_message = ?, updated_at = ? "
            "WHERE job_id = ? AND status = 'running' AND waiting_on = 'children'"
        )
        dialect.execute(conn, sql, [percent, percent, message or "", dialect.time(now), parent_id])
