"""The walk of somebody who sees the pages for the first time, in one go, on a server that runs."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.served import Served, short


@pytest.mark.timeout(300)
def test_newcomer_finds_the_way_without_reading_anything(page: Callable[[str], Page], served: Served) -> None:
    counting = served.submit("count_slowly", {"gate": "walk"}, source_id="walk")
    asking = served.wait(served.submit("publish", {"release": "7.0"}), "input")
    served.call("schedules", {"name": "walk_nightly", "job_type": "tidy", "cron": "30 2 * * *", "timezone": "UTC"})
    shown = page("/")

    # A job moves while one looks, is stopped, and is offered again where it was.
    shown.get_by_role("region", name="Running now").get_by_role("link", name=re.compile(short(counting))).click()
    far, state = shown.locator(".job-bar strong"), shown.locator(".state.pill")
    expect(far).to_have_text("20%")
    served.open("walk20")
    expect(far).to_have_text("45%")
    shown.get_by_role("button", name="Cancel", exact=True).click()
    shown.get_by_role("button", name="Cancel job").click()
    expect(state).to_have_text("Interrupted")
    served.open("walk45")
    go(shown, "Interrupted")
    shown.get_by_role("button", name=f"Resume count_slowly {short(counting)}").click()
    expect(shown.get_by_role("alertdialog").get_by_role("heading")).to_contain_text("Incomplete job found (45%")
    shown.get_by_role("button", name="Resume from 45%").click()
    expect(state).to_have_text("Succeeded")
    assert served.call(f"jobs/{counting['id']}")["result"] == {"counted": 100}

    # A chain of three with the mouse: Index stands before Metadata, which is said, mended and run.
    go(shown, "Chains")
    shown.get_by_role("link", name="New chain").click()
    for label in ("Index", "Metadata", "Report"):
        shown.get_by_role("button", name=f"Add {label}", exact=True).click()
    expect(shown.get_by_text("Warning: Index before Metadata").first).to_be_visible()
    shown.get_by_role("button", name="Move Metadata before Index").click()
    expect(shown.get_by_text("Index before Metadata")).to_have_count(0)
    shown.get_by_role("button", name="Run chain").click()
    expect(state).to_have_text("Succeeded")
    assert phases(served, shown) == ["Metadata", "Index", "Report"]

    # The same with nothing but keys.
    press = shown.keyboard.press
    press("g")
    press("c")
    tab_to(shown, shown.get_by_role("link", name="New chain"))
    press("Enter")
    tab_to(shown, shown.get_by_role("button", name="Start with an empty chain"))
    press("Enter")
    expect(shown.get_by_text("The chain is empty")).to_be_visible()
    press("a")
    for number, label in enumerate(("index", "metadata", "report")):
        shown.keyboard.type(label)
        press("Enter")
        expect(shown.locator(f'[data-phase-title="{number}"]')).to_be_visible()
        press("ControlOrMeta+a")
    tab_to(shown, shown.get_by_role("button", name="Move Metadata before Index"))
    press("Enter")
    expect(shown.get_by_text("Index before Metadata")).to_have_count(0)
    tab_to(shown, shown.get_by_role("button", name="Run chain"))
    press("Enter")
    expect(state).to_have_text("Succeeded")
    assert phases(served, shown) == ["Metadata", "Index", "Report"]

    # Somebody is asked, and answers.
    go(shown, "Waiting for you")
    shown.get_by_role("button", name="Publish 7.0?").click()
    card = shown.get_by_role("article", name="Question").filter(has_text="7.0")
    card.get_by_label("Publish it").check()
    card.get_by_label("stable").check()
    card.get_by_role("button", name="Answer", exact=True).click()
    assert served.wait(asking, "succeeded")["result"] == {"approve": True, "channel": "stable"}

    # What runs tomorrow.
    go(shown, "Schedules")
    shown.get_by_role("tab", name="Forecast").click()
    expect(shown.locator(".lane-start").first).to_be_visible()
    shown.get_by_role("button", name="Show as table").click()
    expect(shown.get_by_role("row", name=re.compile("walk_nightly"))).to_contain_text("02:30 UTC")
    served.call("schedules/walk_nightly", method="DELETE")


def go(page: Page, name: str) -> None:
    """To a page, by the navigation."""
    page.get_by_role("navigation", name="Pages").get_by_role("link", name=re.compile(f"^{name}")).click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def tab_to(page: Page, target: Locator) -> None:
    """On with the tabulator until it has the focus."""
    expect(target).to_be_visible()
    for _ in range(120):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("the tabulator never comes there")


def phases(served: Served, page: Page) -> list[str]:
    """The phases that the shown chain has run, in their order."""
    job = served.call(f"jobs/{page.url.rsplit('/', 1)[-1]}")
    return [part["phase"] for part in job["result"]["phase_results"]]
