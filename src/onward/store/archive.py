"""Statements on the archive: documents of jobs that are taken out of the way, and the facts that remain of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from onward.model.archive import ArchivedJob
from onward.model.states import Status
from onward.store import plain, rows
from onward.store.dialects import Dialect
from onward.store.tables import archived_jobs, metadata

PARTS = {
    "runs": ("job_runs", "fence"),
    "events": ("job_events", "seq"),
    "logs": ("job_logs", "seq"),
    "questions": ("questions", "question_id"),
    "phases": ("chain_phases", "position"),
}
"""What a document holds besides the job's own row: its table, and the column by which it is in order."""

_COLUMNS = (
    "job_id", "job_type", "status", "source_id", "user_id", "parent_id", "created_at", "completed_at", "archived_at",
    "document",
)  # fmt: skip
_LISTED = (
    "job_id, job_type, status, archived_at, created_at, completed_at, source_id, user_id, parent_id, "
    "document IS NOT NULL"
)

Document = dict[str, Any]


def read_documents(conn: Connection, dialect: Dialect, job_ids: Sequence[str]) -> dict[str, Document]:
    """Each job with its runs, events, logs, questions and phases: values as in the tables, empty ones left out."""
    documents: dict[str, Document] = {}
    for row in _rows_of(conn, dialect, "jobs", "job_id", job_ids):
        documents[row["job_id"]] = {"job": row}
    for part, (table, order) in PARTS.items():
        for row in _rows_of(conn, dialect, table, order, job_ids):
            documents[row.pop("job_id")].setdefault(part, []).append(row)
    return documents


def _rows_of(conn: Connection, dialect: Dialect, name: str, order: str, job_ids: Sequence[str]) -> list[dict[str, Any]]:
    table = metadata.tables[name]
    where, params = dialect.among("job_id", job_ids)
    names, read = plain.column_names(table), plain.plain_reader(table)
    found = dialect.query_many(conn, plain.selected(table), f"FROM {name} WHERE {where} ORDER BY {order}", params)
    return [{key: value for key, value in zip(names, read(row), strict=True) if value is not None} for row in found]


def dumped(document: Document) -> str:
    """The text of a document, on one line."""
    return orjson.dumps(document).decode()


def keep(conn: Connection, dialect: Dialect, documents: dict[str, Document], now: datetime, *, whole: bool) -> None:
    """Keep jobs in the archive; ``whole``: with their documents, else only the fact. A newer one of an id replaces."""
    where, params = dialect.among("job_id", documents)
    dialect.execute(conn, f"DELETE FROM archived_jobs WHERE {where}", params)
    when = dialect.time(now)
    kept = []
    for job_id, document in documents.items():
        job = document["job"]
        times = [_driver_time(dialect, job.get(name)) for name in ("created_at", "completed_at")]
        names = [job.get(name) for name in ("source_id", "user_id", "parent_id")]
        text = dumped(document) if whole else None
        kept.append((job_id, job["job_type"], job["status"], *names, *times, when, text))
    dialect.insert_many(conn, archived_jobs, _COLUMNS, kept)


def _driver_time(dialect: Dialect, text: str | None) -> Any:
    found = rows.moment(text)
    return None if found is None else dialect.time(found)


def read_facts(conn: Connection, dialect: Dialect, job_ids: Sequence[str]) -> dict[str, Document]:
    """What is kept of jobs where nothing else is wanted: a document with the columns that the fact has."""
    names = _COLUMNS[:-2]
    where, params = dialect.among("job_id", job_ids)
    found = dialect.query_many(conn, ", ".join(names), f"FROM jobs WHERE {where}", params)
    return {row[0]: {"job": dict(zip(names, row, strict=True))} for row in found}


def get(conn: Connection, dialect: Dialect, job_id: str) -> tuple[ArchivedJob, Document | None] | None:
    """What is known of a job in the archive, and its document if there is one; None when nothing is."""
    found = dialect.query(conn, f"SELECT {_LISTED}, document FROM archived_jobs WHERE job_id = ?", [job_id])
    if not found:
        return None
    text = found[0][-1]
    return _archived(found[0]), orjson.loads(text) if text is not None else None


