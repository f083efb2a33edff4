"""Why jobs wait is told of a whole page at once, as of each alone."""

from __future__ import annotations

from typing import Any

import pytest

from onward import Context, Onward
from tests.app_fixtures import Apps, rows, run_all


@pytest.fixture
def app(apps: Apps) -> Onward:
    made = apps()

    @made.job(resources=["crane"])
    def lift() -> None: ...

    @made.job()
    def work() -> None: ...

    @made.job()
    def ask(ctx: Context) -> None:
        ctx.ask("approval", prompt="May it go out?")

    return made


def test_page_says_why_each_job_waits_as_it_says_alone(app: Onward, monkeypatch: pytest.MonkeyPatch) -> None:
    app.submit("ask")
    run_all(app)
    app.submit("work", delay=3600)
    app.pause(app.submit("work").id, reason="later")
    app.queues.pause("gpu", "ana", "new cards")
    app.resources.hold("crane", "ana", "new rope")
    app.submit("lift")
    run_all(app)
    app.submit("work", queue="gpu")
    turn = app.submit("work")
    rows(app, "UPDATE jobs SET waiting_on = 'schedule', scheduled_job_id = 'gone' WHERE job_id = '{}'", turn.id)
    app.submit("work")
    asked: list[str] = []
    original = type(app._store.dialect).query

    def note(self: Any, conn: Any, sql: str, params: Any) -> Any:
        asked.append(sql)
        return original(self, conn, sql, params)

    monkeypatch.setattr(type(app._store.dialect), "query", note)
    page = app.find(limit=50)
    count = len(asked)
    for _ in range(5):
        app.submit("work")
    del asked[:]
    assert len(app.find(limit=50)) == len(page) + 5
    assert len(asked) == count
    monkeypatch.undo()
    shown = {job.id: job.waiting_reason for job in page}
    codes = {}
    for job in page:
        alone = app.get(job.id).waiting_reason
        together = shown[job.id]
        assert (together and together.code) == (alone and alone.code), job
        if together is not None and alone is not None:
            codes[together.code] = together.text
            if together.code in ("paused", "queue-paused", "no-worker", "schedule", "resource"):
                assert together == alone
    assert {"input", "scheduled", "paused", "queue-paused", "no-worker", "resource", "schedule"} == {*codes}
    assert "May it go out?" in codes["input"]
