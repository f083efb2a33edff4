"""A job and the jobs that it submits: they share what the family occupies."""

from __future__ import annotations

import pytest

from onward import Context, JobNotFound, Onward
from tests.app_fixtures import run_all


def test_child_works_on_its_parents_source_while_the_parent_runs(app: Onward) -> None:
    @app.job()
    def small() -> str:
        return "done"

    @app.job()
    def large(ctx: Context) -> str:
        child = app.submit("small", source_id="wiki", parent_id=ctx.job_id)
        return app.wait(child.id, timeout=20).result

    job = app.submit("large", source_id="wiki")
    run_all(app)
    assert (app.get(job.id).error, app.get(job.id).result) == (None, "done")


def test_child_of_nobody_is_refused(app: Onward) -> None:
    app.job(name="small")(lambda: None)
    with pytest.raises(JobNotFound, match="parent"):
        app.submit("small", parent_id="nobody")


def test_capacity_that_was_set_holds_for_bare_names(app: Onward) -> None:
    app.job(name="work", resources=lambda params, source_id: ["gpu"])(lambda: None)
    app.resources.set("gpu", capacity=2)
    for _ in range(2):
        app.submit("work")
    assert app.counts()["pending"] == 2
