from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from tests.web.served import Served, Watched, job_path, short, wait_until
from tests.web.site import hindrances
from tests.web.test_shell import live


def test_progress_is_live_and_names_what_is_counted(page: Callable[[str], Page], served: Served) -> None:
    job = served.submit("embed", {"collection": "live", "gate": "live", "stop_at": 45}, source_id="live")
    shown = page(job_path(job))
    expect(shown.locator(".job-bar strong")).to_have_text("45%")
    expect(shown.get_by_text("45 of 100")).to_be_visible()
    served.open("live")
    expect(shown.locator(".state.pill")).to_have_text("Interrupted")
    expect(shown.get_by_role("button", name="Resume", exact=True)).to_be_visible()


def test_unknown_total_shows_a_count_and_no_percent(page: Callable[[str], Page], served: Served) -> None:
    job = served.submit("endless", {"gate": "endless"})
    shown = page(job_path(job))
    expect(shown.get_by_text("45,120 done")).to_be_visible()
    expect(shown.locator(".job-bar [role=progressbar]")).not_to_have_attribute("aria-valuenow", re.compile(".*"))
    served.open("endless")


def test_why_it_waits_is_one_sentence_with_a_link_to_what_is_in_the_way(
    page: Callable[[str], Page], served: Served
) -> None:
    holder = served.submit("embed", {"collection": "busy", "gate": "busy"}, source_id="busy")
    served.wait(holder, "running")
    waiting = served.submit("word_count", {"folder": "busy"}, source_id="busy", on_conflict="wait")
    shown = page(job_path(waiting))
    expect(shown.locator(".waiting-reason")).to_be_visible()
    expect(shown.locator(".waiting-reason").get_by_role("link", name=f"Job {short(holder)}")).to_be_visible()
    served.open("busy")


def test_verbs_that_do_not_fit_say_why(page: Callable[[str], Page], served: Served) -> None:
    job = served.wait(served.submit("tidy"), "succeeded")
    shown = page(job_path(job))
    shown.get_by_role("button", name="More that can be done").click()
    resume = shown.get_by_role("menuitem", name=re.compile("^Resume"))
    expect(resume).to_have_attribute("aria-disabled", "true")
    expect(resume).to_contain_text("It has succeeded.")


def test_pause_is_done_at_once_and_can_be_undone(page: Callable[[str], Page], served: Served) -> None:
    job = served.submit("tidy", delay=3600)
    shown = page(job_path(job))
    shown.get_by_role("button", name="Pause", exact=True).click()
    expect(shown.locator(".state.pill")).to_have_text("Paused")
    shown.get_by_role("button", name="Undo").click()
    expect(shown.locator(".state.pill")).not_to_have_text("Paused")


def test_cancel_names_the_loss_and_puts_the_focus_on_the_safe_button(
    page: Callable[[str], Page], served: Served
) -> None:
    job = served.submit("embed", {"collection": "cancel", "gate": "cancel", "stop_at": 20}, source_id="cancel")
    shown = page(job_path(job))
    expect(shown.locator(".job-bar strong")).to_have_text("20%")
    shown.get_by_role("button", name="Cancel", exact=True).click()
    dialog = shown.get_by_role("alertdialog", name=f"Cancel embed {short(job)}?")
    expect(dialog).to_contain_text("It is at 20%")
    expect(dialog.get_by_role("button", name="Keep as it is")).to_be_focused()
    shown.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(shown.get_by_role("button", name="Cancel", exact=True)).to_be_focused()
    shown.get_by_role("button", name="Cancel", exact=True).click()
    shown.get_by_role("button", name="Cancel job").click()
    expect(shown.locator(".state.pill")).to_have_text(re.compile("Cancelled|Interrupted"))


def test_delete_goes_back_to_the_list_and_the_old_address_says_that_it_is_gone(
    page: Callable[[str], Page], served: Served, watched: Watched
) -> None:
    watched.allowed = ("404",)
    job = served.wait(served.submit("tidy"), "succeeded")
    shown = page(job_path(job))
    shown.get_by_role("button", name="More that can be done").click()
    shown.get_by_role("menuitem", name=re.compile("^Delete")).click()
    shown.get_by_role("button", name="Delete job").click()
    expect(shown).to_have_url(re.compile("/jobs$"))
    gone = page(job_path(job))
    expect(gone.get_by_role("heading", name=f"There is no job {short(job)}")).to_be_visible()


