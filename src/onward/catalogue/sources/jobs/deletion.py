"""The job type ``delete_source``: a source with all that was made of it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.models.names import DIMENSIONS
from onward.catalogue.sources.jobs.dimension import resource
from onward.catalogue.sources.jobs.vectors import clear
from onward.catalogue.sources.outside.source_folder import INDEX, SourceFolder

types = JobTypes()


def every_database(params: Any, source_id: str | None) -> list[str]:  # noqa: ARG001 - asked of every job type
    """What this occupies: a source may be in any of them."""
    return [resource(dimension) for dimension in DIMENSIONS.values()]


@types.job(
    name="delete_source",
    label="Delete",
    category="maintenance",
    needs_source=True,
    weight=10,
    runs_after=["scrape", "metadata", "index_online", "index_offline", "clear_vectors", "suggest_tags"],
    conflicts_with=["scrape", "metadata", "index_online", "index_offline", "clear_vectors", "suggest_tags"],
    resources=every_database,
)
def delete_source(
    ctx: Context,
    keep_files: Annotated[bool, Field(description="Remove the vectors only.")] = False,
) -> dict[str, Any]:
    """Remove the source: its vectors in every database, then its folder."""
    folder = SourceFolder(ctx.settings.backup_path, ctx.source_id)
    cleared = {}
    for dimension in DIMENSIONS.values():
        ctx.dimension(dimension, "delete")
        cleared[str(dimension)] = clear(ctx, dimension)
    ctx.dimension(None)
    existed = folder.path.is_dir()
    if keep_files:
        folder.remove(INDEX)
    else:
        folder.remove_all()
    return {"cleared": cleared, "files_removed": existed and not keep_files}
