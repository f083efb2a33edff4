"""News: what has changed in the database since the last look, whoever changed it; for those who watch."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from onward.model.ids import shown
from onward.model.job import Job
from onward.model.schedule import Schedule
from onward.model.states import Status, Waiting
from onward.store import Connection, Store, news

_MOST = 2000
"""Changes of one look that are told one by one; of more only that there were many."""
_AGAIN = 200
"""Events before the last one known that are read again: of two transactions the later number may commit first."""
_QUESTIONS = frozenset({"asked", "answered", "expired", "withdrawn", "claimed", "released", "reassigned"})


@dataclass(frozen=True, slots=True)
class Item:
    """Something that changed: of a topic, about something with an id; a larger ``v`` is newer."""

    topic: str
    id: str
    facts: dict[str, Any] = field(default_factory=dict)
    of: tuple[str, str, str | None] | None = None
    """Type, queue and user of the job that it is about, for those who may be told of some only."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look has found; ``is_all`` is false when there was more than is told one by one."""

    items: list[Item]
    is_all: bool = True


class News:
    """One watcher's memory of what it has seen. Not to be shared by threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._event = 0
        self._job = ""
        self._known: deque[int] = deque(maxlen=_AGAIN * 2)
        self._active: dict[str, tuple[Any, ...]] = {}
        self._workers: dict[str, str] = {}
        self._resources: dict[str, tuple[Any, ...]] = {}
        self._schedules: dict[str, tuple[Any, ...]] = {}
        self._is_new = True

    def look(self) -> Look:
        """What has changed since the look before; the first one only remembers how things stand."""
        with self._store.read() as conn:
            if self._is_new:
                self._begin(conn)
                return Look([])
            moved, asked, is_all = self._moved(conn)
            items = self._jobs(conn, moved)
            items += self._questions(conn, asked)
            items += self._others(conn)
        return Look(items, is_all)

    def _begin(self, conn: Connection) -> None:
        dialect = self._store.dialect
        self._event, self._job = news.last_event(conn, dialect), news.last_job(conn, dialect)
        self._known.extend(seq for seq, _, _ in news.events_since(conn, dialect, self._event - _AGAIN, _AGAIN + 50))
        for found in news.at_work(conn, dialect, _MOST):
            self._active[found["job_id"]] = _signature(found)
        self._others(conn)
        self._is_new = False

    def _moved(self, conn: Connection) -> tuple[set[str], set[str], bool]:
        """Jobs of which something was told, and those of them that ask."""
        dialect = self._store.dialect
        told = news.events_since(conn, dialect, self._event - _AGAIN, _MOST + _AGAIN)
        fresh = [one for one in told if one[0] not in self._known]
        is_all = len(told) < _MOST + _AGAIN
        submitted = news.jobs_since(conn, dialect, self._job, _MOST)
        if not is_all or len(submitted) >= _MOST:
            is_all = False
            self._event, self._job = news.last_event(conn, dialect), news.last_job(conn, dialect)
            fresh, submitted = [], []
        elif told:
            self._event = max(self._event, told[-1][0])
        self._known.extend(seq for seq, _, _ in fresh)
        if submitted:
            self._job = submitted[-1]
        moved = {job_id for _, job_id, _ in fresh} | set(submitted)
        return moved, {job_id for _, job_id, kind in fresh if kind in _QUESTIONS}, is_all

    def _jobs(self, conn: Connection, moved: set[str]) -> list[Item]:
        dialect = self._store.dialect
        active = {found["job_id"]: found for found in news.at_work(conn, dialect, _MOST)}
        left = set(self._active) - set(active)
        others = sorted((moved | left) - set(active))
        items: list[Item] = []
        now: dict[str, tuple[Any, ...]] = {}
        for found in [*active.values(), *(news.glances(conn, dialect, others) if others else [])]:
            job_id, signature = found["job_id"], _signature(found)
            before = self._active.get(job_id)
            if job_id in active:
                now[job_id] = signature
            if job_id in moved or before is None or before[0] != signature[0]:
                items.append(_item("jobs", found))
            elif before != signature:
                items.append(_item("progress", found))
        there = {item.id for item in items}
        gone = [shown(job_id) for job_id in sorted(moved) if shown(job_id) not in there]
        items += [Item("jobs", job_id, {"deleted": True}) for job_id in gone]
        self._active = now
        return items

    def _questions(self, conn: Connection, asked: set[str]) -> list[Item]:
        if not asked:
            return []
        found = news.questions_since(conn, self._store.dialect, sorted(asked))
        return [
            Item("inputs", shown(question, "inp"), {"job": shown(job_id), "state": state})
            for question, job_id, state in found
        ]

    def _others(self, conn: Connection) -> list[Item]:
        """Workers, resources and schedules that are otherwise than before."""
        dialect = self._store.dialect
        workers = {worker_id: state for worker_id, _, state in news.workers_now(conn, dialect)}
        resources = {row[0]: row[1:] for row in news.resources_now(conn, dialect)}
        items = [
            Item("workers", shown(worker_id, "wrk"), {"state": state})
            for worker_id, state in workers.items()
            if self._workers.get(worker_id) != state
        ]
        items += [
            Item("resources", name, {"holders": facts[1], "held_by": facts[2]})
            for name, facts in resources.items()
            if self._resources.get(name) != facts
        ]
        schedules = {row[0]: row[1:] for row in news.schedules_now(conn, dialect)}
        items += [
            Item("schedules", shown(schedule_id, "sch"), _schedule(facts))
            for schedule_id, facts in schedules.items()
            if self._schedules.get(schedule_id) != facts
        ]
        items += [
            Item("schedules", shown(schedule_id, "sch"), {"name": facts[0], "deleted": True})
            for schedule_id, facts in self._schedules.items()
            if schedule_id not in schedules
        ]
        self._workers, self._resources, self._schedules = workers, resources, schedules
        return items


def _schedule(facts: tuple[Any, ...]) -> dict[str, Any]:
    name, next_run_at, enabled, paused_at, fault, ended_at, _ = facts
    found = Schedule(
        id="", name=name, job_type="", enabled=enabled, paused_at=paused_at, fault=fault, ended_at=ended_at
    )  # fmt: skip
    next_at = None if next_run_at is None else next_run_at.isoformat().replace("+00:00", "Z")
    return {"name": name, "state": found.state, "next_run_at": next_at}


def _signature(found: dict[str, Any]) -> tuple[Any, ...]:
    """What makes a difference: first what is a matter of state, then what is only progress."""
    return (
        (found["status"], found["waiting_on"], found["attempt"], found["paused_by"], found["worker_id"]),
        found["progress_percent"], found["progress_message"], found["progress_done"], found["progress_total"],
        found["progress_phase"],
    )  # fmt: skip


def _item(topic: str, found: dict[str, Any]) -> Item:
    job = Job(
        id=found["job_id"],
        job_type=found["job_type"],
        status=Status(found["status"]),
        attempt=found["attempt"],
        waiting_on=Waiting(found["waiting_on"]) if found["waiting_on"] else None,
        paused_by=found["paused_by"],
        has_checkpoint=found["checkpoint_at"] is not None,
        superseded_by=found["superseded_by"],
    )
    progress = {
        "percent": found["progress_percent"],
        "message": found["progress_message"] or "",
        "done": found["progress_done"],
        "total": found["progress_total"],
        "rate": found["progress_rate"],
        "eta_seconds": found["progress_eta"],
        "phase": found["progress_phase"],
    }
    facts: dict[str, Any] = {
        "v": int(found["updated_at"].timestamp() * 1_000_000),
        "state": job.state,
        "status": found["status"],
        "percent": found["progress_percent"],
        "progress": progress,
    }
    if topic == "jobs":
        facts |= {
            "job_type": found["job_type"],
            "queue": found["queue"],
            "source_id": found["source_id"],
            "parent_id": shown(found["parent_id"]) if found["parent_id"] else None,
            "attempt": found["attempt"],
        }
    return Item(topic, shown(found["job_id"]), facts, (found["job_type"], found["queue"], found["user_id"]))
