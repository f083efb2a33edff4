"""The job type ``suggest_tags``: what a source is about, in a few words."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.extras import load
from onward.catalogue.models.embedder import Embedder, choose
from onward.catalogue.sources.outside.source_folder import MANIFEST, METADATA, SourceFolder
from onward.catalogue.sources.plan import manifest, topics
from onward.catalogue.sources.plan.vocabulary import VOCABULARY
from onward.errors import MissingExtra, OnwardError

types = JobTypes()
_OWNER = "suggested"
_STATE = "_suggested_from"
_SAMPLE = 48
_AT_ONCE = 8


@types.job(
    name="suggest_tags",
    label="Suggest Tags",
    category="maintenance",
    needs_source=True,
    weight=5,
    runs_after=["scrape", "metadata", "zim_import", "index_online", "index_offline"],
    conflicts_with=["delete_source"],
)
def suggest_tags(
    ctx: Context,
    count: Annotated[int, Field(ge=1, le=30, description="Most tags to suggest.")] = 8,
    force: Annotated[bool, Field(description="Suggest again though nothing has changed.")] = False,
) -> dict[str, Any]:
    """Suggest tags from titles, descriptions and frequent words; what a person wrote stays."""
    folder = SourceFolder(ctx.settings.backup_path, ctx.source_id).require()
    metadata = folder.read_json(METADATA)
    known = {"source_id": folder.source_id} | folder.read_json(MANIFEST)
    documents = list(metadata.get("documents", {}).values())
    if not metadata:
        raise OnwardError(f"The source {folder.source_id!r} has no metadata.", hint="Run the job metadata first.")
    if not force and known.get(_STATE) == metadata.get("hash"):
        return {"tags": known.get("tags", []), "suggested": [], "message": "Nothing has changed."}
    near = _near(ctx, documents, max(1, count // 2))
    words = [word for word in topics.keywords(documents, count * 2) if word not in near]
    suggested = near + words[: count - len(near)]
    tagged = manifest.tag(known, _OWNER, suggested) | {_STATE: metadata.get("hash")}
    folder.write_json(MANIFEST, tagged)
    return {"tags": tagged["tags"], "suggested": suggested}


def _near(ctx: Context, documents: list[dict[str, Any]], count: int) -> list[str]:
    try:
        embedder = choose(ctx.settings.models)
    except MissingExtra as missing:
        ctx.log.info("no model is installed: tags are made of words alone", reason=str(missing))
        return []
    texts = topics.sample(documents, _SAMPLE)
    if not texts:
        return []
    names = list(VOCABULARY)
    meanings = _embed(ctx, embedder, [VOCABULARY[name] for name in names])
    similarities = (_embed(ctx, embedder, texts) @ meanings.T).tolist()
    return topics.vote(similarities, names, count)


def _embed(ctx: Context, embedder: Embedder, texts: list[str]) -> Any:
    parts = []
    for start in range(0, len(texts), _AT_ONCE):
        ctx.check()
        parts.append(embedder.embed(texts[start : start + _AT_ONCE]))
    return load("numpy").concatenate(parts)
