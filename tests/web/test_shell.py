from __future__ import annotations

import gzip
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests.web.served import STATIC, Served, Watched, job_path, wait_until


def live(page: Page) -> None:
    expect(page.locator(".live")).to_have_attribute("data-status", "live")


def test_first_load_is_small(served: Served, open_page: Callable[..., Page], browser: Browser) -> None:
    context = browser.new_context()
    sizes: dict[str, int] = {}

    def note(response: Response) -> None:
        name = response.url.removeprefix(served.url).lstrip("/").partition("?")[0]
        if (file := STATIC / (name or "index.html")).is_file():
            sizes[name] = len(gzip.compress(file.read_bytes()))

    context.on("response", note)
    page = open_page(served, "/jobs", context=context)
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    context.close()
    assert sizes
    assert sum(sizes.values()) <= 250_000, sizes


def test_keys_open_pages_palette_and_help(page: Callable[[str], Page]) -> None:
    shown = page("/jobs")
    live(shown)
    shown.keyboard.press("g")
    shown.keyboard.press("i")
    expect(shown).to_have_url(re.compile("/interrupted"))
    shown.keyboard.press("?")
    expect(shown.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    shown.keyboard.press("Escape")
    shown.keyboard.press("Control+k")
    expect(shown.get_by_role("combobox", name="Page, verb or end")).to_be_focused()
    shown.keyboard.type("retry")
    expect(shown.get_by_role("option").first).to_contain_text('here "retry" is called Resume')


def test_letters_can_be_turned_off(page: Callable[[str], Page]) -> None:
    shown = page("/jobs")
    live(shown)
    shown.keyboard.press("?")
    shown.get_by_label("Shortcuts of one letter are on").uncheck()
    shown.keyboard.press("Escape")
    expect(shown.get_by_role("dialog")).to_have_count(0)
    shown.keyboard.press("l")
    shown.keyboard.press("?")
    expect(shown.get_by_role("dialog")).to_have_count(0)
    live(shown)


def test_zone_is_in_the_address_and_times_carry_it(page: Callable[[str], Page], served: Served) -> None:
    job = served.wait(served.submit("tidy"), "succeeded")
    shown = page(f"{job_path(job)}?tz=Asia/Kolkata")
    expect(shown.get_by_text(re.compile(r"\d\d:\d\d GMT\+5:30")).first).to_be_visible()
    shown.keyboard.press("z")
    expect(shown).to_have_url(re.compile("tz=local"))
    shown.keyboard.press("z")
    expect(shown.get_by_text(re.compile(r"\d\d:\d\d UTC")).first).to_be_visible()


def test_theme_follows_the_system_and_a_choice(served: Served, open_page: Callable[..., Page]) -> None:
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    dark = open_page(served, "/jobs", color_scheme="dark")
    light = open_page(served, "/jobs", color_scheme="light")
    assert dark.evaluate(ground) != light.evaluate(ground)
    live(light)
    light.get_by_role("button", name="Theme: system").click()
    light.get_by_role("menuitem", name="Dark").click()
    assert dark.evaluate(ground) == light.evaluate(ground)
    light.reload()
    assert dark.evaluate(ground) == light.evaluate(ground)


def test_url_prefix_gives_no_double_slash(open_page: Callable[..., Page], own_server: Callable[..., Served]) -> None:
    """Mounted under a prefix, every address that is asked for lies below it, with single slashes."""
    server = own_server(prefix="/tools/jobs")
    job = server.wait(server.submit("tidy"), "succeeded")
    asked: list[str] = []
    page = open_page(server, "/tools/jobs/jobs")
    page.on("request", lambda request: asked.append(request.url.removeprefix(server.url)))
    expect(page.get_by_role("link", name=re.compile("^tidy"))).to_be_visible()
    page.get_by_role("link", name=re.compile("^tidy")).click()
    expect(page).to_have_url(re.compile(f"/tools/jobs/jobs/{job['id']}"))
    page.reload()
    expect(page.get_by_role("heading", name=re.compile("^tidy"))).to_be_visible()
    live(page)
    assert asked
    assert all(path.startswith("/tools/jobs/") and "//" not in path for path in asked), asked


def test_two_tabs_share_one_connection(
    own_server: Callable[..., Served], open_page: Callable[..., Page], browser: Browser
) -> None:
    """The server gives one stream; both tabs are live all the same, and both see what happens."""
    server = own_server(ONWARD_SERVER_STREAMS="1")
    job = server.submit("embed", {"collection": "tabs", "gate": "tabs"}, source_id="tabs")
    server.wait(job, "running")
    context = browser.new_context()
    tabs = [open_page(server, job_path(job), context=context) for _ in range(2)]
    for tab in tabs:
        live(tab)
    server.open("tabs")
    for tab in tabs:
        expect(tab.locator(".state.pill")).to_have_text("Interrupted")
    context.close()


def test_lost_connection_is_said_and_what_was_missed_is_fetched(
    own_server: Callable[..., Served], open_page: Callable[..., Page], watched: Watched
) -> None:
    watched.allowed = (
        "ERR_CONNECTION_REFUSED",
        "ERR_INCOMPLETE_CHUNKED_ENCODING",
        "ERR_EMPTY_RESPONSE",
        "ERR_CONNECTION_RESET",
    )
    server = own_server()
    server.wait(server.submit("tidy"), "succeeded")
    page = open_page(server, "/jobs")
    live(page)
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    server.stop()
    expect(page.locator(".live")).to_have_attribute("data-status", re.compile("reconnecting|polling"))
    expect(rows).to_have_count(1)
    server.start()
    server.wait(server.submit("word_count", {"folder": "later"}), "succeeded")
    expect(page.get_by_role("button", name="1 new job: show")).to_be_visible()
    live(page)


def test_paused_page_refetches_nothing_on_focus(page: Callable[[str], Page], served: Served) -> None:
    served.wait(served.submit("tidy"), "succeeded")
    shown = page("/jobs")
    live(shown)
    expect(shown.locator(".table-foot")).to_contain_text(" of ")
    shown.keyboard.press("l")
    expect(shown.locator(".live")).to_have_attribute("data-status", "paused")
    asked: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    served.wait(served.submit("tidy"), "succeeded")
    shown.evaluate(
        "() => { dispatchEvent(new Event('focus')); document.dispatchEvent(new Event('visibilitychange')); dispatchEvent(new Event('online')) }"
    )
    shown.wait_for_timeout(1500)  # long enough for what must not happen
    assert asked == []
    shown.keyboard.press("l")
    wait_until(lambda: bool(asked) or bool(shown.wait_for_timeout(20)), lambda: "going on fetched nothing")


def test_slow_network_stays_on_the_page_that_was_asked_for(served: Served, open_page: Callable[..., Page]) -> None:
    job = served.wait(served.submit("tidy"), "succeeded")
    page = open_page(served, "/jobs")
    live(page)
    page.route("**/api/v1/jobs/job_*", lambda route: (page.wait_for_timeout(1200), route.continue_()))
    page.goto(f"{served.url}{job_path(job)}")
    expect(page.get_by_role("heading", name=re.compile("^tidy"))).to_be_visible()
    expect(page).to_have_url(re.compile(job["id"]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_screens_need_no_sideways_scrolling(served: Served, open_page: Callable[..., Page], scheme: str) -> None:
    page = open_page(served, "/jobs", viewport={"width": 320, "height": 700}, color_scheme=scheme)
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Navigation").click()
    page.get_by_role("link", name="Interrupted").click()
    expect(page.get_by_role("heading", name="Interrupted", exact=True)).to_be_visible()
