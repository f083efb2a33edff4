"""Bringing the vector database of one dimension into line with a source's metadata."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from onward.authoring.context import Context
from onward.catalogue.models.embedder import Embedder
from onward.catalogue.sources.outside.collection import open_documents
from onward.catalogue.sources.outside.source_folder import INDEX, METADATA, SourceFolder
from onward.catalogue.sources.outside.vector_store import Passage, VectorStore
from onward.catalogue.sources.plan import changes, page, passages
from onward.errors import OnwardError

Record = dict[str, Any]
_BATCH = 100
_DELETED_AT_ONCE = 250
_SHOWN_ERRORS = 100


class Passages:
    """The passages of a source's documents, as its metadata has them, for one model."""

    def __init__(self, folder: SourceFolder, model: str, words: int, limit: int) -> None:
        self.folder = folder
        self.words = words
        self.limit = limit
        self.errors: list[Record] = []
        self._model = model
        metadata = folder.read_json(METADATA)
        if not metadata:
            raise OnwardError(f"The source {folder.source_id!r} has no metadata.", hint="Run the job metadata first.")
        self.metadata_hash = str(metadata.get("hash", ""))
        self.described: dict[str, Record] = metadata.get("documents", {})
        self._documents = open_documents(folder)

    @property
    def wanted(self) -> dict[str, str]:
        """Documents with words, and what their vectors are to be made of."""
        return {name: self._recipe(record) for name, record in self.described.items() if record.get("words")}

    def missing(self, name: str, present: set[int]) -> Iterator[Passage]:
        """The passages of a document but for those that are ``present``; one that cannot be read is in ``errors``."""
        record = self.described[name]
        try:
            texts = self._texts(name, record)
        except (OSError, OnwardError, RuntimeError, ValueError) as error:
            self.errors.append({"document": name, "error": f"{type(error).__name__}: {error}"[:500]})
            return
        recipe = self._recipe(record)
        source_id = self.folder.source_id
        for number, text in enumerate(texts):
            if number not in present:
                key = changes.passage_id(source_id, name, number)
                where = (record["title"], record["url"])
                yield Passage(key, source_id, name, number, len(texts), recipe, *where, text)

    def _recipe(self, record: Record) -> str:
        return passages.recipe(record["hash"], self._model, self.words, self.limit)

    def _texts(self, name: str, record: Record) -> list[str]:
        index = record["index"]
        source = self._documents.at(index) if index < len(self._documents) else None
        if source is None or source.id != name:
            raise OnwardError("The document is no longer where it was.", hint="Run the job metadata again.")
        content = page.read(self._documents.html(index), source.url)
        return passages.split(content.text, self.words, self.limit)


def meant(passage: Passage) -> str:
    """What of a passage is embedded."""
    return f"{passage.title}. {passage.text}"


class Indexing:
    """One index. What is in the database already is the cursor."""

    def __init__(self, ctx: Context, found: Passages, embedder: Embedder, store: VectorStore) -> None:
        self._ctx = ctx
        self._found = found
        self._source_id = found.folder.source_id
        self._embedder = embedder
        self._store = store
        self._added = 0
        self._done = 0
        self._ends: deque[int] = deque()

    def run(self, force: bool) -> Record:
        """Remove what is out of date, add what is missing, and write the index file."""
        plan = self.clean(force)
        self._done = plan.unchanged
        self._show()
        waiting: list[Passage] = []
        for name, present in plan.work.items():
            self._ctx.check()
            waiting.extend(self._found.missing(name, present))
            # A document counts as done when the last of its passages is in the database.
            self._ends.append(self._added + len(waiting))
            while len(waiting) >= _BATCH:
                self._embed(waiting[:_BATCH])
                del waiting[:_BATCH]
        if waiting:
            self._embed(waiting)
        return self.finish(plan)

    def clean(self, force: bool) -> changes.Changes:
        """Remove what is out of date, everything with ``force``; what is to be done then."""
        cleared = f"cleared {self._embedder.dimension}"
        if force and not self._ctx.state.get(cleared):
            self._remove(list(self._store.kept(self._source_id)))
            self._ctx.state[cleared] = True
            self._ctx.checkpoint(flush=True)
        plan = changes.compare(self._found.wanted, self._store.kept(self._source_id))
        self._remove(plan.stale)
        return plan

    def add(self, batch: list[Passage], vectors: Any) -> None:
        """Add passages with their vectors: a consistent point."""
        self._store.add(batch, vectors)
        self._added += len(batch)
        while self._ends and self._ends[0] <= self._added:
            self._ends.popleft()
            self._done += 1
        self._show()
        self._ctx.checkpoint()

    def _embed(self, batch: list[Passage]) -> None:
        """Embed and add; when the job is asked to leave, what is embedded by then is added first."""
        batch = sorted(batch, key=lambda passage: len(passage.text))
        vectors: list[Any] = []
        for start in range(0, len(batch), self._embedder.at_once):
            part = batch[start : start + self._embedder.at_once]
            vectors.extend(self._embedder.embed([meant(item) for item in part]))
            if self._ctx.cancelled:
                break
        self.add(batch[: len(vectors)], vectors)
        self._ctx.check()

    def _remove(self, ids: list[str]) -> None:
        for group in changes.batches(ids, _DELETED_AT_ONCE):
            self._store.delete(group)
            self._ctx.check()

    def _show(self) -> None:
        message = f"{self._added:,} passages added"
        self._ctx.progress(done=self._done, total=max(len(self._found.described), self._done), message=message)

    def finish(self, plan: changes.Changes) -> Record:
        """Write the index file; the result of the job."""
        documents = len(self._found.described)
        self._done = documents
        self._show()
        total = self._store.count(self._source_id)
        entry = {
            "model": self._embedder.model,
            "passages": total,
            "documents": documents,
            "chunk_words": self._found.words,
            "max_passages": self._found.limit,
            "metadata_hash": self._found.metadata_hash,
            "indexed_at": self._ctx.clock.now().isoformat(timespec="seconds"),
        }
        self._found.folder.change_json(INDEX, lambda known: self._listed(known, entry))
        return {
            "dimension": self._embedder.dimension,
            "model": self._embedder.model,
            "documents": documents,
            "passages": total,
            "added": self._added,
            "removed": len(plan.stale),
            "unchanged_documents": plan.unchanged,
            "changed_documents": plan.changed,
            "vanished_documents": plan.vanished,
            "error_count": len(self._found.errors),
            "errors": self._found.errors[:_SHOWN_ERRORS],
        }

    def _listed(self, known: Record, entry: Record) -> Record:
        dimensions = known.get("dimensions", {}) | {str(self._embedder.dimension): entry}
        return {"version": 1, "source_id": self._source_id} | known | {"dimensions": dimensions}
