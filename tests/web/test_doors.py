"""Who comes in from elsewhere: with a key, or with a link to one question."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from onward import Context, Onward
from tests.app_fixtures import quick_settings, until
from tests.web.conftest import add_jobs
from tests.web.site import Site, hindrances, serving


@pytest.fixture
def locked(tmp_path: Path, sqlite_template: Path, browser: Browser) -> Iterator[Site]:
    """A site where everybody needs a key, as if it were elsewhere."""
    path = tmp_path / "onward.db"
    shutil.copy(sqlite_template, path)
    app = Onward(
        settings=quick_settings(f"sqlite:///{path}", worker={"lease_seconds": 60}, server={"login": "always"})
    )
    add_jobs(app)

    @app.job()
    def asks(ctx: Context) -> object:
        return ctx.ask("confirm", {"draft": "a page"}, prompt="Go **on**?", schema={"type": "boolean"})

    with app.worker(concurrency=2), serving(app) as address:
        made = Site(app, address, browser)
        yield made
        made.close()
    app.close()


def sign_in(page: Page, secret: str) -> None:
    page.get_by_label("Key").fill(secret)
    page.get_by_role("button", name="Sign in").click()


def test_pages_ask_for_a_key_once_and_forget_it_at_the_end(locked: Site) -> None:
    _, secret = locked.app.keys.create("ana", "operator")
    page = locked.open("/jobs?state=failed")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_label("Key")).to_be_focused()
    assert not (found := hindrances(page)), "\n".join(found)
    sign_in(page, "onw_wrong")
    expect(page.get_by_role("alert")).to_contain_text("not known")
    sign_in(page, secret)
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("state=failed"))
    expect(page.get_by_text("ana · operator")).to_be_visible()
    expect(page.get_by_text(re.compile("^Live"))).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    assert secret not in page.evaluate("document.cookie + JSON.stringify(localStorage)")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(locked.address + "/schedules")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_key_that_is_revoked_leads_back_to_the_door(locked: Site) -> None:
    key, secret = locked.app.keys.create("ana", "operator")
    page = locked.open("/jobs")
    sign_in(page, secret)
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    locked.app.keys.revoke(key.id)
    locked.app.submit("tidy", {"folder": "x"})
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_link_answers_its_one_question_without_a_key(locked: Site) -> None:
    _, secret = locked.app.keys.create("ops", "operator")
    job = locked.app.submit("asks")
    until(lambda: locked.app.get(job.id).status == "pending_hitl")
    page = locked.open("/waiting")
    sign_in(page, secret)
    page.get_by_role("button", name=re.compile("Go on")).first.click()
    page.get_by_role("button", name="Send a link").click()
    page.get_by_label("In whose name").fill("ana")
    page.get_by_role("button", name="Make link").click()
    assert not (found := hindrances(page)), "\n".join(found)
    link = page.get_by_role("dialog").locator("pre").inner_text()
    assert link.startswith(f"{locked.address}/answer#")

    theirs, later = locked.open("/healthz"), locked.open("/healthz")
    asked: list[str] = []
    theirs.on("request", lambda request: asked.append(request.url))
    theirs.goto(link)
    expect(theirs.get_by_role("heading", name="A question for ana")).to_be_visible()
    later.goto(link)
    expect(later.get_by_role("button", name="Answer")).to_be_visible()
    assert not (found := hindrances(theirs)), "\n".join(found)
    token = link.partition("#")[2]
    assert asked
    assert not any(token in url.partition("#")[0] for url in asked), "it stands in no address that a log could see"
    theirs.get_by_role("radio", name="Yes").check()
    theirs.get_by_role("button", name="Answer").click()
    expect(theirs.get_by_text("Answered by ana")).to_be_visible()
    until(lambda: locked.app.get(job.id).status == "completed")
    answered = next(event for event in locked.app.history(job.id) if event.kind == "answered")
    assert (answered.actor, answered.data["via"]) == ("ana", "link")
    later.get_by_role("radio", name="No").check()
    later.get_by_role("button", name="Answer").click()
    expect(later.get_by_text("Answered by ana")).to_be_visible()
    later.goto(link[:-2])
    expect(later.get_by_role("alert")).to_contain_text("opens nothing")
    later.goto(locked.address + "/answer")
    expect(later.get_by_text("The link is incomplete")).to_be_visible()
