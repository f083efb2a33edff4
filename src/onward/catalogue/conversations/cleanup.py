"""The job type ``cleanup_checkpoints``: old conversation checkpoints of LangGraph, out of where they are kept."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.conversations.cleaning import Cleaning, Spared, Wishes
from onward.errors import InvalidParams
from onward.settings import Settings

NAME = "cleanup_checkpoints"
LABEL = "Cleanup Old Checkpoints"
CATEGORY = "AI Agents"
DESCRIPTION = "Clean up old LangGraph conversation checkpoints based on retention policy"
DAYS_OF = "Checkpoints older than so many days go; none: as the settings say (30)."

Days = Annotated[float | None, Field(ge=0, le=36500, description=DAYS_OF)]
Waiting = Annotated[
    float | None,
    Field(ge=0, le=36500, description="Threads that wait for somebody go after so many days; none: never."),
]
Thread = Annotated[
    str | None, Field(min_length=1, max_length=500, description="Only threads with such a name; * stands for anything.")
]
User = Annotated[str | None, Field(min_length=1, max_length=200, description="Only threads of this user: user-ID-*.")]
Erase = Annotated[bool, Field(description="Delete the threads that were named whole, whatever their age.")]
Limit = Annotated[
    int | None,
    Field(ge=0, description="Bytes of Redis above which the shorter retention applies; 0: never; none: see settings."),
]
DryRun = Annotated[bool, Field(description="Only count what would go.")]


def pattern_of(thread: str | None, user: str | None) -> str | None:
    """The pattern of the threads that were asked for; None is all of them."""
    if thread is not None and user is not None:
        raise InvalidParams(
            "Both a pattern of threads and a user were given.",
            hint="Give one of them.",
            errors=({"field": "user", "message": "not together with thread"},),
        )
    if user is None:
        return thread
    # The id is meant as it is, whatever signs are in it.
    return "user-" + "".join(f"[{sign}]" if sign in "*?[" else sign for sign in user) + "-*"


def job_types(spared: Spared, settings: Settings | None = None) -> JobTypes:
    """The job type; ``spared`` gives the threads that must stay since unfinished jobs name them.

    Its daily schedule is made disabled where ``settings`` do not say where the checkpoints are.
    """
    types = JobTypes()

    @types.job(
        name=NAME,
        label=LABEL,
        description=DESCRIPTION,
        category=CATEGORY,
        resources=lambda params, source_id: ["conversations"],  # noqa: ARG005 - asked of every job type
    )
    def cleanup_checkpoints(
        ctx: Context,
        retention_days: Days = None,
        waiting_days: Waiting = None,
        thread: Thread = None,
        user: User = None,
        erase: Erase = False,
        memory_limit_bytes: Limit = None,
        dry_run: DryRun = False,
    ) -> dict[str, Any]:
        """Clean up old LangGraph conversation checkpoints based on retention policy."""
        pattern = pattern_of(thread, user)
        if erase and pattern is None:
            raise InvalidParams(
                "Nothing was deleted: `erase` deletes threads of any age, and none were named.",
                hint="Name them with `thread` or `user`.",
                errors=({"field": "erase", "message": "needs thread or user"},),
            )
        wishes = Wishes(retention_days, waiting_days, pattern, erase, dry_run, memory_limit_bytes)
        return Cleaning(ctx, wishes, spared).run()

    types.default_schedule(
        NAME,
        cron="15 3 * * *",
        description="Old checkpoints of conversations go, daily.",
        ready=lambda: _why_not(settings or Settings()),
    )
    return types


def _why_not(settings: Settings) -> str | None:
    if settings.langgraph.is_configured:
        return None
    return f"Nobody has said where the checkpoints are: set ONWARD_LANGGRAPH_URL, then `onward schedule resume {NAME}`."
