"""Statements that find and count jobs: a page at a time, by an index, and never the whole table where one will do.

What is asked for is split by the values of one key that has an index (its *lead*): a branch for each reads jobs in the
order of their ids and stops when the page is full. Where the lead does not say everything, only the newest jobs are
looked at, unless the caller wants to look at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from onward.model.ids import id_floor
from onward.model.job import Job
from onward.model.job_filter import ARGUMENT, seconds_range
from onward.model.query import EARLIEST, JobQuery, Place, Term
from onward.store import rows, tallies
from onward.store.dialects import Dialect

COUNT_CAP = 10_000
NEWEST = 100_000
"""Jobs that are looked at where no index finds what is asked for."""
SORTED = 10_000
"""Jobs that are sorted by something else than their age."""
_MOST_BRANCHES = 12
_CLOCKS_DIFFER = timedelta(hours=1)

Where = tuple[list[str], list[Any]]


@dataclass(frozen=True, slots=True)
class Found:
    """Jobs of a page, whether there are more, and how many of the newest were looked at (None: all)."""

    jobs: list[Job]
    is_more: bool
    searched: int | None = None


def find_jobs(
    conn: Connection,
    dialect: Dialect,
    query: JobQuery,
    limit: int,
    place: Place | None = None,
    floor: str | None = None,
) -> Found:
    """One page of jobs in the order of the query, after or before a place.

    ``floor``: the id from which on jobs are looked at where the lead does not say everything; see ``newest_floor``.
    """
    branches, is_whole = _branches(dialect, query)
    low = None if is_whole or query.is_deep else _lowest(query, floor)
    column = query.sort_column
    is_back = place is not None and place.is_back
    falls = query.is_falling != is_back
    if column is None:
        ids, params = _ids(branches, low, place, limit + 1, falls=falls)
        order = f"job_id {'DESC' if falls else 'ASC'}"
        sql = f"SELECT {rows.JOB_COLUMNS} FROM jobs WHERE job_id IN ({ids}) ORDER BY {order}"
        searched = NEWEST if low is not None else None
    else:
        newest, params = _ids(branches, low, None, SORTED, falls=True, also=f", {column}")
        sql, params = _sorted(dialect, column, newest, params, place, limit + 1, falls=falls)
        searched = SORTED
    found = [rows.job(row) for row in dialect.query(conn, sql, params)]
    page = found[:limit]
    return Found(page[::-1] if is_back else page, len(found) > limit, searched)


def count_jobs(
    conn: Connection, dialect: Dialect, query: JobQuery, cap: int = COUNT_CAP, floor: str | None = None
) -> int:
    """How many jobs match, at most ``cap``."""
    branches, is_whole = _branches(dialect, query)
    if branches == [([], [])] and cap > COUNT_CAP:
        return tallies.total(conn, dialect)
    total = 0
    for where, params in branches:
        conditions, values = list(where), list(params)
        if floor is not None and not is_whole and not query.is_deep:
            conditions.append("job_id >= ?")
            values.append(_lowest(query, floor))
        clause = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        sql = f"SELECT count(*) FROM (SELECT 1 FROM jobs{clause} LIMIT ?) AS found"
        total += int(dialect.query(conn, sql, [*values, cap - total])[0][0])
        if total >= cap:
            return cap
    return total


def _lowest(query: JobQuery, floor: str | None) -> str | None:
    """The id from which on jobs are looked at: ids rise with time, so a query for younger ones looks at fewer."""
    if floor is None or query.since is None:
        return floor
    return max(floor, id_floor(query.since - _CLOCKS_DIFFER))


def newest_floor(conn: Connection, dialect: Dialect) -> str | None:
    """The id from which on the newest jobs are; None where there are not so many."""
    found = dialect.query(conn, "SELECT job_id FROM jobs ORDER BY job_id DESC LIMIT 1 OFFSET ?", [NEWEST - 1])
    return found[0][0] if found else None


def _ids(
    branches: Sequence[Where], floor: str | None, place: Place | None, limit: int, *, falls: bool, also: str = ""
) -> tuple[str, list[Any]]:
    """A statement for the ids of a page, each branch in order and cut to the page's length; ``also``: more columns."""
    order = f"ORDER BY job_id {'DESC' if falls else 'ASC'} LIMIT ?"
    parts: list[str] = []
    params: list[Any] = []
    for where, values in branches:
        conditions, given = list(where), list(values)
        if floor is not None:
            conditions.append("job_id >= ?")
            given.append(floor)
        if place is not None:
            conditions.append(f"job_id {'<' if falls else '>'} ?")
            given.append(place.id)
        clause = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        parts.append(f"SELECT job_id{also} FROM (SELECT job_id{also} FROM jobs{clause} {order}) AS branch{len(parts)}")
        params += [*given, limit]
    if len(parts) == 1:
        return parts[0], params
    # A job may stand in two branches only where they differ in nothing that is asked for.
    return f"SELECT job_id{also} FROM ({' UNION '.join(parts)}) AS branches {order}", [*params, limit]


