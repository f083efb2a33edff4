"""Job types that ship. Each kind is a guest: it imports what a user's own job could, and no other kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from onward.authoring.registry import JobTypes
from onward.settings import Settings

__all__ = ["include_in"]


def include_in(
    job_types: JobTypes,
    *,
    prune: Callable[..., Any],
    prune_checkpoints: Callable[..., Any],
    threads_in_use: Callable[[], Iterable[str]] = lambda: (),
    settings: Settings | None = None,
) -> None:
    """Add every job type and chain that ships. Libraries of optional parts are loaded when a job needs them.

    ``prune`` and ``prune_checkpoints`` are the application's own verbs: jobs that tidy it up call them.
    ``threads_in_use`` gives the conversations that its unfinished jobs name: their checkpoints stay.
    ``settings`` say which services there are: schedules of jobs that lack theirs are made disabled.
    """
    from onward.catalogue import conversations, maintenance, memory, sources, vault

    settings = settings or Settings()
    job_types.include(sources.JOB_TYPES)
    job_types.include(memory.job_types(settings))
    job_types.include(vault.job_types(settings))
    job_types.include(conversations.job_types(threads_in_use, settings))
    job_types.include(maintenance.job_types(prune, prune_checkpoints))
