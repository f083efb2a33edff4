"""The job type ``zim_import``: the pages of a ZIM file, taken out of it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.sources.jobs.metadata import fill_manifest
from onward.catalogue.sources.outside.given import given_file
from onward.catalogue.sources.outside.page_store import PageStore
from onward.catalogue.sources.outside.source_folder import SourceFolder
from onward.catalogue.sources.outside.zim import ZimDocuments
from onward.catalogue.sources.plan import page
from onward.errors import OnwardError

types = JobTypes()
_AT_ONCE = 50
_SHOWN_ERRORS = 100


@types.job(
    name="zim_import",
    label="ZIM Import",
    category="content",
    needs_source=True,
    weight=20,
    runs_before=["metadata", "detect_base_url", "index_online", "index_offline", "suggest_tags"],
    conflicts_with=["delete_source"],
    searchable=["zim_path"],
)
def zim_import(
    ctx: Context,
    zim_path: Annotated[
        str,
        Field(min_length=1, max_length=4000, description="The ZIM file: a path, or a name in the source's folder."),
    ],
    min_text_length: Annotated[
        int, Field(ge=0, le=1_000_000, description="Pages with fewer characters of text are left out.")
    ] = 100,
) -> dict[str, Any]:
    """Take the pages out of a ZIM file, and what it says of itself into the manifest."""
    folder = SourceFolder(ctx.settings.backup_path, ctx.source_id, create=True)
    documents = ZimDocuments(given_file(ctx.settings, folder, zim_path, ".zim"))
    ctx.fingerprint(zim=documents.version, min_text_length=min_text_length)
    pages, errors = PageStore(ctx, folder), ctx.partial("errors")
    counts = ctx.state
    for batch in ctx.each(range(len(documents)), name="entries", batch=_AT_ONCE, total=len(documents)):
        for index in batch:
            try:
                name = _take(documents, index, min_text_length, pages)
            except (OSError, OnwardError, RuntimeError, ValueError) as error:
                errors.append({"article_index": index, "error": f"{type(error).__name__}: {error}"[:500]})
                continue
            if name:
                counts[name] = counts.get(name, 0) + 1
        pages.flush()
    fill_manifest(folder, documents, kind="pages")
    found = list(errors)
    pages.finish(documents.headers().get("Source", ""), found)
    return {
        "pages": len(pages),
        "too_short": counts.get("too_short", 0),
        "not_pages": counts.get("not_pages", 0),
        "zim_size": documents.size,
        "error_count": len(found),
        "errors": found[:_SHOWN_ERRORS],
    }


def _take(documents: ZimDocuments, index: int, least: int, pages: PageStore) -> str:
    """Take one entry out; returns what it was when it is left out."""
    source = documents.at(index)
    if source is None:
        return "not_pages"
    html = documents.html(index)
    if len(page.read(html, "http://source.invalid/").text) < least:
        return "too_short"
    pages.add(source.url, source.title, html)
    return ""
