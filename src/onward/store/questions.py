"""Statements on questions to people: asked with the end of a run, answered once, and kept.

Whoever changes the state of a question has its job's row locked, so that answers, timeouts and cancels come one after
the other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from onward.model.codec import decode, encode
from onward.model.question import Asking, QuestionRecord
from onward.store.dialects import Dialect
from onward.store.jobs import tell_events
from onward.store.rows import at, moment
from onward.store.tables import questions

Asked = tuple[str, int, int, Asking]
"""Job id, generation, fence, and what is asked."""

_INSERTED = (
    "question_id", "job_id", "generation", "scope", "name", "kind", "prompt", "data", "answer_schema", "on_timeout",
    "default_response", "assigned_to", "state", "asked_at", "expires_at", "fence",
)  # fmt: skip
_COLUMNS = (
    "q.question_id, q.name, q.kind, q.prompt, q.data, q.answer_schema, q.response, q.expires_at, q.job_id, "
    "j.job_type, j.source_id, j.parent_id, q.state, q.scope, q.asked_at, q.on_timeout, q.default_response, "
    "q.assigned_to, q.claimed_by, q.claimed_at, q.answered_by, q.answered_at, q.generation, q.fence"
)
_FROM = "FROM questions q JOIN jobs j ON j.job_id = q.job_id"


def _record(row: Any) -> QuestionRecord:
    return QuestionRecord(
        id=row[0], name=row[1], type=row[2], prompt=row[3], data=decode(row[4]), schema=decode(row[5]),
        response=decode(row[6]), expires_at=moment(row[7]), job_id=row[8], job_type=row[9], source_id=row[10],
        parent_id=row[11], state=row[12], scope=row[13], asked_at=at(row[14]), on_timeout=row[15],
        default=decode(row[16]), assigned_to=row[17], claimed_by=row[18], claimed_at=moment(row[19]),
        answered_by=row[20], answered_at=moment(row[21]), generation=row[22], fence=row[23],
    )  # fmt: skip


# ---- asking -----------------------------------------------------------------------------------------------------


def ask(conn: Connection, dialect: Dialect, asked: Sequence[Asked], now: datetime) -> None:
    """Open questions for jobs that have just parked for them; their rows are locked.

    A question that is open already under this name stays as it is, any other open one of the job is withdrawn: both
    are there only when somebody has moved the job by hand.
    """
    where, params = dialect.among("job_id", [job_id for job_id, *_ in asked])
    sql = f"SELECT job_id, scope, name, question_id FROM questions WHERE state = 'open' AND {where}"
    still_open = {row[0]: row[1:] for row in dialect.query(conn, sql, params)}
    when, new = dialect.time(now), []
    for job_id, generation, fence, asking in asked:
        old = still_open.get(job_id)
        _show(conn, dialect, job_id, asking)
        if old is not None and tuple(old[:2]) == (asking.scope, asking.name):
            dialect.execute(conn, "UPDATE questions SET fence = ? WHERE question_id = ?", [fence, old[2]])
            continue
        if old is not None:
            dialect.execute(conn, "UPDATE questions SET state = 'withdrawn' WHERE question_id = ?", [old[2]])
        seconds = asking.timeout_seconds
        expires = None if seconds is None else dialect.time(now + timedelta(seconds=seconds))
        new.append(
            (
                asking.question_id, job_id, generation, asking.scope, asking.name, asking.kind, asking.prompt,
                asking.data, asking.schema, asking.on_timeout, asking.default, asking.assigned_to, "open", when,
                expires, fence,
            )
        )  # fmt: skip
    if new:
        dialect.insert_many(conn, questions, _INSERTED, new)


def _show(conn: Connection, dialect: Dialect, job_id: str, asking: Asking) -> None:
    sql = "UPDATE jobs SET hitl_type = ?, hitl_data = ?, hitl_response = NULL WHERE job_id = ?"
    dialect.execute(conn, sql, [asking.kind, asking.data, job_id])


def find_answer(conn: Connection, dialect: Dialect, job_id: str, scope: str, name: str) -> str | None:
    """The answer that counts to a job's question of this name, as JSON text."""
    sql = (
        "SELECT response FROM questions WHERE job_id = ? AND scope = ? AND name = ? AND state = 'answered' "
        "ORDER BY fence DESC LIMIT 1"
    )
    found = dialect.query(conn, sql, [job_id, scope, name])
    return found[0][0] if found else None


