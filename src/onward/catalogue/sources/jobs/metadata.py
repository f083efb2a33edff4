"""The job type ``metadata``: what each document of a source is."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any
from urllib.parse import quote

import orjson
from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.sources.outside.collection import open_documents
from onward.catalogue.sources.outside.documents import Documents, Source
from onward.catalogue.sources.outside.source_folder import MANIFEST, METADATA, SourceFolder
from onward.catalogue.sources.plan import language, manifest, page
from onward.errors import OnwardError

types = JobTypes()
Record = dict[str, Any]
_VERSION = 1
_PLACE = "http://source.invalid/"
_SHOWN_ERRORS = 100
_LINKS = 100


@types.job(
    name="metadata",
    label="Metadata",
    category="content",
    needs_source=True,
    weight=10,
    runs_before=["index_online", "index_offline", "index_dimensions", "suggest_tags", "visualisation", "upload"],
    runs_after=["scrape", "zim_import", "pdf_import"],
    conflicts_with=["delete_source"],
)
def metadata(
    ctx: Context,
    language_filter: Annotated[
        str | None,
        Field(max_length=35, description="Keep documents of this language, such as en, and unknown ones."),
    ] = None,
    force_regenerate: Annotated[bool, Field(description="Read unchanged documents again too.")] = False,
    resume: Annotated[bool, Field(description="After an interruption go on where it was.")] = True,
) -> dict[str, Any]:
    """Find title, description, language, length and links of every document."""
    folder = SourceFolder(ctx.settings.backup_path, ctx.source_id)
    # A new claim has another fence: with it in the fingerprint what an earlier one saved does not count.
    run = 0 if resume else ctx.fence
    ctx.fingerprint(
        documents=open_documents(folder).version, language_filter=language_filter, version=_VERSION, run=run
    )
    return describe_source(ctx, folder, language_filter, anew=force_regenerate)


def describe_source(
    ctx: Context,
    folder: SourceFolder,
    language_filter: str | None = None,
    *,
    anew: bool = False,
    name: str = "documents",
) -> Record:
    """Describe the documents of a folder and write its metadata; ``name`` tells it apart within a job."""
    documents = open_documents(folder)
    known = {} if anew else folder.read_json(METADATA).get("documents", {})
    described, errors = ctx.partial(name), ctx.partial(f"{name} errors" if name != "documents" else "errors")
    for index in ctx.each(range(len(documents)), name=name):
        try:
            record = describe(documents, index, known)
        except (OSError, OnwardError, RuntimeError, ValueError) as error:
            errors.append({"article_index": index, "error": f"{type(error).__name__}: {error}"[:500]})
            record = None
        if record and language.is_wanted(record["language"], language_filter):
            described.append(record)
        elif record:
            ctx.state["language_filtered"] = ctx.state.get("language_filtered", 0) + 1
        ctx.state["last_article_index"] = index
    fill_manifest(folder, documents)
    found = list(errors)
    return {
        "documents": len(described),
        "language_filtered": ctx.state.get("language_filtered", 0),
        "error_count": len(found),
        "errors": found[:_SHOWN_ERRORS],
        "hash": write(folder, documents.kind, language_filter, described, found),
    }


def describe(documents: Documents, index: int, known: Record) -> Record | None:
    """The record of one document, taken over from ``known`` when it has not changed; None when it is none."""
    source = documents.at(index)
    if source is None:
        return None
    before = known.get(source.id)
    if before and source.stamp and before.get("stamp") == source.stamp:
        return {**before, "id": source.id, "index": index}
    base = source.url if source.url.startswith(("http://", "https://")) else _PLACE + quote(source.url)
    content = page.read(documents.html(index), base)
    return _record(source, index, content)


def _record(source: Source, index: int, content: page.Page) -> Record:
    title = content.title or source.title or source.url.rstrip("/").rpartition("/")[2]
    return {
        "id": source.id,
        "index": index,
        "title": title[:500],
        "url": source.url,
        "description": content.description or content.text[:300],
        "words": len(content.text.split()),
        "language": language.detect(source.url, content.language, content.title, content.text),
        "links": [link.removeprefix(_PLACE) for link in content.links[:_LINKS]],
        "terms": page.frequent_terms(content.text, language.ALL_STOPWORDS),
        "hash": content.content_hash,
        "stamp": source.stamp,
        **source.place,
    }


def write(folder: SourceFolder, kind: str, wanted: str | None, records: Any, errors: list[Record]) -> str:
    """Write the metadata file, document by document; returns its hash, which no time of day changes."""
    digest = hashlib.sha256()
    with folder.replacing(METADATA) as file:
        head = {"version": _VERSION, "source_id": folder.source_id, "kind": kind, "language_filter": wanted}
        file.write(orjson.dumps(head)[:-1] + b',"documents":{')
        comma = b"\n"
        for record in records:
            digest.update(f"{record['id']} {record['hash']}\n".encode())
            body = {name: value for name, value in record.items() if name != "id"}
            file.write(comma + orjson.dumps(record["id"]) + b":" + orjson.dumps(body))
            comma = b",\n"
        tail = {"errors": errors, "hash": digest.hexdigest()}
        file.write(b"\n}," + orjson.dumps(tail)[1:])
    return digest.hexdigest()


def fill_manifest(folder: SourceFolder, documents: Documents, *, kind: str = "") -> None:
    """Bring what the collection says of itself into the manifest; what a person wrote stays."""
    headers = documents.headers()
    known = {"source_id": folder.source_id} | folder.read_json(MANIFEST)
    filled = manifest.fill(known, manifest.of_zim(headers) | {"kind": kind or documents.kind})
    tags = manifest.zim_tags(headers)
    if tags:
        filled = manifest.tag(filled, "zim", tags)
    if filled != folder.read_json(MANIFEST):
        folder.write_json(MANIFEST, filled)
