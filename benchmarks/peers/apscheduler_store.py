"""APScheduler on its SQLAlchemy store. ``apscheduler_store.py schedules ADDRESS FOLDER COUNT``.

Its executor takes each job and reports it done, so that only the scheduler's own work is timed. It has no call that
adds many: a thousand are added one by one, and the rest of its table is filled up.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import pickle
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.executors.base import BaseExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_RUNNING
from apscheduler.triggers.cron import CronTrigger
from sqlalchemy import insert

ADDED = 1000
DUE = 1000
LOOKS = 21


def noop() -> None:
    """What is scheduled."""


class Done(BaseExecutor):  # type: ignore[misc]  # it has no types
    """Takes a job and says that it is done."""

    taken = 0

    def _do_submit_job(self, job: Any, _run_times: Any) -> None:
        Done.taken += 1
        self._run_job_success(job.id, [])


def measure(address: str, total: int) -> dict[str, float]:
    """Milliseconds to add one and to look; seconds until all that is due was handed on."""
    store = SQLAlchemyJobStore(address.replace("postgresql://", "postgresql+psycopg://"))
    scheduler = BackgroundScheduler(timezone=UTC, executors={"default": Done()}, jobstores={"default": store})
    scheduler.start(paused=True)
    far = datetime.now(UTC) + timedelta(days=1)
    begun = time.perf_counter()
    for number in range(ADDED):
        trigger = CronTrigger(minute=number % 60, hour=number // 60 % 24, timezone="UTC")
        scheduler.add_job(noop, trigger, id=str(number), next_run_time=far)
    one = (time.perf_counter() - begun) / ADDED
    state = scheduler.get_job("0").__getstate__()
    rows = []
    for number in range(ADDED, total):
        state["id"] = str(number)
        blob = pickle.dumps(state, pickle.HIGHEST_PROTOCOL)
        rows.append({"id": str(number), "next_run_time": far.timestamp(), "job_state": blob})
    with store.engine.begin() as connection:
        connection.execute(insert(store.jobs_t), rows)
    logging.disable(logging.CRITICAL)
    scheduler.state = STATE_RUNNING
    idle = statistics.median(_look(scheduler) for _ in range(LOOKS))
    past = datetime.now(UTC) - timedelta(milliseconds=100)
    for number in range(DUE):
        job = store.lookup_job(str(number))
        job.next_run_time = past
        store.update_job(job)
    started = _look(scheduler)
    if Done.taken != DUE:
        raise RuntimeError(f"{Done.taken} jobs were handed on, not {DUE}")
    scheduler.shutdown(wait=False)
    return {
        "one schedule added by itself": one * 1000,
        f"look with nothing due, {total:,} schedules": idle * 1000,
        f"{DUE:,} due at once, started, {total:,} schedules": started,
    }


def _look(scheduler: Any) -> float:
    begun = time.perf_counter()
    scheduler._process_jobs()
    return time.perf_counter() - begun


def main() -> None:
    _, address, _, count = sys.argv[1:]
    found: dict[str, Any] = {"peer": f"APScheduler {importlib.metadata.version('apscheduler')}"}
    print(json.dumps(found | measure(address, int(count))))


if __name__ == "__main__":
    # A job is known by its module's name, which must be found again when it is read.
    from apscheduler_store import main as main_of_module

    main_of_module()
