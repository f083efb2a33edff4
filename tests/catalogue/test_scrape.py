"""The job ``scrape`` against a real web server."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from onward.catalogue.guard import AddressRefused
from onward.catalogue.sources.outside.web import FetchFailed
from onward.errors import InvalidParams, JobCancelled, OnwardError
from tests.catalogue.conftest import LocalSite
from tests.catalogue.desk import Desk


def scrape(site: LocalSite, backup: Path, path: str = "/", **params: Any) -> Desk:
    params = {"request_delay": 0, "allowed_hosts": [site.host]} | params
    return Desk("scrape", backup, "web", url=f"{site.url}{path}", **params)


def saved(backup: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((backup / "web" / "backup_manifest.json").read_text())
    return found


def paths(site: LocalSite, backup: Path) -> list[str]:
    return [page["url"].removeprefix(site.url) for page in saved(backup)["pages"] if "file" in page]


def test_pages_are_saved_breadth_first_with_their_hashes(site: LocalSite, backup: Path) -> None:
    site.tree(8)
    result = scrape(site, backup).run()
    assert result["pages"] == 8
    assert paths(site, backup) == ["/", *(f"/page{number}.html" for number in range(1, 8))]
    for page in saved(backup)["pages"]:
        file = backup / "web" / page["file"]
        assert len(file.read_bytes()) == page["size"]
        assert page["status"] == 200
    assert not list((backup / "web").rglob("*.draft"))


def test_page_limit_and_depth_are_kept(site: LocalSite, backup: Path) -> None:
    site.tree(30)
    assert scrape(site, backup, page_limit=7).run()["pages"] == 7
    assert scrape(site, backup, max_depth=1).run()["pages"] == 4
    assert scrape(site, backup, follow_links=False).run()["pages"] == 1


def test_files_of_an_earlier_scrape_go_when_the_page_has_gone(site: LocalSite, backup: Path) -> None:
    site.tree(5)
    scrape(site, backup).run()
    site.html("/", "Alone", "no links")
    scrape(site, backup).run()
    assert len(list((backup / "web" / "pages").iterdir())) == 1


def test_robots_txt_is_obeyed(site: LocalSite, backup: Path) -> None:
    site.raw("/robots.txt", b"User-agent: *\nDisallow: /private/\nCrawl-delay: 0.01\n")
    site.html("/", "Start", "x", "/private/a.html", "/open.html")
    site.html("/open.html", "Open", "y")
    site.redirect("/open2.html", "/private/a.html")
    site.html("/private/a.html", "Private", "z")
    scrape(site, backup).run()
    assert paths(site, backup) == ["/", "/open.html"]
    assert "/private/a.html" not in site.asked
    with pytest.raises(FetchFailed, match=r"robots\.txt forbids"):
        scrape(site, backup, "/open2.html").run()


def test_a_site_whose_robots_txt_fails_is_left_alone(site: LocalSite, backup: Path) -> None:
    site.tree(2)
    site.raw("/robots.txt", b"", status=500)
    with pytest.raises(OnwardError, match="not known what may be read"):
        scrape(site, backup).run()


def test_sitemaps_are_found_and_read_through_their_index(site: LocalSite, backup: Path) -> None:
    site.raw("/robots.txt", f"Sitemap: {site.url}/maps.xml\n".encode())
    packed = gzip.compress(f"<urlset><url><loc>{site.url}/deep.html</loc></url></urlset>".encode())
    inner = "".join(f"<sitemap><loc>{site.url}/{name}</loc></sitemap>" for name in ("a.xml.gz", "gone.xml"))
    foreign = "<sitemap><loc>http://169.254.169.254/s.xml</loc></sitemap>"
    site.raw("/maps.xml", f"<sitemapindex>{inner}{foreign}</sitemapindex>".encode(), "application/xml")
    site.raw("/a.xml.gz", packed, "application/gzip")
    site.html("/", "Start", "no links")
    site.html("/deep.html", "Deep", "only the map knows me")
    assert scrape(site, backup, follow_links=False).run()["pages"] == 2
    assert paths(site, backup) == ["/", "/deep.html"]
    scrape(site, backup, "/maps.xml").run()
    assert paths(site, backup) == ["/deep.html"]


def test_a_page_that_fails_is_an_entry_and_not_the_end(site: LocalSite, backup: Path) -> None:
    site.html("/", "Start", "x", "/gone.html", "/other.html", "/away.html", "/data")
    site.html("/other.html", "Other", "y")
    site.redirect("/away.html", "http://example.invalid/")
    site.raw("/data", b"{}", "application/json")
    result = scrape(site, backup).run()
    assert (result["pages"], result["skipped"], result["error_count"]) == (2, 1, 2)
    assert [error["url"].removeprefix(site.url) for error in result["errors"]] == ["/gone.html", "/away.html"]
    assert "404" in result["errors"][0]["error"]
    assert "another site" in result["errors"][1]["error"]


def test_a_start_that_cannot_be_read_fails_the_job(site: LocalSite, backup: Path) -> None:
    with pytest.raises(FetchFailed, match="404"):
        scrape(site, backup, "/nothing.html").run()
    with pytest.raises(AddressRefused, match="allowed_hosts"):
        scrape(site, backup, allowed_hosts=[]).run()
    with pytest.raises(InvalidParams, match="not a web address"):
        Desk("scrape", backup, "web", url="file:///etc/passwd").run()


def test_other_sites_patterns_and_repeats_are_left_out(site: LocalSite, backup: Path) -> None:
    links = ["http://other.invalid/", "/a.html", "/a.html#x", "/index.html", "/get?key=x", "/pic.png", "/hop"]
    site.html("/", "Start", "x", *links)
    site.pages["/index.html"] = site.pages["/"]
    site.html("/a.html", "A", "y", "/noindex.html")
    site.redirect("/hop", "/a.html")
    site.html("/noindex.html", "Hidden", "z", head='<meta name="robots" content="noindex">')
    result = scrape(site, backup, exclude=["/get*"]).run()
    assert paths(site, backup) == ["/", "/a.html"]
    assert result["skipped"] == 3
    assert not {"/get?key=x", "/pic.png"} & set(site.asked)


def test_assets_are_saved_when_asked_for(site: LocalSite, backup: Path) -> None:
    site.html("/", "Start", 'x<img src="/p.png"><img src="/q.png"><img src="//other.invalid/r.png">')
    site.raw("/p.png", b"PNG", "image/png")
    assert scrape(site, backup).run()["assets"] == 0
    result = scrape(site, backup, include_assets=True).run()
    assert (result["assets"], result["error_count"]) == (1, 1)
    asset = saved(backup)["assets"][0]
    assert (backup / "web" / asset["file"]).read_bytes() == b"PNG"
    assert asset["file"].endswith(".png")


def snapshot(backup: Path) -> dict[str, bytes]:
    manifest = saved(backup)
    for page in manifest["pages"]:
        page.pop("fetched_at")
    files = {str(path.relative_to(backup)): path.read_bytes() for path in (backup / "web" / "pages").iterdir()}
    return files | {"manifest": json.dumps(manifest).encode()}


@pytest.mark.parametrize("every", [1, 1000])
def test_an_interrupted_scrape_ends_like_an_undisturbed_one(site: LocalSite, tmp_path: Path, every: int) -> None:
    site.tree(40)
    site.html("/page3.html", "Page 3", "x", "/gone.html", "/page11.html", "/page2.html")
    whole = scrape(site, tmp_path / "whole", page_limit=30)
    expected = whole.run()
    broken = scrape(site, tmp_path / "broken", page_limit=30)
    broken.every = every
    for limit in (4, 9, 21):
        with pytest.raises(JobCancelled):
            broken.run(stop_when=lambda report, limit=limit: (report["done"] or 0) >= limit)
    before = len(site.asked)
    assert broken.run() == expected
    assert snapshot(tmp_path / "broken") == snapshot(tmp_path / "whole")
    assert len(site.asked) - before <= 13, "what was saved is not fetched again"


def test_a_crash_costs_only_what_came_after_the_checkpoint(site: LocalSite, tmp_path: Path) -> None:
    site.tree(40)
    expected = scrape(site, tmp_path / "whole").run()
    broken = scrape(site, tmp_path / "broken")
    broken.every = 10

    def crash(report: dict[str, Any]) -> bool:
        if report["done"] == 25:
            raise MemoryError
        return False

    with pytest.raises(MemoryError):
        broken.run(stop_when=crash)
    assert len(broken.partials["pages"]) in range(15, 27)
    assert broken.run() == expected
    assert snapshot(tmp_path / "broken") == snapshot(tmp_path / "whole")


def test_the_checkpoint_stays_small(site: LocalSite, backup: Path) -> None:
    site.tree(60, fan=10)
    desk = scrape(site, backup)
    with pytest.raises(JobCancelled):
        desk.run(stop_when=lambda report: report["done"] == 50)
    assert desk.saved is not None
    assert len(desk.saved) < 500
    links = [link for text in desk.partials["pages"] for link in json.loads(text).get("links", ())]
    assert len(links) == len(set(links)) == 59


def test_waiting_between_requests_sees_a_cancel(site: LocalSite, backup: Path) -> None:
    site.tree(3)
    desk = scrape(site, backup, request_delay=60)
    with pytest.raises(JobCancelled):
        desk.run(stop_when=lambda report: True)
