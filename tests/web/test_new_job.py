from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.web.served import Served, Watched


def test_form_is_made_from_the_job_types_parameters(page: Callable[[str], Page], served: Served) -> None:
    shown = page("/jobs")
    shown.get_by_role("button", name="New job").first.click()
    dialog = shown.get_by_role("dialog")
    dialog.get_by_label("Find a job type").fill("word")
    dialog.get_by_role("button", name=re.compile("^Word count")).click()
    expect(dialog.get_by_role("heading", name="Word count")).to_be_visible()
    dialog.get_by_label("Folder").fill("texts")
    dialog.get_by_label("Minimum").fill("3")
    dialog.get_by_label("exact").check()
    dialog.get_by_role("button", name="Run and watch").click()
    expect(shown).to_have_url(re.compile("/jobs/job_"))
    job = served.call(f"jobs/{shown.url.rsplit('/', 1)[-1]}")
    assert job["params"] == {"folder": "texts", "minimum": 3, "mode": "exact", "note": None}


def test_faults_are_at_their_fields_before_anything_is_sent(page: Callable[[str], Page]) -> None:
    shown = page("/jobs?new=word_count")
    dialog = shown.get_by_role("dialog")
    dialog.get_by_label("Minimum").fill("99")
    dialog.get_by_role("button", name="Run and watch").click()
    expect(dialog.get_by_role("alert").filter(has_text="must be 20 or less")).to_be_visible()
    expect(dialog.get_by_role("alert").filter(has_text="is needed")).to_be_visible()


def test_server_has_the_last_word_and_its_faults_are_shown(page: Callable[[str], Page], watched: Watched) -> None:
    watched.allowed = ("422",)
    shown = page("/jobs?new=word_count")
    dialog = shown.get_by_role("dialog")
    dialog.get_by_role("button", name="JSON").click()
    dialog.get_by_label("Parameters as JSON").fill('{"folder": "x", "minimum": 0}')
    dialog.get_by_role("button", name="Run and watch").click()
    expect(dialog.get_by_role("alert")).to_contain_text("minimum")
    dialog.get_by_label("Parameters as JSON").fill("{")
    dialog.get_by_role("button", name="Run and watch").click()
    expect(dialog.get_by_role("alert")).to_contain_text("This is not JSON")


def test_time_that_was_chosen_is_kept(page: Callable[[str], Page], served: Served) -> None:
    """A job for later does not run now."""
    shown = page("/jobs?new=tidy")
    dialog = shown.get_by_role("dialog")
    dialog.get_by_label("When", exact=True).select_option("later")
    dialog.get_by_label("Time, in this browser's zone").fill("2099-05-04T03:02")
    dialog.get_by_role("button", name="Run and watch").click()
    expect(shown.locator(".state.pill")).to_have_text("Scheduled")
    job = served.call(f"jobs/{shown.url.rsplit('/', 1)[-1]}")
    assert job["run_at"].startswith("2099-05-0")


def test_job_in_the_way_is_named_and_can_be_waited_for(
    page: Callable[[str], Page], served: Served, watched: Watched
) -> None:
    watched.allowed = ("409",)
    holder = served.submit("embed", {"collection": "way", "gate": "way"}, source_id="way")
    served.wait(holder, "running")
    shown = page("/jobs?new=word_count")
    dialog = shown.get_by_role("dialog")
    dialog.get_by_label("Folder").fill("way")
    dialog.get_by_label("Source").fill("way")
    dialog.get_by_role("button", name="Run and watch").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Already running")
    dialog.get_by_role("button", name="Run when it is free").click()
    expect(shown.locator(".state.pill")).to_have_text("Waiting for resource")
    served.open("way")


def test_run_again_brings_the_same_inputs_to_be_changed(page: Callable[[str], Page], served: Served) -> None:
    job = served.wait(served.submit("word_count", {"folder": "first", "minimum": 4}), "succeeded")
    shown = page(f"/jobs/{job['id']}")
    shown.get_by_role("button", name="Run again").click()
    dialog = shown.get_by_role("dialog")
    expect(dialog.get_by_label("Folder")).to_have_value("first")
    dialog.get_by_label("Folder").fill("second")
    dialog.get_by_role("button", name="Run and watch").click()
    expect(shown).not_to_have_url(re.compile(job["id"]))
    again = served.call(f"jobs/{shown.url.rsplit('/', 1)[-1]}")
    assert (again["params"]["folder"], again["params"]["minimum"]) == ("second", 4)
