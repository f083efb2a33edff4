"""A published source: what its listing says, and what is to be sent or fetched to agree with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onward.errors import OnwardError

VERSION = 1
_HASH = re.compile(r"[0-9a-f]{64}")
_MOST_FILES = 1_000_000


@dataclass(frozen=True, slots=True)
class Item:
    """One file: its name within the source, its size and its SHA-256."""

    name: str
    size: int
    sha256: str

    @property
    def key(self) -> str:
        """Its name in the storage, which changes with its content: so a reader never finds half of a new version."""
        return f"files/{self.sha256[:32]}/{self.name}"


def to_json(source_id: str, items: Mapping[str, Item], published_at: str) -> dict[str, Any]:
    """A listing as it is published, after all that it names."""
    files = [{"name": item.name, "size": item.size, "sha256": item.sha256} for _, item in sorted(items.items())]
    return {"version": VERSION, "source_id": source_id, "published_at": published_at, "files": files}


def from_json(value: Any) -> dict[str, Item]:
    """The files of a listing that comes from elsewhere. Raises ``OnwardError`` when it is none.

    Names are checked where the files are written.
    """
    try:
        if value["version"] != VERSION or len(value["files"]) > _MOST_FILES:
            raise OnwardError(f"The listing is of version {value['version']!r}, which this release does not read.")
        items = [Item(str(file["name"]), int(file["size"]), str(file["sha256"])) for file in value["files"]]
    except (KeyError, TypeError, ValueError) as error:
        raise OnwardError(f"The published listing is damaged: {error!r}.", hint="Publish the source again.") from None
    if any(item.size < 0 or not _HASH.fullmatch(item.sha256) for item in items):
        raise OnwardError("The published listing is damaged.", hint="Publish the source again.")
    return {item.name: item for item in items}


def is_backup(name: str) -> bool:
    """Whether a file is what the source was made of, and not what was made of it: pages, archives, PDF files."""
    return not name.startswith("_")