# ---- looking ----------------------------------------------------------------------------------------------------


def get_question(conn: Connection, dialect: Dialect, question_id: str) -> QuestionRecord | None:
    """The question of this id, or None."""
    found = dialect.query(conn, f"SELECT {_COLUMNS} {_FROM} WHERE q.question_id = ?", [question_id])
    return _record(found[0]) if found else None


def latest_of(conn: Connection, dialect: Dialect, job_ids: Iterable[str]) -> dict[str, QuestionRecord]:
    """Job id to what the job has asked last, for those that have asked."""
    where, params = dialect.among("q.job_id", job_ids)
    sql = (
        f"SELECT {_COLUMNS} {_FROM} WHERE {where} AND NOT EXISTS (SELECT 1 FROM questions o WHERE o.job_id = q.job_id "
        "AND (o.fence > q.fence OR (o.fence = q.fence AND o.question_id > q.question_id)))"
    )
    return {row[8]: _record(row) for row in dialect.query(conn, sql, params)}


def open_in_family(conn: Connection, dialect: Dialect, job_id: str) -> list[QuestionRecord]:
    """The open questions of a job and of all that it is the parent of."""
    sql = (
        "WITH RECURSIVE family (job_id) AS (SELECT job_id FROM jobs WHERE job_id = ? UNION "
        "SELECT c.job_id FROM jobs c JOIN family f ON c.parent_id = f.job_id) "
        f"SELECT {_COLUMNS} {_FROM} JOIN family f ON f.job_id = q.job_id WHERE q.state = 'open' ORDER BY q.question_id"
    )
    return [_record(row) for row in dialect.query(conn, sql, [job_id])]


_EQUAL = {"job_type": "j.job_type = ?", "job_id": "(q.job_id = ? OR j.parent_id = ?)"}


def list_questions(
    conn: Connection, dialect: Dialect, limit: int, after: str | None, is_newest_first: bool, **equal: str | None
) -> list[QuestionRecord]:
    """Questions whose columns have these values; a name without a value is not looked at."""
    where = ["1 = 1"]
    params: list[Any] = []
    for name, value in equal.items():
        if value is not None:
            where.append(_EQUAL.get(name, f"q.{name} = ?"))
            params += [value] * where[-1].count("?")
    if after is not None:
        where.append(f"q.question_id {'<' if is_newest_first else '>'} ?")
        params.append(after)
    order = "DESC" if is_newest_first else "ASC"
    sql = f"SELECT {_COLUMNS} {_FROM} WHERE {' AND '.join(where)} ORDER BY q.question_id {order} LIMIT ?"
    return [_record(row) for row in dialect.query(conn, sql, [*params, limit])]


def with_what_they_hold(conn: Connection, dialect: Dialect, found: Sequence[QuestionRecord]) -> list[QuestionRecord]:
    """The same questions; the open ones know what their jobs keep from others, and how many wait for that."""
    owners = {job_id for q in found if q.state == "open" for job_id in (q.job_id, q.parent_id) if job_id is not None}
    if not owners:
        return list(found)
    where, params = dialect.among("job_id", sorted(owners))
    sql = f"SELECT job_id, resource FROM job_resources WHERE slot IS NOT NULL AND {where} ORDER BY resource"
    held: dict[str, list[str]] = {}
    for job_id, resource in dialect.query(conn, sql, params):
        held.setdefault(job_id, []).append(resource)
    names = sorted({name for each in held.values() for name in each})
    behind: dict[str, int] = {}
    if names:
        where, params = dialect.among("blocked_by", names)
        sql = f"SELECT blocked_by, count(*) FROM jobs WHERE {where} GROUP BY blocked_by"
        behind = {row[0]: int(row[1]) for row in dialect.query(conn, sql, params)}
    return [_with_holds(q, held, behind) if q.state == "open" else q for q in found]


