"""Jobs without a function: another program makes them, moves them along the legal moves, and says how far they are."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from onward.engine import transitions
from onward.errors import IdempotencyConflict, IllegalTransition, InvalidValue
from onward.model import codec, ids
from onward.model.ids import shown
from onward.model.job import Job, JobError
from onward.model.older import NOTES, OUTSIDE, UPDATES, is_outside
from onward.model.outcome import as_json
from onward.model.states import Status, is_legal
from onward.settings import Settings
from onward.store import Connection, Store, jobs, outside

FACTS = ("job_id", "job_type", "label", "source_id", "user_id", "task_description")
"""What is said of a job once, when it is made."""
_WAYS = {
    Status.PENDING: (),
    Status.RUNNING: (Status.RUNNING,),
    Status.PENDING_HITL: (Status.RUNNING, Status.PENDING_HITL),
    Status.COMPLETED: (Status.RUNNING, Status.COMPLETED),
    Status.FAILED: (Status.RUNNING, Status.FAILED),
    Status.CANCELLED: (Status.CANCELLED,),
}
"""The legal moves by which a new job comes to a status."""
_TEXT_BYTES = 65536


def create(conn: Connection, store: Store, given: Mapping[str, Any], now: datetime, *, actor: str | None) -> Job:
    """A new job of these facts and values; the job that exists when it was made of the same facts.

    Raises ``IdempotencyConflict`` for an id that is taken, ``InvalidValue`` for values that cannot be kept.
    """
    _check_names(given, {*FACTS, *UPDATES})
    facts = {name: given[name] for name in FACTS if given.get(name) is not None}
    for name in ("job_id", "source_id"):
        if name in facts:
            ids.check_name(facts[name], f"The {name}")
    job_id = facts["job_id"]
    for name in ("job_type", "label", "user_id", "task_description"):
        _check_text(name, facts.get(name, ""))
    digest = codec.digest(codec.encode(dict(sorted(facts.items())), "The job", 1 << 20))
    known = jobs.find_digests(conn, store.dialect, [job_id]).get(job_id)
    if known is not None:
        if known[1] != digest:
            raise IdempotencyConflict(
                f"There is a job {job_id} already, with other facts.",
                hint="Use another id, or change it with update_job().",
                job=jobs.get_job(conn, store.dialect, job_id),
            )
        return transitions.locked(conn, store, job_id)
    row = {"job_type": "task", "queue": OUTSIDE, "payload_digest": digest, **facts}
    outside.insert_outside(conn, store.dialect, row, now)
    values = {name: value for name, value in given.items() if name in UPDATES and value not in (None, "", ())}
    values.pop("task_description", None)
    for status in _WAYS[_status(values.pop("status", Status.PENDING))]:
        update(conn, store, job_id, {"status": status}, now, actor=actor)
    return update(conn, store, job_id, values, now, actor=actor) if values else transitions.locked(conn, store, job_id)


def update(
    conn: Connection, store: Store, job_id: str, given: Mapping[str, Any], now: datetime, *, actor: str | None
) -> Job:
    """Change a job: its status by a legal move, what it shows, what came of it.

    Of a job that onward runs itself only its description and what it shows can be changed, and it can be cancelled.
    Raises ``IllegalTransition``, ``JobNotFound``, ``InvalidValue``; nothing is changed then.
    """
    _check_names(given, UPDATES)
    job = transitions.locked(conn, store, job_id)
    changes = dict(given)
    new = _status(changes.pop("status", job.status))
    if not is_outside(job):
        if new is Status.CANCELLED and new is not job.status:
            job = transitions.cancel(conn, store, job_id, now, actor=actor)
        _require_notes(job, new, set(changes))
    values = _columns(changes, store.settings)
    if new is not job.status:
        values = _move(conn, store, job, new, now, actor) | values
    if values:
        jobs.change_job(conn, store.dialect, job_id, job.fence, now, **values)
    return transitions.locked(conn, store, job_id)


def _require_notes(job: Job, new: Status, names: set[str]) -> None:
    if new is not job.status:
        raise IllegalTransition(
            f"Job {shown(job.id)} ({job.job_type}) is run by workers, and cannot be set to {new} by hand.",
            hint="Use cancel(), resume(), restart() or run_again().",
        )
    others = sorted(names - NOTES)
    if others or (names - {"task_description"} and job.status.is_ended):
        what = ", ".join(others) or "its progress"
        raise IllegalTransition(
            f"Job {shown(job.id)} ({job.job_type}) is {job.status} and run by workers: {what} cannot be set by hand.",
            hint="What a job returns is its result, and what it raises its error.",
        )


def _move(conn: Connection, store: Store, job: Job, new: Status, now: datetime, actor: str | None) -> dict[str, Any]:
    """The columns that change with the status, and the event that tells of it."""
    if not is_legal(job.status, new):
        raise IllegalTransition(
            f"Job {shown(job.id)} is {job.status} and cannot become {new}. Its id is {job.id}.",
            hint=f"From {job.status} it can become {', '.join(_next(job.status)) or 'nothing else'}.",
        )
    values: dict[str, Any] = {"status": str(new), "waiting_on": None if new.is_ended else "outside"}
    generation = job.generation
    if job.status.is_ended:
        generation += 1
        values |= {"generation": generation, "completed_at": None, "error": None, "result": None}
    if new is Status.RUNNING and job.started_at is None:
        values["started_at"] = now
    if new.is_ended:
        values["completed_at"] = now
    if new is Status.COMPLETED:
        values["progress_percent"] = 100
    kind = _kind(job.status, new)
    jobs.tell_events(conn, store.dialect, [(job.id, generation, kind, store.dialect.time(now), job.fence, actor, None)])
    return values


def _kind(old: Status, new: Status) -> str:
    if new is Status.PENDING:
        return "resumed" if old.is_ended else "answered" if old is Status.PENDING_HITL else "interrupted"
    return {Status.RUNNING: "started", Status.PENDING_HITL: "asked"}.get(new, str(new))


def _next(status: Status) -> list[str]:
    return [str(other) for other in Status if is_legal(status, other)]


def _columns(given: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Values as their columns take them."""
    values = dict(given)
    for name in ("task_description", "progress_message", "hitl_type", "current_operation"):
        if name in values:
            _check_text(name, values[name])
            values[name] = values[name] or ("" if name in ("task_description", "progress_message") else None)
    percent = values.get("progress_percent")
    if percent is not None:
        if not isinstance(percent, int | float) or not 0 <= percent <= 100:
            raise InvalidValue(f"A progress of {percent!r} is not possible.", hint="Use a number from 0 to 100.")
        values["progress_percent"] = int(percent)
    for name in ("hitl_data", "hitl_response", "result"):
        if values.get(name) is not None:
            values[name] = codec.encode(values[name], f"The {name}", settings.limits.result_bytes)
    if values.get("error") is not None:
        values["error"] = codec.encode(_error(values["error"]), "The error", settings.limits.result_bytes)
    if "pending_dimensions" in values:
        listed = list(values["pending_dimensions"] or ())
        values["pending_dimensions"] = codec.encode(listed, "The dimensions", 4096) if listed else None
    return values


def _error(given: Any) -> dict[str, Any]:
    if isinstance(given, JobError):
        return as_json(given)
    if isinstance(given, Mapping):
        return {"type": "Error", "message": "", "traceback": "", **given}
    if isinstance(given, BaseException):
        return {"type": type(given).__name__, "message": str(given), "traceback": ""}
    return {"type": "Error", "message": str(given), "traceback": ""}


def _status(given: Any) -> Status:
    text = str(getattr(given, "value", given))
    if text not in set(Status):
        raise InvalidValue(f"{text!r} is not a status.", hint=f"Use one of {', '.join(Status)}.")
    return Status(text)


def _check_names(given: Mapping[str, Any], known: set[str] | frozenset[str]) -> None:
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise InvalidValue(
                f"{name!r} cannot be set.",
                hint=f"Did you mean {near[0]!r}?" if near else f"Use {', '.join(sorted(known))}.",
            )


def _check_text(name: str, text: Any) -> None:
    if text is None:
        return
    if not isinstance(text, str):
        raise InvalidValue(f"{name} is {text!r:.80}, not text.", hint="Use a string.")
    codec.encode(text, f"The {name}", _TEXT_BYTES)