def test_id_that_is_not_found_does_not_crash_the_page(page: Callable[[str], Page], watched: Watched) -> None:
    watched.allowed = ("404", "400", "422")
    for address in ("/jobs/job_00000000000000000000000000", "/jobs/%3Cscript%3E", "/jobs/..%2F..%2Fetc"):
        shown = page(address)
        expect(shown.get_by_role("navigation", name="Pages")).to_be_visible()
        expect(shown.locator("h1, h2, h3, [role=alert]").first).to_be_visible()


def test_log_follows_and_is_filtered(page: Callable[[str], Page], served: Served) -> None:
    job = served.submit("shout", {"text": "\u001b[31mred\u001b[0m alert", "gate": "log"})
    shown = page(job_path(job, "log"))
    line = shown.locator(".log-line", has_text="red alert")
    expect(line).to_be_visible()
    expect(line.locator(".toned").first).to_have_text("red")
    shown.get_by_label("Find in the log").fill("nothing of this kind")
    expect(shown.get_by_text("0 lines")).to_be_visible()
    served.open("log")


def test_big_integers_and_texts_of_inputs_are_exact(page: Callable[[str], Page], served: Served) -> None:
    job = served.wait(
        served.submit("word_count", {"folder": "größe/日本", "note": "12345678901234567890"}), "succeeded"
    )
    shown = page(job_path(job, "values"))
    expect(shown.get_by_label("Inputs", exact=True)).to_contain_text("größe/日本")
    shown.route("**/api/v1/jobs/*", answer_with_big_number)
    shown.reload()
    expect(shown.get_by_label("Result", exact=True)).to_contain_text("12345678901234567891")


def answer_with_big_number(route) -> None:  # type: ignore[no-untyped-def]
    """The server's own answer, in which a result is a whole number that a JavaScript number would round."""
    answer = route.fetch()
    route.fulfill(response=answer, body=answer.text().replace("4211", "12345678901234567891"))


def test_errors_of_several_attempts_stand_together(page: Callable[[str], Page], served: Served) -> None:
    job = served.wait(served.submit("embed", {"collection": "errors"}, source_id="errors"), "interrupted")
    shown = page(job_path(job, "errors"))
    expect(shown.get_by_role("heading", name=re.compile("ConnectionError: the vector store of errors"))).to_be_visible()
    expect(shown.locator("pre")).to_contain_text("Traceback")


def test_tab_never_shows_the_rows_of_another(page: Callable[[str], Page], served: Served) -> None:
    job = served.wait(served.submit("embed", {"collection": "tabs2"}, source_id="tabs2"), "interrupted")
    shown = page(job_path(job))
    for name in ("History", "Related", "Errors", "Checkpoints", "Log", "Timeline"):
        shown.get_by_role("tab", name=re.compile(f"^{name}")).click()
        expect(shown.get_by_role("tabpanel")).to_have_count(1)
    shown.get_by_role("tab", name="History").click()
    expect(shown.get_by_role("table", name="").locator("tbody tr").first).to_be_visible()
    expect(shown).to_have_url(re.compile("tab=history"))
    shown.reload()
    expect(shown.get_by_role("tab", name="History")).to_have_attribute("aria-selected", "true")


def test_timeline_shows_phases_of_a_chain_and_as_a_table(page: Callable[[str], Page], served: Served) -> None:
    job = served.wait(served.submit("nightly"), "succeeded")
    shown = page(job_path(job))
    expect(shown.locator(".lane-name", has_text="1. Chunk")).to_contain_text("weighs 20%, took")
    expect(shown.locator(".lane-name[data-critical=true]").first).to_be_visible()
    shown.get_by_role("button", name="Show as table").click()
    expect(shown.get_by_role("cell", name="2. Index")).to_be_visible()


def test_lengths_are_never_negative(page: Callable[[str], Page], served: Served) -> None:
    """A clock of another machine may be ahead: what comes out is nothing, not less than nothing."""
    job = served.wait(served.submit("tidy"), "succeeded")
    shown = page("/jobs")
    live(shown)
    shown.route("**/api/v1/jobs/*", answer_from_the_future)
    shown.goto(f"{served.url}{job_path(job)}")
    expect(shown.get_by_role("heading", name=re.compile("^tidy"))).to_be_visible()
    assert not re.search(r"(^|\s)-\d+ ?(s|ms|min|h)\b", shown.inner_text("main"))


def answer_from_the_future(route) -> None:  # type: ignore[no-untyped-def]
    """The server's own answer, with a start after the end."""
    answer = route.fetch()
    record = answer.json()
    for run in record["runs"]:
        run["started_at"] = "2099-01-01T00:00:00Z"
    record["started_at"] = "2099-01-01T00:00:00Z"
    route.fulfill(response=answer, json=record)