def _with_holds(question: QuestionRecord, held: dict[str, list[str]], behind: dict[str, int]) -> QuestionRecord:
    mine = sorted({*held.get(question.job_id, ()), *held.get(question.parent_id or "", ())})
    return dataclasses.replace(question, holds=tuple(mine), behind=sum(behind.get(name, 0) for name in mine))


# ---- changing ---------------------------------------------------------------------------------------------------


def settle(
    conn: Connection,
    dialect: Dialect,
    question_id: str,
    state: str,
    *,
    response: str | None = None,
    by: str | None = None,
    now: datetime | None = None,
) -> bool:
    """End an open question; whether it was open. ``response``, ``by`` and ``now`` are of an answer."""
    when = dialect.time(now) if now is not None else None
    sql = (
        "UPDATE questions SET state = ?, response = ?, answered_by = ?, answered_at = ? "
        "WHERE question_id = ? AND state = 'open'"
    )
    return dialect.execute(conn, sql, [state, response, by, when, question_id]) == 1


def send_back(conn: Connection, dialect: Dialect, job_id: str, response: str, now: datetime) -> bool:
    """Put an answered job back in line, with its answer; whether it waited for one. A paused one stays paused."""
    sql = (
        "UPDATE jobs SET status = 'pending', hitl_response = ?, updated_at = ?, waiting_on = CASE "
        "WHEN worker_id IS NOT NULL THEN 'owner' WHEN paused_by IS NOT NULL THEN 'pause' END "
        "WHERE job_id = ? AND status = 'pending_hitl'"
    )
    return dialect.execute(conn, sql, [response, dialect.time(now), job_id]) == 1


def withdraw(
    conn: Connection, dialect: Dialect, job_id: str, generation: int, fence: int, now: datetime, actor: str | None
) -> None:
    """Take back what a job asks, if it asks: it was moved by somebody and needs no answer any more."""
    sql = "SELECT question_id, name FROM questions WHERE job_id = ? AND state = 'open'"
    for question_id, name in dialect.query(conn, sql, [job_id]):
        settle(conn, dialect, question_id, "withdrawn")
        data = told(question_id, name)
        tell_events(conn, dialect, [(job_id, generation, "withdrawn", dialect.time(now), fence, actor, data)])


def forget(conn: Connection, dialect: Dialect, job_ids: Sequence[str]) -> None:
    """No answer counts any more: the jobs begin anew. Who answered what stays in the rows."""
    where, params = dialect.among("job_id", job_ids)
    sql = f"UPDATE questions SET state = 'withdrawn' WHERE state IN ('open', 'answered') AND {where}"
    dialect.execute(conn, sql, params)
    sql = f"UPDATE jobs SET hitl_type = NULL, hitl_data = NULL, hitl_response = NULL WHERE {where}"
    dialect.execute(conn, sql, params)


def change_question(conn: Connection, dialect: Dialect, question_id: str, **values: Any) -> None:
    """Set columns of a question."""
    names = ", ".join(f"{name} = ?" for name in values)
    params = [dialect.time(value) if isinstance(value, datetime) else value for value in values.values()]
    dialect.execute(conn, f"UPDATE questions SET {names} WHERE question_id = ?", [*params, question_id])


def overdue(conn: Connection, dialect: Dialect, now: datetime, limit: int) -> list[tuple[str, str]]:
    """(question id, job id) of open questions whose time is over, the longest overdue first."""
    sql = (
        "SELECT question_id, job_id FROM questions WHERE state = 'open' AND expires_at <= ? ORDER BY expires_at LIMIT ?"
    )
    return [(row[0], row[1]) for row in dialect.query(conn, sql, [dialect.time(now), limit])]


def told(question_id: str, name: str, **more: Any) -> str:
    """What an event says of a question."""
    return encode({"question_id": question_id, "name": name, **more}, "The event", 1 << 20)
