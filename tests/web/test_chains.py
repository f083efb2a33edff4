from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from onward import Status
from tests.app_fixtures import until
from tests.web.site import Site, hindrances


def order(page: Page) -> list[str]:
    """The phases as they stand."""
    return page.locator(".phases [data-phase-title] strong").all_inner_texts()


def add(page: Page, *labels: str) -> None:
    for label in labels:
        page.get_by_role("button", name=f"Add {label}", exact=True).click()


def show(page: Page, at: int) -> None:
    page.locator(f'[data-phase-title="{at}"]').click()


def test_phases_are_dragged_and_the_chain_is_validated(site: Site) -> None:
    page = site.open("/chains/new")
    expect(page.get_by_text("The chain is empty")).to_be_visible()
    add(page, "Metadata", "Index", "Tidy")
    # What a job type must be told is asked for at once, where it stands.
    page.get_by_label("Folder").fill("texts")
    grip = page.get_by_role("button", name="Move Tidy, phase 3 of 3")
    first = page.locator('[data-phase="0"]').bounding_box()
    box = grip.bounding_box()
    assert first
    assert box
    page.mouse.move(box["x"] + 8, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 8, first["y"] + 60, steps=12)
    page.mouse.move(box["x"] + 8, first["y"] + 4, steps=12)
    page.mouse.up()
    expect(page.locator('[data-phase-title="0"]')).to_contain_text("Tidy")
    # By key: right behind a drag the library takes a click for its end.
    page.locator('[data-phase-title="0"]').press("ControlOrMeta+z")
    expect(page.locator('[data-phase-title="0"]')).to_contain_text("Metadata")
    page.get_by_role("button", name="Validate").click()
    expect(page.locator(".toast")).to_contain_text("The chain is valid.")


def test_chain_is_built_with_the_keyboard_alone(site: Site) -> None:
    page = site.open("/chains/new")
    expect(page.get_by_role("button", name="Add Index")).to_be_visible()
    page.keyboard.press("a")
    for label in ("index", "metadata"):
        page.keyboard.type(label)
        page.keyboard.press("Enter")
        page.keyboard.press("ControlOrMeta+a")
    expect(page.locator('[data-phase-title="1"]')).to_be_visible()
    assert order(page) == ["Index", "Metadata"]
    page.locator('[data-phase-title="1"]').focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator('[data-phase-title="0"]')).to_contain_text("Metadata")
    expect(page.locator('[data-phase-title="0"]')).to_be_focused()
    # Lifted, moved and dropped: the same without a modifier.
    page.get_by_role("button", name="Move Metadata, phase 1 of 2").focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("Picked up Metadata")).to_be_attached()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_text("Metadata is over place 2 of 2")).to_be_attached()
    page.keyboard.press("Space")
    expect(page.locator('[data-phase-title="0"]')).to_contain_text("Index")
    page.locator('[data-phase-title="0"]').focus()
    page.keyboard.press("ControlOrMeta+z")
    expect(page.locator('[data-phase-title="0"]')).to_contain_text("Metadata")
    page.locator('[data-phase-title="0"]').focus()
    page.keyboard.press("Enter")
    page.get_by_label("Limit").focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("7")
    page.get_by_role("button", name="Run chain").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/jobs/job_"))
    [job] = until(lambda: site.app.find(job_type="chain", status="completed").items)
    assert job.params["phases"][0]["params"]["limit"] == 7


def test_chain_is_saved_opened_and_not_overwritten_unseen(site: Site) -> None:
    page = site.open("/chains/new")
    add(page, "Metadata", "Index")
    page.get_by_role("button", name="Save chain").click()
    page.get_by_label("Label").fill("Nightly rebuild")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile(r"/chains/nightly_rebuild$"))
    expect(page.get_by_text("Version 1, saved by local.")).to_be_visible()
    # The draft outlives the page.
    add(page, "Break")
    expect(page.get_by_text("Draft kept in this browser")).to_be_visible()
    page.reload()
    expect(page.locator('[data-phase-title="2"]')).to_contain_text("Break")
    site.app.templates.save("nightly_rebuild", [{"job_type": "index"}], label="Theirs", saved_by="ben")
    page.get_by_role("button", name="Save chain").click()
    page.get_by_role("dialog").get_by_role("button", name="Save version 2").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("is at version 2 by ben")).to_be_visible()
    dialog.get_by_role("button", name="Save mine as version 3").click()
    expect(page.get_by_text("Version 3, saved by local.")).to_be_visible()
    assert len(site.app.templates.get("nightly_rebuild").phases) == 3
    page.goto(f"{site.address}/chains")
    expect(page.get_by_role("link", name="Nightly rebuild")).to_be_visible()


def test_unfinished_chain_is_offered_to_be_resumed(site: Site) -> None:
    page = site.open("/chains/new")
    add(page, "Metadata", "Break")
    page.get_by_label("Source").fill("wiki")
    page.get_by_role("button", name="Run chain").click()
    expect(page).to_have_url(re.compile(r"/jobs/job_"))
    [job] = until(lambda: site.app.find(job_type="chain", status="failed").items)
    page.goto(f"{site.address}/chains/new")
    page.get_by_label("Source").fill("wiki")
    page.get_by_role("button", name="Run chain").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog.get_by_role("heading")).to_contain_text("Incomplete job found (")
    dialog.get_by_role("button", name="Cancel").click()
    assert site.app.get(job.id).status is Status.FAILED
    page.get_by_role("button", name="Run chain").click()
    page.get_by_role("alertdialog").get_by_role("button", name=re.compile("^Resume from")).click()
    expect(page).to_have_url(re.compile(r"/jobs/job_"))
    until(lambda: len(site.app.runs(site.app.children(job.id)[1].id)) == 2)


def test_chain_of_the_application_can_be_run_and_duplicated_not_changed(site: Site) -> None:
    from onward import JobPhase

    site.app.chain("rebuild", [JobPhase("metadata", weight=10), JobPhase("index", weight=90)], label="Rebuild")
    page = site.open("/chains/rebuild")
    expect(page.get_by_text("Defined in the application")).to_be_visible()
    expect(page.get_by_role("button", name="Save chain")).to_have_count(0)
    page.get_by_role("link", name="duplicate to edit").click()
    expect(page.get_by_role("heading", name="Rebuild (copy)")).to_be_visible()
    assert order(page) == ["metadata", "index"]
    page.get_by_role("tab", name="Code").click()
    expect(page.get_by_text("app.submit_chain(phases)")).to_be_visible()
    page.get_by_label("YAML of a chain").fill("phases:\n  - job_type: index\n    weight: 5\n")
    page.get_by_role("button", name="Replace the chain by this").click()
    page.get_by_role("tab", name="Builder").click()
    assert order(page) == ["index"]


def test_builder_and_list_hinder_nobody(site: Site) -> None:
    page = site.open("/chains/new")
    add(page, "Index", "Metadata", "Tidy")
    show(page, 0)
    expect(page.get_by_text("Warning: Index before Metadata").first).to_be_visible()
    expect(page.get_by_label("Dimension")).to_be_visible()
    assert not (found := hindrances(page)), "\n".join(found)
    page.get_by_role("button", name="Save chain").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert not (found := hindrances(page)), "\n".join(found)
    page.goto(f"{site.address}/chains")
    expect(page.get_by_text("No chain is saved yet")).to_be_visible()
    assert not (found := hindrances(page)), "\n".join(found)
