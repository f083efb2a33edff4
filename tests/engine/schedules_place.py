"""An application with schedules, on a clock that is moved by hand, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from onward import Context, Job, ManualClock, Onward
from tests.app_fixtures import Apps, rows

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


class Place:
    """The application, its clock, and the questions that tests ask of both."""

    def __init__(self, apps: Apps, **settings: Any) -> None:
        self.clock = ManualClock(NOON)
        self.app = with_jobs(apps(clock=self.clock, **settings))
        self.schedules = self.app.schedules

    def tick(self, **later: float) -> list[Job]:
        """Let time pass, and look once."""
        if later:
            self.clock.advance(**later)
        return self.schedules.tick()

    def end(self, jobs: list[Job]) -> None:
        """Have these jobs completed, as a worker would."""
        self.app.worker(concurrency=2).run(until_idle=True)
        for job in jobs:
            assert self.app.get(job.id).status == "completed"

    def told(self, name: str) -> list[tuple[str, str]]:
        """Status and reason of what came of a schedule, in the order of the decisions."""
        found = rows(
            self.app,
            "SELECT d.decision, coalesce(r.error_type, '') FROM schedule_decisions d "
            "JOIN scheduled_jobs s ON s.id = d.schedule_id LEFT JOIN job_runs r ON r.id = d.skipped_run "
            "WHERE s.name = '{}' ORDER BY d.due_at, d.bot_id",
            name,
        )
        return [(row[0], row[1]) for row in found]

    def words(self, name: str) -> str:
        """The same in short: ``started missed folded``."""
        return " ".join(reason or decision for decision, reason in self.told(name))

    def by_hand(self, sql: str) -> None:
        """A statement as a person would run it."""
        with self.app.connect() as connection:
            connection.execute(text(sql))


def with_jobs(app: Onward) -> Onward:
    """The job types of these tests."""

    @app.job()
    def greet(name: str = "ana") -> str:
        """Say hello."""
        return f"hello {name}"

    @app.job()
    def who(ctx: Context) -> str | None:
        """Say for which bot it runs."""
        return ctx.bot_id

    return app
