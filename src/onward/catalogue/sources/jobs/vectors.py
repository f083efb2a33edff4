"""The job type ``clear_vectors``: a source out of a vector database, some passages at a time."""

from __future__ import annotations

from typing import Any

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.sources.jobs.dimension import AnyDimension, occupied, working_on
from onward.catalogue.sources.outside.source_folder import INDEX, SourceFolder, check_source_id
from onward.catalogue.sources.outside.vector_store import open_store

types = JobTypes()
AT_ONCE = 250
"""Passages in a batch: a call of the database keeps the interpreter, so this is for how long nothing else goes on."""


@types.job(
    name="clear_vectors",
    label="Clear Vectors",
    category="indexing",
    needs_source=True,
    weight=10,
    runs_before=["index_online", "index_offline", "index_dimensions", "zim_index"],
    conflicts_with=["delete_source"],
    resources=occupied,
)
def clear_vectors(ctx: Context, dimension: AnyDimension = None) -> dict[str, Any]:
    """Remove the source's vectors of one dimension."""
    with working_on(ctx, dimension, "delete") as chosen:
        cleared = clear(ctx, chosen)
        folder = SourceFolder(ctx.settings.backup_path, ctx.source_id)
        if str(chosen) in folder.read_json(INDEX).get("dimensions", {}):
            folder.change_json(INDEX, lambda known: _without(known, str(chosen)))
        return {"dimension": chosen, "cleared": cleared}


def _without(index: dict[str, Any], dimension: str) -> dict[str, Any]:
    kept = {name: entry for name, entry in index.get("dimensions", {}).items() if name != dimension}
    return index | {"dimensions": kept}


def clear(ctx: Context, dimension: int) -> int:
    """Remove all passages of the job's source; returns how many, counting those before an interruption."""
    store = open_store(ctx.settings.backup_path, dimension)
    source_id = check_source_id(ctx.source_id)
    if not store.exists():
        return 0
    counts = ctx.state.setdefault("cleared", {})
    name = str(dimension)
    counts.setdefault(name, 0)
    total = counts[name] + store.count(source_id)
    while ids := store.ids(source_id, AT_ONCE):
        store.delete(ids)
        counts[name] += len(ids)
        ctx.progress(done=counts[name], total=total, message=f"vectors of {dimension} dimensions")
        ctx.checkpoint()
    store.empty_out()
    return int(counts[name])