def _sorted(
    dialect: Dialect, column: str, newest: str, params: list[Any], place: Place | None, limit: int, *, falls: bool
) -> tuple[str, list[Any]]:
    is_time = column.endswith("_at")
    nothing: Any = dialect.time(EARLIEST) if is_time else -1
    where, values = "", list(params)
    if place is not None:
        value = place.value
        if is_time:
            value = dialect.time(datetime.fromisoformat(str(value)) if value is not None else EARLIEST)
        sign = "<" if falls else ">"
        where = f" WHERE coalesce({column}, ?) {sign} ? OR (coalesce({column}, ?) = ? AND job_id {sign} ?)"
        values += [nothing, value, nothing, value, place.id]
    way = "DESC" if falls else "ASC"
    order = f"ORDER BY coalesce({column}, ?) {way}, job_id {way}"
    # What is sorted is narrow; whole rows are read of the page only.
    page = f"SELECT job_id FROM ({newest}) AS newest{where} {order} LIMIT ?"
    sql = f"SELECT {rows.JOB_COLUMNS} FROM jobs WHERE job_id IN (SELECT job_id FROM ({page}) AS page) {order}"
    return sql, [*values, nothing, limit, nothing]


# ---- conditions -------------------------------------------------------------------------------------------------


def _branches(dialect: Dialect, query: JobQuery) -> tuple[list[Where], bool]:
    """The conditions of each branch, and whether the lead alone says all that is asked for."""
    terms = [*_plain_terms(query), *query.terms]
    lead = next((term for key in _LEADS for term in terms if term.key == key and _may_lead(term)), None)
    rest = [term for term in terms if term is not lead]
    common: list[str] = []
    values: list[Any] = []
    for condition, given in (*(_condition(dialect, term) for term in rest), *_more(dialect, query)):
        common.append(condition)
        values += given
    is_whole = not common
    if lead is None:
        return [(common, values)], is_whole
    branches = []
    for value in lead.values:
        condition, given = _condition(dialect, Term(lead.key, (value,)))
        branches.append(([condition, *common], [*given, *values]))
    # A state is more than a status: what else it asks for is looked at row by row.
    return branches, is_whole and not (lead.key == "state" and set(lead.values) - {"input"})


_LEADS = ("parent_id", "source_id", "user_id", "tag", "state", "status", "job_type")
"""Keys with an index that gives jobs in the order of their ids, the most telling first."""


def _may_lead(term: Term) -> bool:
    if term.negated or len(term.values) > _MOST_BRANCHES or any("*" in value for value in term.values):
        return False
    if term.key in ("state", "status"):
        return not {"succeeded", "completed"} & set(term.values)
    return "none" not in term.values if term.key == "parent_id" else True


def _plain_terms(query: JobQuery) -> list[Term]:
    given = [
        ("status", query.statuses),
        *(
            (name, (value,))
            for name in ("job_type", "source_id", "user_id", "parent_id", "tag")
            if (value := getattr(query, name)) is not None
        ),
    ]
    return [Term(key, tuple(values)) for key, values in given if values]


def _more(dialect: Dialect, query: JobQuery) -> list[tuple[str, list[Any]]]:
    found: list[tuple[str, list[Any]]] = []
    if query.since is not None:
        found.append(("created_at >= ?", [dialect.time(query.since)]))
    if query.until is not None:
        found.append(("created_at < ?", [dialect.time(query.until)]))
    if query.acknowledged is not None:
        # What was started over in its place is handled, too.
        handled = "(acknowledged_at IS NOT NULL OR superseded_by IS NOT NULL)"
        found.append((handled if query.acknowledged else f"NOT {handled}", []))
    if query.interrupted:
        found.append((_STATES["interrupted"], []))
    return found


_CUT = "(status IN ('failed', 'cancelled') OR waiting_on = 'hold')"
_INTERRUPTED = f"({_CUT} AND checkpoint_at IS NOT NULL AND superseded_by IS NULL)"
_HERE = "status <> 'completed'"
"""Said in these words, so that both planners see that the index on the other statuses will do."""
_STATES = {
    "interrupted": f"({_HERE} AND status IN ('failed', 'cancelled', 'pending') AND {_INTERRUPTED})",
    "failed": f"({_HERE} AND status = 'failed' AND NOT {_INTERRUPTED})",
    "cancelled": f"({_HERE} AND status = 'cancelled' AND NOT {_INTERRUPTED})",
    "scheduled": f"({_HERE} AND status = 'pending' AND waiting_on = 'time' AND attempt = 0)",
    "retrying": f"({_HERE} AND status = 'pending' AND waiting_on = 'time' AND attempt > 0)",
    "blocked": f"({_HERE} AND status = 'pending' AND waiting_on = 'resource')",
    "queued": (
        f"({_HERE} AND status = 'pending' AND coalesce(waiting_on, '') NOT IN ('time', 'resource', 'pause') "
        f"AND NOT {_INTERRUPTED})"
    ),
    "paused": (
        f"({_HERE} AND status IN ('pending', 'running') AND (waiting_on = 'pause' OR (status = 'running' "
        "AND waiting_on = 'children' AND paused_by IS NOT NULL)))"
    ),
    "running": (
        f"({_HERE} AND status = 'running' AND NOT (coalesce(waiting_on, '') = 'children' AND paused_by IS NOT NULL))"
    ),
    "input": f"({_HERE} AND status = 'pending_hitl')",
    "succeeded": "status = 'completed'",
}


