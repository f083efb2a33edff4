"""The job type ``index_offline``: a source's passages in a vector database, by a model on this machine."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.models.embedder import Embedder, choose
from onward.catalogue.sources.jobs.dimension import LocalDimension, occupied, working_on
from onward.catalogue.sources.outside.collection import open_documents
from onward.catalogue.sources.outside.source_folder import INDEX, METADATA, SourceFolder
from onward.catalogue.sources.outside.vector_store import Passage, VectorStore, open_store
from onward.catalogue.sources.plan import changes, page, passages
from onward.errors import OnwardError

types = JobTypes()
Record = dict[str, Any]
_BATCH = 100
_DELETED_AT_ONCE = 1000
_EMBEDDED_AT_ONCE = 20
_SHOWN_ERRORS = 100


@types.job(
    name="index_offline",
    label="Index (Offline)",
    category="indexing",
    needs_source=True,
    weight=50,
    runs_after=["scrape", "metadata", "zim_import", "clear_vectors"],
    runs_before=["suggest_tags"],
    conflicts_with=["delete_source"],
    aliases={"index": {}, "vectors_768": {"dimension": 768}},
    resources=occupied,
)
def index_offline(
    ctx: Context,
    dimension: LocalDimension = None,
    force_reindex: Annotated[bool, Field(description="Make all vectors anew.")] = False,
    max_passages: Annotated[int, Field(ge=0, le=100_000, description="Most passages of a document; 0 is all.")] = 0,
) -> dict[str, Any]:
    """Make the source searchable: vectors of its passages, by a model on this machine."""
    folder = SourceFolder(ctx.settings.backup_path, ctx.source_id).require()
    with working_on(ctx, dimension, "index") as chosen:
        embedder = choose(ctx.settings.models, chosen)
        store = open_store(ctx.settings.backup_path, chosen)
        ctx.log.info("indexing", model=embedder.model, dimension=chosen)
        return Indexing(ctx, folder, embedder, store, max_passages).run(force_reindex)


class Indexing:
    """Brings the database into line with the metadata. What is there already is the cursor."""

    def __init__(
        self, ctx: Context, folder: SourceFolder, embedder: Embedder, store: VectorStore, max_passages: int
    ) -> None:
        self._ctx = ctx
        self._folder = folder
        self._embedder = embedder
        self._store = store
        self._words = ctx.settings.sources.chunk_words
        self._limit = max_passages
        self._metadata = folder.read_json(METADATA)
        self._described: dict[str, Record] = self._metadata.get("documents", {})
        self._documents = open_documents(folder)
        self._errors: list[Record] = []
        self._added = 0
        self._done = 0
        self._ends: deque[int] = deque()
        if not self._metadata:
            raise OnwardError(f"The source {folder.source_id!r} has no metadata.", hint="Run the job metadata first.")

    def run(self, force: bool) -> Record:
        """Remove what is out of date, add what is missing, and write the index file."""
        if force and not self._ctx.state.get("cleared"):
            self._remove(list(self._store.kept(self._folder.source_id)))
            self._ctx.checkpoint({"cleared": True}, flush=True)
        plan = changes.compare(self._wanted(), self._store.kept(self._folder.source_id))
        self._remove(plan.stale)
        self._done = plan.unchanged
        self._show()
        waiting: list[Passage] = []
        for name, present in plan.work.items():
            self._ctx.check()
            waiting.extend(self._missing(name, present))
            # A document counts as done when the last of its passages is in the database.
            self._ends.append(self._added + len(waiting))
            while len(waiting) >= _BATCH:
                self._add(waiting[:_BATCH])
                del waiting[:_BATCH]
        if waiting:
            self._add(waiting)
        return self._finish(plan)

    def _wanted(self) -> dict[str, str]:
        return {
            name: passages.recipe(record["hash"], self._embedder.model, self._words, self._limit)
            for name, record in self._described.items()
            if record.get("words")
        }

    def _missing(self, name: str, present: set[int]) -> Iterator[Passage]:
        record = self._described[name]
        try:
            texts = self._texts(name, record)
        except (OSError, OnwardError, RuntimeError, ValueError) as error:
            self._errors.append({"document": name, "error": f"{type(error).__name__}: {error}"[:500]})
            return
        recipe = passages.recipe(record["hash"], self._embedder.model, self._words, self._limit)
        for number, text in enumerate(texts):
            if number not in present:
                key = changes.passage_id(self._folder.source_id, name, number)
                where = (record["title"], record["url"])
                yield Passage(key, self._folder.source_id, name, number, len(texts), recipe, *where, text)

    def _texts(self, name: str, record: Record) -> list[str]:
        index = record["index"]
        source = self._documents.at(index) if index < len(self._documents) else None
        if source is None or source.id != name:
            raise OnwardError("The document is no longer where it was.", hint="Run the job metadata again.")
        content = page.read(self._documents.html(index), source.url)
        return passages.split(content.text, self._words, self._limit)

    def _add(self, batch: list[Passage]) -> None:
        """Embed and add; when the job is asked to leave, what is embedded by then is added first."""
        batch = sorted(batch, key=lambda passage: len(passage.text))
        vectors: list[Any] = []
        for start in range(0, len(batch), _EMBEDDED_AT_ONCE):
            part = batch[start : start + _EMBEDDED_AT_ONCE]
            vectors.extend(self._embedder.embed([f"{item.title}. {item.text}" for item in part]))
            if self._ctx.cancelled:
                break
        self._store.add(batch[: len(vectors)], vectors)
        self._added += len(vectors)
        while self._ends and self._ends[0] <= self._added:
            self._ends.popleft()
            self._done += 1
        self._show()
        self._ctx.checkpoint()
        self._ctx.check()

    def _remove(self, ids: list[str]) -> None:
        for group in changes.batches(ids, _DELETED_AT_ONCE):
            self._store.delete(group)
            self._ctx.check()

    def _show(self) -> None:
        message = f"{self._added:,} passages added"
        self._ctx.progress(done=self._done, total=max(len(self._described), self._done), message=message)

    def _finish(self, plan: changes.Changes) -> Record:
        self._done = len(self._described)
        self._show()
        total = self._store.count(self._folder.source_id)
        known = self._folder.read_json(INDEX)
        known.setdefault("dimensions", {})[str(self._embedder.dimension)] = {
            "model": self._embedder.model,
            "passages": total,
            "documents": len(self._described),
            "chunk_words": self._words,
            "max_passages": self._limit,
            "metadata_hash": self._metadata.get("hash", ""),
            "indexed_at": self._ctx.clock.now().isoformat(timespec="seconds"),
        }
        self._folder.write_json(INDEX, {"version": 1, "source_id": self._folder.source_id} | known)
        return {
            "dimension": self._embedder.dimension,
            "model": self._embedder.model,
            "documents": len(self._described),
            "passages": total,
            "added": self._added,
            "removed": len(plan.stale),
            "unchanged_documents": plan.unchanged,
            "changed_documents": plan.changed,
            "vanished_documents": plan.vanished,
            "error_count": len(self._errors),
            "errors": self._errors[:_SHOWN_ERRORS],
        }
