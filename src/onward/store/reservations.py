"""Statements on turns: who was called up for a resource again and again, and is passed over no more.

What a job needs is given all at once, so a job that needs two things could wait for ever behind a stream of jobs that
need one of them each. Each time a waiting job is called up for a resource, ``token`` of its row falls by one; after
three times in vain the row gets a negative slot, which **reserves**: jobs that come after it in the line leave it the
next free slots. While it sleeps for another resource that holds only once that one has called it in vain as well, so
that nothing lies idle for a job that merely queues.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from onward.model.codec import decode
from onward.store.dialects import Dialect

PATIENCE = 3
"""Calls in vain after which a job reserves."""
_ALSO = 2
"""Calls in vain of the resource for which it sleeps, so that it reserves others too."""


@dataclass(slots=True)
class Line:
    """Who comes before whom, where somebody has reserved."""

    places: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    reserved: dict[str, list[str]] = field(default_factory=dict)

    def ahead(self, resource: str, job_id: str) -> int:
        """How many reservations come before this job."""
        mine = self.places.get(job_id)
        return sum(
            other != job_id and (mine is None or self.places[other] < mine) for other in self.reserved.get(resource, ())
        )


def call_up(conn: Connection, dialect: Dialect, name: str, job_ids: Sequence[str]) -> None:
    """Note that these jobs may try for a resource now, which is locked; who has tried in vain often enough reserves."""
    where, params = dialect.among("job_id", job_ids)
    sql = (
        "UPDATE job_resources SET token = coalesce(token, 0) - 1 WHERE resource = ? AND (slot IS NULL OR slot < 0) "
        f"AND {where}"
    )
    dialect.execute(conn, sql, [name, *params])
    sql = f"SELECT job_id FROM job_resources WHERE resource = ? AND slot IS NULL AND token <= ? AND {where}"
    found = dialect.query(conn, sql, [name, -PATIENCE, *params])
    if not found:
        return
    lowest = dialect.query(conn, "SELECT min(slot) FROM job_resources WHERE resource = ? AND slot < 0", [name])[0][0]
    for number, row in enumerate(found, 1):
        sql = "UPDATE job_resources SET slot = ? WHERE resource = ? AND job_id = ?"
        dialect.execute(conn, sql, [(lowest or 0) - number, name, row[0]])


def line_of(conn: Connection, dialect: Dialect, marked: Mapping[str, Sequence[str]], candidates: Iterable[str]) -> Line:
    """The line where jobs have reserved (``marked``: resource to jobs). It counts while the job could run."""
    line = Line()
    ids = sorted({*candidates, *(job_id for listed in marked.values() for job_id in listed)})
    where, params = dialect.among("j.job_id", ids)
    sql = (
        "SELECT j.job_id, j.priority, j.run_at, j.status, j.waiting_on, j.blocked_by, b.token, j.queue, j.job_type "
        "FROM jobs AS j LEFT JOIN job_resources AS b ON b.job_id = j.job_id AND b.resource = j.blocked_by "
        f"WHERE {where}"
    )
    found = {row[0]: row for row in dialect.query(conn, sql, params)}
    line.places = {job_id: (-row[1], row[2], job_id) for job_id, row in found.items()}
    served = _served(conn, dialect)
    for name, listed in marked.items():
        line.reserved[name] = [j for j in listed if j in found and _counts(found[j], name) and served(*found[j][7:9])]
    return line


def _counts(row: Any, name: str) -> bool:
    status, waiting_on, blocked_by, token = row[3:7]
    if status != "pending" or waiting_on not in (None, "resource"):
        return False
    return blocked_by in (None, name) or (token is not None and token <= -_ALSO)


def _served(conn: Connection, dialect: Dialect) -> Any:
    """Whether a worker that is there would run a job of this queue and type: nothing is kept for one that is not."""
    listed = [
        (decode(row[0]), {known.rpartition("@")[0] for known in decode(row[1])})
        for row in dialect.query(conn, "SELECT queues, job_types FROM workers WHERE state = 'online'", [])
    ]

    def serves(queue: str, job_type: str) -> bool:
        return any((not queues or queue in queues) and job_type in types for queues, types in listed)

    return serves
