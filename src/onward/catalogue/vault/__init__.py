"""A vault of notes, and the graph that is kept in line with its marked blocks."""

from onward.authoring.registry import JobTypes
from onward.catalogue.vault.jobs import sync
from onward.settings import Settings

__all__ = ["JOB_TYPES", "job_types"]

JOB_TYPES = JobTypes()
for _module in (sync,):
    JOB_TYPES.include(_module.types)


def job_types(settings: Settings) -> JobTypes:
    """The job types with their schedule, which is made disabled where there is no vault."""
    types = JobTypes()
    types.include(JOB_TYPES)

    def ready() -> str | None:
        return None if settings.vault.path else "There is no vault: set ONWARD_VAULT_PATH."

    words = "The graph follows the vault, every half hour."
    types.default_schedule("vault_sync", cron="*/30 * * * *", description=words, ready=ready)
    return types
