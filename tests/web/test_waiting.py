from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.web.served import Served, Watched, wait_until
from tests.web.test_shell import live


def ask(served: Served, release: str) -> tuple[str, str]:
    """A job that asks, and the id of its question."""
    job = served.wait(served.submit("publish", {"release": release}), "input")
    return job["id"], job["hitl"]["id"]


def test_question_is_answered_by_its_form_and_the_job_goes_on(page: Callable[[str], Page], served: Served) -> None:
    job_id, question = ask(served, "1.0")
    shown = page(f"/waiting?question={question}")
    card = shown.get_by_role("article", name="Question")
    expect(card.get_by_role("strong")).to_have_text("1.0")
    expect(card.get_by_role("link", name="the notes")).to_have_attribute("href", "https://example.org/notes")
    expect(card.get_by_role("link", name="this")).to_have_count(0)
    card.get_by_label("Publish it").check()
    card.get_by_label("beta").check()
    card.get_by_label("Note").fill("fine")
    card.get_by_label("Note").press("Control+Enter")
    done = served.wait({"id": job_id, "job_type": "publish"}, "succeeded")
    assert done["result"] == {"approve": True, "channel": "beta", "note": "fine"}
    expect(card).to_contain_text("Answered by local")


def test_answer_that_does_not_fit_is_refused_at_its_field(page: Callable[[str], Page], served: Served) -> None:
    _, question = ask(served, "2.0")
    shown = page(f"/waiting?question={question}")
    card = shown.get_by_role("article", name="Question")
    card.get_by_label("Note").fill("much too long for this field")
    card.get_by_role("button", name="Answer", exact=True).click()
    expect(card.get_by_role("alert").filter(has_text="must have at most 20 characters")).to_be_visible()
    expect(card.get_by_role("alert").filter(has_text="is needed")).to_be_visible()


def test_second_answer_is_told_who_was_faster(page: Callable[[str], Page], served: Served, watched: Watched) -> None:
    watched.allowed = ("409",)
    _, question = ask(served, "3.0")
    shown = page(f"/waiting?question={question}")
    card = shown.get_by_role("article", name="Question")
    card.get_by_label("stable").check()
    shown.route("**/api/v1/events*", lambda route: route.abort())
    served.call(f"inputs/{question}/answer", {"response": {"channel": "beta"}})
    if card.get_by_role("button", name="Answer", exact=True).is_visible():
        card.get_by_role("button", name="Answer", exact=True).click()
    expect(card).to_contain_text(re.compile("Answered by local"))


def test_claim_shows_others_that_somebody_is_at_it(page: Callable[[str], Page], served: Served) -> None:
    _, question = ask(served, "4.0")
    shown = page(f"/waiting?question={question}")
    shown.get_by_role("button", name="Claim").click()
    expect(shown.get_by_text("Claimed by you")).to_be_visible()
    shown.get_by_role("button", name="Release").click()
    expect(shown.get_by_role("button", name="Claim")).to_be_visible()


def test_draft_outlives_the_page_and_the_tab_counts(page: Callable[[str], Page], served: Served) -> None:
    _, question = ask(served, "5.0")
    shown = page(f"/waiting?question={question}")
    shown.get_by_label("Note").fill("half a thought")
    shown.reload()
    expect(shown.get_by_label("Note")).to_have_value("half a thought")
    expect(shown).to_have_title(re.compile(r"^\(\d+\) "))


def test_answered_questions_are_listed_with_who_and_what(page: Callable[[str], Page], served: Served) -> None:
    _, question = ask(served, "6.0")
    served.call(f"inputs/{question}/answer", {"response": {"channel": "stable"}})
    shown = page("/waiting?tab=answered")
    expect(shown.get_by_role("row", name=re.compile("Publish 6.0"))).to_contain_text("local")


def test_question_is_passed_on_put_off_and_answered_together_with_its_like(
    page: Callable[[str], Page], served: Served
) -> None:
    jobs = [served.wait(served.submit("confirm", {"what": name}), "input") for name in ("a", "b")]
    shown = page(f"/waiting?question={jobs[0]['hitl']['id']}")
    shown.get_by_role("button", name="Ask somebody else").click()
    shown.get_by_role("dialog").get_by_label("Name").fill("ben")
    shown.get_by_role("button", name="Ask ben").click()
    expect(shown.get_by_role("article", name="Question")).to_contain_text("asked of ben")
    shown.get_by_role("button", name="Snooze").click()
    shown.get_by_role("menuitem", name="For an hour").click()
    expect(shown.get_by_text("Snoozed until")).to_be_visible()
    expect(shown.locator("tbody tr").last).to_contain_text("snoozed")
    shown.get_by_role("button", name="Answer 2 alike").click()
    shown.get_by_role("button", name="No to 2").click()
    for job in jobs:
        assert served.wait(job, "succeeded")["result"] == {"yes": False}


def test_browser_says_that_a_job_asks_while_nobody_looks(page: Callable[[str], Page], served: Served) -> None:
    shown = page("/waiting")
    live(shown)
    shown.evaluate(
        """() => {
        window.told = []
        window.Notification = class {
          static permission = 'granted'
          static requestPermission = async () => 'granted'
          constructor(text) { told.push(text) }
        }
        Object.defineProperty(document, 'visibilityState', {value: 'hidden'}) }"""
    )
    shown.get_by_role("button", name="Notify me").click()
    expect(shown.get_by_role("button", name="Notifies you")).to_be_visible()
    _, question = ask(served, "8.0")
    wait_until(
        lambda: bool(shown.evaluate("told.length")) or bool(shown.wait_for_timeout(50)), lambda: "nothing was said"
    )
    assert shown.evaluate("told[0]") == "A job waits for you"
    served.call(f"inputs/{question}/answer", {"response": {"channel": "beta"}})
