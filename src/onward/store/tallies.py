"""Statements on tallies: how many jobs there are, without looking at those that have completed.

Triggers keep the number of all jobs in the transaction of each change (see migration 5). What has not completed is
counted by an index that holds nothing else, and the rest has.
"""

from __future__ import annotations

from sqlalchemy import Connection

from onward.store.dialects import Dialect

_MOST = 100_000
"""Rows that one folding takes away."""
_FEW = 500
"""So many rows cost nobody anything."""
# One statement, so that both numbers are of the same moment.
_COUNT = (
    "SELECT status, count(*) FROM jobs WHERE status <> 'completed' GROUP BY status "
    "UNION ALL SELECT 'completed', coalesce(sum(jobs), 0) FROM job_tallies"
)


def by_status(conn: Connection, dialect: Dialect) -> dict[str, int]:
    """How many jobs there are of each status."""
    found = {row[0]: int(row[1]) for row in dialect.query(conn, _COUNT, [])}
    total = found.pop("completed")
    return found | {"completed": total - sum(found.values())}


def total(conn: Connection, dialect: Dialect) -> int:
    """How many jobs there are."""
    return int(dialect.query(conn, "SELECT coalesce(sum(jobs), 0) FROM job_tallies", [])[0][0])


def error(conn: Connection, dialect: Dialect) -> int:
    """By how many jobs the tallies are too high; every job is counted."""
    sql = "SELECT (SELECT coalesce(sum(jobs), 0) FROM job_tallies) - (SELECT count(*) FROM jobs)"
    return int(dialect.query(conn, sql, [])[0][0])


def is_long(conn: Connection, dialect: Dialect) -> bool:
    """Whether there are so many rows that adding them up takes a while."""
    return bool(dialect.query(conn, f"SELECT 1 FROM job_tallies LIMIT 1 OFFSET {_FEW}", []))


def fold(conn: Connection, dialect: Dialect) -> int:
    """Make one row of many; how many rows that were. Any number may fold at once, and nobody waits."""
    taken = f"SELECT number FROM job_tallies ORDER BY number LIMIT {_MOST}{dialect.lock_free}"
    sql = f"DELETE FROM job_tallies WHERE number IN ({taken}) RETURNING jobs"
    found = dialect.query(conn, sql, [])
    if found:
        dialect.execute(conn, "INSERT INTO job_tallies (jobs) VALUES (?)", [sum(int(row[0]) for row in found)])
    return len(found)
