"""Addresses, the frontier and sitemaps, on paper."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.catalogue.sources.plan import sitemap
from onward.catalogue.sources.plan.addresses import (
    PathRules,
    canonical,
    file_name,
    is_same_site,
    may_be_page,
)
from onward.catalogue.sources.plan.frontier import Frontier, Visit


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("HTTP://Example.COM:80/a/../b/./c#part", "http://example.com/b/c"),
        ("https://example.com:443", "https://example.com/"),
        ("page.html?x=1&y= 2", "http://example.com/docs/page.html?x=1&y=%202"),
        ("//other.com/x", "http://other.com/x"),
        ("../../../up", "http://example.com/up"),
        ("http://example.com/..", "http://example.com/"),
        ("http://example.com/ä", "http://example.com/%C3%A4"),
        ("http://[::1]:8000/", "http://[::1]:8000/"),
        ("mailto:a@b.c", None),
        ("javascript:void(0)", None),
        ("http://[::1", None),
        ("http://example.com:x/", None),
        ("http://example.com/" + "a" * 2000, None),
    ],
)
def test_addresses_have_one_spelling(address: str, expected: str | None) -> None:
    assert canonical(address, "http://example.com/docs/index.html") == expected


@given(st.text(max_size=60))
def test_the_one_spelling_stays_as_it_is(text: str) -> None:
    once = canonical(text, "http://example.com/a/b")
    assert once is None or canonical(once) == once


def test_a_site_is_its_host_with_or_without_www() -> None:
    assert is_same_site("http://www.example.com/a", "https://example.com/b")
    assert not is_same_site("http://docs.example.com/", "http://example.com/")
    assert not is_same_site("http://example.com:8000/", "http://example.com/")


def test_archives_and_pictures_are_no_pages() -> None:
    assert may_be_page("http://e.com/a.html")
    assert may_be_page("http://e.com/v1.2")
    assert not may_be_page("http://e.com/a.ZIP?x=1")


def test_paths_are_chosen_by_pattern() -> None:
    rules = PathRules(include=["/docs/*"], exclude=["*print=1*", "docs/old/*"])
    assert rules.allows("http://e.com/docs/a")
    assert not rules.allows("http://e.com/blog/a")
    assert not rules.allows("http://e.com/docs/a?print=1")
    assert not rules.allows("http://e.com/docs/old/a")


@given(st.text(max_size=80))
def test_file_names_are_safe_everywhere(path: str) -> None:
    name = file_name(f"http://e.com/{path}", ".html")
    assert name == name.lower()
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    assert len(name) < 100
    assert name.split(".")[0] not in {"con", "nul", "aux", "prn", ""}


def test_two_addresses_never_share_a_file() -> None:
    assert file_name("http://e.com/A", ".html") != file_name("http://e.com/a", ".html")


def test_the_frontier_is_breadth_first_and_bounded() -> None:
    frontier = Frontier(max_depth=1, limit=4)
    assert frontier.add(["a", "b", "a"], 0) == ["a", "b"]
    assert frontier.take() == Visit("a", 0)
    assert frontier.add(["c", "b"], 1) == ["c"]
    assert frontier.add(["x"], 2) == []
    assert frontier.add(["d", "e"], 1) == ["d"]
    assert [visit.url for visit in iter(frontier.take, None)] == ["b", "c", "d"]


def test_sitemaps_and_their_indexes_are_read() -> None:
    found = sitemap.parse(
        b'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        b'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"><url><loc> http://e.com/a?x=1&amp;y </loc>'
        b"<image:image><image:loc>http://e.com/p.png</image:loc></image:image></url></urlset>"
    )
    assert (found.pages, found.sitemaps) == (["http://e.com/a?x=1&y"], [])
    index = sitemap.parse(b"<sitemapindex><sitemap><loc>http://e.com/s.xml</loc></sitemap></sitemapindex>")
    assert index.sitemaps == ["http://e.com/s.xml"]


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>',
        b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><urlset><url><loc>&f;</loc></url></urlset>',
        b'<!DOCTYPE x SYSTEM "http://169.254.169.254/x.dtd"><urlset/>',
        b"<html><body>not here</body></html>",
        b"plain text",
        b"",
        b"<urlset><url>",
    ],
)
def test_hostile_and_other_documents_are_no_sitemaps(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a sitemap"):
        sitemap.parse(data)
