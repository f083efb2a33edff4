from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.web.payloads import PAYLOADS
from tests.web.served import Served, job_path


def test_texts_of_jobs_never_become_part_of_the_page(page: Callable[[str], Page], served: Served) -> None:
    """Two hundred of them, in parameters, logs, messages, errors, sources and tags; the fixture fails on any dialog."""
    assert len(PAYLOADS) >= 200
    everything = "\n".join(PAYLOADS)
    shout = served.wait(served.submit("shout", {"text": everything}, tags=["payload"]), "succeeded")
    error = served.wait(
        served.submit("shout", {"text": f"fail {everything}"}, tags=["payload"]), "failed", "interrupted"
    )
    ask = served.wait(served.submit("publish", {"release": everything}, tags=["payload"]), "input")
    tagged = served.submit("tidy", tags=["payload", PAYLOADS[0]], delay=3600)
    paths = [
        "/jobs?tag=payload", f"/jobs?q={'%3Cimg%20src=x%20onerror=alert(1)%3E'}", job_path(tagged),
        f"/waiting?question={ask['hitl']['id']}", job_path(shout, "values"), job_path(shout, "log"), job_path(error, "errors"),
        job_path(error, "history"),
    ]  # fmt: skip
    for path in paths:
        shown = page(path)
        expect(shown.locator("h1").first).to_be_visible()
        shown.wait_for_timeout(300)  # long enough for a script that must not run
        assert (
            shown.locator(
                "main img, main iframe, main script, main object, main embed, main a[href^='javascript']"
            ).count()
            == 0
        )
        shown.close()


def test_viewers_are_offered_nothing_that_changes_anything(
    own_server: Callable[..., Served], open_page: Callable[..., Page]
) -> None:
    server = own_server()
    job = server.wait(server.submit("embed", {"collection": "read-42"}, source_id="read"), "interrupted")
    done = server.wait(server.submit("tidy"), "succeeded")
    server.stop()
    server.environment["ONWARD_UI_READ_ONLY"] = "true"
    server.start()
    verbs = re.compile("^(Resume|Start fresh|Run again|Cancel|Pause|Delete|Acknowledge|New job|Answer|Claim)")
    for path in ("/", "/jobs", "/interrupted", "/waiting", job_path(job), job_path(done)):
        page = open_page(server, path)
        expect(page.get_by_text("Read-only")).to_be_visible()
        expect(page.locator("h1").first).to_be_visible()
        expect(page.get_by_role("button", name=verbs)).to_have_count(0)
        page.close()
    page = open_page(server, job_path(job, "values"))
    expect(page.get_by_text("is shown to operators and above")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("read-42")
    page.close()
    page = open_page(server, "/jobs")
    expect(page.get_by_label("Select all loaded rows")).to_have_count(0)
    page.get_by_role("button", name=re.compile("^What can be done with")).first.click()
    expect(page.get_by_role("menuitem")).to_have_text(["Copy id"])