def _condition(dialect: Dialect, term: Term) -> tuple[str, list[Any]]:
    """One condition, which is never NULL."""
    parts: list[str] = []
    params: list[Any] = []
    for value in term.values:
        condition, given = _fits(dialect, term.key, value)
        parts.append(condition)
        params += given
    joined = parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"
    return (f"NOT coalesce({joined}, false)" if term.negated else joined), params


def _fits(dialect: Dialect, key: str, value: str) -> tuple[str, list[Any]]:
    if key in _TEXTS:
        return _text(dialect, key, value)
    if key.startswith(ARGUMENT):
        return f"{dialect.json_text('params')} = ?", [dialect.json_key(key.removeprefix(ARGUMENT)), value]
    return _KINDS[key](dialect, value)


_TEXTS = frozenset({"job_type", "source_id", "user_id", "queue"})


def _text(dialect: Dialect, column: str, value: str) -> tuple[str, list[Any]]:
    return dialect.pattern(column, value) if "*" in value else (f"{column} = ?", [value])


def _like(value: str) -> str:
    for char in "!%_":
        value = value.replace(char, f"!{char}")
    return value.replace("*", "%")


def _status(_dialect: Dialect, value: str) -> tuple[str, list[Any]]:
    return ("status = ?" if value == "completed" else f"(status = ? AND {_HERE})"), [value]


def _tag(dialect: Dialect, value: str) -> tuple[str, list[Any]]:
    condition, given = _text(dialect, "tag", value)
    return f"job_id IN (SELECT job_id FROM job_tags WHERE {condition})", given


def _parent(_dialect: Dialect, value: str) -> tuple[str, list[Any]]:
    return ("parent_id IS NULL", []) if value == "none" else ("parent_id = ?", [value])


def _worker(_dialect: Dialect, value: str) -> tuple[str, list[Any]]:
    who = "SELECT worker_id FROM workers WHERE name = ? OR worker_id = ?"
    ran = f"EXISTS (SELECT 1 FROM job_runs r WHERE r.job_id = jobs.job_id AND r.worker_id IN ({who}))"
    return f"(coalesce(worker_id IN ({who}), false) OR {ran})", [value] * 4


def _resource(_dialect: Dialect, value: str) -> tuple[str, list[Any]]:
    return "resources LIKE ? ESCAPE '!'", [f'%"{_like(value)}"%']


def _dimension(_dialect: Dialect, value: str) -> tuple[str, list[Any]]:
    return "(current_dimension = ? OR resources LIKE ? ESCAPE '!')", [int(value[:9]), f'%"vectors:{value[:9]}"%']


def _chain(_dialect: Dialect, value: str) -> tuple[str, list[Any]]:
    named = "(job_type = 'chain' AND params LIKE ? ESCAPE '!')"
    return f"(job_type = ? OR {named})", [value, f'%"name":"{_like(value)}"%']


def _error(_dialect: Dialect, value: str) -> tuple[str, list[Any]]:
    return "error LIKE ? ESCAPE '!'", [f'%"type":"{_like(value)}"%']


def _duration(dialect: Dialect, value: str) -> tuple[str, list[Any]]:
    low, high = seconds_range(value)
    lasted = dialect.seconds_between("started_at", "coalesce(completed_at, updated_at)")
    bounds = [(f"{lasted} >= ?", low), (f"{lasted} <= ?", high)]
    given = [(text, bound) for text, bound in bounds if bound is not None]
    conditions = ["started_at IS NOT NULL", *(text for text, _ in given)]
    return f"({' AND '.join(conditions)})", [bound for _, bound in given]


def _words(_dialect: Dialect, value: str) -> tuple[str, list[Any]]:
    columns = ("job_type", "label", "source_id", "progress_message", "idempotency_key", "job_id", "error")
    found = " OR ".join(f"lower({column}) LIKE ? ESCAPE '!'" for column in columns)
    return f"({found})", [f"%{_like(value.lower())}%"] * len(columns)


_KINDS = {
    "state": lambda _dialect, value: (_STATES[value], []),
    "status": _status,
    "tag": _tag,
    "parent_id": _parent,
    "worker": _worker,
    "resource": _resource,
    "dim": _dimension,
    "chain": _chain,
    "error": _error,
    "duration": _duration,
    "q": _words,
}
