"""A page of the documentation as its tests see it: blocks, headings, links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^```(?P<language>\w*)\s*$")
_COMMENT = re.compile(r"^<!--\s*(?P<word>not run|file|uses):\s*(?P<rest>.+?)\s*-->$")
_HEADING = re.compile(r"^#{1,6}\s+(?P<text>.+?)\s*$")
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")  # a link's words may have begun on the line before


@dataclass(frozen=True)
class Block:
    """One fenced block: ``word`` and ``rest`` are of the comment before it, which says what to do with it."""

    language: str
    text: str
    line: int
    word: str = ""
    rest: str = ""


@dataclass(frozen=True)
class Page:
    """One file of Markdown."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    def lines(self) -> list[str]:
        return self.path.read_text("utf-8").splitlines()

    def uses(self) -> set[str]:
        """What a page asks for with ``<!-- uses: postgresql -->``."""
        found = (_COMMENT.match(line) for line in self.lines())
        return {match["rest"] for match in found if match and match["word"] == "uses"}

    def blocks(self) -> list[Block]:
        found: list[Block] = []
        said, inside, start = ("", ""), None, 0
        for number, line in enumerate(self.lines(), 1):
            fence = _FENCE.match(line)
            if inside is not None:
                if line.strip() == "```":
                    text = "\n".join(self.lines()[start : number - 1]) + "\n"
                    found.append(Block(inside, text, start + 1, *said))
                    said, inside = ("", ""), None
            elif fence:
                inside, start = fence["language"], number
            elif comment := _COMMENT.match(line):
                said = (comment["word"], comment["rest"])
            elif line.strip():
                said = ("", "")
        assert inside is None, f"{self.name}: a block is not closed"
        return found

    def prose(self) -> list[tuple[int, str]]:
        """Lines outside of blocks, with their numbers; code within a line is taken out."""
        kept, inside = [], False
        for number, line in enumerate(self.lines(), 1):
            if line.startswith("```"):
                inside = not inside
            elif not inside:
                kept.append((number, line))
        return kept

    def links(self) -> list[tuple[int, str]]:
        return [
            (number, match["target"])
            for number, line in self.prose()
            for match in _LINK.finditer(re.sub(r"`[^`]*`", "", line))
        ]

    def anchors(self) -> set[str]:
        """What may stand behind ``#``: headings as GitHub names them."""
        counts: dict[str, int] = {}
        found = set()
        for _, line in self.prose():
            if heading := _HEADING.match(line):
                slug = _slug(heading["text"])
                count = counts[slug] = counts.get(slug, -1) + 1
                found.add(f"{slug}-{count}" if count else slug)
        return found


def _slug(text: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def pages() -> list[Page]:
    """Every page below docs."""
    return [Page(path) for path in sorted(DOCS.rglob("*.md"))]
