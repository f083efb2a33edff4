"""Sitemaps: the pages and further sitemaps that one names. Documents that declare entities are refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat


@dataclass(slots=True)
class Sitemap:
    """Addresses as they stand in the file."""

    pages: list[str] = field(default_factory=list)
    sitemaps: list[str] = field(default_factory=list)


def parse(data: bytes, limit: int = 50_000) -> Sitemap:
    """Read a sitemap or a sitemap index. Raises ``ValueError`` when it is neither or hostile."""
    reader = _Reader(limit)
    try:
        reader.read(data)
    except expat.ExpatError as error:
        raise ValueError(f"not a sitemap: {error}") from None
    if reader.root not in ("urlset", "sitemapindex"):
        raise ValueError(f"not a sitemap: its root is <{reader.root}>")
    return reader.found


class _Reader:
    def __init__(self, limit: int) -> None:
        self.root = ""
        self.found = Sitemap()
        self._limit = limit
        self._path: list[str] = []
        self._text: list[str] = []

    def read(self, data: bytes) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.Parse(data, True)

    def _refuse(self, *_: object) -> None:
        raise ValueError("not a sitemap: it declares a document type or entities")

    def _start(self, name: str, _: object) -> None:
        local = name.rpartition(":")[2]
        if not self._path:
            self.root = local
        self._path.append(local)
        self._text.clear()

    def _end(self, _: str) -> None:
        place = tuple(self._path[-2:])
        address = "".join(self._text).strip()
        if place == ("url", "loc") and len(self.found.pages) < self._limit:
            self.found.pages.append(address)
        elif place == ("sitemap", "loc") and len(self.found.sitemaps) < self._limit:
            self.found.sitemaps.append(address)
        self._path.pop()
        self._text.clear()
