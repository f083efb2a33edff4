"""A look at schedules of every kind, which dies where the trap is, and the look of another process after it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from onward import Onward
from onward.model.schedule import Schedule
from tests.crash.jobs import Ledger

MINUTE = timedelta(minutes=1)
KINDS: dict[str, dict[str, Any]] = {
    "latest": {},
    "all": {"catch_up": "all", "misfire_grace_seconds": None},
    "queue": {"overlap": "queue"},
    "cancels": {"overlap": "cancel_running"},
    "busy": {},
    "paused": {},
    "late": {"misfire_grace_seconds": 30},
    "by_hand": {},
}
_TABLES = ("jobs", "job_tags", "job_runs", "job_events", "scheduled_jobs", "schedule_decisions")


def begin(app: Onward, ledger: Ledger) -> None:
    """Schedules that have been due five times, one of them busy."""
    app.counts()
    with app.connect() as connection:
        for name in _TABLES:
            connection.execute(text(f"DELETE FROM {name}"))
    for name, policy in KINDS.items():
        app.schedules.add(name, "work", interval_minutes=1, **policy)
    app.schedules.run_now("busy")
    app.schedules.run_now("cancels")
    app.schedules.pause("paused")
    with app.connect() as connection:
        connection.execute(
            text("UPDATE scheduled_jobs SET next_run_at = '2020-01-01 00:00:00Z' WHERE name = 'by_hand'")
        )
    ledger.say("noon", app.schedules.get("latest").anchor_at.isoformat())  # type: ignore[union-attr]


def look(app: Onward, ledger: Ledger) -> None:
    """One look, five minutes later."""
    app.schedules.tick(_noon(ledger) + timedelta(minutes=5, seconds=30))


def recover(app: Onward, ledger: Ledger) -> None:
    """The looks of others: at the same time, and on a clock that is behind."""
    noon = _noon(ledger)
    _await_rollback(app)
    for minutes in (5.5, 4, 5.5, 6.5):
        app.schedules.tick(noon + timedelta(minutes=minutes))


def _await_rollback(app: Onward) -> None:
    """A server notices a moment later that a client has died; until then its rows are passed over."""
    if app.settings.database.url.startswith("sqlite"):
        return
    open_elsewhere = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND xact_start IS NOT NULL AND backend_type = 'client backend'"
    )
    for _ in range(1000):
        if not app.database.query(open_elsewhere)[1]:
            return
        threading.Event().wait(0.02)
    raise AssertionError("a transaction of the dead is still open")


def check(app: Onward, ledger: Ledger) -> None:
    """Raise ``AssertionError`` unless each due time has its decision, and each decision what it says."""
    found = {item.name: item for item in app.schedules.list()}
    jobs = {job.id: job for job in app.find(limit=200)}
    decided = app.database.query(
        "SELECT s.name, d.due_at, d.decision, d.started_job, d.skipped_run FROM schedule_decisions d "
        "JOIN scheduled_jobs s ON s.id = d.schedule_id ORDER BY s.name, d.due_at"
    )[1]
    runs = {row[0] for row in app.database.query("SELECT id FROM job_runs WHERE status = 'skipped'")[1]}
    assert runs == {row[4] for row in decided if row[2] == "skipped"}
    started = [row[3] for row in decided if row[2] == "started"]
    assert len(started) == len(set(started)), "one job for two due times"
    by_word = {job.id for job in jobs.values() if job.due_at is None}
    assert set(jobs) == {*started, *by_word}, (
        f"lost {set(started) - set(jobs)}, from nowhere {set(jobs) - set(started)}"
    )
    assert len(by_word) == 2
    for name, item in found.items():
        mine = [row for row in decided if row[0] == name]
        _check_due(item, mine)
    words = {name: [row[2] for row in decided if row[0] == name] for name in KINDS}
    # Five are caught up together; the sixth is due while they are active.
    assert words["all"] == ["started"] * 5 + ["skipped"]
    assert words["queue"][-1] == "started"
    assert words["paused"] == ["skipped"] * 6
    assert words["busy"] == ["skipped"] * 6


def _check_due(item: Schedule, decided: list[Any]) -> None:
    """Six due times, each once, and then the next one."""
    assert item.anchor_at is not None
    due = [_moment(row[1]) for row in decided]
    assert len(set(due)) == len(due)
    if item.name == "by_hand":
        due = due[1:]
    assert due == [item.anchor_at + n * MINUTE for n in range(1, 7)], f"{item.name}: {due}"
    assert item.due_at == item.next_run_at == item.anchor_at + 7 * MINUTE


def _noon(ledger: Ledger) -> datetime:
    [line] = [line for line in ledger.lines() if line[0] == "noon"]
    return datetime.fromisoformat(line[1])


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
