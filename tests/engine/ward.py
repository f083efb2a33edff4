"""A place where workers die: a rescuer, and workers that are only rows."""

from __future__ import annotations

from typing import Any

import pytest

from onward import Context, Job, ManualClock, Onward
from onward.engine.adopter import Adopter
from onward.engine.rescuer import Rescuer
from onward.model.ids import Ids
from onward.model.job import WorkerRecord
from onward.store import claims, workers
from tests.app_fixtures import Apps

LEASE = 30.0


class Ward:
    """A rescuer that is ticked by hand, on a clock that is moved by hand, and workers that are only rows."""

    def __init__(self, apps: Apps) -> None:
        self.clock = ManualClock()
        self.app: Onward = apps(self.clock)
        self.store = self.app._store
        self.ids = Ids(self.clock)
        self.told: list[Any] = []
        self.app.events.subscribe(self.told.append)
        adopter = Adopter(self.store, self.ids, lambda _ended: None, lambda _entry: None)
        self.rescuer = Rescuer(self.store, self.clock, self.ids, self.app.events, lambda: "me", None, adopter)
        self.rescuer._locks = lambda conn: (None, {})  # type: ignore[method-assign]

    def worker(self, host: str = "elsewhere", pid: int = 1, **facts: Any) -> str:
        now = self.clock.now()
        record = WorkerRecord(
            id=self.ids.new(), name="w", host=host, pid=pid, queues=(), job_types=("work",), slots=1, state="online",
            version="1", started_at=now, seen_at=now, lease_seconds=LEASE,
            **{"boot_id": "other-boot", "pid_namespace": "ns", "pid_started": 1.0} | facts,
        )  # fmt: skip
        self.store.write(lambda conn: workers.register(conn, self.store.dialect, record, 1))
        return record.id

    def beat(self, worker_id: str) -> bool:
        return self.store.write(lambda conn: workers.beat(conn, self.store.dialect, worker_id, self.clock.now()))

    def claim(self, worker_id: str) -> list[claims.Claim]:
        return self.store.write(
            lambda conn: claims.claim_jobs(
                conn, self.store.dialect, worker_id=worker_id, queues=(), job_types=("work",), limit=10,
                now=self.clock.now(), run_ids=self.ids.many(10),
            )
        )  # fmt: skip

    def pass_time(self, seconds: float, step: float = 1.0) -> int:
        """Look once a step, as the service does; how many jobs changed hands."""
        count = 0
        for _ in range(int(seconds / step)):
            self.clock.advance(step)
            count += self.rescuer.rescue()
        return count

    def get(self, job: Job) -> Job:
        return self.app.get(job.id)


@pytest.fixture
def ward(apps: Apps) -> Ward:
    made = Ward(apps)

    @made.app.job()
    def work(ctx: Context) -> bool:
        return ctx.resumed

    return made
