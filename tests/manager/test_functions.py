"""Functions handed to the job manager: registered ones become durable jobs, others run in this process."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onward import (
    Context,
    IllegalTransition,
    IncompleteJobFound,
    InvalidParams,
    ResourceBusy,
    UnknownJobType,
)
from onward.manager import JobManager, JobState
from tests.app_fixtures import Apps, Gate, ended, run_all, until


def test_registered_function_becomes_a_durable_job(jobs: JobManager) -> None:
    @jobs.app.job()
    def index(ctx: Context, source: str, limit: int = 5) -> dict[str, Any]:
        return {"source": source, "limit": limit}

    ids = [
        jobs.submit("index", "wiki", index, "wiki", limit=7),
        jobs.submit("index", "books", None, "books"),
        jobs.submit("reindex", "maps", index, "maps"),
    ]
    assert [job.job_id for job in jobs.get_active_jobs(source_id="wiki")] == ids[:1]
    run_all(jobs.app)
    assert [jobs.get_status(job_id).result["limit"] for job_id in ids] == [7, 5, 5]
    assert jobs.app.get(ids[2]).tags == ("reindex",)
    assert all(jobs.get_job(job_id).is_resumable for job_id in ids)
    with pytest.raises(InvalidParams, match="given by position"):
        jobs.submit("index", None, index, "a", 1, 2)
    with pytest.raises(InvalidParams, match="source twice"):
        jobs.submit("index", None, index, "a", source="b")
    with pytest.raises(UnknownJobType):
        jobs.submit("nothing", "wiki")


def test_unfinished_work_is_told_of_as_everywhere(jobs: JobManager) -> None:
    @jobs.app.job()
    def walk(ctx: Context) -> None:
        ctx.checkpoint({"at": 1}, flush=True)
        raise RuntimeError("half-way")

    jobs.submit("walk", "wiki", walk)
    run_all(jobs.app)
    with pytest.raises(IncompleteJobFound):
        jobs.submit("walk", "wiki", walk)


def test_other_function_runs_in_this_process_and_says_how_far_it_is(jobs: JobManager) -> None:
    gate = Gate()

    def scrape(
        folder: Path, *, depth: int, progress_callback: Callable[..., None], cancel_checker: Callable[[], bool]
    ) -> dict[str, Any]:
        progress_callback(2, 8, "pages")
        gate.pass_through()
        return {"folder": str(folder), "depth": depth, "cancelled": cancel_checker(), "thread": threading.get_ident()}

    job_id = jobs.submit("scrape", "site", scrape, Path("/x"), depth=3)
    gate.await_job()
    until(lambda: jobs.get_status(job_id).progress_percent == 25, "the progress")
    state = jobs.get_status(job_id)
    assert (state.status, state.progress_message, state.is_resumable) == ("running", "pages", False)
    with pytest.raises(ResourceBusy):
        jobs.submit("scrape", "site", scrape, Path("/y"), depth=1)
    gate.open()
    done = ended(jobs.app, job_id)
    assert done.result == {"folder": "/x", "depth": 3, "cancelled": False, "thread": done.result["thread"]}
    assert done.result["thread"] != threading.get_ident()


def test_other_function_is_cancelled_softly(jobs: JobManager) -> None:
    begun = threading.Event()

    def endless(cancel_checker: Callable[[], bool]) -> dict[str, Any]:
        begun.set()
        while not cancel_checker():
            threading.Event().wait(0.01)
        return {"success": False, "cancelled": True}

    job_id = jobs.submit("endless", None, endless)
    begun.wait(10)
    assert jobs.cancel(job_id).status == "cancelled"
    assert ended(jobs.app, job_id).status == "cancelled"
    with pytest.raises(IllegalTransition, match="function of one process"):
        jobs.app.resume(job_id)


def test_many_functions_share_a_name_and_fail_alone(jobs: JobManager) -> None:
    def fail() -> None:
        raise ValueError("no")

    good = [jobs.submit("sum", None, sum, [n, 1]) for n in range(5)]
    bad = jobs.submit("sum", None, fail)
    assert [ended(jobs.app, job_id).result for job_id in good] == [1, 2, 3, 4, 5]
    error = ended(jobs.app, bad).error
    assert error is not None
    assert (error.type, error.message) == ("ValueError", "no")


def test_functions_that_run_at_the_end_are_waited_for_and_others_cancelled(apps: Apps) -> None:
    app = apps(worker={"grace_seconds": 0.3})
    stubborn, begun = threading.Event(), threading.Event()

    def deaf() -> None:
        begun.set()
        stubborn.wait(30)

    job_id = app.jobs.submit("deaf", None, deaf)
    begun.wait(10)
    app.jobs.close()
    stubborn.set()
    state = app.jobs.get_job(job_id)
    assert (state.status, state.is_resumable) == ("cancelled", False)
    assert app.database.check() == []


def test_function_of_a_killed_process_has_failed_and_cannot_be_resumed(jobs: JobManager, tmp_path: Path) -> None:
    code = (
        "import sys, threading; from onward.manager import *; from tests.app_fixtures import quick_settings\n"
        "from onward import Onward\n"
        "m = initialize_job_manager(Onward(settings=quick_settings(sys.argv[1])))\n"
        "print(m.submit('wait', 'wiki', threading.Event().wait, 60), flush=True)\n"
        "threading.Event().wait(60)\n"
    )
    paths = ":".join([str(Path.cwd()), *filter(None, sys.path)])
    process = subprocess.Popen(
        [sys.executable, "-c", code, jobs.app.settings.database.url],
        stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": paths},
    )  # fmt: skip
    assert process.stdout is not None
    job_id = process.stdout.readline().strip()
    until(lambda: jobs.get_job(job_id).status == "running", "the function")
    process.kill()
    process.wait()
    # Any worker finds it, this process's own one too.
    jobs.submit("sum", None, sum, [1])
    failed = until(lambda: _if(jobs.get_job(job_id), "failed"), "the end of it")
    assert failed.error is not None
    assert (failed.error.type, failed.is_resumable) == ("WorkerLost", False)
    with pytest.raises(IllegalTransition):
        jobs.app.resume(job_id)
    jobs.submit("wait", "wiki", threading.Event().wait, 0)


def _if(state: JobState, status: str) -> JobState | None:
    return state if state.status == status else None
