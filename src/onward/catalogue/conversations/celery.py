"""The clean-up as Celery tasks, for programs that have Celery: ``include=["onward.catalogue.conversations.celery"]``.

They are shared tasks, so any application that imports this module has them, under the names ``cleanup_old_checkpoints``
and ``cleanup_user_checkpoints``.
"""

from __future__ import annotations

from typing import Any

from celery import shared_task

from onward.catalogue.conversations import functions
from onward.errors import OnwardError


@shared_task(name="cleanup_old_checkpoints", acks_late=True)  # type: ignore[untyped-decorator]  # Celery has no types
def cleanup_old_checkpoints(retention_days: float = 30, **options: Any) -> dict[str, Any]:
    """See ``onward.catalogue.conversations.cleanup_old_checkpoints``; a clean-up that fails fails the task.

    It is acknowledged when it has ended: if its worker dies, another does it again, and finds what is left.
    """
    result = functions.cleanup_old_checkpoints(retention_days, **options)
    if not result["success"]:
        raise OnwardError(f"The clean-up of checkpoints failed: {result['error']}")
    return result


@shared_task(name="cleanup_user_checkpoints", acks_late=True)  # type: ignore[untyped-decorator]  # the same
def cleanup_user_checkpoints(user_id: str) -> int:
    """See ``onward.catalogue.conversations.cleanup_user_checkpoints``."""
    return functions.cleanup_user_checkpoints(user_id)
