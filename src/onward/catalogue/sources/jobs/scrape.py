"""The job type ``scrape``: the pages of a web site, saved."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.guard import Guard
from onward.catalogue.sources.jobs.crawl import Crawl, Wishes, pauser
from onward.catalogue.sources.outside.site import Site
from onward.catalogue.sources.outside.source_folder import SourceFolder
from onward.catalogue.sources.outside.web import Web
from onward.catalogue.sources.plan.addresses import PathRules, canonical
from onward.errors import InvalidParams

types = JobTypes()
Names = Annotated[tuple[str, ...], Field(max_length=200)]


@types.job(
    name="scrape",
    label="Scrape",
    category="content",
    needs_source=True,
    weight=40,
    runs_before=["metadata", "index_online", "index_offline", "suggest_tags"],
    conflicts_with=["delete_source"],
    checkpoint_every=25,
    checkpoint_seconds=10,
    searchable=["url"],
)
def scrape(
    ctx: Context,
    *,
    url: Annotated[str, Field(min_length=8, max_length=2000, description="Start page, or a sitemap (.xml).")],
    page_limit: Annotated[int, Field(ge=1, le=10_000, description="Most pages to save.")] = 100,
    include_assets: Annotated[bool, Field(description="Save pictures, styles and scripts too.")] = False,
    follow_links: Annotated[bool, Field(description="Go on to the pages that a page links to.")] = True,
    max_depth: Annotated[int, Field(ge=0, le=100, description="Most links away from the start.")] = 3,
    request_delay: Annotated[float, Field(ge=0, le=60, description="Seconds between two requests.")] = 0.5,
    allowed_hosts: Annotated[Names, Field(description="host:port inside your own network that may be read.")] = (),
    include: Annotated[Names, Field(description="Only paths like these, such as /docs/*.")] = (),
    exclude: Annotated[Names, Field(description="No paths like these, such as */print/*.")] = (),
) -> dict[str, Any]:
    """Save the pages of a web site, breadth first, as robots.txt allows."""
    start = canonical(url)
    if start is None:
        raise InvalidParams(
            f"{url[:200]!r} is not a web address.",
            hint="Give one that begins with http:// or https://.",
            errors=({"field": "url", "message": "not an http or https address"},),
        )
    folder = SourceFolder(ctx.settings.backup_path, ctx.source_id, create=True)
    wishes = Wishes(
        start, page_limit, include_assets, follow_links, max_depth, request_delay, PathRules(include, exclude)
    )
    with Web(Guard(allowed_hosts), ctx.clock, pauser(ctx)) as web:
        return Crawl(ctx, folder, web, Site(web, start), wishes).run()
