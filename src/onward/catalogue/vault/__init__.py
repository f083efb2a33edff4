"""A vault of notes, and the graph that is kept in line with its marked blocks."""

from pathlib import Path

from onward.authoring.registry import JobTypes
from onward.catalogue.vault.jobs import sync
from onward.model.schedule import Watched
from onward.settings import Settings

__all__ = ["JOB_TYPES", "job_types"]

JOB_TYPES = JobTypes()
for _module in (sync,):
    JOB_TYPES.include(_module.types)


def job_types(settings: Settings) -> JobTypes:
    """The job types with their schedule: made disabled where there is no vault; its folder is watched on request."""
    types = JobTypes()
    types.include(JOB_TYPES)

    def ready() -> str | None:
        if settings.vault.path:
            return None
        return "There is no vault: set ONWARD_VAULT_PATH, then `onward schedule resume vault_sync`."

    def watch() -> Watched | None:
        vault = settings.renewed().vault
        if not vault.path or not vault.watch:
            return None
        # Changes are told with whole paths, without links.
        return Watched(Path(vault.path).expanduser().resolve(), (".md",))

    words = "The graph follows the vault, every half hour."
    types.default_schedule("vault_sync", cron="*/30 * * * *", description=words, ready=ready, watch=watch)
    return types
