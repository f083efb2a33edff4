"""Pages that an import makes: written many at once, each a record of partial work, listed in the end."""

from __future__ import annotations

import hashlib
from typing import Any

from onward.authoring.context import Context
from onward.catalogue.sources.outside.source_folder import BACKUP, PAGES, SourceFolder
from onward.catalogue.sources.plan.addresses import file_name

Record = dict[str, Any]


class PageStore:
    """The pages of an import. ``finish`` lists them, and removes those of an earlier import that are gone."""

    def __init__(self, ctx: Context, folder: SourceFolder) -> None:
        self._folder = folder
        self._records = ctx.partial("pages")
        self._waiting: dict[str, bytes] = {}
        self._listed: list[Record] = []

    def add(self, url: str, title: str, html: str, **place: Any) -> None:
        """One more page; on disk with the next ``flush``."""
        data = html.encode("utf-8", "replace")
        name = f"{PAGES}/{file_name(f'http://source.invalid/{url}', '.html')}"
        self._waiting[name] = data
        digest = hashlib.sha256(data).hexdigest()
        record = {"url": url, "file": name, "hash": digest, "size": len(data), "charset": "utf-8", "title": title}
        self._listed.append(record | place)

    def flush(self) -> None:
        """Write what waits; it counts with the next consistent point."""
        self._folder.write_many(self._waiting)
        for record in self._listed:
            self._records.append(record)
        self._waiting.clear()
        self._listed.clear()

    @property
    def waiting(self) -> int:
        """How many pages wait to be written."""
        return len(self._waiting)

    def __len__(self) -> int:
        """How many pages there are."""
        return len(self._records)

    def finish(self, url: str, errors: list[Record]) -> None:
        """List the pages."""
        self.flush()
        pages = list(self._records)
        before = self._folder.read_json(BACKUP).get("pages", [])
        listed = {"version": 1, "url": url, "pages": pages, "assets": [], "errors": errors}
        self._folder.write_json(BACKUP, listed)
        kept = {page["file"] for page in pages}
        for page in before:
            if page.get("file") and page["file"] not in kept:
                self._folder.remove(page["file"])
