"""The job type ``pdf_import``: PDF files as pages, with section numbers and page ranges for citing them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.sources.outside.given import given_file
from onward.catalogue.sources.outside.page_store import PageStore
from onward.catalogue.sources.outside.pdf import PdfFile, as_html, opened, pdf_names, place_of, title_of
from onward.catalogue.sources.outside.source_folder import MANIFEST, SourceFolder
from onward.catalogue.sources.plan import manifest
from onward.catalogue.sources.plan.changes import fingerprint
from onward.errors import InvalidValue, OnwardError

types = JobTypes()
_AT_ONCE = 20
_SHOWN_ERRORS = 100
Mode = Literal["sectioned", "chunked", "full"]


@types.job(
    name="pdf_import",
    label="PDF Import",
    category="content",
    needs_source=True,
    weight=20,
    runs_before=["metadata", "index_online", "index_offline", "suggest_tags"],
    conflicts_with=["delete_source"],
)
def pdf_import(
    ctx: Context,
    processing_mode: Annotated[
        Mode, Field(description="sectioned by the outline, chunked by size, or each file in full.")
    ] = "sectioned",
    start_page: Annotated[int, Field(ge=1, le=1_000_000, description="First page.")] = 1,
    end_page: Annotated[int, Field(ge=0, le=1_000_000, description="Last page; 0 is the last of the file.")] = 0,
    chunk_size: Annotated[int, Field(ge=200, le=1_000_000, description="Characters of a piece.")] = 4000,
    pdf_path: Annotated[
        str, Field(max_length=4000, description="One PDF file; empty: all in the source's folder.")
    ] = "",
) -> dict[str, Any]:
    """Make pages of PDF files, each with its section number and page range."""
    if end_page and end_page < start_page:
        raise InvalidValue(f"end_page {end_page} comes before start_page {start_page}.")
    folder = SourceFolder(ctx.settings.backup_path, ctx.source_id, create=True)
    files = _files(ctx, folder, pdf_path)
    stamps = [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    ctx.fingerprint(files=fingerprint(stamps), mode=processing_mode, start=start_page, end=end_page, size=chunk_size)
    pages, errors = PageStore(ctx, folder), ctx.partial("errors")
    for name in ctx.each([path.name for path in files], key=str, name="files"):
        path = next(path for path in files if path.name == name)
        try:
            with opened(path) as file:
                last = min(end_page or file.pages, file.pages)
                _take(ctx, file, name, pages, (processing_mode, start_page, last, chunk_size))
                _fill(folder, file, name)
                for why in file.problems.values():
                    errors.append({"file": name, "error": why})
        except OnwardError as error:
            errors.append({"file": name, "error": error.message})
        pages.flush()
    found = list(errors)
    pages.finish("", found)
    if not len(pages) and found:
        raise OnwardError(f"None of {len(files)} PDF files could be read: {found[0]['error']}")
    return {
        "files": len(files),
        "documents": len(pages),
        "processing_mode": processing_mode,
        "error_count": len(found),
        "errors": found[:_SHOWN_ERRORS],
    }


def _files(ctx: Context, folder: SourceFolder, given: str) -> list[Path]:
    if given:
        return [given_file(ctx.settings, folder, given, ".pdf")]
    found = [folder.file(name) for name in pdf_names(folder.path)]
    if not found:
        raise OnwardError(
            f"The source {folder.source_id!r} holds no PDF files.", hint="Put some into its folder, or give pdf_path."
        )
    return found


def _take(ctx: Context, file: PdfFile, name: str, pages: PageStore, how: tuple[str, int, int, int]) -> None:
    mode, first, last, size = how
    shown = file.title or name.rpartition(".")[0]
    seen: set[int] = set()
    for number, part in enumerate(_parts(ctx, file, mode, first, last, size)):
        title = title_of(part, shown)
        # Several sections may begin on one page; what follows the ampersand is for us alone.
        more = f"&part={number + 1}" if part.first in seen else ""
        seen.add(part.first)
        pages.add(f"{name}#page={part.first}{more}", title, as_html(part, title), **place_of(part))
        ctx.progress(message=f"{name}, page {part.last} of {last}")


def _parts(ctx: Context, file: PdfFile, mode: str, first: int, last: int, size: int) -> Iterator[Any]:
    for part in file.parts(mode, first, last, size):
        if ctx.cancelled:
            # What was made of this file is made again.
            ctx.check()
        yield part


def _fill(folder: SourceFolder, file: PdfFile, name: str) -> None:
    facts = {"name": file.title or name.rpartition(".")[0], "attribution": file.author, "kind": "pages"}
    known = {"source_id": folder.source_id} | folder.read_json(MANIFEST)
    filled = manifest.fill(known, facts) if not known.get("name") else known
    if filled != folder.read_json(MANIFEST):
        folder.write_json(MANIFEST, filled)
