"""Statements on resources: who wants them, who has them, and who is next.

A job's needs are rows of ``job_resources`` from its submission to its end; the row has a slot while the job has the
resource. Everything that a job needs is taken in the transaction that claims it, all or nothing, so there is no
deadlock; two holders of one slot cannot be committed. ``token`` of a holder is the number under which it got the
resource, which only rises; ``store/reservations.py`` says what it and a negative slot mean for who waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from onward.errors import CapacityMismatch
from onward.model.codec import decode, encode
from onward.model.job import Need
from onward.store import reservations
from onward.store.dialects import Dialect
from onward.store.tables import needs as needs_table
from onward.store.tables import resources as resources_table

ANY_VECTORS = "vectors:*"
"""What a job waits for that could work on several vector databases: any of them that comes free has it look again."""
WOKEN_PER_RELEASE = 4
"""Waiting jobs that are made ready when a resource comes free; the rescuer's sweep finds any others."""


def declare(conn: Connection, dialect: Dialect, wanted: Iterable[Need]) -> dict[str, int]:
    """Make the resources known, and keep them from others until the transaction ends; their capacities.

    A bare name says nothing of the capacity. Raises ``CapacityMismatch`` for one that says otherwise.
    """
    found = sorted({need.resource: need for need in wanted}.values(), key=lambda need: need.resource)
    if not found:
        return {}
    for need in found:
        sql = "INSERT INTO resources (name, capacity) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
        dialect.execute(conn, sql, [need.resource, need.capacity])
    capacities = lock(conn, dialect, [need.resource for need in found])
    for need in found:
        if need.capacity not in (1, capacities[need.resource]):
            raise CapacityMismatch(
                f"{need.resource!r} is declared with a capacity of {need.capacity}, but has "
                f"{capacities[need.resource]}.",
                hint="Use one capacity everywhere, or change it with app.resources.set().",
            )
    return capacities


def lock(conn: Connection, dialect: Dialect, names: Iterable[str]) -> dict[str, int]:
    """Capacities of resources, which are kept from others until the transaction ends; always in one order."""
    return {name: shared.capacity for name, shared in _lock(conn, dialect, names).items()}


@dataclass(slots=True)
class _Shared:
    """A resource: how many may have it, the number of the last who got it, and whether a person keeps it."""

    capacity: int
    token: int
    is_held: bool


def _lock(conn: Connection, dialect: Dialect, names: Iterable[str]) -> dict[str, _Shared]:
    where, params = dialect.among("name", sorted(set(names)))
    sql = f"SELECT name, capacity, token, held_by FROM resources WHERE {where} ORDER BY name{dialect.lock}"
    return {row[0]: _Shared(int(row[1]), int(row[2]), row[3] is not None) for row in dialect.query(conn, sql, params)}


def want(conn: Connection, dialect: Dialect, wants: Sequence[tuple[str, str]]) -> None:
    """Note who wants what: pairs of resource and job id."""
    if wants:
        dialect.insert_many(conn, needs_table, ("resource", "job_id"), wants)


def in_the_way(
    conn: Connection, dialect: Dialect, names: Sequence[str], besides: Sequence[str]
) -> list[tuple[str, str]]:
    """(resource, job id) of all who have or want one of these, holders first, oldest first."""
    where, params = dialect.among("resource", names)
    sql = f"SELECT resource, job_id FROM job_resources WHERE {where} ORDER BY coalesce(slot, -1) < 0, job_id"
    return [(row[0], row[1]) for row in dialect.query(conn, sql, params) if row[1] not in besides]


def holders(conn: Connection, dialect: Dialect, names: Iterable[str]) -> dict[str, dict[int, str]]:
    """Resource to its taken slots and who has them."""
    return _slots(conn, dialect, names)[0]


