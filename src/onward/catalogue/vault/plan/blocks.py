"""Marked blocks of a Markdown file: ``<!-- aclarai:id=ID ver=N -->`` behind a block, or at the end for a whole file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

MARKER = re.compile(r"<!--[ \t]*aclarai:id=(?P<id>[A-Za-z0-9_.-]{1,128})[ \t]+ver=(?P<version>\d{1,9})[ \t]*-->")
_FENCE = re.compile(r"[ ]{0,3}(?P<mark>`{3,}|~{3,})")
_LIST = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)")
_HEADING = re.compile(r"[ ]{0,3}#{1,6}(?:[ \t]|$)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of text with an identity: a paragraph, a list item, a heading, or the whole file."""

    id: str
    version: int
    text: str
    hash: str
    line: int
    """Of its marker, counted from 1."""
    is_file: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file holds: its blocks, and what is wrong with markers of it."""

    blocks: tuple[Block, ...]
    problems: tuple[str, ...] = ()


def read(text: str) -> Reading:
    """The blocks of a file in their order. The first of two with one id counts; the other is a problem."""
    lines = text.splitlines()
    shown = list(outside_code(lines))
    found: dict[str, Block] = {}
    problems: list[str] = []
    for at, line in enumerate(lines):
        for marker in MARKER.finditer(line) if shown[at] else ():
            if _is_in_code_span(line, marker.start()):
                continue
            block = _block(lines, shown, at, marker)
            if block.id in found:
                problems.append(f"line {at + 1}: the id {block.id} is in line {found[block.id].line} already")
            else:
                found[block.id] = block
    return Reading(tuple(found.values()), tuple(problems))


def text_hash(text: str) -> str:
    """The hash of a text as people see it: markers, line ends and blanks at ends of lines are none of it."""
    return hashlib.sha256(visible(text).encode()).hexdigest()


def visible(text: str) -> str:
    """A text without markers and comments, and without the anchors that stand behind markers."""
    # Some editors put a mark of the byte order before the first letter.
    bare = re.sub(MARKER.pattern + r"(?:[ \t]*\n?[ \t]*\^(?P=id)(?![\w-]))?", "", text.removeprefix("\ufeff"))
    bare = _COMMENT.sub("", bare)
    return "\n".join(line.rstrip() for line in bare.splitlines()).strip()


def anchor(block_id: str) -> str:
    """What other notes link to."""
    return f"^{block_id}"


def _block(lines: list[str], shown: list[bool], at: int, marker: re.Match[str]) -> Block:
    block_id, version = marker["id"], int(marker["version"])
    if _has_anchor(lines, at, marker):
        first = _first_line(lines, shown, at, marker.start())
        part = [*lines[first:at], lines[at][: marker.start()]] if first < at else [lines[at][: marker.start()]]
        text = visible("\n".join(part))
        return Block(block_id, version, text, text_hash(text), at + 1)
    text = visible(_without_anchors("\n".join(lines)))
    return Block(block_id, version, text, text_hash(text), at + 1, is_file=True)


def _has_anchor(lines: list[str], at: int, marker: re.Match[str]) -> bool:
    """An inline marker is followed by its anchor, on its line or the next."""
    wanted = anchor(marker["id"])
    rest = lines[at][marker.end() :].strip()
    if not rest and at + 1 < len(lines):
        rest = lines[at + 1].strip()
    return rest == wanted or rest.startswith(wanted + " ")


def _without_anchors(text: str) -> str:
    """Anchors of marked blocks are no part of what is visible in a file."""
    ids = {found["id"] for found in MARKER.finditer(text)}
    pattern = "|".join(re.escape(each) for each in sorted(ids, key=len, reverse=True))
    return re.sub(rf"\^(?:{pattern})(?![\w-])", "", text) if ids else text


def _first_line(lines: list[str], shown: list[bool], at: int, start: int) -> int:
    """Where the block begins that ends before a marker: after a blank line, a code block, a heading or a list item."""
    first = at
    if not lines[at][:start].strip():
        # The marker has a line for itself, below its block.
        if at == 0 or not lines[at - 1].strip():
            return at
        first = at - 1
    while first > 0 and not _begins(lines[first]) and _belongs(lines[first - 1], shown[first - 1]):
        first -= 1
    return first


def _begins(line: str) -> bool:
    return bool(_LIST.match(line) or _HEADING.match(line))


def _belongs(line: str, is_shown: bool) -> bool:
    return is_shown and bool(line.strip()) and not _HEADING.match(line) and MARKER.search(line) is None


def outside_code(lines: list[str]) -> Iterator[bool]:
    """For each line whether it stands outside of fenced and indented code, and of front matter."""
    fence, before_blank, in_indented = "", True, False
    front = _front_matter(lines)
    for at, line in enumerate(lines):
        if at < front:
            yield False
            continue
        mark = _FENCE.match(line)
        if fence:
            if (
                mark
                and mark["mark"][0] == fence[0]
                and len(mark["mark"]) >= len(fence)
                and not line[mark.end() :].strip()
            ):
                fence = ""
            yield False
        elif mark:
            fence = mark["mark"]
            yield False
        else:
            is_deep = line.startswith(("    ", "\t")) and bool(line.strip()) and not _LIST.match(line)
            in_indented = is_deep and (before_blank or in_indented)
            yield not in_indented
        before_blank = not line.strip()


def _front_matter(lines: list[str]) -> int:
    """How many lines the properties at the beginning of a file take."""
    if not lines or lines[0].removeprefix("\ufeff").strip() != "---":
        return 0
    return next((at + 1 for at, line in enumerate(lines[1:], 1) if line.strip() == "---"), 0)


def _is_in_code_span(line: str, start: int) -> bool:
    """Whether a place of a line stands between backticks."""
    spans = re.finditer(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", line)
    return any(span.start() < start < span.end() for span in spans)
