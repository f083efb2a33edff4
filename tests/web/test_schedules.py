from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.web.site import Site, hindrances


def test_schedule_is_written_with_its_next_runs_in_sight(site: Site) -> None:
    page = site.open("/schedules")
    expect(page.get_by_text("There are no schedules")).to_be_visible()
    page.get_by_role("button", name="New schedule").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("nightly")
    dialog.get_by_label("Job type").select_option("metadata")
    dialog.get_by_label("Time zone").fill("Europe/Berlin")
    dialog.get_by_label("Cron").fill("30 2 31 2 *")
    expect(dialog.get_by_role("alert")).to_contain_text("never fires")
    dialog.get_by_label("Cron").fill("30 2 * * 0")
    expect(dialog.get_by_role("list").get_by_text("02:30").first).to_be_visible()
    assert all(text.startswith("Sun") for text in dialog.locator(".due-list time").all_inner_texts())
    dialog.get_by_label("Language").fill("de")
    dialog.get_by_role("button", name="Save schedule").click()
    expect(page.get_by_role("link", name="nightly")).to_be_visible()
    saved = site.app.schedules.get("nightly")
    assert (saved.cron, saved.timezone, saved.params["language"]) == ("30 2 * * 0", "Europe/Berlin", "de")
    page.get_by_role("button", name="What can be done with nightly").click()
    page.get_by_role("menuitem", name="Run now").click()
    expect(page).to_have_url(re.compile(r"/jobs/job_"))


def test_schedule_is_paused_with_a_reason_and_goes_on(site: Site) -> None:
    site.app.schedules.add("hourly", "metadata", interval_minutes=60)
    page = site.open("/schedules")
    page.get_by_role("button", name="What can be done with hourly").click()
    page.get_by_role("menuitem", name="Pause").click()
    page.get_by_label("Reason").fill("moving house")
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(page.locator(".badge", has_text="Paused")).to_be_visible()
    assert site.app.schedules.get("hourly").paused_reason == "moving house"
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".badge", has_text="Active")).to_be_visible()
    page.get_by_role("link", name="hourly").click()
    expect(page.get_by_role("heading", name="Next runs, UTC")).to_be_visible()
    expect(page.locator(".due-list li")).to_have_count(10)


def test_an_edit_does_not_undo_what_somebody_else_changed_meanwhile(site: Site) -> None:
    site.app.schedules.add("hourly", "metadata", interval_minutes=60)
    page = site.open("/schedules")
    page.get_by_role("button", name="What can be done with hourly").click()
    page.get_by_role("menuitem", name="Edit").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Name")).to_have_value("hourly")
    site.app.schedules.edit("hourly", description="by somebody else")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("has changed since it was looked at")
    assert site.app.schedules.get("hourly").description == "by somebody else"


def test_next_day_is_drawn_and_listed(site: Site) -> None:
    site.app.schedules.add("hourly", "metadata", cron="0 * * * *")
    page = site.open("/schedules?tab=forecast")
    expect(page.locator(".lane-start")).to_have_count(24)
    page.get_by_role("button", name="Show as table").click()
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(25)


def test_schedules_hinder_nobody(site: Site) -> None:
    site.app.schedules.add("hourly", "metadata", cron="0 * * * *")
    page = site.open("/schedules")
    expect(page.get_by_role("link", name="hourly")).to_be_visible()
    assert not (found := hindrances(page)), "\n".join(found)
    page.get_by_role("button", name="New schedule").click()
    page.get_by_role("dialog").get_by_label("Job type").select_option("metadata")
    expect(page.get_by_label("Language")).to_be_visible()
    assert not (found := hindrances(page)), "\n".join(found)
    page.goto(f"{site.address}/schedules?tab=forecast")
    expect(page.locator(".lane-start").first).to_be_visible()
    assert not (found := hindrances(page)), "\n".join(found)
    page.goto(f"{site.address}/schedules/hourly")
    expect(page.locator(".due-list li")).to_have_count(10)
    assert not (found := hindrances(page)), "\n".join(found)
