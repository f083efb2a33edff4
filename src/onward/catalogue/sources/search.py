"""Search over what was indexed, from any process, also while a job is writing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onward.catalogue.models.embedder import choose, default_dimension
from onward.catalogue.models.names import EVERY
from onward.catalogue.sources.outside.source_folder import MANIFEST, SourceFolder, check_source_id
from onward.catalogue.sources.outside.vector_store import Match, open_store
from onward.catalogue.sources.plan.base_url import address_in
from onward.errors import InvalidValue, OnwardError
from onward.settings import Models

_SNIPPET = 240
_PASSAGES_A_HIT = 4


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that fits: ``score`` is 1 for the same meaning and about 0 for nothing in common."""

    title: str
    url: str
    snippet: str
    score: float
    source_id: str
    document_id: str


def search(
    backup_path: str | Path,
    query: str,
    source_id: str | None = None,
    dimension: int | None = None,
    k: int = 5,
    *,
    models: Models | None = None,
) -> list[Hit]:
    """The ``k`` documents (1 to 100) nearest in meaning to ``query``, best first, each once.

    Without ``dimension`` the database of the configured model is asked, or the one that there is. Raises
    ``OnwardError`` when nothing is indexed, ``MissingExtra`` when the model is not installed.
    """
    if not query.strip() or not 1 <= k <= 100:
        raise InvalidValue("A search needs some words, and k from 1 to 100.")
    if source_id is not None:
        check_source_id(source_id)
    models = models or Models()
    chosen = dimension or _existing(backup_path, models)
    store = open_store(backup_path, chosen)
    if not store.exists():
        raise OnwardError(f"Nothing is indexed with {chosen} dimensions.", hint="Run the job index_offline first.")
    vector = choose(models, chosen).embed([query])[0]
    matches = store.nearest(vector, k * _PASSAGES_A_HIT, source_id)
    return _hits(matches, query, k, _Addresses(backup_path))


def _existing(backup_path: str | Path, models: Models) -> int:
    preferred = default_dimension(models)
    for dimension in (preferred, *EVERY):
        if open_store(backup_path, dimension).exists():
            return dimension
    return preferred


class _Addresses:
    """Where documents stand on the web, by the manifests of their sources, each read once."""

    def __init__(self, backup_path: str | Path) -> None:
        self._backup_path = backup_path
        self._manifests: dict[str, dict[str, Any]] = {}

    def of(self, match: Match) -> str:
        if match.source not in self._manifests:
            folder = SourceFolder(self._backup_path, match.source)
            self._manifests[match.source] = folder.read_json(MANIFEST) if folder.path.is_dir() else {}
        return address_in(self._manifests[match.source], match.url)


def _hits(matches: list[Match], query: str, k: int, addresses: _Addresses) -> list[Hit]:
    best: dict[tuple[str, str], Hit] = {}
    for match in matches:
        key = (match.source, match.document)
        if key not in best and len(best) < k:
            score = round(1 - match.distance, 4)
            best[key] = Hit(match.title, addresses.of(match), snippet(match.text, query), score, *key)
    return list(best.values())


def snippet(text: str, query: str, length: int = _SNIPPET) -> str:
    """The part of a text around the first word of the query that occurs in it."""
    if len(text) <= length:
        return text
    words = [re.escape(word) for word in re.findall(r"\w{3,}", query.lower())[:20]]
    found = re.search("|".join(words), text.lower()) if words else None
    start = max(0, (found.start() if found else 0) - length // 3)
    start = text.rfind(" ", 0, start) + 1 if start else 0
    end = text.rfind(" ", start, start + length)
    end = end if end > start else start + length
    return f"{'… ' if start else ''}{text[start:end]}{' …' if end < len(text) else ''}"
