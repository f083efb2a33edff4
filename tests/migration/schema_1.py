"""The statements of a worker of schema 1, word by word as they were, and the little of a worker that sends them.

Never changed: this is what a worker of the last release sends while workers of this one run beside it.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, text

SUBMIT = (
    "INSERT INTO jobs (job_id, job_type, status, label, source_id, user_id, bot_id, queue, priority, params, tags, "
    "resources, type_version, idempotency_key, payload_digest, parent_id, position, phase_from, phase_share, "
    "max_attempts, max_losses, on_worker_lost, waiting_on, created_at, run_at, updated_at) VALUES (:job_id, :job_type, "
    "'pending', :job_type, NULL, NULL, NULL, 'default', 0, :params, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, "
    "1, 5, 'resume', NULL, :now, :now, :now)"
)
REGISTER = (
    "INSERT INTO workers (worker_id, name, host, boot_id, pid_namespace, pid, pid_started, queues, job_types, slots, "
    "state, version, lease_seconds, heartbeat_seq, lock_key, started_at, seen_at) VALUES (:worker_id, 'old', "
    "'elsewhere', 'another-boot', '', :pid, 0, '[]', :job_types, 1, 'online', '0.0.9', 30, 0, 0, :now, :now)"
)
BEAT = (
    "UPDATE workers SET heartbeat_seq = heartbeat_seq + 1, seen_at = :now "
    "WHERE worker_id = :worker_id AND state IN ('online', 'draining')"
)
READY = (
    "SELECT job_id, job_type, params, fence, generation, attempt, failures, source_id, user_id, bot_id, parent_id, "
    "type_version, checkpoint_at, checkpoint_number, resources, phase_from, phase_share, progress_percent, "
    "progress_done, progress_total FROM jobs WHERE status = 'pending' AND waiting_on IS NULL AND job_type = :job_type "
    "AND (type_version <= 1) ORDER BY priority DESC, run_at, job_id LIMIT :limit"
)
SKIP_LOCKED = " FOR UPDATE SKIP LOCKED"
CLAIM = (
    "UPDATE jobs SET status = 'running', worker_id = :worker_id, fence = fence + 1, attempt = attempt + 1, "
    "started_at = coalesce(started_at, :now), updated_at = :now WHERE job_id = :job_id"
)
BEGIN_RUN = (
    "INSERT INTO job_runs (id, job_id, job_type, bot_id, status, attempt, fence, generation, worker_id, started_at) "
    "VALUES (:run_id, :job_id, :job_type, NULL, 'running', :attempt, :fence, :generation, :worker_id, :now)"
)
OWNED = (
    "SELECT job_id, fence, status, worker_id, generation, parent_id, checkpoint_number, waiting_on, paused_by, run_at, "
    "checkpoint_at FROM jobs WHERE job_id = :job_id ORDER BY job_id"
)
SAVE = (
    "INSERT INTO checkpoints (job_id, slot, number, state, digest, format, type_version, percent, fence, saved_at) "
    "VALUES (:job_id, :slot, :number, :state, :digest, 1, 1, NULL, :fence, :now) ON CONFLICT (job_id, slot) DO UPDATE "
    "SET number = excluded.number, state = excluded.state, digest = excluded.digest, format = excluded.format, "
    "type_version = excluded.type_version, percent = excluded.percent, fence = excluded.fence, "
    "saved_at = excluded.saved_at"
)
SAVED = (
    "UPDATE jobs SET checkpoint_number = :number, checkpoint_at = :now, updated_at = :now, losses = 0 "
    "WHERE job_id = :job_id AND fence = :fence"
)
KEEP_STEP = (
    "INSERT INTO job_steps (job_id, scope, name, result, fence, kept_at) VALUES (:job_id, '', :name, :result, :fence, "
    ":now) ON CONFLICT (job_id, scope, name) DO NOTHING"
)
END_JOB = (
    "UPDATE jobs SET status = :status, worker_id = NULL, result = :result, error = :error, "
    "progress_percent = :percent, completed_at = :now, updated_at = :now WHERE job_id = :job_id AND fence = :fence"
)
END_RUN = (
    "UPDATE job_runs SET status = :status, finished_at = :now, duration_ms = 1, result_json = :result WHERE id = :id"
)
TELL = (
    "INSERT INTO job_events (job_id, generation, kind, at, fence, actor, data) "
    "VALUES (:job_id, :generation, :kind, :now, :fence, NULL, NULL)"
)
DROP_SAVED = tuple(
    f"DELETE FROM {table} WHERE job_id = :job_id" for table in ("checkpoints", "job_steps", "job_partials")
)
DROPPED = "UPDATE jobs SET checkpoint_at = NULL WHERE job_id = :job_id"
LOOK = (
    "SELECT job_id, job_type, status, label, params, source_id, user_id, bot_id, tags, queue, priority, "
    "progress_percent, progress_message, progress_done, progress_total, progress_rate, progress_eta, progress_phase, "
    "result, error, attempt, max_attempts, losses, fence, generation, created_at, run_at, started_at, completed_at, "
    "updated_at, parent_id, position, hitl_type, hitl_data, hitl_response, resources, worker_id, waiting_on, "
    "blocked_by, paused_by, paused_reason, current_dimension, current_operation, pending_dimensions, "
    "checkpoint_number, checkpoint_at, superseded_by, task_description, type_version, idempotency_key FROM jobs "
    "WHERE job_id = :job_id"
)


class Overtaken(Exception):
    """The job is no longer this worker's."""


