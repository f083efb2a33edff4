"""A web site's own wishes and maps: robots.txt and sitemaps."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from onward.catalogue.extras import load
from onward.catalogue.guard import AddressRefused
from onward.catalogue.sources.outside.web import AGENT, MEGABYTE, Document, FetchFailed, Web
from onward.catalogue.sources.plan import sitemap
from onward.catalogue.sources.plan.addresses import canonical, is_same_site, root
from onward.errors import OnwardError

_MAX_SITEMAPS = 50
_MAX_UNPACKED = 50 * MEGABYTE
_MAX_DELAY = 60.0


class Site:
    """The site of ``start``; reads its robots.txt when made."""

    def __init__(self, web: Web, start: str) -> None:
        self._web = web
        self._start = start
        self._rules: Any = load("protego").Protego.parse(self._robots())

    def allows(self, url: str) -> bool:
        """Whether robots.txt lets us read this address."""
        return bool(self._rules.can_fetch(url, AGENT))

    @property
    def delay(self) -> float:
        """Seconds between requests that the site asks for."""
        return min(float(self._rules.crawl_delay(AGENT) or 0), _MAX_DELAY)

    def permit(self, url: str) -> None:
        """Raises ``FetchFailed`` for a redirect that leaves the site or that robots.txt forbids."""
        if not is_same_site(url, self._start):
            raise FetchFailed(f"It redirects to another site, {root(url)}.")
        if not self.allows(url):
            raise FetchFailed(f"It redirects to {url}, which robots.txt forbids.")

    def sitemap_pages(self, given: str | None = None) -> Iterator[str]:
        """Pages of this site named by its sitemaps, or by the one that is given."""
        waiting = [given] if given else self._sitemaps()
        seen: set[str] = set()
        while waiting and len(seen) < _MAX_SITEMAPS:
            url = waiting.pop(0)
            if url in seen:
                continue
            seen.add(url)
            found = self._read_sitemap(url, must_exist=url == given)
            waiting.extend(self._mine(found.sitemaps, url))
            yield from self._mine(found.pages, url)

    def _sitemaps(self) -> list[str]:
        named = list(self._mine(self._rules.sitemaps, self._start))
        return named or [f"{root(self._start)}/sitemap.xml"]

    def _mine(self, addresses: Any, base: str) -> Iterator[str]:
        for address in addresses:
            url = canonical(address, base)
            if url and is_same_site(url, self._start):
                yield url

    def _read_sitemap(self, url: str, must_exist: bool) -> sitemap.Sitemap:
        try:
            document = self._web.get(url, self.permit)
            if document.status != 200:
                raise FetchFailed(f"The sitemap {url} answered {document.status}.")
            return sitemap.parse(_unpack(document.body))
        except (ValueError, FetchFailed, AddressRefused) as error:
            if must_exist:
                raise FetchFailed(f"The sitemap {url} cannot be used: {error}") from error
            return sitemap.Sitemap()

    def _robots(self) -> str:
        url = f"{root(self._start)}/robots.txt"
        document = self._web.get(url, self._same_site_only)
        if document.status >= 500:
            raise OnwardError(
                f"{url} answered {document.status}, so it is not known what may be read.",
                hint="Try again later.",
            )
        return document.body[:500_000].decode("utf-8", "replace") if _is_robots(document) else ""

    def _same_site_only(self, url: str) -> None:
        if not is_same_site(url, self._start):
            raise FetchFailed(f"It redirects to another site, {root(url)}.")


def _is_robots(document: Document) -> bool:
    """Servers that answer every address with a page have no robots.txt."""
    return document.status == 200 and document.content_type != "text/html"


def _unpack(body: bytes) -> bytes:
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        data = zlib.decompressobj(47).decompress(body, _MAX_UNPACKED + 1)
    except zlib.error as error:
        raise ValueError(f"not readable: {error}") from None
    if len(data) > _MAX_UNPACKED:
        raise ValueError("too large when unpacked")
    return data
