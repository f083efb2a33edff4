"""Where documents of an archive stand on the web: a base address, found from what they say of themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Candidate:
    """A base address, how many documents speak for it, and how: ``canonical`` or ``links``."""

    base_url: str
    votes: int
    by: str


def of_document(path: str, own: str) -> str:
    """The base under which a document with this path has its own address; empty when the two do not fit."""
    wanted, parts = _plain(path), urlsplit(own)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return ""
    found = _plain(parts.path)
    for ending in dict.fromkeys([wanted, wanted.removesuffix(".html"), wanted.removesuffix("index.html")]):
        if ending and found.endswith(ending) and (found == ending or found[-len(ending) - 1] == "/"):
            root = parts.path[: len(parts.path) - len(ending)] if _plain(parts.path) != ending else "/"
            return f"{parts.scheme}://{parts.netloc}{root if root.endswith('/') else root + '/'}"
    return ""


def vote(canonicals: Mapping[str, str], links: Iterable[str], paths: Iterable[str]) -> list[Candidate]:
    """Candidates, best first: ``canonicals`` maps paths to what their documents name as their own address.

    Without those, links that lead from the documents to the web address of another document speak for a base.
    """
    votes = Counter(base for path, own in canonicals.items() if (base := of_document(path, own)))
    found = [Candidate(base, count, "canonical") for base, count in votes.most_common(10)]
    known = {_plain(path).rpartition("/")[2]: path for path in paths}
    linked: Counter[str] = Counter()
    for link in links:
        path = known.get(_plain(urlsplit(link).path).rpartition("/")[2])
        base = of_document(path, link) if path else ""
        if base:
            linked[base] += 1
    seen = {item.base_url for item in found}
    return found + [Candidate(base, count, "links") for base, count in linked.most_common(10) if base not in seen]


def address(base_url: str, url: str) -> str:
    """A document's address on the web: its own where it has one, else below the base."""
    if not base_url or url.startswith(("http://", "https://")):
        return url
    return f"{base_url.rstrip('/')}/{url.lstrip('/')}"


def address_in(manifest: Mapping[str, Any], url: str) -> str:
    """The same with the base that a manifest names."""
    base = manifest.get("base_url")
    return address(base if isinstance(base, str) else "", url)


def _plain(path: str) -> str:
    return unquote(path).lstrip("/")
