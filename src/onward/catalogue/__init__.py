"""Job types that ship. Each kind is a guest: it imports what a user's own job could, and no other kind."""

from __future__ import annotations

from onward.authoring.registry import JobTypes

__all__ = ["include_in"]


def include_in(job_types: JobTypes) -> None:
    """Add every job type and chain that ships. Libraries of optional parts are loaded when a job needs them."""
    from onward.catalogue import sources

    job_types.include(sources.JOB_TYPES)
