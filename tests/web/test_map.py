"""The map of a source's passages, in a browser: drawn, turned, searched, and asking nobody for anything."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from onward.catalogue.sources.outside import map_page
from tests.app_fixtures import until

INK = """() => {
  const pixels = pen.getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let at = 3; at < pixels.length; at += 4) count += pixels[at] > 0;
  return count;
}"""


def data() -> dict[str, Any]:
    """Three groups of fifty passages, each about a corner of its own."""
    chance = random.Random(5)
    corners = ((0.7, 0.5, 0.0), (-0.6, -0.4, 0.3), (0.0, 0.6, -0.6))
    points = [
        {
            "id": f"p{group}-{at}",
            "title": f"{('Tea', 'Trains', 'Chess')[group]} {at}",
            "text": f"What is said in passage {at}.",
            "url": f"https://example.org/{group}/{at}",
            "cluster": group,
            "at": [place + chance.uniform(-0.2, 0.2) for place in corners[group]],
        }
        for group in range(3)
        for at in range(50)
    ]
    groups = [{"cluster": group, "label": name, "size": 50} for group, name in enumerate(("tea", "trains", "chess"))]
    return {"points": points, "clusters": groups, "dimension": 384}


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    file = tmp_path / "map.html"
    file.write_bytes(map_page.render("What we know", data()))
    context = browser.new_context(viewport={"width": 1200, "height": 800}, color_scheme="light")
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: problems.append(request.url) if request.url != file.as_uri() else None)
    page.goto(file.as_uri())
    until(lambda: page.evaluate("drawn.length") == 150, "the first drawing")
    yield page
    context.close()
    assert problems == []


def test_what_is_pointed_at_is_told_and_the_map_turns(page: Page) -> None:
    expect(page.get_by_role("heading", name="What we know")).to_be_visible()
    expect(page.locator("#counts")).to_have_text("150 passages, 384 dimensions")
    assert page.evaluate(INK) > 150
    nearest = page.evaluate("(() => { const dot = drawn[drawn.length - 1]; return [dot.x, dot.y, dot.point.title]; })()")
    page.mouse.move(nearest[0], nearest[1])
    expect(page.locator("#found h1")).to_have_text(nearest[2])
    expect(page.locator("#found a")).to_have_attribute("rel", "noopener noreferrer")
    before = page.evaluate("drawn.map(dot => [dot.x, dot.y])")
    page.mouse.move(300, 300)
    page.mouse.down()
    page.mouse.move(420, 340)
    page.mouse.up()
    until(lambda: page.evaluate("drawn.map(dot => [dot.x, dot.y])") != before, "another drawing")
    turned = page.evaluate("turn")
    page.locator("canvas").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("turn") > turned


def test_titles_are_found_and_groups_hidden_without_a_mouse(page: Page) -> None:
    search = page.get_by_role("searchbox", name="Find a title")
    search.fill("chess 4")
    matches = page.locator("#matches li")
    expect(matches).to_have_count(11)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#found h1")).to_have_text("Chess 4")
    search.fill("tea")
    expect(matches.last).to_have_text("and 30 more")
    search.fill("coffee")
    expect(matches).to_have_text(["No title has these words."])
    search.fill("")
    expect(matches).to_have_count(0)
    box = page.get_by_role("checkbox", name="trains (50)")
    box.focus()
    page.keyboard.press("Space")
    until(lambda: page.evaluate("drawn.length") == 100, "a drawing without them")