class OldWorker:
    """What a worker of schema 1 does, each verb in a transaction of its own."""

    def __init__(self, engine: Any, job_types: Sequence[str]) -> None:
        self._engine = engine
        self._is_postgres = engine.dialect.name == "postgresql"
        self.id = str(uuid4())
        self._do(REGISTER, worker_id=self.id, pid=os.getpid(), job_types=json.dumps(list(job_types)))

    def submit(self, job_type: str, **params: Any) -> str:
        """A job, ready to be run."""
        job_id = f"00000000-0000-7000-8000-{uuid4().hex[:12]}"
        self._do(SUBMIT, job_id=job_id, job_type=job_type, params=json.dumps(params))
        return job_id

    def claim(self, job_type: str, limit: int = 1) -> list[dict[str, Any]]:
        """Ready jobs, now this worker's."""
        with self._engine.begin() as conn:
            skip = SKIP_LOCKED if self._is_postgres else ""
            found = conn.execute(text(READY + skip), {"job_type": job_type, "limit": limit}).mappings().all()
            claims = []
            for row in found:
                claim = {
                    "job_id": row["job_id"], "job_type": row["job_type"], "fence": row["fence"] + 1,
                    "generation": row["generation"], "attempt": row["attempt"] + 1, "run_id": str(uuid4()),
                    "params": json.loads(row["params"]), "number": row["checkpoint_number"],
                }  # fmt: skip
                run(conn, CLAIM, worker_id=self.id, job_id=row["job_id"])
                given = {key: claim[key] for key in ("run_id", "job_id", "job_type", "attempt", "fence", "generation")}
                run(conn, BEGIN_RUN, worker_id=self.id, **given)
                claims.append(claim)
            return claims

    def beat(self) -> None:
        """A sign of life."""
        self._do(BEAT, worker_id=self.id)

    def save(self, claim: dict[str, Any], **state: Any) -> None:
        """A checkpoint and a step, under the claim's fence."""
        with self._engine.begin() as conn:
            self._check(conn, claim)
            claim["number"] += 1
            kept = {"state": state, "cursors": {}}
            told, key = json.dumps(kept, separators=(",", ":")), {"job_id": claim["job_id"], "fence": claim["fence"]}
            digest = f"{len(told.encode()):x}-{zlib.crc32(told.encode()):08x}"
            number = claim["number"]
            run(conn, SAVE, slot=number % 2, number=number, state=told, digest=digest, **key)
            run(conn, SAVED, number=number, **key)
            run(conn, KEEP_STEP, name=f"step-{number}", result="1", **key)

    def end(self, claim: dict[str, Any], result: Any) -> None:
        """The job is completed, under the claim's fence."""
        with self._engine.begin() as conn:
            self._check(conn, claim)
            done, key = json.dumps(result), {"job_id": claim["job_id"], "fence": claim["fence"]}
            run(conn, END_JOB, status="completed", result=done, error=None, percent=100, **key)
            run(conn, END_RUN, status="success", result=done, id=claim["run_id"])
            run(conn, TELL, generation=claim["generation"], kind="completed", **key)
            for sql in (*DROP_SAVED, DROPPED):
                run(conn, sql, job_id=claim["job_id"])

    def fail(self, claim: dict[str, Any]) -> None:
        """The job has failed; what it has saved stays."""
        with self._engine.begin() as conn:
            self._check(conn, claim)
            error, key = '{"type":"ValueError","message":"no","traceback":""}', claim["job_id"]
            run(
                conn, END_JOB, status="failed", result=None, error=error, percent=None, job_id=key, fence=claim["fence"]
            )
            run(conn, END_RUN, status="failed", result=None, id=claim["run_id"])
            run(conn, TELL, generation=claim["generation"], kind="failed", job_id=key, fence=claim["fence"])

    def look(self, job_id: str) -> dict[str, Any]:
        """A job, as the older version reads it."""
        with self._engine.connect() as conn:
            return dict(conn.execute(text(LOOK), {"job_id": job_id}).mappings().one())

    def _check(self, conn: Connection, claim: dict[str, Any]) -> None:
        sql = OWNED + (" FOR UPDATE" if self._is_postgres else "")
        row = conn.execute(text(sql), {"job_id": claim["job_id"]}).mappings().one()
        if row["fence"] != claim["fence"] or row["worker_id"] is None:
            raise Overtaken(claim["job_id"])

    def _do(self, sql: str, **values: Any) -> None:
        with self._engine.begin() as conn:
            run(conn, sql, **values)


def run(conn: Connection, sql: str, **values: Any) -> None:
    """One statement, with the time as the database takes it."""
    now = datetime.now(UTC)
    when = now if conn.dialect.name == "postgresql" else now.isoformat(" ", "microseconds")[:26]
    if ":now" in sql:
        values["now"] = when
    conn.execute(text(sql), values)
