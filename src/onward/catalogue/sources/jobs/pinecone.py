"""The job types ``pinecone_sync`` and ``pinecone_sync_dry``: a Pinecone index brought into line by difference."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from typing import Annotated, Any

from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.sources.jobs.dimension import Dimension
from onward.catalogue.sources.outside.pinecone_index import PineconeIndex
from onward.catalogue.sources.outside.source_folder import check_source_id
from onward.catalogue.sources.outside.vector_store import VectorStore, open_store
from onward.catalogue.sources.plan import changes
from onward.errors import OnwardError

types = JobTypes()
Record = dict[str, Any]
_PUT_AT_ONCE = 50
_REMOVED_AT_ONCE = 500
_BEFORE = ["metadata", "index_online", "index_offline", "index_dimensions", "suggest_tags", "install_source"]
Size = Annotated[Dimension, Field(description="Which vectors; the index must be of this size.")]


@types.job(
    name="pinecone_sync",
    label="Pinecone",
    category="cloud",
    needs_source=True,
    weight=40,
    runs_after=_BEFORE,
    runs_before=["visualisation"],
    conflicts_with=["delete_source"],
)
def pinecone_sync(
    ctx: Context,
    dry_run: Annotated[bool, Field(description="Only say what would be done.")] = False,
    dimension: Size = 1536,
) -> Record:
    """Bring the source's vectors in Pinecone into line with those here: new ones go up, then old ones go."""
    return _sync(ctx, dimension, is_dry=dry_run)


@types.job(
    name="pinecone_sync_dry",
    label="Pinecone (Dry)",
    category="cloud",
    needs_source=True,
    weight=5,
    runs_after=_BEFORE,
    conflicts_with=["delete_source"],
)
def pinecone_sync_dry(ctx: Context, dimension: Size = 1536) -> Record:
    """Say what a sync to Pinecone would do."""
    return _sync(ctx, dimension, is_dry=True)


def _sync(ctx: Context, dimension: int, *, is_dry: bool) -> Record:
    source_id = check_source_id(ctx.source_id)
    store = open_store(ctx.settings.backup_path, dimension)
    if not store.exists() or not store.count(source_id):
        raise OnwardError(
            f"The source {source_id!r} has no vectors of {dimension} dimensions.", hint="Index it, then sync."
        )
    with closing(PineconeIndex(ctx.settings.cloud)) as index:
        index.check_dimension(dimension)
        # The name of a vector says what it was made of, so that names alone tell the difference.
        here = {f"{key}:{kept.recipe[:12]}": key for key, kept in store.kept(source_id).items()}
        there = set(index.ids(f"{source_id}:"))
        new = {key: name for name, key in here.items() if name not in there}
        old = sorted(there - here.keys())
        result = {"dry_run": is_dry, "here": len(here), "there": len(there), "to_add": len(new), "to_remove": len(old)}
        if is_dry:
            return result | {"added": 0, "removed": 0}
        added = _add(ctx, store, index, new)
        for group in changes.batches(old, _REMOVED_AT_ONCE):
            index.remove(group)
            ctx.check()
    return result | {"added": added, "removed": len(old)}


def _add(ctx: Context, store: VectorStore, index: PineconeIndex, new: dict[str, str]) -> int:
    rows = (
        (new[passage.id], passage, vector)
        for passage, vector in store.passages(ctx.source_id, 500)
        if passage.id in new
    )
    added = 0
    while batch := list(islice(rows, _PUT_AT_ONCE)):
        index.put(batch)
        added += len(batch)
        ctx.progress(done=added, total=len(new), message="vectors sent")
        ctx.check()
    return added
