"""How long do lists take over HTTP with a million jobs in a SQLite file, one in ten of them failed?

A request is asked in turn with the others, so that none of them has the machine's best moment for itself.
"""

from __future__ import annotations

import statistics
import time

from fastapi.testclient import TestClient

from benchmarks.figure import Figure, Target, percentile
from onward import Onward
from onward.server.app import create_app

ASKED = {
    "newest": "jobs",
    "200 newest": "jobs?limit=200",
    "succeeded": "jobs?state=succeeded",
    "failed": "jobs?state=failed",
    "interrupted": "jobs?state=interrupted&ack=false",
    "running": "jobs?state=running",
    "one type": "jobs?job_type=kind3",
    "two types, failed": "jobs?job_type=kind3,kind4&state=failed",
    "one source": "jobs?source_id=source7",
    "one tag": "jobs?tag=tag5",
    "the last hour": "jobs?created=1h..",
    "by priority": "jobs?sort=-priority",
    "by last change": "jobs?sort=-updated",
    "count of all": "jobs?count=exact",
    "count of failed": "jobs?state=failed&count=capped",
    "interrupted jobs": "interrupted",
}
SEARCHED = {
    "one queue (no index)": "jobs?queue=gpu",
    "words (no index)": "jobs?q=kind9",
    "an error that nobody had (no index)": "jobs?error=Nothing",
    "words that are nowhere (no index)": "jobs?q=nowhere",
}
"""What no index finds: the newest 100,000 are looked at, and the answer says so."""
BUDGET_MS = 50.0
OVERVIEW_MS = 150.0
_AT = "2026-01-01 00:00:00.000000"


def measure(target: Target) -> list[Figure]:
    """Median and 95th percentile of each list, of the overview, and of the counts by status."""
    jobs, rounds = target.size(1_000_000, 20_000), target.size(40, 5)
    app = Onward(target.url)
    app.database.upgrade()
    few = jobs // 100
    _fill(app, 1, few)
    counted = _median_ms(app)
    _fill(app, few + 1, jobs)
    app.database.query("INSERT INTO job_tags (tag, job_id) SELECT 'tag' || (rowid % 100), job_id FROM jobs")
    asked = {**ASKED, **SEARCHED, "overview": "overview", "badges": "badges"}
    took: dict[str, list[float]] = {name: [] for name in asked}
    web = create_app(app)
    with TestClient(web, base_url="http://127.0.0.1", client=("127.0.0.1", 1)) as client:
        for _ in range(rounds):
            for name, path in asked.items():
                begun = time.perf_counter()
                answer = client.get(f"/api/v1/{path}")
                took[name].append(1000 * (time.perf_counter() - begun))
                if answer.status_code != 200:
                    raise ValueError(f"{path}: {answer.text}")
    found = []
    for name, values in took.items():
        budget = {**dict.fromkeys(ASKED, BUDGET_MS), "overview": OVERVIEW_MS}.get(name)
        found.append(Figure(f"{name}, median", statistics.median(values), "ms"))
        found.append(Figure(f"{name}, p95", percentile(values, 0.95), "ms", budget, "lower"))
    found.append(Figure(f"counts by status, {few:,} jobs", counted, "ms"))
    found.append(Figure(f"counts by status, {jobs:,} jobs", _median_ms(app), "ms"))
    app.database.query("UPDATE jobs SET status = 'completed'")
    found.append(Figure(f"counts by status, {jobs:,} completed jobs", _median_ms(app), "ms"))
    app.close()
    return found


def _median_ms(app: Onward) -> float:
    took = []
    for _ in range(20):
        begun = time.perf_counter()
        app.counts()
        took.append(1000 * (time.perf_counter() - begun))
    return statistics.median(took)


def _fill(app: Onward, first: int, last: int) -> None:
    """A table as it looks after a year: nine in ten have succeeded."""
    app.database.query(
        f"""
        INSERT INTO jobs (job_id, job_type, status, queue, source_id, params, error, checkpoint_at, created_at, run_at,
            started_at, completed_at, updated_at, priority)
        WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})
        SELECT printf('0199%04x-%04x-7000-8000-%012x', i / 65536, i % 65536, i), 'kind' || (i % 10),
            CASE WHEN i % 10 = 0 THEN 'failed' ELSE 'completed' END, CASE WHEN i % 50 = 0 THEN 'gpu' ELSE 'default' END,
            'source' || (i % 1000), '{{"number": 1}}',
            CASE WHEN i % 10 = 0 THEN '{{"type":"ValueError","message":"x","traceback":""}}' END,
            CASE WHEN i % 100 = 0 THEN '{_AT}' END, '{_AT}', '{_AT}', '{_AT}', '2026-01-01 00:00:01.000000',
            '2026-01-01 00:00:01.000000', i % 7 FROM n
        """  # noqa: S608 - numbers of our own
    )