def _slots(
    conn: Connection, dialect: Dialect, names: Iterable[str]
) -> tuple[dict[str, dict[int, str]], dict[str, list[str]]]:
    """Resource to its taken slots and who has them, and resource to who has reserved it."""
    where, params = dialect.among("resource", names)
    sql = f"SELECT resource, slot, job_id FROM job_resources WHERE slot IS NOT NULL AND {where}"
    taken: dict[str, dict[int, str]] = {}
    marked: dict[str, list[str]] = {}
    for name, slot, job_id in dialect.query(conn, sql, params):
        if slot >= 0:
            taken.setdefault(name, {})[int(slot)] = job_id
        else:
            marked.setdefault(name, []).append(job_id)
    return taken, marked


def acquire(conn: Connection, dialect: Dialect, wanted: Mapping[str, Sequence[Need]], now: datetime) -> dict[str, str]:
    """Give the jobs, in this order, all that they need or nothing. Returns job id to what it waits for.

    What a person holds is given to nobody new, and what a job before them has reserved is left to it.
    """
    names = {need.resource for job_needs in wanted.values() for need in job_needs}
    known = _lock(conn, dialect, names)
    taken, marked = _slots(conn, dialect, names)
    line = reservations.line_of(conn, dialect, marked, wanted) if marked else reservations.Line()
    refused: dict[str, str] = {}
    given: list[tuple[str, str, int, int, Any]] = []
    for job_id, job_needs in wanted.items():
        slots: dict[str, int] = {}
        for need in job_needs:
            owned = taken.get(need.resource, {})
            shared = known.get(need.resource) or _Shared(need.capacity, 0, False)
            slot = next((slot for slot, owner in owned.items() if owner == job_id), None)
            if slot is None and not shared.is_held:
                ahead = line.ahead(need.resource, job_id)
                free = (s for s in range(shared.capacity) if s not in owned)
                slot = next(islice(free, ahead, None), None)
            if slot is None:
                refused[job_id] = need.resource
                break
            slots[need.resource] = slot
        else:
            for name, slot in slots.items():
                taken.setdefault(name, {})[slot] = job_id
                if name in known:
                    known[name].token += 1
                given.append((name, job_id, slot, known[name].token if name in known else 1, dialect.time(now)))
    if given:
        dialect.update_many(conn, needs_table, ("resource", "job_id"), ("slot", "token", "held_at"), given)
        tokens = {name: token for name, _, _, token, _ in given}
        dialect.update_many(conn, resources_table, ("name",), ("token",), sorted(tokens.items()))
    return refused


def let_go(conn: Connection, dialect: Dialect, job_ids: Sequence[str], *, keep_wanting: bool) -> None:
    """Free what the jobs have, and wake who waits for it. ``keep_wanting``: they will need it again."""
    # What a parent has is used by its family's code as long as that has not left.
    busy = with_family_at_work(conn, dialect, job_ids)
    where, params = dialect.among("job_id", [job_id for job_id in job_ids if job_id not in busy])
    sql = f"SELECT DISTINCT resource FROM job_resources WHERE slot IS NOT NULL AND {where}"
    names = [row[0] for row in dialect.query(conn, sql, params)]
    if keep_wanting:
        dialect.execute(
            conn, f"UPDATE job_resources SET slot = NULL, token = NULL, held_at = NULL WHERE {where}", params
        )
        # Who has ended meanwhile, or has declared nothing and held it only for a while, does not come back for it.
        sql = (
            f"DELETE FROM job_resources WHERE {where} AND job_id IN (SELECT job_id FROM jobs WHERE {where} "
            "AND (resources IS NULL OR status IN ('completed', 'failed', 'cancelled')))"
        )
        dialect.execute(conn, sql, [*params, *params])
    else:
        dialect.execute(conn, f"DELETE FROM job_resources WHERE {where}", params)
    wake_waiters(conn, dialect, names)


def release(conn: Connection, dialect: Dialect, job_id: str, resource: str) -> None:
    """A job gives back what it has held for a while, and wakes who waits for it."""
    give_up(conn, dialect, job_id, resource)
    wake_waiters(conn, dialect, [resource])


