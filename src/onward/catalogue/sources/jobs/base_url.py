"""The job types ``detect_base_url`` and ``check_addresses``: where documents stand on the web, and a person's word."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.sources.outside.collection import open_documents
from onward.catalogue.sources.outside.documents import Documents
from onward.catalogue.sources.outside.source_folder import MANIFEST, SourceFolder
from onward.catalogue.sources.plan import base_url, manifest, page
from onward.catalogue.sources.plan.addresses import canonical
from onward.errors import InvalidAnswer, OnwardError

types = JobTypes()
_SHOWN = 5
_MOST_LOOKED_AT = 20


@types.job(
    name="detect_base_url",
    label="Detect Base URL",
    category="content",
    needs_source=True,
    weight=5,
    runs_after=["scrape", "zim_import", "pdf_import"],
    runs_before=["check_addresses", "upload", "pinecone_sync"],
    conflicts_with=["delete_source"],
)
def detect_base_url(
    ctx: Context,
    sample_count: Annotated[int, Field(ge=1, le=1000, description="Documents to look at, spread over all.")] = 10,
    force_override: Annotated[bool, Field(description="Also replace what a person wrote.")] = False,
) -> dict[str, Any]:
    """Find where the documents stand on the web, from what they say of themselves."""
    folder = SourceFolder(ctx.settings.backup_path, ctx.source_id).require()
    documents = open_documents(folder)
    canonicals, links, paths = _look(ctx, documents, sample_count)
    candidates = base_url.vote(canonicals, links, paths)
    named = canonical(documents.headers().get("Source", ""))
    if named and not any(item.by == "canonical" for item in candidates):
        candidates.insert(0, base_url.Candidate(named, len(paths), "header"))
    known = {"source_id": folder.source_id} | folder.read_json(MANIFEST)
    found = candidates[0].base_url if candidates else ""
    filled = manifest.fill(known, {"base_url": found}, override=force_override)
    if filled != known:
        folder.write_json(MANIFEST, filled)
    kept = str(filled.get("base_url") or "")
    return {
        "base_url": kept,
        "detected": found,
        "kept_by_person": bool(found) and kept != found,
        "candidates": [{"base_url": item.base_url, "votes": item.votes, "by": item.by} for item in candidates],
        "looked_at": len(paths),
        "examples": [base_url.address(kept, path) for path in paths[:_SHOWN]],
    }


def _look(ctx: Context, documents: Documents, count: int) -> tuple[dict[str, str], list[str], list[str]]:
    """Own addresses and links of some documents, and the paths of those that were looked at."""
    canonicals: dict[str, str] = {}
    links: list[str] = []
    paths: list[str] = []
    step = max(1, len(documents) // (count * 2))
    for index in range(0, len(documents), step):
        ctx.check()
        source = documents.at(index)
        if source is None:
            continue
        try:
            content = page.read(documents.html(index), "http://source.invalid/")
        except (OSError, OnwardError, RuntimeError, ValueError) as error:
            ctx.log.warning("a document cannot be read", document=source.id, reason=str(error))
            continue
        paths.append(source.url)
        if content.own_address:
            canonicals[source.url] = content.own_address
        links += [link for link in content.links if not link.startswith("http://source.invalid")]
        ctx.progress(done=len(paths), total=count)
        if len(paths) >= count:
            break
    return canonicals, links, paths


@types.job(
    name="check_addresses",
    label="Check Addresses",
    category="content",
    needs_source=True,
    weight=5,
    runs_after=["scrape", "zim_import", "pdf_import", "detect_base_url"],
    conflicts_with=["delete_source"],
)
def check_addresses(
    ctx: Context,
    sample_count: Annotated[int, Field(ge=1, le=_MOST_LOOKED_AT, description="Addresses to show.")] = 5,
    timeout_hours: Annotated[float, Field(gt=0, le=8760, description="How long to wait for a person.")] = 72,
) -> dict[str, Any]:
    """Show a person where the documents will be cited from, and take their word for it."""
    folder = SourceFolder(ctx.settings.backup_path, ctx.source_id).require()
    known = {"source_id": folder.source_id} | folder.read_json(MANIFEST)
    base = str(known.get("base_url") or "")
    answer = ctx.ask(
        "validate",
        {"base_url": base, "examples": _examples(folder, base, sample_count)},
        prompt=f"Are these the addresses of {known.get('name') or folder.source_id} on the web?",
        schema={
            "type": "object",
            "properties": {
                "correct": {"type": "boolean", "title": "They are right"},
                "base_url": {"type": "string", "title": "If not: the base address", "maxLength": 2000},
            },
            "required": ["correct"],
            "additionalProperties": False,
            "if": {"properties": {"correct": {"const": False}}},
            "then": {"required": ["base_url"], "properties": {"base_url": {"pattern": "^https?://[^/]"}}},
        },
        timeout=timeout_hours * 3600,
    )
    if answer["correct"]:
        return {"base_url": base, "changed": False}
    given = canonical(answer.get("base_url", ""))
    if given is None:
        raise InvalidAnswer(
            f"{answer.get('base_url', '')[:200]!r} is no web address.",
            hint="Nothing was changed. Set base_url in the manifest, or start this job afresh.",
        )
    folder.write_json(MANIFEST, folder.read_json(MANIFEST) | {"base_url": given})
    return {"base_url": given, "changed": given != base}


def _examples(folder: SourceFolder, base: str, count: int) -> list[dict[str, str]]:
    documents = open_documents(folder)
    found: list[dict[str, str]] = []
    for index in range(0, len(documents), max(1, len(documents) // (count * 2))):
        source = documents.at(index)
        if source is not None and len(found) < count:
            found.append({"document": source.url, "address": base_url.address(base, source.url)})
    return found
