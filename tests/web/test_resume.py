from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.web.served import Served, Watched, job_path, short


def interrupted(served: Served, name: str, **params: Any) -> dict[str, Any]:
    job = served.submit("embed", {"collection": name, "stop_at": 45, **params}, source_id=name)
    return served.wait(job, "interrupted")


def with_facts(page: Page, **facts: Any) -> None:
    """The server's own facts, but for some: what would take hours or another release to come about."""

    def answer(route: Route) -> None:
        told = route.fetch()
        record = told.json()
        for name, value in facts.items():
            record[name] = {**record[name], **value} if isinstance(value, dict) and record[name] else value
        route.fulfill(response=told, json=record)

    page.route(
        "**/api/v1/jobs/*/resume", lambda route: answer(route) if route.request.method == "GET" else route.continue_()
    )


def test_resume_asks_with_all_facts_and_goes_on_from_the_checkpoint(
    page: Callable[[str], Page], served: Served
) -> None:
    job = interrupted(served, "facts")
    shown = page(job_path(job))
    shown.get_by_role("button", name="Resume", exact=True).click()
    dialog = shown.get_by_role("alertdialog")
    expect(dialog.get_by_role("heading")).to_have_text("Incomplete job found (45%, just now)")
    expect(dialog).to_contain_text(f"embed · facts · job {short(job)}")
    expect(dialog).to_contain_text("45 of 100")
    expect(dialog).to_contain_text(re.compile(r"Stopped \d\d:\d\d \S+: ConnectionError: the vector store of facts"))
    expect(dialog).to_contain_text(re.compile(r"Checkpoint \d+, taken .+ before\."))
    expect(dialog).to_contain_text("same version (v1)")
    expect(dialog).to_contain_text("Cancel changes nothing. The checkpoint is kept until")
    expect(dialog.get_by_role("button", name="Resume from 45%")).to_be_focused()
    shown.keyboard.press("Enter")
    expect(shown.get_by_text(re.compile(r"^Resumed from 45% \(checkpoint \d+\)"))).to_be_visible()
    expect(shown.locator(".state.pill")).to_have_text("Succeeded")


def test_escape_is_cancel_and_focus_goes_back_to_the_opener(page: Callable[[str], Page], served: Served) -> None:
    job = interrupted(served, "escape")
    shown = page(job_path(job))
    opener = shown.get_by_role("button", name="Resume", exact=True)
    opener.click()
    expect(shown.get_by_role("button", name="Resume from 45%")).to_be_visible()
    shown.keyboard.press("Escape")
    expect(shown.get_by_role("alertdialog")).to_have_count(0)
    expect(opener).to_be_focused()
    assert served.call(f"jobs/{job['id']}")["state"] == "interrupted"


def test_changed_code_is_said_and_resume_is_no_default(page: Callable[[str], Page], served: Served) -> None:
    job = interrupted(served, "code")
    shown = page("/jobs")
    with_facts(shown, code={"same": False, "was": 1, "now": 2}, default=None)
    shown.goto(f"{served.url}{job_path(job)}")
    shown.get_by_role("button", name="Resume", exact=True).click()
    dialog = shown.get_by_role("alertdialog")
    expect(dialog).to_contain_text("Code changed since (v1 to v2)")
    expect(dialog.get_by_role("button", name="Resume from 45%")).to_be_enabled()
    expect(dialog.get_by_role("button", name="Cancel", exact=True)).to_be_focused()


def test_a_step_that_may_have_happened_is_named_and_asked_about(page: Callable[[str], Page], served: Served) -> None:
    job = served.wait(served.submit("pay", {"who": "ana"}, source_id="ana"), "interrupted")
    shown = page(job_path(job))
    shown.get_by_role("button", name="Resume", exact=True).click()
    dialog = shown.get_by_role("alertdialog")
    expect(dialog).to_contain_text("1 step was under way and may have happened: transfer.")
    dialog.get_by_role("button", name="Start fresh").click()
    expect(dialog).to_contain_text("May have happened already, and is done again without a question: transfer.")
    dialog.get_by_role("button", name="Back").click()
    dialog.get_by_role("button", name=re.compile("^Resume from")).click()
    expect(shown.locator(".state.pill")).to_have_text("Waiting for you")
    question = served.wait(job, "input")["hitl"]["id"]
    shown.goto(f"{served.url}/waiting?question={question}")
    card = shown.get_by_role("article", name="Question")
    expect(card).to_contain_text("may already have happened")
    card.get_by_role("radio", name="skip it", exact=True).check()
    card.get_by_label("What it gave, as JSON").fill("receipt by hand")
    card.get_by_role("button", name="Answer", exact=True).click()
    served.wait(job, "succeeded")
    assert served.call(f"jobs/{job['id']}")["result"] == "receipt by hand"