def with_family_at_work(conn: Connection, dialect: Dialect, job_ids: Sequence[str]) -> set[str]:
    """Those of the jobs of whose children, or theirs, the code has not left."""
    where, params = dialect.among("parent_id", job_ids)
    sql = (
        f"WITH RECURSIVE family(root, job_id, worker_id) AS (SELECT parent_id, job_id, worker_id FROM jobs "
        f"WHERE {where} UNION ALL SELECT f.root, c.job_id, c.worker_id FROM jobs AS c JOIN family AS f "
        "ON c.parent_id = f.job_id) SELECT DISTINCT root FROM family WHERE worker_id IS NOT NULL"
    )
    return {row[0] for row in dialect.query(conn, sql, params)}


def let_go_of_families(conn: Connection, dialect: Dialect, job_ids: Sequence[str]) -> None:
    """The code of these jobs has left: what a parent that does not run has kept for its family's sake is free."""
    where, params = dialect.among("job_id", job_ids)
    sql = (
        "WITH RECURSIVE above(job_id, parent_id, is_free) AS (SELECT job_id, parent_id, false FROM jobs "
        f"WHERE {where} UNION SELECT p.job_id, p.parent_id, p.worker_id IS NULL AND p.status <> 'running' "
        "FROM jobs AS p JOIN above AS a ON p.job_id = a.parent_id) "
        "SELECT DISTINCT job_id FROM above WHERE is_free"
    )
    parents = [row[0] for row in dialect.query(conn, sql, params)]
    if parents:
        let_go(conn, dialect, parents, keep_wanting=True)


def wake_waiters(conn: Connection, dialect: Dialect, names: Iterable[str]) -> None:
    """Make the next jobs that wait for these resources ready to be claimed."""
    names = sorted(names)
    if names and dialect.lock:
        # Whoever is just setting a job aside for one of these holds its lock: that job must be seen here.
        lock(conn, dialect, names)
    if any(name.startswith("vectors:") for name in names):
        names.append(ANY_VECTORS)
    for name in names:
        sql = (
            "SELECT job_id FROM jobs WHERE blocked_by = ? AND status = 'pending' AND waiting_on = 'resource' "
            f"ORDER BY priority DESC, run_at, job_id LIMIT {WOKEN_PER_RELEASE}"
        )
        found = [row[0] for row in dialect.query(conn, sql, [name])]
        if found:
            where, params = dialect.among("job_id", found)
            sql = f"UPDATE jobs SET waiting_on = NULL, blocked_by = NULL WHERE waiting_on = 'resource' AND {where}"
            dialect.execute(conn, sql, params)
            reservations.call_up(conn, dialect, name, found)


def wake_for_free(conn: Connection, dialect: Dialect) -> int:
    """Make jobs ready that wait for a resource which has room: found by state, so no wake-up can be missed."""
    sql = (
        "UPDATE jobs SET waiting_on = NULL, blocked_by = NULL WHERE status = 'pending' AND waiting_on = 'resource' "
        "AND job_id IN (SELECT j.job_id FROM jobs j LEFT JOIN resources r ON r.name = j.blocked_by "
        f"WHERE j.blocked_by IS NOT NULL AND j.blocked_by <> '{ANY_VECTORS}' AND r.held_by IS NULL AND "
        "(SELECT count(*) FROM job_resources n WHERE n.resource = j.blocked_by "
        "AND n.slot >= 0) < coalesce(r.capacity, 1) ORDER BY j.priority DESC, j.run_at, j.job_id LIMIT 100)"
    )
    return dialect.execute(conn, sql, [])


def wait_for_any(conn: Connection, dialect: Dialect, job_id: str, names: Sequence[str]) -> None:
    """Set a job aside until a vector database is free, unless one of these has come free meanwhile."""
    # Under their locks: whoever gives one back now sees this job, or is seen here.
    known = _lock(conn, dialect, names)
    taken, _ = _slots(conn, dialect, names)
    if any(not shared.is_held and len(taken.get(name, {})) < shared.capacity for name, shared in known.items()):
        return
    sql = (
        "UPDATE jobs SET waiting_on = 'resource', blocked_by = ? WHERE job_id = ? AND status = 'pending' "
        "AND waiting_on IS NULL"
    )
    dialect.execute(conn, sql, [ANY_VECTORS, job_id])


