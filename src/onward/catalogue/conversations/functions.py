"""The clean-up as plain functions, for programs that have a scheduler of their own: Celery, Nautobot, cron."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from onward.authoring.inline import run_inline
from onward.catalogue.conversations.cleanup import NAME, job_types
from onward.clock import SystemClock
from onward.errors import OnwardError
from onward.settings import Settings

_log = logging.getLogger(__name__)
_TRIES = 3


def cleanup_old_checkpoints(
    retention_days: float = 30,
    *,
    settings: Settings | None = None,
    cancel_checker: Callable[[], bool] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Delete conversation checkpoints older than ``retention_days``; threads in use keep what they need to go on.

    Where they are is said by ``settings``, by default those of this process (``ONWARD_LANGGRAPH_URL``, or
    ``NAUTOBOT_REDIS_HOST`` and its kin). ``options``: the other parameters of the job ``cleanup_checkpoints``.

    Returns ``success``, ``processed_count``, ``deleted_count``, ``retention_days``, ``error`` (None when all is well)
    and more. It does not raise when the clean-up fails: then ``success`` is False and ``error`` says why.
    """
    try:
        return _run({"retention_days": retention_days, **options}, settings, cancel_checker)
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets it in the result
        _log.exception("The clean-up of checkpoints failed.")
        return {
            "success": False,
            "processed_count": 0,
            "deleted_count": 0,
            "retention_days": retention_days,
            "error": f"{type(error).__name__}: {error}",
        }


def cleanup_user_checkpoints(user_id: str, *, settings: Settings | None = None) -> int:
    """Delete all checkpoints of one user, whatever their age: the threads ``user-{user_id}-*``; returns how many.

    Raises what went wrong, and ``OnwardError`` when some were in use at that moment and are still there.
    """
    deleted: int = 0
    for _ in range(_TRIES):
        result = _run({"user": user_id, "erase": True}, settings, None)
        deleted += result["deleted_count"]
        if not result["changed_meanwhile"]:
            return deleted
    raise OnwardError(
        f"{deleted} checkpoints of the user were deleted, but some of their threads are in use and still there.",
        hint="End what uses them, and call it again.",
    )


def _run(
    params: dict[str, Any], settings: Settings | None, cancel_checker: Callable[[], bool] | None
) -> dict[str, Any]:
    job_type = job_types(lambda: ()).get(NAME)
    result: dict[str, Any] = run_inline(
        job_type,
        params,
        settings=settings or Settings.load(),
        clock=SystemClock(),
        cancel_checker=cancel_checker,
    )
    return result
