"""The job types ``prune_jobs`` and ``prune_checkpoints``: an application's own verbs, to be started by a schedule.

A job of a user would import the application and call ``app.prune()``. These do the same with the verb that they are
handed, since what ships cannot know the application's module.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes

Days = Annotated[float | None, Field(ge=0, description="Older than so many days; none: as the settings say.")]
DryRun = Annotated[bool, Field(description="Only count what would go.")]


Prune = Callable[..., Any]
"""A verb that prunes, and returns what it has done."""


def job_types(prune: Prune, prune_checkpoints: Prune) -> JobTypes:
    """The two job types, bound to the verbs of one application."""
    types = JobTypes()

    @types.job(label="Prune Jobs", category="maintenance", resources=_alone("prune_jobs"))
    def prune_jobs(ctx: Context, older_than_days: Days = None, archive: bool = True, dry_run: DryRun = False) -> Any:
        """Archive and delete jobs that have ended long ago."""
        return _run(ctx, prune, older_than_days, archive=archive, dry_run=dry_run)

    @types.job(
        name="prune_checkpoints",
        label="Prune Checkpoints",
        category="maintenance",
        resources=_alone("prune_checkpoints"),
    )
    def drop_saved(ctx: Context, older_than_days: Days = None, dry_run: DryRun = False) -> Any:
        """Drop what failed and cancelled jobs have saved, some time after their last save."""
        return _run(ctx, prune_checkpoints, older_than_days, dry_run=dry_run)

    types.default_schedule("prune_checkpoints", cron="30 3 * * *", description="Stale checkpoints go, daily.")
    types.default_schedule("prune_jobs", cron="0 4 * * *", description="Jobs that ended long ago are archived, daily.")
    return types


def _alone(name: str) -> Any:
    """One at a time is enough."""
    return lambda params, source_id: [f"retention:{name}"]  # noqa: ARG005 - asked of every job type


def _run(ctx: Context, verb: Prune, days: float | None, **options: Any) -> dict[str, Any]:
    def tell(report: Any) -> None:
        ctx.progress(done=report.jobs, message=f"{report.jobs:,} jobs")

    older_than = None if days is None else timedelta(days=days)
    report = verb(older_than, should_stop=lambda: ctx.should_stop, on_batch=tell, **options)
    # Stopped before its end, it leaves here; begun again, it goes on with what is left.
    ctx.check()
    result: dict[str, Any] = report.as_json()
    return result
