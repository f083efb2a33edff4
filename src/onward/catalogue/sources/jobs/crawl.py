"""A crawl: page after page, each a record of partial work from which the frontier can be built again."""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from onward.authoring.context import Context
from onward.catalogue.guard import AddressRefused
from onward.catalogue.sources.outside.site import Site
from onward.catalogue.sources.outside.source_folder import BACKUP, MANIFEST, PAGES, SourceFolder
from onward.catalogue.sources.outside.web import Document, FetchFailed, Web
from onward.catalogue.sources.plan import addresses, charset, manifest, page
from onward.catalogue.sources.plan.frontier import Frontier, Visit

Record = dict[str, Any]
_HTML = ("text/html", "application/xhtml+xml")
_LINK_CHARACTERS = 400_000
_SEEDS_A_RECORD = 200
_SHOWN_ERRORS = 100
_SLICE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for."""

    start: str
    page_limit: int
    include_assets: bool
    follow_links: bool
    max_depth: int
    delay: float
    rules: addresses.PathRules


@dataclass(slots=True)
class _Tally:
    pages: int = 0
    tried: int = 0
    skipped: int = 0
    assets: int = 0
    size: int = 0
    errors: list[Record] = field(default_factory=list)


class Crawl:
    """Takes visits from the frontier until there are enough pages. ``run`` goes on where it was."""

    def __init__(self, ctx: Context, folder: SourceFolder, web: Web, site: Site, wishes: Wishes) -> None:
        self._ctx = ctx
        self._folder = folder
        self._web = web
        self._site = site
        self._wishes = wishes
        self._delay = max(wishes.delay, site.delay)
        self._pause = pauser(ctx)
        self._records = ctx.partial("pages")
        self._frontier = Frontier(wishes.max_depth, wishes.page_limit * 50 + 1000)
        self._hashes: dict[str, str] = {}
        self._assets: set[str] = set()
        self._tally = _Tally()

    def run(self) -> Record:
        """Crawl, and write the manifests. Raises ``FetchFailed`` when the start cannot be read."""
        for record in self._records:
            self._recall(record)
        if not len(self._frontier):
            self._seed()
        while visit := self._next():
            if self._tally.tried:
                self._pause(self._delay)
            record = self._visit(visit)
            self._records.append(record)
            self._count(record)
            self._ctx.state.update(pages=self._tally.pages, tried=self._tally.tried)
            self._show(visit)
            self._ctx.checkpoint()
        return self._finish()

    def _next(self) -> Visit | None:
        enough = self._tally.pages >= self._wishes.page_limit or self._tally.tried >= self._wishes.page_limit * 5 + 100
        return None if enough else self._frontier.take()

    def _show(self, visit: Visit) -> None:
        total = min(self._wishes.page_limit, self._tally.pages + len(self._frontier) - self._frontier.visited)
        self._ctx.progress(done=self._tally.pages, total=total, message=visit.url)

    # ---- where to begin ------------------------------------------------------------------------------

    def _recall(self, record: Record) -> None:
        if record["kind"] == "seed":
            self._frontier.add(record["urls"], 0)
            return
        self._frontier.take()
        self._frontier.note(record["url"])
        self._frontier.add(record.get("links", ()), record["depth"] + 1)
        self._count(record)

    def _seed(self) -> None:
        start = self._wishes.start
        is_map = addresses.is_sitemap(start)
        if not is_map and not self._site.allows(start):
            raise FetchFailed(f"robots.txt forbids {start}.", hint="Ask the site's owner, or start elsewhere.")
        mapped = self._wanted(self._site.sitemap_pages(start if is_map else None))
        seeds = islice(mapped, self._wishes.page_limit * 4 + 100)
        new = self._frontier.add([] if is_map else [start], 0) + self._frontier.add(seeds, 0)
        for place in range(0, len(new), _SEEDS_A_RECORD):
            self._records.append({"kind": "seed", "urls": new[place : place + _SEEDS_A_RECORD]})
        self._ctx.log.info("begun", start=start, known_pages=len(new), delay=self._delay)
        self._ctx.checkpoint()

    def _wanted(self, urls: Iterable[str]) -> Iterable[str]:
        return (
            url
            for url in urls
            if addresses.may_be_page(url)
            and addresses.is_same_site(url, self._wishes.start)
            and self._wishes.rules.allows(url)
            and self._site.allows(url)
        )

    # ---- one page ------------------------------------------------------------------------------------

    def _visit(self, visit: Visit) -> Record:
        record: Record = {"kind": "page", "url": visit.url, "depth": visit.depth}
        try:
            document = self._web.get(visit.url, self._site.permit)
            if document.status != 200:
                raise FetchFailed(f"{document.url} answered {document.status}.")
        except (FetchFailed, AddressRefused) as error:
            if visit.url == self._wishes.start:
                raise
            return record | {"error": str(error)}
        if document.url != visit.url and self._frontier.knows(document.url):
            return record | {"skipped": f"redirects to {document.url}"}
        if document.content_type not in _HTML:
            return record | {"skipped": f"is {document.content_type or 'of no type'}"}
        self._frontier.note(document.url)
        return record | {"url": document.url} | self._keep(document, visit)

    def _keep(self, document: Document, visit: Visit) -> Record:
        content = page.read(charset.decode(document.body, document.charset), document.url)
        links = content.links if self._wishes.follow_links and content.may_be_followed else ()
        record: Record = {"links": self._frontier.add(_bounded(self._wanted(links)), visit.depth + 1)}
        if not content.may_be_kept:
            return record | {"skipped": "asks not to be kept"}
        digest = hashlib.sha256(document.body).hexdigest()
        record |= {
            "hash": digest,
            "size": len(document.body),
            "status": document.status,
            "title": content.title,
        }
        record |= {
            "charset": document.charset,
            "fetched_at": self._ctx.clock.now().isoformat(timespec="seconds"),
        }
        if digest in self._hashes:
            return record | {"duplicate_of": self._hashes[digest], "skipped": "is the same as another"}
        record["file"] = f"{PAGES}/{addresses.file_name(document.url, '.html')}"
        self._folder.write_bytes(record["file"], document.body)
        if self._wishes.include_assets:
            record["assets"] = [self._asset(url) for url in content.assets if self._is_new_asset(url)]
        return record

    def _is_new_asset(self, url: str) -> bool:
        wanted = addresses.is_same_site(url, self._wishes.start) and self._site.allows(url)
        return wanted and url not in self._assets and len(self._assets) < self._wishes.page_limit * 20

    def _asset(self, url: str) -> Record:
        self._assets.add(url)
        self._pause(self._delay)
        try:
            document = self._web.get(url, self._site.permit)
            if document.status != 200:
                raise FetchFailed(f"{url} answered {document.status}.")
        except (FetchFailed, AddressRefused) as error:
            return {"url": url, "error": str(error)}
        suffix = "." + "".join(filter(str.isalnum, url.rpartition("/")[2].rpartition(".")[2]))[:8].lower()
        name = f"assets/{addresses.file_name(url, suffix)}"
        self._folder.write_bytes(name, document.body)
        digest = hashlib.sha256(document.body).hexdigest()
        return {"url": url, "file": name, "hash": digest, "size": len(document.body)}

    def _count(self, record: Record) -> None:
        tally = self._tally
        tally.tried += 1
        if "error" in record:
            tally.errors.append({"url": record["url"], "error": record["error"]})
        elif "skipped" in record:
            tally.skipped += 1
        else:
            tally.pages += 1
            tally.size += record["size"]
            self._hashes[record["hash"]] = record["url"]
        for asset in record.get("assets", ()):
            self._assets.add(asset["url"])
            tally.assets += "file" in asset
            if "error" in asset:
                tally.errors.append({"url": asset["url"], "error": asset["error"]})

    # ---- the end -------------------------------------------------------------------------------------

    def _finish(self) -> Record:
        records = [record for record in self._records if record["kind"] == "page"]
        pages = [_without(record, "kind", "links", "assets", "skipped") for record in records if "hash" in record]
        assets = [asset for record in records for asset in record.get("assets", ()) if "file" in asset]
        before = self._folder.read_json(BACKUP)
        self._folder.write_json(
            BACKUP,
            {
                "version": 1,
                "url": self._wishes.start,
                "pages": pages,
                "assets": assets,
                "errors": self._tally.errors,
            },
        )
        self._remove_old(before, {item["file"] for item in [*pages, *assets] if "file" in item})
        name = next((item["title"] for item in pages), "")
        known = self._folder.read_json(MANIFEST)
        facts = {"name": name, "base_url": self._wishes.start, "kind": "pages"}
        self._folder.write_json(MANIFEST, {"source_id": self._folder.source_id} | manifest.fill(known, facts))
        return {
            "pages": self._tally.pages,
            "assets": self._tally.assets,
            "skipped": self._tally.skipped,
            "bytes": self._tally.size,
            "error_count": len(self._tally.errors),
            "errors": self._tally.errors[:_SHOWN_ERRORS],
        }

    def _remove_old(self, before: Record, kept: set[str]) -> None:
        """Files of an earlier scrape that this one no longer has."""
        for item in [*before.get("pages", ()), *before.get("assets", ())]:
            if item.get("file") and item["file"] not in kept:
                self._folder.remove(item["file"])


def pauser(ctx: Context) -> Callable[[float], None]:
    """Waits so many seconds, and leaves when the job is asked to."""
    never = threading.Event()

    def pause(seconds: float) -> None:
        slices = math.ceil(seconds / _SLICE_SECONDS)
        for _ in range(slices):
            ctx.check()
            ctx.clock.wait(never, seconds / slices)
        ctx.check()

    return pause


def _bounded(urls: Iterable[str]) -> Iterable[str]:
    room = _LINK_CHARACTERS
    for url in urls:
        room -= len(url)
        if room < 0:
            return
        yield url


def _without(record: Record, *names: str) -> Record:
    return {name: value for name, value in record.items() if name not in names}
