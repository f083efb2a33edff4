from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.web.served import Served, Watched, job_path, short, wait_until
from tests.web.test_shell import live


def rows(page: Page) -> list[str]:
    return page.locator("tbody tr").evaluate_all("rows => rows.map(row => row.dataset.key)")


def test_progress_moves_in_the_row_without_asking_again(page: Callable[[str], Page], served: Served) -> None:
    job = served.submit("embed", {"collection": "moving", "gate": "moving", "stop_at": 37}, source_id="moving")
    shown = page("/jobs?source_id=moving")
    row = shown.locator(f'tr[data-key="{job["id"]}"]')
    expect(row).to_contain_text("37%")
    expect(row.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "37")
    served.open("moving")
    expect(row).to_contain_text("Interrupted")


def test_new_jobs_collect_until_they_are_asked_for(page: Callable[[str], Page], served: Served) -> None:
    first = served.wait(served.submit("tidy", tags=["steady"]), "succeeded")
    shown = page("/jobs?tag=steady")
    live(shown)
    expect(shown.locator("tbody tr")).to_have_count(1)
    others = [served.submit("tidy", tags=["steady"]) for _ in range(3)]
    expect(shown.get_by_role("button", name="3 new jobs: show")).to_be_visible()
    assert rows(shown) == [first["id"]]
    shown.get_by_role("button", name="3 new jobs: show").click()
    expect(shown.locator("tbody tr")).to_have_count(4)
    assert rows(shown) == [job["id"] for job in [*reversed(others), first]]


def test_rows_of_the_same_second_are_on_one_page_or_the_next(page: Callable[[str], Page], served: Served) -> None:
    made = {served.submit("tidy", tags=["many"])["id"] for _ in range(60)}
    shown = page("/jobs?tag=many")
    expect(shown.locator("tbody tr")).to_have_count(50)
    seen = rows(shown)
    expect(shown.get_by_role("button", name="Newer")).to_be_disabled()
    shown.get_by_role("button", name="Older").click()
    expect(shown.locator("tbody tr")).to_have_count(10)
    seen += rows(shown)
    assert len(seen) == 60
    assert set(seen) == made
    shown.get_by_role("button", name="Newer").click()
    expect(shown.locator("tbody tr")).to_have_count(50)


def test_count_obeys_the_filter(page: Callable[[str], Page], served: Served) -> None:
    for _ in range(2):
        served.wait(served.submit("tidy", tags=["counted"]), "succeeded")
    served.submit("tidy")
    shown = page("/jobs?tag=counted")
    expect(shown.locator(".table-foot")).to_contain_text("2 of 2")


def test_filter_is_the_address_and_chips_can_be_removed(page: Callable[[str], Page], served: Served) -> None:
    served.wait(served.submit("team/report.v2", tags=["chips"]), "succeeded")
    shown = page("/jobs")
    live(shown)
    field = shown.get_by_role("combobox", name="Filter jobs")
    expect(field).to_be_visible()
    shown.keyboard.press("/")
    expect(field).to_be_focused()
    shown.keyboard.type("sta")
    expect(shown.get_by_role("option").first).to_contain_text("State")
    shown.keyboard.press("ArrowDown")
    shown.keyboard.press("Enter")
    shown.keyboard.type("succ")
    shown.keyboard.press("ArrowDown")
    shown.keyboard.press("Enter")
    expect(shown).to_have_url(re.compile("state=succeeded"))
    shown.keyboard.type("tag=chips")
    shown.keyboard.press("Enter")
    expect(shown.locator("tbody tr")).to_have_count(1)
    shown.get_by_role("button", name="Remove State succeeded").click()
    expect(shown).not_to_have_url(re.compile("state="))
    shown.get_by_role("button", name="Clear filters").click()
    expect(shown.locator(".chip")).to_have_count(0)


def test_fault_of_a_filter_is_said_at_its_chip(page: Callable[[str], Page], watched: Watched) -> None:
    watched.allowed = ("400", "422")
    shown = page("/jobs?created=yesterdayish")
    expect(shown.locator(".chip[data-fault=true]")).to_contain_text("Created")


def test_empty_by_filter_says_so_and_offers_the_way_out(page: Callable[[str], Page], served: Served) -> None:
    served.submit("tidy")
    shown = page("/jobs?tag=nobody-has-it")
    expect(shown.get_by_role("heading", name="No jobs match")).to_be_visible()
    shown.get_by_role("button", name="Without tag=nobody-has-it").click()
    expect(shown.locator("tbody tr").first).to_be_visible()


