from __future__ import annotations

import pytest

from tests.docs.page import ROOT, Page, pages

OTHERS = [Page(path) for path in sorted(ROOT.glob("*.md"))]


@pytest.mark.parametrize("page", [*pages(), *OTHERS], ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Page) -> None:
    problems = []
    for line, target in page.links():
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        path = (page.path.parent / name).resolve() if name else page.path
        if not path.exists():
            problems.append(f"{page.name}:{line}: there is no {target}")
        elif anchor and path.suffix == ".md" and anchor not in Page(path).anchors():
            problems.append(f"{page.name}:{line}: {target} has no such heading")
    assert not problems, "\n".join(["", *problems])


def test_every_page_can_be_reached_from_the_first() -> None:
    first = Page(ROOT / "docs" / "index.md")
    reached, to_read = {first.path}, [first]
    while to_read:
        page = to_read.pop()
        for _, target in page.links():
            path = (page.path.parent / target.partition("#")[0]).resolve()
            if path.suffix == ".md" and path.exists() and path not in reached:
                reached.add(path)
                to_read.append(Page(path))
    lost = [page.name for page in pages() if page.path not in reached]
    assert not lost, f"no link leads to {lost}"