def test_other_inputs_forbid_resume_and_say_which(
    page: Callable[[str], Page], served: Served, watched: Watched
) -> None:
    """A new job of the same source and type meets the unfinished one, with another total."""
    watched.allowed = ("409",)
    interrupted(served, "inputs")
    shown = page("/jobs?new=embed")
    dialog = shown.get_by_role("dialog")
    dialog.get_by_label("Collection").fill("inputs")
    dialog.get_by_label("Total").fill("200")
    dialog.get_by_label("Source").fill("inputs")
    dialog.get_by_role("button", name="Run and watch").click()
    question = shown.get_by_role("alertdialog")
    expect(question).to_contain_text("Incomplete job found (45%")
    expect(question).to_contain_text("total 100 to 200")
    expect(question.get_by_role("button", name="Resume from 45%")).to_be_disabled()
    question.get_by_role("button", name="Start fresh").click()
    expect(shown).to_have_url(re.compile("/jobs/job_"))
    expect(shown.locator(".job-bar")).to_be_visible()


def test_new_job_on_unfinished_work_of_the_same_inputs_may_resume(
    page: Callable[[str], Page], served: Served, watched: Watched
) -> None:
    watched.allowed = ("409",)
    job = interrupted(served, "same")
    shown = page("/jobs?new=embed")
    dialog = shown.get_by_role("dialog")
    dialog.get_by_label("Collection").fill("same")
    dialog.get_by_label("Source").fill("same")
    dialog.get_by_role("button", name="Run and watch").click()
    shown.get_by_role("alertdialog").get_by_role("button", name="Resume from 45%").click()
    expect(shown).to_have_url(re.compile(job["id"]))
    served.wait(job, "succeeded")


def test_start_fresh_with_much_work_asks_a_second_time(page: Callable[[str], Page], served: Served) -> None:
    job = interrupted(served, "fresh")
    shown = page("/jobs")
    with_facts(shown, lost_seconds=600.0, left_seconds=700.0, fresh_seconds=1300.0)
    shown.goto(f"{served.url}{job_path(job)}")
    shown.get_by_role("button", name="Resume", exact=True).click()
    expect(shown.get_by_role("alertdialog")).to_contain_text(
        "Resume: about 12 min left. Start fresh: about 22 min; loses 10 min of work."
    )
    shown.get_by_role("alertdialog").get_by_role("button", name="Start fresh").click()
    expect(shown.get_by_role("heading", name="Discards 45% (10 min)")).to_be_visible()
    expect(shown.get_by_role("button", name="Back")).to_be_focused()
    shown.get_by_role("button", name="Back").click()
    expect(shown.get_by_role("button", name="Resume from 45%")).to_be_visible()
    assert served.call(f"jobs/{job['id']}")["state"] == "interrupted"
    shown.get_by_role("button", name="Start fresh").click()
    expect(shown.get_by_role("checkbox", name=re.compile(r"Keep the old checkpoints \d+ days"))).to_be_checked()
    shown.get_by_role("button", name="Discard and start fresh").click()
    expect(shown.get_by_text("Started fresh as a new job; the old one is kept", exact=True)).to_be_visible()
    old = served.call(f"jobs/{job['id']}")
    assert old["superseded_by"] != job["id"]
    assert old["has_checkpoint"]
    expect(shown).to_have_url(re.compile(old["superseded_by"]))


