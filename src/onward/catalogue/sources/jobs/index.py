"""The job types that make a source searchable, by a model on this machine or by a service."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.models.embedder import choose, default_dimension
from onward.catalogue.models.names import ONLINE
from onward.catalogue.sources.jobs.crawl import pauser
from onward.catalogue.sources.jobs.dimension import Dimension, LocalDimension, occupied, resource, working_on
from onward.catalogue.sources.jobs.indexing import Indexing, Passages
from onward.catalogue.sources.jobs.metadata import metadata
from onward.catalogue.sources.jobs.ranges import embed_range, index_in_ranges
from onward.catalogue.sources.outside.collection import kind_of
from onward.catalogue.sources.outside.source_folder import SourceFolder
from onward.catalogue.sources.outside.vector_store import open_store
from onward.errors import InvalidValue, OnwardError

types = JobTypes()
Record = dict[str, Any]
Force = Annotated[bool, Field(description="Make all vectors anew.")]
Resume = Annotated[bool, Field(description="Keep what is there; no is the same as force_reindex.")]
MaxPassages = Annotated[int, Field(ge=0, le=100_000, description="Most passages of a document; 0 is all.")]
Parts = Annotated[int, Field(ge=1, le=100, description="Ranges that are embedded at a time, by any workers.")]
_BEFORE = [
    "scrape", "metadata", "zim_import", "pdf_import", "detect_base_url", "check_addresses", "clear_vectors",
]  # fmt: skip
_AFTER = ["suggest_tags", "pinecone_sync", "pinecone_sync_dry", "visualisation", "upload"]


@types.job(
    name="index_offline",
    label="Index (Offline)",
    category="indexing",
    needs_source=True,
    weight=50,
    runs_after=_BEFORE,
    runs_before=_AFTER,
    conflicts_with=["delete_source"],
    aliases={"vectors_768": {"dimension": 768}},
    resources=occupied,
)
def index_offline(
    ctx: Context,
    dimension: LocalDimension = None,
    force_reindex: Force = False,
    resume: Resume = True,
    max_passages: MaxPassages = 0,
    parts: Parts = 1,
) -> Record:
    """Make the source searchable: vectors of its passages, by a model on this machine."""
    with working_on(ctx, dimension, "index") as chosen:
        params = {"dimension": chosen, "max_passages": max_passages}
        plan = {"job_type": "index_offline", "parts": parts, "params": params, "force": force_reindex or not resume}
        return index_one(ctx, chosen, max_passages, plan)


@types.job(
    name="index_online",
    label="Index (Online)",
    category="indexing",
    needs_source=True,
    weight=50,
    runs_after=_BEFORE,
    runs_before=_AFTER,
    conflicts_with=["delete_source"],
    resources=[resource(ONLINE)],
)
def index_online(
    ctx: Context,
    force_reindex: Force = False,
    resume: Resume = True,
    max_passages: MaxPassages = 0,
    parts: Parts = 1,
    dimension: Annotated[Literal[1536], Field(description="The size of the service's vectors.")] = 1536,
    if_configured: Annotated[
        bool, Field(description="Where no service is configured, do nothing instead of failing.")
    ] = False,
) -> Record:
    """Make the source searchable: vectors of 1,536 dimensions, by an OpenAI-compatible service."""
    if if_configured and not _is_served(ctx):
        reason = "No service for vectors of 1,536 dimensions is configured (models.key or models.address)."
        ctx.log.warning("not indexed", reason=reason)
        return {"dimension": dimension, "skipped": True, "reason": reason}
    with working_on(ctx, dimension, "index"):
        plan = {
            "job_type": "index_online",
            "parts": parts,
            "params": {"max_passages": max_passages},
            "force": force_reindex or not resume,
        }
        return index_one(ctx, dimension, max_passages, plan)


@types.job(
    name="index_dimensions",
    label="Index (Several Dimensions)",
    category="indexing",
    needs_source=True,
    weight=60,
    runs_after=_BEFORE,
    runs_before=_AFTER,
    conflicts_with=["delete_source"],
)
def index_dimensions(
    ctx: Context,
    dimensions: Annotated[
        list[Dimension], Field(max_length=4, description="Which ones; empty: all for which a model is configured.")
    ] = [],  # noqa: B006 - a default of a form, which is copied
    parallel: Annotated[bool, Field(description="Each by a worker of its own, instead of one after the other.")] = True,
    force_reindex: Force = False,
    max_passages: MaxPassages = 0,
) -> Record:
    """Make the source searchable in several dimensions, the one whose database is free first."""
    wanted = list(dict.fromkeys(dimensions)) or _configured(ctx)
    is_range = ctx.range.end is not None
    if parallel and not is_range and len(wanted) > 1:
        params = {"dimensions": wanted, "force_reindex": force_reindex, "max_passages": max_passages}
        results = ctx.fan_out("index_dimensions", len(wanted), len(wanted), params)
        return {"dimensions": [item for result in results for item in result["dimensions"]]}
    done: list[Record] = ctx.state.setdefault("dimensions", [])
    for dimension in ctx.free_first(wanted[ctx.range.start : ctx.range.end], "index"):
        result = index_one(ctx, dimension, max_passages, {"parts": 1, "force": force_reindex})
        done.append(result)
    return {"dimensions": done}


@types.job(
    name="zim_index",
    label="ZIM Index",
    category="content",
    needs_source=True,
    weight=60,
    runs_after=["zim_import", "clear_vectors"],
    runs_before=["suggest_tags"],
    conflicts_with=["delete_source"],
    resources=occupied,
)
def zim_index(
    ctx: Context,
    dimension: LocalDimension = None,
    force_reindex: Force = False,
    language_filter: Annotated[
        str | None, Field(max_length=35, description="Index documents of this language, and unknown ones.")
    ] = None,
    max_passages: MaxPassages = 0,
) -> Record:
    """Describe and index what a ZIM file holds, where it lies in the source's folder."""
    folder = SourceFolder(ctx.settings.backup_path, ctx.source_id).require()
    if kind_of(folder) != "zim":
        raise OnwardError(
            f"The source {folder.source_id!r} is not a ZIM file.", hint="Put one into its folder, or run index_offline."
        )
    described = metadata(ctx, language_filter=language_filter)
    with working_on(ctx, dimension, "index") as chosen:
        result = index_one(ctx, chosen, max_passages, {"parts": 1, "force": force_reindex})
    return result | {"language_filtered": described["language_filtered"]}


