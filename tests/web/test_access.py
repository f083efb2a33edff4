from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.web.served import Served, Watched, job_path
from tests.web.site import hindrances


@pytest.fixture(scope="module")
def sample(served: Served) -> dict[str, str]:
    """Something of each kind to look at."""
    cut = served.wait(served.submit("embed", {"collection": "axe"}, source_id="axe"), "interrupted")
    done = served.wait(served.submit("word_count", {"folder": "axe"}), "succeeded")
    chain = served.wait(served.submit("nightly"), "succeeded")
    asks = served.wait(served.submit("publish", {"release": "axe"}), "input")
    return {"cut": cut["id"], "done": done["id"], "chain": chain["id"], "question": asks["hitl"]["id"]}


def test_pages_hinder_nobody_keep_the_content_policy_and_ask_no_other_host(
    served: Served, open_page: Callable[..., Page], sample: dict[str, str], watched: Watched
) -> None:
    """The fixture fails on refused styles and scripts, on errors, and on any other host."""
    watched.allowed = ("404",)
    paths = [
        "/",
        "/jobs",
        "/jobs?state=running&tag=nobody",
        "/interrupted",
        f"/waiting?question={sample['question']}",
        "/waiting?tab=answered",
        "/jobs/nothing-of-that-name",
        "/no-such-page",
    ]
    paths += [
        f"/jobs/{sample['cut']}?tab={tab}"
        for tab in ("timeline", "durations", "log", "values", "checkpoints", "errors", "history", "related")
    ]
    paths += [f"/jobs/{sample['chain']}", f"/jobs/{sample['done']}?tab=values"]
    page = open_page(served, "/")
    found = {}
    for path in paths:
        page.goto(f"{served.url}{path}")
        expect(page.locator("h1, h3").first).to_be_visible()
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        if problems := hindrances(page):
            found[path] = problems
    assert not found, "\n".join(f"{path}: {problem}" for path, problems in found.items() for problem in problems)


def test_dialogs_hinder_nobody(served: Served, open_page: Callable[..., Page], sample: dict[str, str]) -> None:
    page = open_page(served, "/jobs", reduced_motion="reduce")
    found: dict[str, list[str]] = {}

    def look(name: str) -> None:
        expect(page.locator("[role=dialog], [role=alertdialog]")).to_have_count(1)
        expect(page.locator("[role=dialog] [aria-busy=true], [role=alertdialog] [aria-busy=true]")).to_have_count(0)
        if problems := hindrances(page):
            found[name] = problems
        page.keyboard.press("Escape")
        expect(page.locator("[role=dialog], [role=alertdialog]")).to_have_count(0)

    page.get_by_role("button", name="New job").first.click()
    look("new job")
    page.goto(f"{served.url}/jobs?new=word_count")
    expect(page.get_by_label("Folder")).to_be_visible()
    look("form")
    page.get_by_role("button", name="Columns").click()
    look("columns")
    page.keyboard.press("?")
    look("keys")
    page.keyboard.press("Control+k")
    look("palette")
    page.goto(f"{served.url}/jobs/{sample['cut']}")
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.get_by_role("button", name="Resume from 45%")).to_be_visible()
    look("resume")
    page.goto(f"{served.url}{job_path({'id': sample['done']})}")
    page.get_by_role("button", name="More that can be done").click()
    page.get_by_role("menuitem", name=re.compile("^Delete")).click()
    look("delete")
    assert not found, "\n".join(f"{name}: {problem}" for name, problems in found.items() for problem in problems)


def test_skip_link_leads_to_the_content(page: Callable[[str], Page]) -> None:
    shown = page("/jobs")
    expect(shown.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    shown.keyboard.press("Tab")
    expect(shown.get_by_role("link", name="Skip to content")).to_be_focused()
    shown.keyboard.press("Enter")
    expect(shown.get_by_role("main")).to_be_focused()
