"""Marks for blocks that have none, and marks that follow the graph's versions: a file's text in, its new text out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from onward.catalogue.vault.plan.blocks import MARKER, anchor, outside_code, read


def marker(block_id: str, version: int) -> str:
    """A marker as it stands in a file."""
    return f"<!-- aclarai:id={block_id} ver={version} -->"


def assign(text: str, new_id: Callable[[], str]) -> tuple[str, int]:
    """The text with a marker and anchor behind each block without one, and how many were set.

    Blocks are paragraphs and items of lists. Headings, tables, code and front matter get none, and neither does a
    file that is marked as a whole. What was set stays, so doing it again changes nothing.
    """
    if any(block.is_file for block in read(text).blocks):
        return text, 0
    lines = text.splitlines(keepends=True)
    shown = list(outside_code([line.rstrip("\r\n") for line in lines]))
    count = 0
    for at, line in enumerate(lines):
        if _ends_block(lines, shown, at) and not _is_marked(lines, shown, at):
            body = line.rstrip("\r\n")
            block_id = new_id()
            lines[at] = f"{body.rstrip()} {marker(block_id, 1)} {anchor(block_id)}{line[len(body) :]}"
            count += 1
    return "".join(lines), count


def follow(text: str, versions: Mapping[str, int]) -> tuple[str, int]:
    """The text with the markers of these blocks at these versions, and how many were changed."""
    here = {block.id: block for block in read(text).blocks}
    lines = text.splitlines(keepends=True)
    count = 0
    for block_id, version in versions.items():
        block = here.get(block_id)
        if block is None or block.version == version:
            continue
        for found in MARKER.finditer(lines[block.line - 1]):
            if found["id"] == block_id:
                line = lines[block.line - 1]
                lines[block.line - 1] = line[: found.start()] + marker(block_id, version) + line[found.end() :]
                count += 1
                break
    return "".join(lines), count


def _ends_block(lines: list[str], shown: list[bool], at: int) -> bool:
    """Whether a line of text is the last one of its block."""
    if not _is_text(lines[at], shown[at]):
        return False
    if at + 1 == len(lines):
        return True
    after = lines[at + 1]
    return not _is_text(after, shown[at + 1]) or begins_item(after)


def _is_text(line: str, is_shown: bool) -> bool:
    bare = line.strip()
    return is_shown and bool(bare) and not bare.startswith(("#", "|", "<", "---", "***", "___", "===", "^", ">"))


def begins_item(line: str) -> bool:
    """Whether a line begins an item of a list."""
    bare = line.lstrip()
    head = bare.split(" ", 1)[0]
    return head in ("-", "*", "+") or (head[:-1].isdigit() and head[-1:] in ".)")


def _is_marked(lines: list[str], shown: list[bool], at: int) -> bool:
    """Whether a marker stands in the block that ends here, or on the line below it."""
    first = at
    while first > 0 and _is_text(lines[first - 1], shown[first - 1]) and not begins_item(lines[first]):
        first -= 1
    last = at + 1 if at + 1 < len(lines) and lines[at + 1].lstrip().startswith("<!--") else at
    return any(MARKER.search(line) for line in lines[first : last + 1])
