"""An index in ranges: each embeds its part of the documents into partial work, and one merge writes the database.

Only the job that holds the database opens it for writing, so the ranges leave their vectors as records; the merge
adds those that are not there yet, and so may itself be interrupted.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterator
from itertools import islice
from typing import Any

from onward.authoring.context import Context
from onward.catalogue.extras import load
from onward.catalogue.models.embedder import Embedder
from onward.catalogue.sources.jobs.indexing import Indexing, Passages, meant
from onward.catalogue.sources.outside.vector_store import Passage, VectorStore
from onward.catalogue.sources.plan import changes

Record = dict[str, Any]
_PARTIAL = "vectors"
_BATCH = 100


def embed_range(ctx: Context, found: Passages, embedder: Embedder, store: VectorStore) -> Record:
    """A range's work: vectors of its documents' missing passages, as records."""
    ctx.fingerprint(metadata=found.metadata_hash, model=embedder.model, words=found.words, limit=found.limit)
    work = changes.compare(found.wanted, store.kept(found.folder.source_id)).work
    names = list(found.described)[ctx.range.start : ctx.range.end]
    records = ctx.partial(_PARTIAL)
    for name in ctx.each(names, name="documents"):
        if name not in work:
            continue
        missing = list(found.missing(name, work[name]))
        if not missing:
            continue
        vectors = embedder.embed([meant(item) for item in missing])
        for passage, vector in zip(missing, vectors, strict=True):
            records.append(dataclasses.asdict(passage) | {"vector": base64.b64encode(vector.tobytes()).decode()})
    return {"embedded": len(records), "errors": found.errors}


def index_in_ranges(ctx: Context, indexing: Indexing, found: Passages, store: VectorStore, plan: Record) -> Record:
    """Clean, have the ranges embed, and add what they leave. ``plan``: job type, parts, params, force."""
    changed = indexing.clean(plan["force"])
    family = f"index {found.metadata_hash[:12]}"
    results = ctx.fan_out(plan["job_type"], len(found.described), plan["parts"], plan["params"], name=family)
    for result in results:
        found.errors += result["errors"]
    there = store.kept(found.folder.source_id)
    records = (record for record in ctx.range_partials(family, _PARTIAL) if record["id"] not in there)
    while batch := list(islice(records, _BATCH)):
        indexing.add([_passage(record) for record in batch], list(_vectors(batch)))
        ctx.check()
    return indexing.finish(changed)


def _passage(record: Record) -> Passage:
    return Passage(**{name: value for name, value in record.items() if name != "vector"})


def _vectors(records: list[Record]) -> Iterator[Any]:
    numpy = load("numpy")
    for record in records:
        yield numpy.frombuffer(base64.b64decode(record["vector"]), dtype=numpy.float32)
