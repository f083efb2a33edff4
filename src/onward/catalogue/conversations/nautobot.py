"""The clean-up as a Job of Nautobot, which finds it in a module that ``JOBS_ROOT`` or an app's ``jobs.py`` imports.

In a file below ``JOBS_ROOT``::

    from onward.catalogue.conversations.nautobot import CleanupCheckpointsJob, name, register_jobs

    register_jobs(CleanupCheckpointsJob)

``name`` is how Nautobot groups the jobs of a module. Redis is found by the names that Nautobot uses itself.
"""

from __future__ import annotations

from typing import Any

from nautobot.apps.jobs import DryRunVar, IntegerVar, Job, StringVar, register_jobs

from onward.catalogue.conversations.cleanup import CATEGORY, DAYS_OF, DESCRIPTION, LABEL
from onward.catalogue.conversations.functions import cleanup_old_checkpoints

__all__ = ["CleanupCheckpointsJob", "name", "register_jobs"]

name = CATEGORY


class CleanupCheckpointsJob(Job):  # type: ignore[misc]  # Nautobot publishes no types
    """Clean up old LangGraph conversation checkpoints based on retention policy."""

    retention_days = IntegerVar(default=30, min_value=0, max_value=36500, description=DAYS_OF)
    thread = StringVar(
        required=False, default="", description="Only threads with such a name; * stands for anything; empty: all."
    )
    dryrun = DryRunVar(description="Only count what would go.")

    class Meta:
        """What Nautobot shows."""

        name = LABEL
        description = DESCRIPTION
        grouping = CATEGORY
        has_sensitive_variables = False

    def run(self, retention_days: int = 30, thread: str = "", dryrun: bool = False) -> dict[str, Any]:
        """Clean up; what was done is the job's result, and a clean-up that fails fails the job."""
        self.logger.info("Starting the clean-up of checkpoints.")
        result = cleanup_old_checkpoints(retention_days, thread=thread or None, dry_run=dryrun)
        if not result["success"]:
            raise RuntimeError(f"The clean-up of checkpoints failed: {result['error']}")
        self.logger.info(
            "%s %s of %s checkpoints (kept for %s days).",
            "Would delete" if dryrun else "Deleted",
            result["deleted_count"],
            result["processed_count"],
            result["retention_days"],
        )
        return result