def index_one(
    ctx: Context, dimension: int, max_passages: int, plan: Record, folder: SourceFolder | None = None
) -> Record:
    """Index the job's source (or ``folder``) in one database, which it holds; in ranges with several ``parts``."""
    folder = folder or SourceFolder(ctx.settings.backup_path, ctx.source_id).require()
    embedder = choose(ctx.settings.models, dimension, clock=ctx.clock, pause=pauser(ctx))
    store = open_store(ctx.settings.backup_path, dimension)
    ctx.log.info("indexing", model=embedder.model, dimension=dimension)
    found = Passages(folder, embedder.model, ctx.settings.sources.chunk_words, max_passages)
    if ctx.range.end is not None and "job_type" in plan:
        return embed_range(ctx, found, embedder, store)
    indexing = Indexing(ctx, found, embedder, store)
    if plan["parts"] > 1:
        return index_in_ranges(ctx, indexing, found, store, plan)
    return indexing.run(bool(plan["force"]))


def _is_served(ctx: Context) -> bool:
    models = ctx.settings.models
    return models.is_online or any(pair.startswith(f"{ONLINE}=") for pair in models.local_embeddings)


def _configured(ctx: Context) -> list[Dimension]:
    found: list[Any] = [default_dimension(ctx.settings.models)]
    return found + ([ONLINE] if _is_served(ctx) else [])


def by_dimension(params: Any) -> tuple[str, Record]:
    """What the older name ``index`` means: the dimension says."""
    size = params.get("dimension")
    return ("index_online" if size == ONLINE else "index_offline"), dict(params)


def chain_by_dimension(params: Any) -> tuple[str, Record]:
    """What the older name ``reindex`` means: the dimension says, and goes to its phases."""
    size = params.get("dimension")
    rest = {name: value for name, value in params.items() if name != "dimension"}
    if size is None:
        return "reindex_offline", rest
    if not isinstance(size, int):
        raise InvalidValue(f"{size!r} is no dimension.", hint="Use 384, 768, 1024 or 1536.")
    if size == ONLINE:
        return "reindex_online", rest
    given = {phase: {"dimension": size} for phase in ("clear_vectors", "index_offline")}
    return "reindex_offline", rest | {"params": given | rest.get("params", {})}


types.older_name("index", by_dimension)