def test_names_with_slash_and_full_stop_do_not_break_links(page: Callable[[str], Page], served: Served) -> None:
    job = served.wait(served.submit("team/report.v2", source_id="a.b-c"), "succeeded")
    shown = page("/jobs?job_type=team/report.v2")
    shown.get_by_role("link", name=re.compile("^team.report.v2")).first.click()
    expect(shown.get_by_role("heading", name=re.compile("^team.report.v2"))).to_be_visible()
    shown.reload()
    expect(shown).to_have_url(re.compile(job["id"]))


def test_keys_move_over_rows_and_open_them(page: Callable[[str], Page], served: Served) -> None:
    jobs = [served.wait(served.submit("tidy", tags=["keys"]), "succeeded") for _ in range(2)]
    shown = page("/jobs?tag=keys")
    live(shown)
    expect(shown.locator("tbody tr")).to_have_count(2)
    shown.keyboard.press("j")
    shown.keyboard.press("j")
    expect(shown.locator(f'tr[data-key="{jobs[0]["id"]}"]')).to_have_attribute("data-active", "true")
    shown.keyboard.press("x")
    expect(shown.get_by_text("1 job chosen")).to_be_visible()
    shown.keyboard.press("Enter")
    expect(shown).to_have_url(re.compile("/jobs/job_"))
    shown.go_back()
    expect(shown.locator("tbody tr")).to_have_count(2)
    shown.keyboard.press("j")
    shown.keyboard.press(".")
    expect(shown.get_by_role("menuitem", name="Run again")).to_be_visible()


def test_columns_are_chosen_and_kept(page: Callable[[str], Page], served: Served) -> None:
    served.submit("tidy")
    shown = page("/jobs")
    shown.get_by_role("button", name="Columns").click()
    shown.get_by_role("checkbox", name="Queue").click()
    shown.get_by_role("button", name="Done").click()
    expect(shown.get_by_role("columnheader", name="Queue")).to_be_visible()
    shown.reload()
    expect(shown.get_by_role("columnheader", name="Queue")).to_be_visible()


def test_changing_the_filter_clears_the_choice(page: Callable[[str], Page], served: Served) -> None:
    served.wait(served.submit("tidy"), "succeeded")
    shown = page("/jobs")
    shown.get_by_label("Select all loaded rows").check()
    expect(shown.get_by_text(re.compile(r"\d+ jobs? chosen"))).to_be_visible()
    shown.get_by_role("button", name="Succeeded").click()
    expect(shown.get_by_text(re.compile(r"\d+ jobs? chosen"))).to_have_count(0)


def test_counts_never_flicker_to_nothing_between_refreshes(page: Callable[[str], Page], served: Served) -> None:
    served.wait(served.submit("tidy", tags=["flicker"]), "succeeded")
    shown = page("/jobs?tag=flicker")
    expect(shown.locator(".table-foot")).to_contain_text("1 of 1")
    shown.evaluate(
        """() => { window.seen = []; const foot = document.querySelector('.table-foot');
        new MutationObserver(() => seen.push(document.querySelector('.table-foot')?.textContent ?? 'gone'))
          .observe(document.querySelector('section.card'), {subtree: true, childList: true, characterData: true}) }"""
    )
    served.wait(served.submit("tidy", tags=["flicker"]), "succeeded")
    expect(shown.get_by_role("button", name="1 new job: show")).to_be_visible()
    assert all(re.match(r"1 of [12]", text) for text in shown.evaluate("seen"))


def test_one_verb_for_many_skips_what_it_does_not_fit(page: Callable[[str], Page], served: Served) -> None:
    jobs = [served.submit("tidy", tags=["bulk"], delay=3600) for _ in range(3)]
    done = served.wait(served.submit("tidy", tags=["bulk"]), "succeeded")
    shown = page("/jobs?tag=bulk")
    shown.get_by_label("Select all loaded rows").check()
    shown.locator(".bulk").get_by_role("button", name="Cancel").click()
    dialog = shown.get_by_role("alertdialog")
    expect(dialog).to_contain_text("4 jobs chosen")
    dialog.get_by_role("button", name="Cancel 3 jobs").click()
    expect(shown.locator("main").get_by_role("status")).to_have_text("Over: 3 of 4 done, 1 skipped")
    for job in jobs:
        served.wait(job, "cancelled")
    served.wait(done, "succeeded")


