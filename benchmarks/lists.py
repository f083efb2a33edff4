"""How long lists take over HTTP with a million jobs in a SQLite file: ``python -m benchmarks.lists [JOBS]``."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from fastapi.testclient import TestClient

from onward import Onward, Settings
from onward.server.app import create_app

ASKED = {
    "newest": "",
    "failed": "state=failed",
    "interrupted": "state=interrupted&ack=false",
    "running": "state=running",
    "one type": "job_type=kind3",
    "two types, failed": "job_type=kind3,kind4&state=failed",
    "one source": "source_id=source7",
    "one tag": "tag=tag5",
    "one queue (no index)": "queue=gpu",
    "by priority": "sort=-priority",
    "words (no index)": "q=kind9",
    "count of failed": "state=failed&count=capped",
}
ROUNDS = 15
BUDGET_MS = 50


def fill(app: Onward, jobs: int) -> None:
    """A table as it looks after a year: nine in ten have succeeded."""
    app.database.query(
        f"""
        INSERT INTO jobs (job_id, job_type, status, queue, source_id, params, error, checkpoint_at, created_at, run_at,
            started_at, completed_at, updated_at, priority)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {jobs})
        SELECT printf('0199%04x-%04x-7000-8000-%012x', i / 65536, i % 65536, i), 'kind' || (i % 10),
            CASE WHEN i % 10 = 0 THEN 'failed' ELSE 'completed' END, CASE WHEN i % 50 = 0 THEN 'gpu' ELSE 'default' END,
            'source' || (i % 1000), '{{"number": 1}}',
            CASE WHEN i % 10 = 0 THEN '{{"type":"ValueError","message":"x","traceback":""}}' END,
            CASE WHEN i % 100 = 0 THEN '2026-01-01 00:00:00.000000' END, '2026-01-01 00:00:00.000000',
            '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000', '2026-01-01 00:00:01.000000',
            '2026-01-01 00:00:01.000000', i % 7 FROM n
        """  # noqa: S608 - a number of our own
    )
    app.database.query("INSERT INTO job_tags (tag, job_id) SELECT 'tag' || (rowid % 100), job_id FROM jobs")


def main() -> int:
    """Print a line for each list; the exit code says whether all are within the budget."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    slow = 0
    with tempfile.TemporaryDirectory() as folder:
        app = Onward(settings=Settings(database={"url": f"sqlite:///{Path(folder) / 'jobs.db'}"}))
        app.database.upgrade()
        fill(app, jobs)
        web = create_app(app)
        with TestClient(web, base_url="http://127.0.0.1", client=("127.0.0.1", 1)) as client:
            for name, asked in ASKED.items():
                took = []
                for _ in range(ROUNDS):
                    began = time.perf_counter()
                    answer = client.get(f"/api/v1/jobs?{asked}")
                    took.append(1000 * (time.perf_counter() - began))
                    assert answer.status_code == 200, answer.text
                p95 = sorted(took)[int(0.95 * (len(took) - 1))]
                slow += p95 > BUDGET_MS
                print(f"{name:24} median {statistics.median(took):7.1f} ms   p95 {p95:7.1f} ms")
            began = time.perf_counter()
            client.get("/api/v1/overview")
            print(f"{'overview':24} {1000 * (time.perf_counter() - began):7.1f} ms")
        app.close()
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
