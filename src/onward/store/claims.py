"""Statements that give jobs to workers and take them back: claim, hand back, take over.

The fence rises with every claim; everything that a run writes later says ``WHERE job_id = … AND fence = …``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onward.model.job import Need
from onward.model.states import Status, Waiting
from onward.store import ready, resources, workers
from onward.store.dialects import Dialect
from onward.store.jobs import tell_events
from onward.store.rows import moment, needs_of
from onward.store.tables import job_runs


@dataclass(slots=True)
class Claim:
    """A run that a worker has been given: what it needs to know to run the job."""

    job_id: str
    job_type: str
    params: str
    fence: int
    generation: int
    attempt: int
    failures: int
    source_id: str | None
    user_id: str | None
    bot_id: str | None
    parent_id: str | None
    type_version: int
    has_saved: bool
    checkpoint_number: int
    has_needs: bool
    phase_from: float | None
    phase_share: float | None
    percent: int | None
    done: int | None
    total: int | None
    run_id: str
    started_at: datetime
    family: str | None = None
    range: tuple[int, int, int, int] | None = None
    due_at: Any = None
    """When it was due, as the database has it: read only where somebody wants to know."""

    @property
    def waited_seconds(self) -> float:
        """How long it was due before it was claimed."""
        due_at = moment(self.due_at)
        return 0.0 if due_at is None else max(0.0, (self.started_at - due_at).total_seconds())

    scheduled_job_id: str | None = None


_COLUMNS = (
    "job_id, job_type, params, fence, generation, attempt, failures, source_id, user_id, bot_id, parent_id, "
    "type_version, checkpoint_at, checkpoint_number, resources, phase_from, phase_share, progress_percent, "
    "progress_done, progress_total, family, range_number, range_total, range_start, range_end, scheduled_job_id, "
    "run_at"
)


def claim_jobs(
    conn: Connection,
    dialect: Dialect,
    *,
    worker_id: str,
    queues: Sequence[str],
    job_types: Sequence[str],
    limit: int,
    now: datetime,
    run_ids: Sequence[str],
    versions: Mapping[str, int] | None = None,
    without: str | None = None,
) -> list[Claim]:
    """Give the worker the next ready jobs that it can run, at most ``limit``, best first.

    ``versions``: of the job types that are not of version 1; a job of a newer version is left for others.
    ``without``: a queue that is not meant where all are.
    Jobs that need a resource which is taken are set aside until it is free.
    """
    where, params = ready.claimable(dialect, queues, job_types, versions, without)
    # A worker that stood still may be taken for dead and not know it yet: what it claimed would be taken away again.
    where, params = f"{where} AND {workers.NOT_GONE}", [*params, worker_id]
    skip = " FOR UPDATE SKIP LOCKED" if dialect.lock else ""
    # Without the hint SQLite, which keeps no statistics here, sorts every pending job at every claim.
    rest = (
        f"FROM jobs{dialect.use_index('ix_jobs_ready')} WHERE {where} "
        f"ORDER BY priority DESC, run_at, job_id LIMIT ?{skip}"
    )
    rows = dialect.query_many(conn, _COLUMNS, rest, [*params, limit])
    if not rows:
        return []
    rows = _with_resources(conn, dialect, rows, now)
    if not rows:
        return []
    where_ids, ids = dialect.among("job_id", [row[0] for row in rows])
    when = dialect.time(now)
    dialect.execute(
        conn,
        "UPDATE jobs SET status = 'running', worker_id = ?, fence = fence + 1, attempt = attempt + 1, "
        f"started_at = coalesce(started_at, ?), updated_at = ? WHERE {where_ids}",
        [worker_id, when, when, *ids],
    )
    claims = [_claim(row, run_id, now) for row, run_id in zip(rows, run_ids, strict=False)]
    dialect.insert_many(
        conn,
        job_runs,
        (
            "id",
            "job_id",
            "job_type",
            "bot_id",
            "status",
            "attempt",
            "fence",
            "generation",
            "worker_id",
            "started_at",
            "scheduled_job_id",
        ),
        [
            (
                c.run_id,
                c.job_id,
                c.job_type,
                c.bot_id,
                "running",
                c.attempt,
                c.fence,
                c.generation,
                worker_id,
                when,
                c.scheduled_job_id,
            )
            for c in claims
        ],
    )
    return claims


def _with_resources(conn: Connection, dialect: Dialect, rows: list[Any], now: datetime) -> list[Any]:
    wanted: dict[str, Sequence[Need]] = {row[0]: needs_of(row[14]) for row in rows if row[14]}
    if not wanted:
        return rows
    refused = resources.acquire(conn, dialect, wanted, now)
    for job_id, resource in refused.items():
        sql = "UPDATE jobs SET waiting_on = 'resource', blocked_by = ? WHERE job_id = ?"
        dialect.execute(conn, sql, [resource, job_id])
    return [row for row in rows if row[0] not in refused]


def _claim(row: Any, run_id: str, now: datetime) -> Claim:
    return Claim(
        job_id=row[0],
        job_type=row[1],
        params=row[2],
        fence=row[3] + 1,
        generation=row[4],
        attempt=row[5] + 1,
        failures=row[6],
        source_id=row[7],
        user_id=row[8],
        bot_id=row[9],
        parent_id=row[10],
        type_version=row[11],
        has_saved=row[12] is not None,
        checkpoint_number=row[13],
        has_needs=row[14] is not None,
        phase_from=row[15],
        phase_share=row[16],
        percent=row[17],
        done=row[18],
        total=row[19],
        run_id=run_id,
        started_at=now,
        family=row[20],
        range=(row[21], row[22], row[23], row[24]) if row[20] is not None else None,
        scheduled_job_id=row[25],
        due_at=row[26],
    )


_PAUSED = "CASE WHEN paused_by IS NOT NULL THEN 'pause' ELSE waiting_on END"


def _leave(conn: Connection, dialect: Dialect, claim: Claim, when: Any) -> bool:
    """Nobody works any more on a job whose status others have changed; a fresh start has raised its fence.

    False when the job is no longer this claim's worker's.
    """
    sql = (
        "UPDATE jobs SET worker_id = NULL, waiting_on = CASE WHEN waiting_on = 'owner' THEN NULL ELSE waiting_on END, "
        "updated_at = ? WHERE job_id = ? AND fence >= ? AND worker_id = "
        "(SELECT worker_id FROM job_runs WHERE id = ? AND status = 'running')"
    )
    if not dialect.execute(conn, sql, [when, claim.job_id, claim.fence, claim.run_id]):
        return False
    resources.let_go_of_families(conn, dialect, [claim.job_id])
    return True


def hand_back(conn: Connection, dialect: Dialect, claims: Sequence[Claim], now: datetime) -> None:
    """Give jobs back that were claimed and not begun; it is as if they had not been claimed."""
    when = dialect.time(now)
    needing: list[str] = []
    for claim in claims:
        sql = (
            "UPDATE jobs SET status = 'pending', worker_id = NULL, attempt = attempt - 1, "
            f"waiting_on = {_PAUSED}, updated_at = ? WHERE job_id = ? AND fence = ? "
            "AND worker_id IS NOT NULL AND status = 'running'"
        )
        if dialect.execute(conn, sql, [when, claim.job_id, claim.fence]):
            dialect.execute(conn, "DELETE FROM job_runs WHERE id = ?", [claim.run_id])
            tell_events(
                conn,
                dialect,
                [(claim.job_id, claim.generation, "handed_back", when, claim.fence, None, None)],
            )
        elif _leave(conn, dialect, claim, when):
            # Cancelled meanwhile, and perhaps resumed or started fresh: leaving it is all that is left to do.
            sql = "UPDATE job_runs SET status = 'cancelled', finished_at = ? WHERE id = ? AND status = 'running'"
            dialect.execute(conn, sql, [when, claim.run_id])
        else:
            continue
        if claim.has_needs:
            needing.append(claim.job_id)
    if needing:
        resources.let_go(conn, dialect, needing, keep_wanting=True)


@dataclass(frozen=True, slots=True)
class Held:
    """A job that a worker has, as far as taking it over goes."""

    job_id: str
    status: Status
    fence: int
    generation: int
    losses: int
    max_losses: int
    on_worker_lost: str
    parent_id: str | None
    waiting_on: Waiting | None
    has_needs: bool
    is_phase: bool


def owned_by(conn: Connection, dialect: Dialect, worker_id: str) -> list[Held]:
    """What a worker has, kept from others until the transaction ends."""
    sql = (
        "SELECT job_id, status, fence, generation, losses, max_losses, on_worker_lost, parent_id, waiting_on, "
        f"resources, position FROM jobs WHERE worker_id = ? ORDER BY job_id{dialect.lock}"
    )
    return [
        Held(
            job_id=row[0],
            status=Status(row[1]),
            fence=row[2],
            generation=row[3],
            losses=row[4],
            max_losses=row[5],
            on_worker_lost=row[6],
            parent_id=row[7],
            waiting_on=Waiting(row[8]) if row[8] else None,
            has_needs=row[9] is not None,
            is_phase=row[10] is not None,
        )
        for row in dialect.query(conn, sql, [worker_id])
    ]


def take_over(
    conn: Connection,
    dialect: Dialect,
    job_id: str,
    *,
    fence: int,
    status: str,
    waiting_on: Waiting | None,
    losses: int,
    error: str | None,
    now: datetime,
) -> None:
    """Take a job from a lost worker: a new fence, no owner, and the status in which it goes on."""
    when = dialect.time(now)
    sql = (
        "UPDATE jobs SET status = ?, fence = fence + 1, worker_id = NULL, waiting_on = CASE WHEN ? = 'pending' "
        "AND paused_by IS NOT NULL AND ? <> 'hold' THEN 'pause' ELSE ? END, losses = ?, "
        "error = coalesce(?, error), "
        "completed_at = CASE WHEN ? IN ('failed', 'cancelled') THEN coalesce(completed_at, ?) END, updated_at = ? "
        "WHERE job_id = ? AND fence = ?"
    )
    dialect.execute(
        conn, sql, [status, status, waiting_on or "", waiting_on, losses, error, status, when, when, job_id, fence]
    )
    sql = (
        "UPDATE job_runs SET status = 'lost', finished_at = ?, error_type = 'WorkerLost', "
        "error_message = 'The worker was lost.' WHERE job_id = ? AND fence <= ? AND status = 'running'"
    )
    dialect.execute(conn, sql, [when, job_id, fence])


def release(conn: Connection, dialect: Dialect, claim: Claim, now: datetime) -> None:
    """Give back a job whose code would not leave in time: claimable at once, under a new fence."""
    when = dialect.time(now)
    sql = (
        "UPDATE jobs SET status = 'pending', worker_id = NULL, fence = fence + 1, attempt = attempt - 1, "
        f"waiting_on = {_PAUSED}, updated_at = ? WHERE job_id = ? AND fence = ? AND worker_id IS NOT NULL "
        "AND status = 'running'"
    )
    kind = "interrupted"
    if not dialect.execute(conn, sql, [when, claim.job_id, claim.fence]):
        kind = "left"
        if not _leave(conn, dialect, claim, when):
            return
        sql = "UPDATE jobs SET fence = fence + 1 WHERE job_id = ? AND fence = ?"
        dialect.execute(conn, sql, [claim.job_id, claim.fence])
    sql = "UPDATE job_runs SET status = 'interrupted', finished_at = ? WHERE id = ? AND status = 'running'"
    dialect.execute(conn, sql, [when, claim.run_id])
    tell_events(conn, dialect, [(claim.job_id, claim.generation, kind, when, claim.fence, None, None)])
    if claim.has_needs:
        resources.let_go(conn, dialect, [claim.job_id], keep_wanting=True)