def find(
    conn: Connection,
    dialect: Dialect,
    *,
    job_type: str | None,
    status: str | None,
    source_id: str | None,
    parent_id: str | None,
    limit: int,
    after: tuple[datetime, str] | None,
) -> list[ArchivedJob]:
    """Archived jobs, the last archived first."""
    where, params = ["1 = 1"], []
    given = {"job_type": job_type, "status": status, "source_id": source_id, "parent_id": parent_id}
    for column, value in given.items():
        if value is not None:
            where.append(f"{column} = ?")
            params.append(value)
    if after is not None:
        when = dialect.time(after[0])
        where.append("(archived_at < ? OR (archived_at = ? AND job_id < ?))")
        params += [when, when, after[1]]
    sql = (
        f"SELECT {_LISTED} FROM archived_jobs WHERE {' AND '.join(where)} "
        "ORDER BY archived_at DESC, job_id DESC LIMIT ?"
    )
    return [_archived(row) for row in dialect.query(conn, sql, [*params, limit])]


def _archived(row: Any) -> ArchivedJob:
    return ArchivedJob(
        id=row[0],
        job_type=row[1],
        status=Status(row[2]),
        archived_at=rows.at(row[3]),
        created_at=rows.moment(row[4]),
        completed_at=rows.moment(row[5]),
        source_id=row[6],
        user_id=row[7],
        parent_id=row[8],
        has_document=bool(row[9]),
    )


def old_ones(
    conn: Connection, dialect: Dialect, before: datetime, after: tuple[Any, str], limit: int
) -> list[tuple[Any, str, bool]]:
    """Archived jobs from before a time, after a place, oldest first: archived_at, id, whether there is a document."""
    sql = (
        "SELECT archived_at, job_id, document IS NOT NULL FROM archived_jobs WHERE archived_at < ? "
        "AND (archived_at > ? OR (archived_at = ? AND job_id > ?)) ORDER BY archived_at, job_id LIMIT ?"
    )
    found = dialect.query(conn, sql, [dialect.time(before), after[0], after[0], after[1], limit])
    return [(row[0], row[1], bool(row[2])) for row in found]


def forget(conn: Connection, dialect: Dialect, job_ids: Sequence[str]) -> int:
    """Delete what the archive has of these jobs; how many there were."""
    where, params = dialect.among("job_id", job_ids)
    return dialect.execute(conn, f"DELETE FROM archived_jobs WHERE {where}", params)


def from_document(record: ArchivedJob, document: Document) -> ArchivedJob:
    """The record with all that its document says."""
    runs = _listed(document, "runs", rows.RUN_COLUMNS)
    events = _listed(document, "events", rows.EVENT_COLUMNS)
    logs = _listed(document, "logs", rows.LOG_COLUMNS)
    row = _row({**_DEFAULTS, **document["job"]}, rows.JOB_COLUMNS)
    return ArchivedJob(
        **{name: getattr(record, name) for name in _FACTS},
        job=rows.job(row),
        runs=tuple(map(rows.run, runs)),
        events=tuple(map(rows.event, events)),
        logs=tuple(map(rows.log_line, logs)),
        questions=tuple(document.get("questions", ())),
    )


_FACTS = (
    "id", "job_type", "status", "archived_at", "created_at", "completed_at", "source_id", "user_id", "parent_id",
    "has_document",
)  # fmt: skip
_DEFAULTS = {"params": "{}"}


def _listed(document: Document, part: str, columns: str) -> list[list[Any]]:
    own = {"job_id": document["job"]["job_id"]}
    return [_row(own | row, columns) for row in document.get(part, ())]


def _row(values: dict[str, Any], columns: str) -> list[Any]:
    return [values.get(name.strip()) for name in columns.split(",")]


def fact_of(document: Document, archived_at: datetime) -> ArchivedJob:
    """The record of a document that was read from a file."""
    job = document["job"]
    return ArchivedJob(
        id=job["job_id"],
        job_type=job["job_type"],
        status=Status(job["status"]),
        archived_at=archived_at,
        created_at=rows.moment(job.get("created_at")),
        completed_at=rows.moment(job.get("completed_at")),
        source_id=job.get("source_id"),
        user_id=job.get("user_id"),
        parent_id=job.get("parent_id"),
    )
