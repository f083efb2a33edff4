"""Every dialog and menu, by the rules for people with disabilities, in light and in dark."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from onward import Context
from tests.app_fixtures import until
from tests.web.site import Site, hindrances

ANY = "[role=dialog], [role=alertdialog], [role=menu]"

Steps = tuple[str, ...]
"""What is pressed, one after the other: a button or entry by its name; ``box`` and ``fill:label=text`` besides."""


def places(site: Site) -> dict[str, tuple[str, Steps]]:
    """Each dialog: where it is, and how one gets there."""

    @site.app.job()
    def asks(ctx: Context) -> object:
        return ctx.ask("confirm", {"draft": "a page"}, prompt="Go on?", schema={"type": "boolean"})

    for _ in range(2):
        site.app.submit("breaks", source_id=None)
        site.app.submit("asks")
    done = site.app.submit("tidy", {"folder": "x"})
    site.app.submit("tidy", {"folder": "y"}, delay=3600)
    site.app.schedules.add("nightly", "tidy", cron="0 3 * * *", params={"folder": "x"})
    site.app.resources.set("gpu", capacity=2)
    site.app.keys.create("ci", "viewer")
    site.app.templates.save("mine", [{"job_type": "tidy", "params": {"folder": "x"}}], label="Mine")  # type: ignore[list-item]
    until(lambda: len(site.app.interrupted()) == 2)
    until(lambda: len(site.app.questions.list()) == 2)
    until(lambda: site.app.get(done.id).status == "completed")
    row = f"/jobs?state=succeeded&q={done.id}"
    return {
        "bulk": ("/jobs?state=failed,interrupted", ("all", "Resume")),
        "bulk menu": ("/jobs?state=succeeded", ("all", "Delete")),
        "change": ("/jobs?state=scheduled", ("all", "Change …")),
        "view": ("/jobs?state=failed", ("Views", "Save this filter …")),
        "export menu": ("/jobs", ("Export",)),
        "row menu": (row, ("first menu",)),
        "zone menu": ("/jobs", ("Time zone",)),
        "zone": ("/jobs", ("Time zone", "Another zone …")),
        "theme": ("/jobs", ("Theme",)),
        "resume several": ("/", ("Resume all",)),
        "start fresh": ("/interrupted", ("first fresh",)),
        "new schedule": ("/schedules", ("New schedule",)),
        "edit schedule": ("/schedules", ("first menu", "Edit …")),
        "pause schedule": ("/schedules", ("first menu", "Pause …")),
        "backfill": ("/schedules", ("first menu", "Backfill …")),
        "delete schedule": ("/schedules", ("first menu", "Delete …")),
        "hold": ("/resources", ("first menu", "Hold for maintenance …")),
        "stop worker": ("/workers", ("first menu", "Stop …")),
        "pause queues": ("/workers", ("Pause all queues …",)),
        "prune": ("/checkpoints", ("fill:Older than (days)=0", "Preview", "Run now …")),
        "new key": ("/settings?tab=keys", ("New key",)),
        "revoke": ("/settings?tab=keys", ("Revoke",)),
        "delete chain": ("/chains", ("last menu", "Delete")),
        "save chain": ("/chains/mine", ("Save chain",)),
        "reassign": ("/waiting", ("Go on?", "Ask somebody else …")),
        "link": ("/waiting", ("Go on?", "Send a link …")),
        "snooze": ("/waiting", ("Go on?", "Snooze")),
        "answer alike": ("/waiting", ("Answer 2 alike",)),
    }


def press(page: Page, step: str) -> None:
    """One step on the way to a dialog."""
    if step.startswith("fill:"):
        label, _, text = step.removeprefix("fill:").partition("=")
        page.get_by_label(label).fill(text)
        return
    found: Locator
    if step == "all":
        page.locator("tbody tr").first.wait_for()
        found = page.locator("thead input[type=checkbox]")
    elif step in ("first menu", "last menu"):
        menus = page.locator("main [aria-haspopup=menu]")
        menus.first.wait_for()
        found = menus.last if step == "last menu" else menus.first
    elif step == "first fresh":
        found = page.get_by_role("button", name=re.compile("^Start fresh")).first
    else:
        name = re.compile(f"^{re.escape(step)}")
        found = page.get_by_role("menuitem", name=name).or_(page.get_by_role("button", name=name)).first
    found.click()


def test_every_dialog_and_menu_hinders_nobody(site: Site) -> None:
    page = site.open("/healthz", reduced_motion="reduce")
    found: list[str] = []
    for name, (path, steps) in places(site).items():
        page.goto(site.address + path)
        try:
            for step in steps:
                press(page, step)
            expect(page.locator(ANY).last).to_be_visible()
            expect(page.locator("[role=dialog] [aria-busy=true]")).to_have_count(0)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
        found += [f"{name}: {fault}" for fault in hindrances(page)]
    assert not found, "\n".join(found)