def count_before(conn: Connection, dialect: Dialect, name: str, job_id: str) -> int:
    """How many jobs that wait for a resource are before this one."""
    sql = (
        "SELECT count(*) FROM jobs a, jobs b WHERE b.job_id = ? AND a.blocked_by = ? AND a.job_id <> b.job_id AND "
        "(a.priority > b.priority OR (a.priority = b.priority AND (a.run_at < b.run_at OR (a.run_at = b.run_at "
        "AND a.job_id < b.job_id))))"
    )
    return int(dialect.query(conn, sql, [job_id, name])[0][0])


def lend(conn: Connection, dialect: Dialect, job_id: str, need: Need) -> None:
    """A job needs one more resource to go on, for a while: its third value says so in the job's row."""
    declare(conn, dialect, [need])
    listed = [item for item in _listed(conn, dialect, job_id) if item[0] != need.resource]
    _set_listed(
        conn, dialect, job_id, sorted([*listed, [need.resource, need.capacity, True]], key=lambda item: item[0])
    )
    sql = "SELECT 1 FROM job_resources WHERE resource = ? AND job_id = ?"
    if not dialect.query(conn, sql, [need.resource, job_id]):
        want(conn, dialect, [(need.resource, job_id)])


def is_lent(conn: Connection, dialect: Dialect, job_id: str, name: str) -> bool:
    """Whether a job has a resource only for a while."""
    return any(item[0] == name and len(item) > 2 for item in _listed(conn, dialect, job_id))


def hold(conn: Connection, dialect: Dialect, job_id: str, need: Need, now: datetime) -> str | None:
    """Give a job one more resource for a while. None when it has it now; itself when it had it before; else by whom
    it is kept."""
    sql = "SELECT slot FROM job_resources WHERE resource = ? AND job_id = ?"
    known = dialect.query(conn, sql, [need.resource, job_id])
    if known and known[0][0] is not None and known[0][0] >= 0:
        # What it has waited for it gives back at the end of the block.
        return None if is_lent(conn, dialect, job_id, need.resource) else job_id
    declare(conn, dialect, [need])
    if not known:
        want(conn, dialect, [(need.resource, job_id)])
    if job_id not in acquire(conn, dialect, {job_id: [need]}, now):
        return None
    found = in_the_way(conn, dialect, [need.resource], [job_id])
    dialect.execute(conn, "DELETE FROM job_resources WHERE resource = ? AND job_id = ?", [need.resource, job_id])
    return f"job {found[0][1]}" if found else "a person or for another job"


def give_up(conn: Connection, dialect: Dialect, job_id: str, name: str) -> None:
    """A job is done with a resource that it had for a while."""
    dialect.execute(conn, "DELETE FROM job_resources WHERE resource = ? AND job_id = ?", [name, job_id])
    if is_lent(conn, dialect, job_id, name):
        _set_listed(conn, dialect, job_id, [item for item in _listed(conn, dialect, job_id) if item[0] != name])


def _listed(conn: Connection, dialect: Dialect, job_id: str) -> list[list[Any]]:
    found = dialect.query(conn, "SELECT resources FROM jobs WHERE job_id = ?", [job_id])
    return list(decode(found[0][0])) if found and found[0][0] else []


def _set_listed(conn: Connection, dialect: Dialect, job_id: str, listed: list[list[Any]]) -> None:
    text = encode(listed, "The resources", 1 << 20) if listed else None
    dialect.execute(conn, "UPDATE jobs SET resources = CAST(? AS text) WHERE job_id = ?", [text, job_id])


def set_capacity(conn: Connection, dialect: Dialect, name: str, capacity: int) -> None:
    """Say how many may share a resource."""
    sql = (
        "INSERT INTO resources (name, capacity) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET capacity = excluded.capacity"
    )
    dialect.execute(conn, sql, [name, capacity])
