"""The job type ``visualisation``: a map of the knowledge in three dimensions, as data and as a page."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.extras import load
from onward.catalogue.models.embedder import default_dimension
from onward.catalogue.sources.jobs.dimension import AnyDimension
from onward.catalogue.sources.outside import map_page
from onward.catalogue.sources.outside.source_folder import MANIFEST, SourceFolder
from onward.catalogue.sources.outside.vector_store import Passage, VectorStore, open_store
from onward.catalogue.sources.plan import projection, topics
from onward.catalogue.sources.plan.base_url import address_in
from onward.errors import OnwardError

types = JobTypes()
Record = dict[str, Any]
_PAGE = 500
_SNIPPET = 160
_LABEL_WORDS = 3


@types.job(
    name="visualisation",
    label="Visualize",
    category="cloud",
    needs_source=True,
    weight=20,
    runs_after=["metadata", "index_online", "index_offline", "index_dimensions", "install_source", "pinecone_sync"],
    conflicts_with=["delete_source"],
    aliases=["visualization"],
)
def visualisation(
    ctx: Context,
    dimension: AnyDimension = None,
    max_points: Annotated[int, Field(ge=10, le=50_000, description="Most points; a fair sample of more.")] = 5000,
    clusters: Annotated[int, Field(ge=1, le=20, description="Groups that are coloured and named.")] = 8,
    refit: Annotated[bool, Field(description="Choose directions anew; all points move.")] = False,
) -> Record:
    """Draw a map of the source's passages: near is what is near in meaning."""
    folder = SourceFolder(ctx.settings.backup_path, ctx.source_id).require()
    chosen = dimension or _indexed(ctx, folder.source_id)
    store = open_store(ctx.settings.backup_path, chosen)
    passages, vectors = _sample(ctx, store, folder.source_id, max_points)
    if not passages:
        raise OnwardError(f"The source {folder.source_id!r} has no vectors of {chosen} dimensions.", hint="Index it.")
    kept_name = f"_projection_{chosen}.json"
    kept = folder.read_json(kept_name)
    if refit or not projection.is_usable(kept, chosen):
        kept = projection.fit(vectors, clusters)
        folder.write_json(kept_name, kept)
    points, groups = projection.place(kept, vectors)
    manifest = folder.read_json(MANIFEST)
    data = _data(folder.source_id, chosen, manifest, passages, points, groups)
    names = {"data": f"_map/{chosen}.json", "page": f"_map/{chosen}.html"}
    folder.write_bytes(names["data"], orjson.dumps(data))
    folder.write_bytes(names["page"], map_page.render(str(manifest.get("name") or folder.source_id), data))
    return {
        "dimension": chosen,
        "points": len(points),
        "passages": store.count(folder.source_id),
        "clusters": data["clusters"],
        "artefacts": [str(Path(folder.path, name)) for name in names.values()],
    }


def _indexed(ctx: Context, source_id: str) -> int:
    """The dimension of the configured model, or one in which the source is indexed."""
    from onward.catalogue.models.names import EVERY

    preferred = default_dimension(ctx.settings.models)
    for dimension in (preferred, *EVERY):
        store = open_store(ctx.settings.backup_path, dimension)
        if store.exists() and store.ids(source_id, 1):
            return dimension
    return preferred


def _sample(ctx: Context, store: VectorStore, source_id: str, most: int) -> tuple[list[Passage], Any]:
    """Passages with their vectors, by id; of too many those whose ids have the smallest hashes, so the same ones."""
    numpy = load("numpy")
    if not store.exists():
        return [], numpy.zeros((0, 0))
    names = list(store.kept(source_id))
    wanted = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())[:most]
    passages: list[Passage] = []
    vectors: list[Any] = []
    for passage, vector in store.passages_of(sorted(wanted), _PAGE):
        if len(passages) % _PAGE == 0:
            ctx.progress(done=len(passages), total=len(wanted), message="vectors read")
            ctx.check()
        passages.append(passage)
        vectors.append(vector)
    return passages, numpy.asarray(vectors, dtype=numpy.float64)


def _data(
    source_id: str,
    dimension: int,
    manifest: Record,
    passages: list[Passage],
    points: list[list[float]],
    groups: list[int],
) -> Record:
    shown = [
        {
            "id": item.id,
            "title": item.title,
            "url": address_in(manifest, item.url),
            "text": item.text[:_SNIPPET],
            "at": point,
            "cluster": group,
        }
        for item, point, group in zip(passages, points, groups, strict=True)
    ]
    clusters = []
    for number in sorted(set(groups)):
        members = [item for item, group in zip(passages, groups, strict=True) if group == number]
        words = topics.keywords([{"title": item.title, "description": item.text} for item in members], _LABEL_WORDS)
        clusters.append({"cluster": number, "size": len(members), "label": ", ".join(words) or f"group {number + 1}"})
    return {"version": 1, "source_id": source_id, "dimension": dimension, "clusters": clusters, "points": shown}
