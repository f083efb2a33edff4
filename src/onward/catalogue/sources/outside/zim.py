"""Documents of a ZIM file, read where they lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from onward.catalogue.extras import load
from onward.catalogue.sources.outside.documents import MAX_BYTES, Source
from onward.catalogue.sources.plan import charset
from onward.errors import OnwardError

_HEADERS = (
    "Title", "Description", "Creator", "Publisher", "License", "Language", "Tags", "Source", "Date", "Name",
)  # fmt: skip
_MAX_HEADER = 10_000


class ZimDocuments:
    """The articles of an archive; the number of a document is that of its entry."""

    kind = "zim"

    def __init__(self, path: Path) -> None:
        try:
            self._archive: Any = load("libzim.reader").Archive(path)
        except RuntimeError as error:
            raise OnwardError(f"{path} cannot be read as a ZIM file: {error}.", hint="Get it anew.") from error
        self.version = str(self._archive.uuid)

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return int(self._archive.filesize)

    def __len__(self) -> int:
        return int(self._archive.all_entry_count)

    def at(self, index: int) -> Source | None:
        # The archive has no public way to go over its entries.
        entry = self._archive._get_entry_by_id(index)
        if entry.is_redirect or not entry.get_item().mimetype.startswith("text/html"):
            return None
        return Source(f"zim_{index}", entry.path, f"{self.version}:{index}", entry.title)

    def html(self, index: int) -> str:
        item = self._archive._get_entry_by_id(index).get_item()
        if item.size > MAX_BYTES:
            raise OnwardError(f"{item.path} has {item.size:,} bytes, more than {MAX_BYTES:,}.")
        return charset.decode(bytes(item.content))

    def headers(self) -> dict[str, str]:
        known = [name for name in _HEADERS if name in self._archive.metadata_keys]
        return {name: self._archive.get_metadata(name)[:_MAX_HEADER].decode("utf-8", "replace") for name in known}