def test_start_fresh_with_very_much_work_must_be_typed(page: Callable[[str], Page], served: Served) -> None:
    job = interrupted(served, "typed")
    shown = page("/jobs")
    with_facts(shown, lost_seconds=5460.0)
    shown.goto(f"{served.url}{job_path(job)}")
    shown.get_by_role("button", name="Start fresh").click()
    expect(shown.get_by_role("heading", name="Discards 45% (1 h 31 min)")).to_be_visible()
    act = shown.get_by_role("button", name="Discard and start fresh")
    expect(act).to_be_disabled()
    shown.get_by_role("alertdialog").get_by_role("textbox").fill("embed")
    shown.get_by_role("checkbox", name=re.compile("Keep the old checkpoints")).uncheck()
    expect(shown.get_by_role("alertdialog")).to_contain_text("What it had saved is dropped")
    act.click()
    expect(shown.get_by_text("Started fresh", exact=True)).to_be_visible()
    assert served.call(f"jobs/{job['id']}")["superseded_by"] is None


def test_unknown_total_shows_what_is_done(page: Callable[[str], Page], served: Served) -> None:
    job = interrupted(served, "nototal")
    shown = page("/jobs")
    with_facts(shown, percent=None, done=45120, total=None, age_seconds=7260.0)
    shown.goto(f"{served.url}{job_path(job)}")
    shown.get_by_role("button", name="Resume", exact=True).click()
    expect(shown.get_by_role("alertdialog").get_by_role("heading")).to_have_text(
        "Incomplete job found (45,120 done, 2 hrs ago)"
    )


def test_who_was_faster_is_named(page: Callable[[str], Page], served: Served, watched: Watched) -> None:
    watched.allowed = ("409", "412")
    job = interrupted(served, "faster")
    shown = page(job_path(job))
    shown.get_by_role("button", name="Resume", exact=True).click()
    expect(shown.get_by_role("button", name="Resume from 45%")).to_be_visible()
    served.call(f"jobs/{job['id']}/resume", method="POST")
    served.wait(job, "succeeded")
    shown.get_by_role("button", name="Resume from 45%").click()
    expect(shown.get_by_role("alertdialog")).to_contain_text(re.compile("Resumed by local just now: View job"))


def test_failure_leaves_the_dialog_with_the_problem(
    page: Callable[[str], Page], served: Served, watched: Watched
) -> None:
    watched.allowed = ("503",)
    job = interrupted(served, "failing")
    shown = page(job_path(job))
    shown.get_by_role("button", name="Resume", exact=True).click()
    expect(shown.get_by_role("button", name="Resume from 45%")).to_be_visible()
    shown.route(
        "**/resume",
        lambda route: route.fulfill(
            status=503,
            content_type="application/problem+json",
            body='{"title": "Store unavailable", "status": 503, "detail": "The database does not answer. Nothing was changed.", "code": "store-unavailable", "request_id": "abc123"}',
        ),
    )
    shown.get_by_role("button", name="Resume from 45%").click()
    expect(shown.get_by_role("alertdialog")).to_contain_text("The database does not answer. Nothing was changed.")
    expect(shown.get_by_role("alertdialog")).to_contain_text("abc123")
    shown.unroute("**/resume")
    shown.get_by_role("button", name="Resume from 45%").click()
    served.wait(job, "succeeded")


def test_several_are_resumed_and_those_that_need_a_decision_are_listed(
    own_server: Callable[..., Served], open_page: Callable[..., Page]
) -> None:
    server = own_server()
    jobs = [interrupted(server, f"several{number}") for number in range(3)]
    server.wait(server.submit("tidy"), "succeeded")
    page = open_page(server, "/interrupted")
    expect(page.locator("tbody tr")).to_have_count(3)
    odd = jobs[0]["id"]

    def other_code(route: Route) -> None:
        told = route.fetch()
        route.fulfill(response=told, json={**told.json(), "default": None, "code": {"same": False, "was": 1, "now": 2}})

    page.route(
        f"**/api/v1/jobs/{odd}/resume",
        lambda route: other_code(route) if route.request.method == "GET" else route.continue_(),
    )
    page.get_by_role("button", name="Resume all 3").click()
    dialog = page.get_by_role("alertdialog", name="3 incomplete jobs found")
    dialog.get_by_role("button", name="Resume all 3").click()
    expect(dialog.get_by_role("status")).to_have_text("2 resumed, 1 needs you")
    expect(dialog).to_contain_text("Code changed since (v1 to v2)")
    for job in jobs[1:]:
        server.wait(job, "succeeded")
    assert server.call(f"jobs/{odd}")["state"] == "interrupted"
    dialog.get_by_role("button", name="Close", exact=True).last.click()
    expect(page.locator("tbody tr")).to_have_count(1)
