"""Statements that end runs, many at a time, each under its fence and with all that belongs to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onward.model.job import Need, Progress
from onward.model.question import Asking
from onward.model.states import RunStatus, Status, Waiting
from onward.store import checkpoints, families, questions, resources
from onward.store.dialects import Dialect
from onward.store.jobs import Told, tell_events
from onward.store.tables import job_runs, jobs


@dataclass(slots=True)
class Ending:
    """How a run ended, and what becomes of its job.

    ``status`` is what the job shall be: an ended one, or ``pending`` with ``waiting_on`` and ``run_at``, or
    ``pending_hitl`` with the ``question`` that it asks.
    """

    job_id: str
    job_type: str
    run_id: str
    fence: int
    status: Status
    run_status: RunStatus
    duration_ms: int
    result: str | None = None
    error: str | None = None
    error_parts: tuple[str, str, str] | None = None
    waiting_on: Waiting | None = None
    run_at: datetime | None = None
    failures: int = 0
    progress: Progress | None = None
    has_saved: bool = False
    has_needs: bool = False
    keeps_resources: bool = False
    keeps_saved: bool = False
    """Of a range that has completed: its parent will read what it has saved."""
    family: dict[str, Any] | None = None
    """The ranges for which it waits without a worker, as they are to be set going: plain JSON."""
    lent: tuple[str, int] | None = None
    """One more resource, with its capacity, that it needs to go on, and gives back after a while."""
    any_of: tuple[str, ...] = ()
    """Vector databases of which one must be free before it goes on."""
    event: str = ""
    data: str | None = None
    question: Asking | None = None


@dataclass(slots=True)
class Owned:
    """What the database says of a job that a worker believes to have."""

    fence: int
    status: Status
    worker_id: str | None
    generation: int
    parent_id: str | None
    number: int
    waiting_on: str | None
    paused_by: str | None
    run_at: Any
    checkpoint_at: Any


_OWNED = (
    "job_id, fence, status, worker_id, generation, parent_id, checkpoint_number, waiting_on, paused_by, run_at, "
    "checkpoint_at"
)
_STATUSES = {str(status): status for status in Status}


def lock_owned(conn: Connection, dialect: Dialect, job_ids: Iterable[str]) -> dict[str, Owned]:
    """The jobs as they are, kept from others until the transaction ends; always in one order."""
    where, params = dialect.among("job_id", sorted(set(job_ids)))
    rest = f"FROM jobs WHERE {where} ORDER BY job_id{dialect.lock}"
    return {
        row[0]: Owned(row[1], _STATUSES[row[2]], *row[3:]) for row in dialect.query_many(conn, _OWNED, rest, params)
    }


def is_owner(owned: Owned | None, fence: int) -> bool:
    """Whether a run with this fence still has the job."""
    return owned is not None and owned.fence == fence and owned.worker_id is not None


def end_runs(
    conn: Connection, dialect: Dialect, endings: Sequence[Ending], owned: dict[str, Owned], now: datetime
) -> list[Ending]:
    """Write how runs ended. Returns those whose job completed or failed for good.

    Every ending must be of an owner. A job that was cancelled meanwhile stays cancelled, one that was resumed
    meanwhile goes on; the run's own result then stays in its record only.
    """
    when = dialect.time(now)
    plain: list[tuple[Any, ...]] = []
    told: list[Told] = []
    verdicts: list[Ending] = []
    saved: list[Ending] = []
    free: list[str] = []
    wait: list[str] = []
    left: list[str] = []
    asked: list[questions.Asked] = []
    for ending in endings:
        job = owned[ending.job_id]
        if job.status is not Status.RUNNING:
            _leave(conn, dialect, ending, job, when)
            left.append(ending.job_id)
            told.append((ending.job_id, job.generation, "left", when, ending.fence, None, None))
            if ending.has_needs:
                (wait if job.status is Status.PENDING else free).append(ending.job_id)
            continue
        if ending.status is Status.COMPLETED and ending.progress is None:
            plain.append((ending.job_id, ending.fence, "completed", None, ending.result, None, 100, when, when))
        else:
            _end_one(conn, dialect, ending, job, now)
        told.append(
            (
                ending.job_id,
                job.generation,
                ending.event or str(ending.status),
                when,
                ending.fence,
                None,
                ending.data,
            )
        )
        if ending.question is not None:
            asked.append((ending.job_id, job.generation, ending.fence, ending.question))
        if ending.status.is_ended:
            verdicts.append(ending)
        if ending.status is Status.COMPLETED and (job.checkpoint_at is not None or ending.has_saved):
            saved.append(ending)
        if ending.has_needs and not ending.keeps_resources:
            (free if ending.status.is_ended else wait).append(ending.job_id)
    if plain:
        dialect.update_many(
            conn,
            jobs,
            ("job_id", "fence"),
            ("status", "worker_id", "result", "error", "progress_percent", "completed_at", "updated_at"),
            plain,
        )
    if asked:
        questions.ask(conn, dialect, asked, now)
    _end_run_rows(conn, dialect, endings, when)
    tell_events(conn, dialect, told)
    if saved:
        _drop_saved(conn, dialect, saved)
    _let_go(conn, dialect, free, wait, left)
    return verdicts


def _drop_saved(conn: Connection, dialect: Dialect, completed: Sequence[Ending]) -> None:
    """What completed jobs have saved is needed no more; what a range has saved waits for its parent."""
    families.drop_ranges(conn, dialect, [ending.job_id for ending in completed])
    drop = [ending.job_id for ending in completed if not ending.keeps_saved]
    if drop:
        checkpoints.drop_saved(conn, dialect, drop)
        where, params = dialect.among("job_id", drop)
        dialect.execute(conn, f"UPDATE jobs SET checkpoint_at = NULL WHERE {where}", params)


def _let_go(conn: Connection, dialect: Dialect, free: list[str], wait: list[str], left: list[str]) -> None:
    if free:
        resources.let_go(conn, dialect, free, keep_wanting=False)
    if wait:
        resources.let_go(conn, dialect, wait, keep_wanting=True)
    if left:
        resources.let_go_of_families(conn, dialect, left)


def _leave(conn: Connection, dialect: Dialect, ending: Ending, job: Owned, when: Any) -> None:
    """The code has left a job that was ended or resumed meanwhile."""
    if ending.run_status is RunStatus.SUCCESS or job.status is Status.CANCELLED:
        ending.run_status = RunStatus.SUCCESS if ending.run_status is RunStatus.SUCCESS else RunStatus.CANCELLED
    sql = (
        "UPDATE jobs SET worker_id = NULL, waiting_on = CASE WHEN waiting_on = 'owner' THEN NULL ELSE waiting_on END, "
        "updated_at = ? WHERE job_id = ? AND fence = ?"
    )
    dialect.execute(conn, sql, [when, ending.job_id, ending.fence])


def _end_one(conn: Connection, dialect: Dialect, ending: Ending, job: Owned, now: datetime) -> None:
    when = dialect.time(now)
    is_ended = ending.status.is_ended
    waiting_on: str | None = ending.waiting_on
    if job.paused_by is not None and ending.status is Status.PENDING and ending.family is None:
        waiting_on = Waiting.PAUSE
    progress = ending.progress or Progress()
    percent = 100 if ending.status is Status.COMPLETED else progress.percent
    # What an attempt did not report stays as it was.
    sql = (
        "UPDATE jobs SET status = ?, worker_id = NULL, waiting_on = ?, run_at = ?, result = ?, error = ?, "
        "failures = ?, "
        "attempt = attempt - ?, progress_percent = coalesce(?, progress_percent), "
        "progress_message = coalesce(?, progress_message), progress_done = coalesce(?, progress_done), "
        "progress_total = coalesce(?, progress_total), progress_rate = NULL, progress_eta = NULL, "
        "progress_phase = coalesce(?, progress_phase), completed_at = ?, updated_at = ? WHERE job_id = ? AND fence = ?"
    )
    run_at = job.run_at if ending.run_at is None else dialect.time(ending.run_at)
    # A run that was cut short by a shutdown, or waits, is not an attempt that failed.
    uncounted = 1 if ending.run_status in (RunStatus.INTERRUPTED, RunStatus.PARKED) else 0
    params = [
        ending.status, waiting_on, run_at, ending.result, ending.error, ending.failures, uncounted, percent,
        progress.message or None, progress.done, progress.total, progress.phase, when if is_ended else None, when,
        ending.job_id, ending.fence,
    ]  # fmt: skip
    dialect.execute(conn, sql, params)
    if ending.lent is not None:
        resources.lend(conn, dialect, ending.job_id, Need(*ending.lent))
    if ending.any_of:
        resources.wait_for_any(conn, dialect, ending.job_id, ending.any_of)
    if ending.family is not None:
        families.begin(conn, dialect, ending.job_id, ending.fence, job.generation, ending.family, now)


def _end_run_rows(conn: Connection, dialect: Dialect, endings: Sequence[Ending], when: Any) -> None:
    plain = [(e.run_id, str(e.run_status), when, e.duration_ms, e.result) for e in endings if e.error_parts is None]
    if plain:
        dialect.update_many(conn, job_runs, ("id",), ("status", "finished_at", "duration_ms", "result_json"), plain)
    failed = [
        (e.run_id, str(e.run_status), when, e.duration_ms, *e.error_parts) for e in endings if e.error_parts is not None
    ]
    if failed:
        names = ("status", "finished_at", "duration_ms", "error_type", "error_message", "error_traceback")
        dialect.update_many(conn, job_runs, ("id",), names, failed)


def leave_behind(conn: Connection, dialect: Dialect, ending: Ending, worker_id: str, now: datetime) -> None:
    """The code of a run has left whose job was started afresh meanwhile: now the job may be claimed."""
    sql = (
        "UPDATE jobs SET worker_id = NULL, waiting_on = CASE WHEN waiting_on = 'owner' THEN NULL ELSE waiting_on END, "
        "updated_at = ? WHERE job_id = ? AND worker_id = ? AND fence > ? "
        "AND EXISTS (SELECT 1 FROM job_runs WHERE id = ? AND status = 'running')"
    )
    when = dialect.time(now)
    if dialect.execute(conn, sql, [when, ending.job_id, worker_id, ending.fence, ending.run_id]):
        sql = "UPDATE job_runs SET status = 'cancelled', finished_at = ? WHERE id = ? AND status = 'running'"
        dialect.execute(conn, sql, [when, ending.run_id])
        if ending.has_needs:
            resources.let_go(conn, dialect, [ending.job_id], keep_wanting=True)
        resources.let_go_of_families(conn, dialect, [ending.job_id])
