"""The pages as people have them: a real server on a real database, a worker, and Chromium."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from onward import Onward
from onward.server.app import create_app

ROOT = Path(__file__).parents[2]
INDEX = ROOT / "src" / "onward" / "server" / "static" / "index.html"
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 30_000
AT_REST = """async rules => {
    for (let frame = 0; frame < 60 && (frame < 2 || document.getAnimations().length); frame += 1)
        await new Promise(requestAnimationFrame)
    return (await axe.run(document, {runOnly: rules})).violations
}"""
"""Ask when what moves and what changes its colour has come to rest."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def missing() -> str | None:
    """What is not there and without which no page can be shown; None when all is."""
    if not chromium():
        return "There is no Chromium on this machine: apt-get install chromium."
    return None if INDEX.is_file() else "The pages are not built: make install."


def chromium() -> str | None:
    """Where Chromium is."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def browsing() -> Iterator[Browser]:
    """Chromium, for all tests of a process."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def serving(app: Onward, **options: Any) -> Iterator[str]:
    """Serve an application on a free port; its address."""
    server = uvicorn.Server(uvicorn.Config(create_app(app, **options), port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until_true(lambda: server.started, thread.is_alive)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = server.force_exit = True
    thread.join(10)


def until_true(fact: Callable[[], bool], is_alive: Callable[[], bool]) -> None:
    """Wait until something is true, while somebody lives who can make it so."""
    wait = threading.Event().wait
    while not fact():
        assert is_alive(), "the server has ended"
        wait(0.01)


class Site:
    """A served application, and pages of it whose faults are seen."""

    def __init__(self, app: Onward, address: str, browser: Browser) -> None:
        self.app, self.address, self._browser = app, address, browser
        self.faults: list[str] = []
        self._contexts: list[Any] = []

    def open(self, path: str = "/", **options: Any) -> Page:
        """A page in a browser context of its own; errors in it fail the test at its end."""
        context = self._browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda line: self._hear(line.type, line.text))
        page.goto(self.address + path)
        return page

    def _hear(self, kind: str, text: str) -> None:
        # A refusal is also written there by the browser itself; the page shows it, and tests look at that.
        if kind == "error" and "status of 4" not in text:
            self.faults.append(text)

    def close(self) -> None:
        """Close all pages; no page may have had a fault."""
        for context in self._contexts:
            context.close()
        assert self.faults == []


def hindrances(page: Page) -> list[str]:
    """What hinders people with disabilities on a page as it is now, by the rules of WCAG 2.2 AA, in light and in dark.

    Dark differs in nothing but colours, so of the rules only that of contrast is asked again.
    """
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = []
    for scheme, rules in (("light", RULES), ("dark", ["color-contrast"])):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        broken = page.evaluate(AT_REST, rules)
        found += [
            f"{scheme} {rule['id']}: {node['target']} {node['failureSummary'][:300]}"
            for rule in broken
            for node in rule["nodes"][:4]
        ]
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    return found
