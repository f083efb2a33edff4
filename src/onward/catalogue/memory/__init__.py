"""An assistant's memory: what bots remember and know, and the jobs that keep it tidy."""

from onward.authoring.registry import JobTypes
from onward.catalogue.memory.assistant import AssistantMemory, MemoryNotFound, profile_summary
from onward.catalogue.memory.jobs import consolidation, decay, entries, profile
from onward.catalogue.memory.jobs.entries import shown
from onward.catalogue.memory.plan.records import DEFAULT_BOT, Attribute, Entity, Found, Memory, Profile, Summary
from onward.catalogue.models.chat import is_configured
from onward.settings import Settings

__all__ = [
    "DEFAULT_BOT",
    "JOB_TYPES",
    "AssistantMemory",
    "Attribute",
    "Entity",
    "Found",
    "Memory",
    "MemoryNotFound",
    "Profile",
    "Summary",
    "job_types",
    "profile_summary",
    "shown",
]

JOB_TYPES = JobTypes()
for _module in (profile, consolidation, decay, entries):
    JOB_TYPES.include(_module.types)


def job_types(settings: Settings) -> JobTypes:
    """The job types with their schedule, which is made disabled where no language model is configured."""
    types = JobTypes()
    types.include(JOB_TYPES)

    def ready() -> str | None:
        if is_configured(settings.models):
            return None
        return (
            "No language model is configured: set ONWARD_MODELS_LOCAL_ADDRESS, or ONWARD_MODELS_KEY, "
            "then `onward schedule resume profile_maintenance`."
        )

    types.default_schedule(
        "profile_maintenance",
        interval_minutes=max(1, round(settings.profile_maintenance.interval_minutes)),
        bot_id="*",
        description="Summaries of what is known follow the attributes, for all bots.",
        ready=ready,
    )
    return types
