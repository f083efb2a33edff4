"""The job types ``upload`` and ``install_source``: a source to S3-compatible storage, and back from it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.models.names import EVERY
from onward.catalogue.sources.outside.source_folder import INDEX, MANIFEST, METADATA, SourceFolder, check_source_id
from onward.catalogue.sources.outside.storage import Storage
from onward.catalogue.sources.outside.vector_file import name_of, read_vectors, write_vectors
from onward.catalogue.sources.outside.vector_store import open_store
from onward.catalogue.sources.plan import changes, listing, manifest
from onward.catalogue.sources.plan.listing import Item
from onward.errors import OnwardError

types = JobTypes()
Record = dict[str, Any]
_LISTING = "listing.json"
_MADE = (MANIFEST, METADATA, INDEX)
_BATCH = 100
_DELETED_AT_ONCE = 250
_CHUNK = 1024 * 1024
Backup = Annotated[bool, Field(description="Also what the source was made of: pages, ZIM and PDF files.")]


@types.job(
    name="upload",
    label="Upload",
    category="cloud",
    needs_source=True,
    weight=30,
    runs_after=["scrape", "metadata", "zim_import", "pdf_import", "index_online", "index_offline", "suggest_tags"],
    conflicts_with=["delete_source"],
)
def upload(ctx: Context, include_backup: Backup = False) -> Record:
    """Publish the source: what is new goes up, then the listing that names it, then what is old goes."""
    folder = SourceFolder(ctx.settings.backup_path, ctx.source_id).require()
    with closing(Storage(ctx.settings.cloud, folder.source_id)) as storage:
        written = _write_vector_files(ctx, folder)
        items = {name: _item(ctx, folder, name) for name in _names(folder, include_backup, written)}
        sent = _send(ctx, folder, storage, items)
        now = ctx.clock.now().isoformat(timespec="seconds")
        storage.write(_LISTING, orjson.dumps(listing.to_json(folder.source_id, items, now)))
        removed = _remove_old(ctx, storage, items)
    return {
        "files": len(items),
        "bytes": sum(item.size for item in items.values()),
        "sent": sent["files"],
        "sent_bytes": sent["bytes"],
        "skipped": len(items) - sent["files"],
        "removed": removed,
    }


def _write_vector_files(ctx: Context, folder: SourceFolder) -> list[str]:
    names = []
    for dimension in EVERY:
        store = open_store(ctx.settings.backup_path, dimension)
        ctx.check()
        if store.exists() and store.count(folder.source_id):
            ctx.progress(message=f"writing out vectors of {dimension} dimensions")
            write_vectors(folder, dimension, store)
            names.append(name_of(dimension))
        else:
            folder.remove(name_of(dimension))
    return names


def _names(folder: SourceFolder, include_backup: bool, written: list[str]) -> list[str]:
    """What goes up; links and drafts do not."""
    found = [name for name in _MADE if (folder.path / name).is_file()] + written
    if include_backup:
        found += [name for name in _files(folder) if listing.is_backup(name)]
    return found


def _files(folder: SourceFolder) -> Iterator[str]:
    for root, folders, files in os.walk(folder.path, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(root, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path.relative_to(folder.path).as_posix()


def _item(ctx: Context, folder: SourceFolder, name: str) -> Item:
    digest, size = hashlib.sha256(), 0
    with folder.file(name).open("rb") as file:
        while chunk := file.read(_CHUNK):
            ctx.check()
            digest.update(chunk)
            size += len(chunk)
    return Item(name, size, digest.hexdigest())


def _send(ctx: Context, folder: SourceFolder, storage: Storage, items: dict[str, Item]) -> dict[str, int]:
    begun: Record = ctx.state.setdefault("begun", {})
    sent = ctx.state.setdefault("sent", {"files": 0, "bytes": 0})
    total = sum(item.size for item in items.values())
    done = 0

    def told(count: int) -> None:
        nonlocal done
        done += count
        ctx.progress(done=done, total=total)
        # A part that has arrived counts from here on.
        ctx.checkpoint()

    for item in items.values():
        ctx.progress(message=item.name)
        if storage.size(item.key) == item.size:
            told(item.size)
            continue
        storage.send(item.key, folder.file(item.name), begun, told)
        sent["files"] += 1
        sent["bytes"] += item.size
        ctx.checkpoint()
    return dict(sent)


def _remove_old(ctx: Context, storage: Storage, items: dict[str, Item]) -> int:
    kept = {item.key for item in items.values()} | {_LISTING}
    old = [key for key in storage.keys() if key not in kept]  # noqa: SIM118 - the storage is no dictionary
    for key in old:
        ctx.check()
        storage.remove(key)
    return len(old)


@types.job(
    name="install_source",
    label="Install",
    category="cloud",
    needs_source=True,
    weight=30,
    runs_before=["metadata", "index_online", "index_offline", "suggest_tags", "visualisation"],
    conflicts_with=["delete_source"],
    aliases=["download"],
)
def install_source(
    ctx: Context,
    cloud_source_id: Annotated[
        str, Field(max_length=128, description="Its name in the storage; empty: the same as here.")
    ] = "",
    include_backup: Backup = False,
    sync_mode: Annotated[
        Literal["update", "replace"],
        Field(description="update keeps what is only here and what people wrote; replace keeps neither."),
    ] = "update",
) -> Record:
    """Fetch a published source, and bring its vectors into the databases without computing them again."""
    folder = SourceFolder(ctx.settings.backup_path, ctx.source_id, create=True)
    with closing(Storage(ctx.settings.cloud, check_source_id(cloud_source_id or ctx.source_id))) as storage:
        data = storage.read(_LISTING)
        if data is None:
            raise OnwardError(
                f"No source {cloud_source_id or ctx.source_id!r} is published.", hint="Publish it with the job upload."
            )
        items = {
            name: item
            for name, item in listing.from_json(orjson.loads(data)).items()
            if include_backup or not listing.is_backup(name)
        }
        fetched = _fetch(ctx, folder, storage, items, keeps_manifest=sync_mode == "update")
    removed = _remove_others(folder, items, include_backup) if sync_mode == "replace" else 0
    sizes = [dimension for dimension in EVERY if name_of(dimension) in items]
    added = ctx.state.setdefault("added", {})
    for dimension in ctx.free_first(sizes, "index"):
        added[str(dimension)] = added.get(str(dimension), 0) + _install_vectors(ctx, folder, dimension)
    return {"files": len(items), "fetched": fetched, "removed": removed, "vectors_added": added}


def _fetch(
    ctx: Context, folder: SourceFolder, storage: Storage, items: dict[str, Item], *, keeps_manifest: bool
) -> int:
    total, done, fetched = sum(item.size for item in items.values()), 0, 0

    def told(count: int) -> None:
        nonlocal done
        done += count
        ctx.progress(done=done, total=total)
        ctx.check()

    for item in items.values():
        ctx.progress(message=item.name)
        target = folder.file(item.name)
        if item.name == MANIFEST and keeps_manifest and target.is_file():
            _merge_manifest(folder, storage.read(item.key))
            told(item.size)
        elif _has(ctx, folder, item):
            told(item.size)
        else:
            _fetch_one(folder, storage, item, told)
            fetched += 1
    return fetched


def _has(ctx: Context, folder: SourceFolder, item: Item) -> bool:
    path = folder.file(item.name)
    return path.is_file() and path.stat().st_size == item.size and _item(ctx, folder, item.name) == item


def _fetch_one(folder: SourceFolder, storage: Storage, item: Item, told: Any) -> None:
    """Fetch a file into a draft that a later attempt goes on with; whole and checked, it takes its place."""
    with folder.continuing(item.name, item.sha256) as file:
        start = file.seek(0, os.SEEK_END)
        if start > item.size:
            file.truncate(0)
            start = 0
        told(start)
        if start < item.size:
            storage.fetch(item.key, file, start, told)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # a file opened for reading too
        if digest != item.sha256:
            file.truncate(0)
            raise OnwardError(
                f"{item.name} arrived with another content than the listing says.", hint="Nothing was changed. Resume."
            )


def _merge_manifest(folder: SourceFolder, data: bytes | None) -> None:
    try:
        given = orjson.loads(data or b"{}")
    except orjson.JSONDecodeError:
        given = {}
    if isinstance(given, dict):
        facts = {name: value for name, value in given.items() if not name.startswith("_") and name != "source_id"}
        folder.write_json(MANIFEST, manifest.fill(folder.read_json(MANIFEST), facts))


def _remove_others(folder: SourceFolder, items: dict[str, Item], include_backup: bool) -> int:
    others = [name for name in _files(folder) if name not in items and (include_backup or not listing.is_backup(name))]
    for name in others:
        folder.remove(name)
    return len(others)


def _install_vectors(ctx: Context, folder: SourceFolder, dimension: int) -> int:
    """Bring the database into line with the file of vectors; what agrees already is passed over."""
    store = open_store(ctx.settings.backup_path, dimension)
    path = folder.file(name_of(dimension))
    kept = store.kept(folder.source_id)
    named = {item.id: item.recipe for item, _ in read_vectors(path, folder.source_id, dimension)}
    stale = [key for key, passage in kept.items() if named.get(key) != passage.recipe]
    for group in changes.batches(stale, _DELETED_AT_ONCE):
        store.delete(group)
        ctx.check()
    there = kept.keys() - set(stale)
    rows = (row for row in read_vectors(path, folder.source_id, dimension) if row[0].id not in there)
    added = 0
    while batch := list(islice(rows, _BATCH)):
        store.add([passage for passage, _ in batch], [vector for _, vector in batch])
        added += len(batch)
        ctx.progress(message=f"{added:,} vectors of {dimension} dimensions")
        ctx.check()
    return added
