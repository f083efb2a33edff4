"""Takes the pictures of the pages: ``python -m docs.pictures.pages``. It needs Chromium and built pages."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.web.served import Served, job_path
from tests.web.site import browsing

HERE = Path(__file__).parent
SIZE = {"width": 1120, "height": 620}


def take() -> None:
    """A job at 45 percent, and the question after it was cut off."""
    with tempfile.TemporaryDirectory() as folder, browsing() as browser:
        server = Served(Path(folder), f"sqlite:///{folder}/onward.db")
        try:
            params = {"collection": "docs-v2", "total": 2000, "stop_at": 900, "gate": "picture"}
            job = server.submit("embed", params, source_id="docs-v2")
            page = browser.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce")
            page.goto(server.url + job_path(job))
            expect(page.locator(".job-bar strong")).to_have_text("45%")
            save(page, "page-job.png")
            server.open("picture")
            server.wait(job, "interrupted")
            page.emulate_media(color_scheme="dark")
            page.get_by_role("button", name="Resume", exact=True).click()
            expect(page.get_by_role("button", name="Resume from 45%")).to_be_visible()
            save(page, "page-resume.png")
        finally:
            server.stop()


def save(page: Page, name: str) -> None:
    """The page as it is now."""
    page.wait_for_timeout(400)  # what moves comes to rest
    page.screenshot(path=HERE / name)


if __name__ == "__main__":
    take()
