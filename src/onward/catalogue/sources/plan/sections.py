"""A paged document cut into parts that can be cited: sections by its outline, pieces of a size, or the whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

Texts = Callable[[int], str]
"""The text of a page, counted from 1."""
_NUMBER = re.compile(
    r"^(?:(?i:chapter|section|part|appendix)\s+)?((?:[A-Z]\.)?\d+(?:\.\d+)*|[A-Z](?=[.:)]))[.:)]?\s+(?=\S)"
)
_DEEPEST = 3
_ENDS = ("\n\n", ".\n", ". ", "\n", " ")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of an outline: its depth from 1, its title, and the page on which it begins."""

    level: int
    title: str
    page: int


@dataclass(frozen=True, slots=True)
class Part:
    """A part with what a citation needs: number of the section, title, first and last page."""

    number: str
    title: str
    first: int
    last: int
    text: str


def by_outline(outline: Sequence[Entry], first: int, last: int, texts: Texts) -> Iterator[Part]:
    """A part for each entry of the outline within the pages, from its heading to the next one."""
    numbered = [item for item in _numbered(outline) if first <= item[2].page <= last]
    if numbered and numbered[0][2].page > first:
        yield from _part("", "", first, numbered[0][2].page, texts, until=numbered[0][2].title)
    for place, (number, title, entry) in enumerate(numbered):
        following = numbered[place + 1][2] if place + 1 < len(numbered) else None
        end = max(following.page, entry.page) if following else last
        until = following.title if following else ""
        yield from _part(number, title, entry.page, end, texts, since=entry.title, until=until)


def by_size(size: int, first: int, last: int, texts: Texts) -> Iterator[Part]:
    """Pieces of about ``size`` characters that end with a paragraph or sentence where one is near."""
    waiting = ""
    pages: list[tuple[int, int]] = []
    number = 0
    for page in range(first, last + 1):
        pages.append((page, len(waiting)))
        waiting += texts(page).strip() + "\n"
        while len(waiting) > size:
            number += 1
            cut = _cut(waiting, size)
            yield Part(str(number), "", *_span(pages, cut), waiting[:cut].strip())
            pages = [(at, max(0, start - cut)) for at, start in pages if at == page or start > cut] or [(page, 0)]
            waiting = waiting[cut:]
    if waiting.strip():
        yield Part(str(number + 1), "", *_span(pages, len(waiting)), waiting.strip())


def whole(first: int, last: int, texts: Texts) -> Iterator[Part]:
    """All pages as one part."""
    text = "\n".join(texts(page) for page in range(first, last + 1)).strip()
    if text:
        yield Part("", "", first, last, text)


def _numbered(outline: Sequence[Entry]) -> Iterator[tuple[str, str, Entry]]:
    """Number, title without it, and entry: the number is the one that the title carries, else that of its place."""
    counts: list[int] = []
    for entry in outline:
        if entry.level > _DEEPEST:
            continue
        del counts[entry.level :]
        counts += [0] * (entry.level - len(counts))
        counts[-1] += 1
        title = " ".join(entry.title.split())
        found = _NUMBER.match(title)
        number = found[1] if found else ".".join(str(count or 1) for count in counts)
        yield number, title[found.end() :] if found else title, entry


def _part(
    number: str, title: str, first: int, end: int, texts: Texts, *, since: str = "", until: str = ""
) -> Iterator[Part]:
    """The text from ``since`` on the first page up to ``until`` on the last one, if there is any."""
    pages = {page: texts(page) for page in range(first, end + 1)}
    begin = _find(pages[first], since)
    stop = _find(pages[end], until, begin + len(since) if end == first else 0) if until else len(pages[end])
    if end > first and until and not pages[end][:stop].strip():
        end -= 1
        stop = len(pages[end])
    if end == first:
        text = pages[first][begin : max(stop, begin)] if stop > begin else pages[first][begin:]
    else:
        between = (pages[page] for page in range(first + 1, end))
        text = "\n".join([pages[first][begin:], *between, pages[end][:stop]])
    if text.strip():
        yield Part(number, title, first, end, text.strip())


def _find(text: str, title: str, start: int = 0) -> int:
    """Where a heading stands on its page: its words with any space between; where it is not found, the beginning."""
    words = [re.escape(word) for word in title.split()[:12]]
    found = re.compile(r"\s+".join(words), re.IGNORECASE).search(text, start) if words else None
    return found.start() if found else start


def _cut(text: str, size: int) -> int:
    for end in _ENDS:
        found = text.rfind(end, size * 3 // 4, size)
        if found >= 0:
            return found + len(end)
    return size


def _span(pages: Sequence[tuple[int, int]], end: int) -> tuple[int, int]:
    inside = [page for page, start in pages if start < end] or [pages[0][0]]
    return inside[0], inside[-1]
