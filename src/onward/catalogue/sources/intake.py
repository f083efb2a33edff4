"""Documents that lie on this machine, brought in as a source: a folder of HTML or a ZIM file."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from onward.catalogue.sources.outside.documents import MAX_BYTES
from onward.catalogue.sources.outside.pages import html_files
from onward.catalogue.sources.outside.source_folder import BACKUP, MANIFEST, PAGES, SourceFolder
from onward.catalogue.sources.plan.addresses import file_name
from onward.errors import OnwardError


def import_documents(backup_path: str | Path, source_id: str, path: str | Path, *, limit: int = 0) -> int:
    """Copy a folder of HTML (most ``limit`` files; 0 is all) or a ZIM file into a source; returns how many.

    For whoever may read the path anyway: it is no job, since whoever submits jobs may not. Raises
    ``OnwardError`` when there is nothing to bring in, ``InvalidValue`` for an id that is none.
    """
    origin = Path(path).expanduser()
    folder = SourceFolder(backup_path, source_id, create=True)
    if origin.is_file() and origin.suffix.lower() == ".zim":
        with origin.open("rb") as given, folder.replacing(f"{source_id}.zim") as target:
            shutil.copyfileobj(given, target, 1024 * 1024)
        _name(folder, origin.stem, "zim")
        return 1
    found = (file for file in html_files(origin) if file.stat().st_size <= MAX_BYTES)
    files = sorted(found)[: limit or None] if origin.is_dir() else []
    if not files:
        raise OnwardError(f"{origin} is neither a ZIM file nor a folder with HTML files.")
    pages = [_copy(folder, origin, file) for file in files]
    folder.write_json(BACKUP, {"version": 1, "url": "", "pages": pages, "assets": [], "errors": []})
    _name(folder, origin.name, "pages")
    return len(pages)


def _copy(folder: SourceFolder, origin: Path, file: Path) -> dict[str, object]:
    relative = file.relative_to(origin).as_posix()
    data = file.read_bytes()
    name = f"{PAGES}/{file_name(f'http://source.invalid/{relative}', '.html')}"
    folder.write_bytes(name, data)
    return {"url": relative, "file": name, "hash": hashlib.sha256(data).hexdigest(), "size": len(data)}


def _name(folder: SourceFolder, name: str, kind: str) -> None:
    known = folder.read_json(MANIFEST)
    if not known:
        folder.write_json(MANIFEST, {"source_id": folder.source_id, "name": name, "kind": kind})
