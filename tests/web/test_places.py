"""Resources, workers, checkpoints and settings, as people meet them."""

from __future__ import annotations

import re
import threading

from playwright.sync_api import expect

from onward import Context
from tests.app_fixtures import until
from tests.web.site import Site, hindrances


def test_resource_shows_who_has_it_who_waits_and_is_held_back(site: Site) -> None:
    # Opened when the page has been seen, however long that takes.
    gate = threading.Event()

    @site.app.job(label="Embed", resources=["gpu"])
    def embed(ctx: Context) -> None:
        while not gate.wait(0.02):
            ctx.check()

    first = site.app.submit("embed")
    until(lambda: site.app.get(first.id).status == "running")
    second = site.app.submit("embed", on_conflict="wait")
    page = site.open("/resources")
    card = page.locator(".board-card", has_text="gpu")
    expect(card.get_by_text("In use")).to_be_visible()
    expect(card.get_by_text("1 job waiting")).to_be_visible()
    page.get_by_role("button", name="What can be done with gpu").click()
    page.get_by_role("menuitem", name="Hold for maintenance").click()
    page.get_by_label("Reason").fill("new driver")
    page.get_by_role("button", name="Hold it").click()
    expect(card.get_by_text("Held for maintenance")).to_be_visible()
    gate.set()
    until(lambda: site.app.get(first.id).status == "completed")
    # It is woken when the place is free, and put back when the claim sees that the place is held.
    until(lambda: site.app.get(second.id).state == "blocked")
    page.get_by_role("button", name="What can be done with gpu").click()
    page.get_by_role("menuitem", name="End hold").click()
    until(lambda: site.app.get(second.id).status == "completed")


def test_worker_is_shown_and_a_paused_queue_goes_on(site: Site) -> None:
    site.app.queues.pause("far", "ana", "maintenance")
    job = site.app.submit("metadata", queue="far")
    page = site.open("/workers")
    expect(page.locator(".badge", has_text="online")).to_be_visible()
    expect(page.get_by_text("Paused by ana: maintenance")).to_be_visible()
    page.get_by_role("button", name="Resume", exact=True).click()
    until(lambda: site.app.get(job.id).status == "completed")
    page.get_by_role("button", name="Pause all queues").click()
    dialog = page.get_by_role("alertdialog")
    number = re.findall(r"\d+", dialog.get_by_role("heading").inner_text())[0]
    dialog.get_by_label("Reason").fill("disk full")
    dialog.get_by_label("Type").fill(number)
    dialog.get_by_role("button", name=re.compile("^Pause")).click()
    until(lambda: all(queue.paused_reason == "disk full" for queue in site.app.queues.list()))
    page.get_by_role("button", name="Resume all queues").click()
    until(lambda: not any(queue.paused_by for queue in site.app.queues.list()))


def test_checkpoint_is_pinned_and_retention_shows_what_would_go(site: Site) -> None:
    job = site.app.submit("breaks", source_id="wiki")
    until(lambda: site.app.get(job.id).status == "failed")
    page = site.open("/checkpoints")
    page.get_by_role("button", name="Pin").first.click()
    expect(page.get_by_role("button", name="Unpin").first).to_be_visible()
    until(lambda: any(item["pinned"] for item in site.app.checkpoints.list(job.id)))
    page.get_by_label("Older than (days)").fill("0")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Would delete")).to_be_visible()
    assert site.app.get(job.id).status == "failed"


def test_key_is_shown_once_and_revoked(site: Site) -> None:
    page = site.open("/settings?tab=keys")
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name").fill("nightly import")
    page.get_by_role("button", name="Make key").click()
    secret = page.get_by_role("dialog").locator("pre").inner_text()
    assert site.app.keys.check(secret).name == "nightly import"
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text("nightly import")).to_be_visible()
    assert secret not in page.content()
    page.get_by_role("button", name="Revoke").click()
    page.get_by_role("button", name="Revoke key").click()
    until(lambda: site.app.keys.check(secret) is None)


def test_key_with_limits_shows_what_it_is_for_and_nothing_else(site: Site) -> None:
    """Made on the page; then the pages as its owner has them: no request of theirs is refused."""
    page = site.open("/settings?tab=keys")
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name").fill("gpu team")
    page.get_by_label("Only queues").fill("gpu, gpu-2")
    page.get_by_role("button", name="Make key").click()
    secret = page.get_by_role("dialog").locator("pre").inner_text()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text("queue gpu or gpu-2")).to_be_visible()

    mine = site.app.submit("breaks", queue="gpu", source_id="mine")
    site.app.submit("breaks", queue="default", source_id="theirs", delay=600)
    theirs = site.open("/healthz")
    theirs.context.add_cookies([{"name": "onward_key", "value": secret, "url": site.address}])
    refused: list[str] = []
    theirs.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
    theirs.goto(site.address + "/")
    expect(theirs).to_have_url(f"{site.address}/jobs")
    expect(theirs.get_by_text("Only queue gpu or gpu-2")).to_be_visible()
    expect(theirs.get_by_role("link", name="Break")).to_have_count(1)
    expect(theirs.get_by_role("link", name="Schedules")).to_have_count(0)
    for path, shown in (
        ("/interrupted", "mine"),
        ("/waiting", "Nobody is waiting for you"),
        *((f"/jobs/{mine.id}?tab={tab}", "mine") for tab in ("timeline", "log", "checkpoints", "history", "related")),
    ):
        theirs.goto(site.address + path)
        expect(theirs.get_by_text(shown).first).to_be_visible()
        expect(theirs.locator("[aria-busy=true]")).to_have_count(0)
    assert refused == []


def test_places_hinder_nobody(site: Site) -> None:
    job = site.app.submit("breaks", source_id="wiki")
    until(lambda: site.app.get(job.id).status == "failed")
    site.app.resources.set("gpu", capacity=2)
    page = site.open("/resources")
    expect(page.get_by_role("heading", name="gpu")).to_be_visible()
    for path, shown in (
        ("/resources", "gpu"),
        ("/resources?as=table", "gpu"),
        ("/workers", "Queues"),
        ("/checkpoints", "Retention"),
        ("/settings", "database"),
        ("/settings?tab=values", "Comes from"),
        ("/settings?tab=keys", "New key"),
        ("/settings?tab=audit", "Audit log"),
    ):
        page.goto(site.address + path)
        expect(page.get_by_text(shown).first).to_be_visible()
        assert not (found := hindrances(page)), path + "\n".join(found)
