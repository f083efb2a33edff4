"""Runs jobs of a memory with a real worker, and looks at what came of it."""

from __future__ import annotations

from typing import Any

from onward import Job, Onward
from tests.app_fixtures import ended, run_all
from tests.catalogue.model_server import Body, ModelServer

TEAS = ("Ana drinks green tea every morning.", "Every morning Ana drinks a green tea.", "Ana likes her green tea.")
PROFILE = {"facts": [{"fact": "Ana likes tea.", "from": [1]}], "summary": "Ana likes tea."}


def done(app: Onward, job_type: str, params: dict[str, Any] | None = None, **options: Any) -> Job:
    """The job once it has ended."""
    job = app.submit(job_type, params, **options)
    run_all(app)
    return ended(app, job)


def status_of_run(app: Onward, job: Job) -> str:
    return str(app.runs(job.id)[-1].status)


def chats(server: ModelServer) -> list[Body]:
    return [body for path, body in server.asked if path.endswith("/chat/completions")]
