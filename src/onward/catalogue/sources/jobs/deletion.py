"""The job type ``delete_source``: a source with all that was made of it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.models.names import EVERY
from onward.catalogue.sources.jobs.vectors import clear
from onward.catalogue.sources.outside.source_folder import INDEX, SourceFolder
from onward.catalogue.sources.outside.vector_store import open_store

types = JobTypes()
_OTHERS = [
    "scrape", "metadata", "zim_import", "zim_index", "pdf_import", "detect_base_url", "check_addresses",
    "index_online", "index_offline", "index_dimensions", "clear_vectors", "suggest_tags", "install_source", "upload",
    "pinecone_sync", "pinecone_sync_dry", "visualisation", "translate_source", "localize_source",
]  # fmt: skip


@types.job(
    name="delete_source",
    label="Delete",
    category="maintenance",
    needs_source=True,
    weight=10,
    runs_after=_OTHERS,
    conflicts_with=_OTHERS,
)
def delete_source(
    ctx: Context,
    delete_files: Annotated[bool, Field(description="Remove the files too; no removes the vectors only.")] = True,
) -> dict[str, Any]:
    """Remove the source: its vectors in every database, the free ones first, then its folder."""
    folder = SourceFolder(ctx.settings.backup_path, ctx.source_id)
    cleared = ctx.state.setdefault("counted", {})
    there = [size for size in EVERY if open_store(ctx.settings.backup_path, size).exists()]
    for dimension in ctx.free_first(there, "delete"):
        cleared[str(dimension)] = clear(ctx, dimension)
    existed = folder.path.is_dir() or ctx.state.get("removing", False)
    if not delete_files:
        folder.remove(INDEX)
        return {"cleared": cleared, "files_removed": False}
    ctx.state["removing"] = existed
    ctx.checkpoint(flush=True)
    folder.remove_all()
    return {"cleared": cleared, "files_removed": existed}
