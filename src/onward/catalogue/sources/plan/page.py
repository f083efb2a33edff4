"""What an HTML page says: title, description, language, readable text, links."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from onward.catalogue.extras import load
from onward.catalogue.sources.plan.addresses import canonical

_NOISE = [
    "script",
    "style",
    "noscript",
    "template",
    "svg",
    "iframe",
    "object",
    "form",
    "nav",
    "footer",
    "aside",
]
_BLOCKS = "p,div,br,li,ul,ol,dl,dt,dd,h1,h2,h3,h4,h5,h6,tr,td,th,table,pre,blockquote,section,article,hr"
_MAIN = ("main", "[role=main]", "article")
_ASSETS = (
    ("img[src]", "src"),
    ("script[src]", "src"),
    ("link[rel=stylesheet]", "href"),
    ("link[rel=icon]", "href"),
)
_SPACE = re.compile(r"\s+")
_MAX_LINKS = 2000


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was read; ``language`` is what it declares itself."""

    title: str
    description: str
    language: str
    text: str
    links: tuple[str, ...]
    assets: tuple[str, ...]
    may_be_kept: bool
    may_be_followed: bool
    own_address: str = ""
    """Where it says that it stands: its canonical address."""

    @property
    def content_hash(self) -> str:
        """Changes when the title or the readable text does."""
        return hashlib.sha256(f"{self.title}\n{self.text}".encode()).hexdigest()


def read(html: str, url: str) -> Page:
    """Read a page that stands at ``url``; never fails on odd markup."""
    tree = load("selectolax.lexbor").LexborHTMLParser(html)
    head = _Head(tree)
    base = canonical(_attribute(tree, "base[href]", "href"), url) or url
    links = _addresses(tree, "a[href]", "href", base)
    assets = [found for selector, name in _ASSETS for found in _addresses(tree, selector, name, base)]
    text = _text(tree)
    return Page(
        title=head.title or _heading(tree),
        description=head.description,
        language=head.language,
        text=text,
        links=tuple(dict.fromkeys(links))[:_MAX_LINKS],
        assets=tuple(dict.fromkeys(assets)),
        may_be_kept="noindex" not in head.robots,
        may_be_followed="nofollow" not in head.robots,
        own_address=head.own_address,
    )


class _Head:
    def __init__(self, tree: Any) -> None:
        self.title = _clean(_content(tree, "meta[property='og:title']")) or _clean(_node_text(tree, "title"))
        self.description = _clean(
            _content(tree, "meta[name=description]") or _content(tree, "meta[property='og:description']")
        )[:1000]
        self.language = _attribute(tree, "html", "lang") or _attribute(tree, "html", "xml:lang")
        self.own_address = _attribute(tree, "link[rel=canonical]", "href") or _content(tree, "meta[property='og:url']")
        self.robots = _content(tree, "meta[name=robots]").lower()


def _text(tree: Any) -> str:
    tree.strip_tags(_NOISE)
    body = next((node for node in (tree.css_first(selector) for selector in _MAIN) if node is not None), tree.body)
    if body is None:
        return ""
    # Words of neighbouring blocks must not run together, those of one line must not fall apart.
    for block in body.css(_BLOCKS):
        block.insert_before("\n")
        block.insert_after("\n")
    return _clean(body.text(separator=""))


def _addresses(tree: Any, selector: str, name: str, base: str) -> list[str]:
    found = (canonical(node.attributes.get(name) or "", base) for node in tree.css(selector))
    return [address for address in found if address is not None]


def _content(tree: Any, selector: str) -> str:
    return _attribute(tree, selector, "content")


def _attribute(tree: Any, selector: str, name: str) -> str:
    node = tree.css_first(selector)
    return (node.attributes.get(name) or "").strip() if node is not None else ""


def _node_text(tree: Any, selector: str) -> str:
    node = tree.css_first(selector)
    return str(node.text()) if node is not None else ""


def _heading(tree: Any) -> str:
    return _clean(_node_text(tree, "h1"))[:300]


def _clean(text: str) -> str:
    # NUL and lone surrogates cannot be kept by every database.
    return _SPACE.sub(" ", text).replace("\x00", "").encode("utf-8", "replace").decode().strip()


_WORD = re.compile(r"[^\W\d_]{3,30}")


def frequent_terms(text: str, stopwords: frozenset[str], count: int = 12) -> list[str]:
    """The words that occur most often, without stop words."""
    words = Counter(word for word in _WORD.findall(text.lower()) if word not in stopwords)
    return [word for word, seen in words.most_common(count) if seen > 1]
