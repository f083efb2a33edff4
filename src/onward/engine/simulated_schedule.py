"""What the database says of one schedule of a simulation: its plan, its active jobs, and all that was decided."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from onward.model.schedule import Decision, Schedule
from onward.store import Store, schedules, turns


class SimulatedSchedule:
    """One schedule, looked at from outside."""

    def __init__(self, store: Store, schedule_id: str) -> None:
        self._store, self._id = store, schedule_id

    def look(self) -> tuple[Schedule, Counter[str]]:
        """The schedule as it is, and how many of its jobs are active and not in line for their turn, by bot."""
        with self._store.read() as conn:
            [seen] = schedules.get_schedules(conn, self._store.dialect, "id", [self._id])
            active = turns.active_jobs(conn, self._store.dialect, [self._id])
        return seen, Counter(job.bot_id for job in active if not job.is_queued)

    def decided(self) -> list[Decision]:
        """All that was decided about its due times, the earliest first."""
        with self._store.read() as conn:
            return schedules.list_decisions(conn, self._store.dialect, self._id)

    def put_back(self, at: datetime) -> None:
        """Have its plan say that this due time is the next."""
        plan = {"due_at": at, "planned_at": at, "next_run_at": at}
        self._store.write(lambda conn: schedules.change_schedule(conn, self._store.dialect, self._id, **plan))