def test_copy_works_on_plain_http(served: Served, open_page: Callable[..., Page]) -> None:
    """Away from this machine and without TLS, browsers give pages no clipboard."""
    job = served.wait(served.submit("tidy"), "succeeded")
    page = open_page(served, "/interrupted")
    page.add_init_script(
        "Object.defineProperty(navigator, 'clipboard', {value: undefined}); document.addEventListener('copy', () => { window.copied = getSelection().toString() || document.activeElement.value })"
    )
    page.goto(f"{served.url}{job_path(job)}")
    page.get_by_role("button", name="Copy", exact=True).click()
    page.get_by_role("menuitem", name="Id").click()
    wait_until(
        lambda: page.evaluate("window.copied") == job["id"] or bool(page.wait_for_timeout(20)),
        lambda: "nothing was copied",
    )


def test_row_menu_acts_on_its_own_row(page: Callable[[str], Page], served: Served) -> None:
    jobs = [served.submit("tidy", tags=["own-row"], delay=3600) for _ in range(2)]
    shown = page("/jobs?tag=own-row")
    shown.get_by_role("button", name=f"What can be done with tidy {short(jobs[0])}").click()
    shown.get_by_role("menuitem", name="Cancel").click()
    expect(shown.get_by_role("alertdialog")).to_contain_text(short(jobs[0]))
    shown.get_by_role("button", name="Cancel job").click()
    served.wait(jobs[0], "cancelled")
    assert served.call(f"jobs/{jobs[1]['id']}")["state"] == "scheduled"


def test_filter_is_kept_as_a_view_and_exported(page: Callable[[str], Page], served: Served) -> None:
    jobs = [served.submit("tidy", tags=["viewed"], queue=name, delay=3600) for name in ("plain", "=1+1")]
    shown = page("/jobs?tag=viewed")
    shown.get_by_role("button", name="Views").click()
    shown.get_by_role("menuitem", name=re.compile("^Save this filter")).click()
    shown.get_by_label("Name", exact=True).fill("Mine")
    shown.get_by_role("button", name="Save view").click()
    expect(shown.get_by_text("Saved: Mine", exact=True)).to_be_visible()
    shown.get_by_role("button", name="Clear filters").click()
    expect(shown).not_to_have_url(re.compile("tag="))
    shown.get_by_role("button", name="Views").click()
    shown.get_by_role("menuitem", name="Mine").click()
    expect(shown).to_have_url(re.compile("tag=viewed"))
    expect(shown.get_by_role("button", name="Mine")).to_be_visible()
    rows = list(csv.DictReader(exported(shown, "CSV").splitlines()))
    assert [row["id"] for row in rows] == [job["id"] for job in reversed(jobs)]
    # What a spreadsheet would run as a formula is a text.
    assert [row["queue"] for row in rows] == ["'=1+1", "plain"]
    lines = [json.loads(line) for line in exported(shown, "JSON").splitlines()]
    assert [line["queue"] for line in lines] == ["=1+1", "plain"]


def exported(page: Page, form: str) -> str:
    """The file that the page gives."""
    with page.expect_download() as given:
        page.get_by_role("button", name="Export").click()
        page.get_by_role("menuitem", name=re.compile(f"^{form}")).click()
    return Path(given.value.path()).read_text(encoding="utf-8")


def test_chosen_jobs_that_wait_are_changed_and_others_left_alone(page: Callable[[str], Page], served: Served) -> None:
    waiting = [served.submit("tidy", tags=["changed"], delay=3600) for _ in range(2)]
    done = served.wait(served.submit("tidy", tags=["changed"]), "succeeded")
    shown = page("/jobs?tag=changed")
    shown.get_by_label("Select all loaded rows").check()
    shown.get_by_role("button", name="Change …").click()
    dialog = shown.get_by_role("dialog")
    expect(dialog).to_contain_text("1 job of those chosen will be left alone")
    dialog.get_by_label("Priority").fill("7")
    dialog.get_by_label("Add tags").fill("late, night")
    dialog.get_by_role("button", name="Change 2 jobs").click()
    expect(shown.get_by_role("heading", name="Change: 3 jobs")).to_be_visible()
    expect(shown.get_by_text("priority 7, tags late, night")).to_be_visible()
    expect(shown.get_by_text("2 of 3 done, 1 skipped")).to_be_visible()
    for job in waiting:
        now = served.call(f"jobs/{job['id']}")
        assert (now["priority"], now["queue"], set(now["tags"])) == (7, "default", {"changed", "late", "night"})
    assert served.call(f"jobs/{done['id']}")["priority"] == 0
    operation = served.call("operations?limit=1")["items"][0]
    assert (operation["done"], operation["skipped"]) == (2, 1)