def test_neighbours_of_the_list_are_one_key_away(page: Callable[[str], Page], served: Served) -> None:
    jobs = [served.wait(served.submit("tidy", tags=["beside"]), "succeeded") for _ in range(3)]
    shown = page("/jobs?tag=beside")
    shown.get_by_role("link", name=re.compile(short(jobs[1]))).click()
    expect(shown.get_by_role("heading", name=re.compile(short(jobs[1])))).to_be_visible()
    shown.keyboard.press("]")
    expect(shown.get_by_role("heading", name=re.compile(short(jobs[0])))).to_be_visible()
    shown.keyboard.press("[")
    shown.keyboard.press("[")
    expect(shown.get_by_role("heading", name=re.compile(short(jobs[2])))).to_be_visible()


def test_open_dialog_keeps_its_job_while_the_list_is_live(page: Callable[[str], Page], served: Served) -> None:
    job = served.submit("embed", {"collection": "dialog", "gate": "dialog"}, source_id="dialog")
    served.wait(job, "running")
    shown = page("/jobs?source_id=dialog")
    shown.get_by_role("button", name=f"What can be done with embed {short(job)}").click()
    shown.get_by_role("menuitem", name="Cancel").click()
    dialog = shown.get_by_role("alertdialog")
    expect(dialog).to_contain_text(short(job))
    served.open("dialog")
    served.wait(job, "interrupted")
    expect(shown.locator(f'tr[data-key="{job["id"]}"]')).to_contain_text("Interrupted")
    expect(dialog).to_contain_text(short(job))
    wait_until(lambda: dialog.count() == 1, lambda: "the dialog is gone")


def test_lengths_of_its_type_are_drawn_and_listed(page: Callable[[str], Page], served: Served) -> None:
    job = served.wait(served.submit("tidy"), "succeeded")
    shown = page(job_path(job, "durations"))
    expect(shown.get_by_role("img", name=re.compile(r"^Lengths\. .*job"))).to_be_visible()
    expect(shown.get_by_text("50% within")).to_be_visible()
    shown.get_by_role("button", name="Waiting", exact=True).click()
    shown.get_by_role("button", name="Show as table").click()
    expect(shown.get_by_role("columnheader", name="Succeeded")).to_be_visible()


def test_progress_over_time_shows_where_it_stood_still_and_leads_to_its_log(
    page: Callable[[str], Page], served: Served
) -> None:
    """The line of an hour, as the server would have kept it; the job and its log are real."""
    job = served.submit("shout", {"text": "line", "gate": "line"})
    served.wait(job, "running")
    now = datetime.now(UTC)
    far = [0, 10, 20, *[30] * 30, *range(31, 46)]
    line = [
        {"at": (now - timedelta(minutes=len(far) - at)).isoformat(), "percent": percent, "done": percent}
        for at, percent in enumerate(far)
    ]
    shown = page("/jobs")
    shown.route("**/api/v1/jobs/*/curve", lambda route: route.fulfill(json={"items": line}))
    shown.route(f"**/api/v1/jobs/{job['id']}", lambda route: _half_way(route))
    shown.goto(f"{served.url}{job_path(job)}")
    plot = shown.get_by_role("region", name="Progress over time")
    expect(plot.get_by_role("img", name=re.compile("Progress from .*: 0% to 45% in "))).to_be_visible()
    expect(plot.locator(".plot-band")).to_have_count(1)
    expect(plot.get_by_text("8-12 min left, if it goes on so")).to_be_visible()
    assert not (found := hindrances(shown)), "\n".join(found)
    plot.get_by_role("button", name="Show as table").click()
    expect(plot.get_by_role("row")).to_have_count(len(far) + 2)
    plot.get_by_role("button", name="Show as plot").click()
    with shown.expect_download() as file:
        plot.get_by_role("button", name="Progress as CSV").click()
    assert Path(file.value.path()).read_text().splitlines()[:2] == ["at,percent", f"{_utc(line[0]['at'])},0"]
    expect(plot.get_by_text("No progress for 30 min")).to_be_visible()
    plot.get_by_role("link", name="its log then").click()
    expect(shown).to_have_url(re.compile("tab=log&from="))
    expect(shown.get_by_role("button", name="Follow", exact=True)).to_be_visible()
    served.open("line")


def _half_way(route: Route) -> None:
    told = route.fetch()
    record = told.json()
    record["progress"] |= {"percent": 45, "eta_seconds": 600.0}
    route.fulfill(response=told, json=record)


def _utc(text: str) -> str:
    return datetime.fromisoformat(text).isoformat(timespec="milliseconds").replace("+00:00", "Z")
